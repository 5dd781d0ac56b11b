"""Kernel settings of the calling thread's network namespace."""

from __future__ import annotations

from pathlib import Path

_NET = Path("/proc/sys/net")


def quiet_ipv6(interface: str) -> None:
    """No IPv6 on an interface (or on ``all``), and with that no link-local address. Raises OSError."""
    if (_NET / "ipv6").is_dir():  # a kernel without IPv6 is quiet already
        _set(f"ipv6/conf/{interface}/disable_ipv6", "1")


def announce_addresses() -> None:
    """New interfaces tell their neighbours their addresses when they come up or get a hardware address.

    An address that was another gateway's is reached at once, not when neighbours' ARP entries expire.
    Raises OSError.
    """
    _set("ipv4/conf/default/arp_notify", "1")


def _set(name: str, value: str) -> None:
    path = _NET / name
    if path.read_text().strip() != value:
        path.write_text(value)
