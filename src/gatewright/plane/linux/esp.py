"""Which of the two ways to carry ESP this host has: in the kernel, or in charon itself over a TUN device.

The choice is made by trying, not by version: a kernel may take policies and still have no ESP.
"""

from __future__ import annotations

import enum
import functools
import socket
import subprocess
from pathlib import Path

from gatewright.isolation.view import TUN, Device
from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import netns
from gatewright.plane.linux.failures import step

_STATE = "xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi"
#: What tunnels use if nothing else is said, and the best that they can: with it the kernel has loaded their modules.
_TRIAL = (
    "link add trial type xfrm if_id 1\n"
    f"{_STATE} 0x100 mode tunnel aead rfc4106(gcm(aes)) 0x{'00' * 20} 128\n"
    f"{_STATE} 0x101 mode tunnel auth-trunc hmac(sha256) 0x{'00' * 32} 128 enc cbc(aes) 0x{'00' * 16}\n"
)
#: A first state loads modules, each by a program of its own: seconds on a busy machine.
_SECONDS = 30
_FLUSH = "xfrm state flush\nxfrm policy flush\n"


class Backend(enum.StrEnum):
    """How packets are encrypted."""

    #: The kernel's ESP and XFRM interfaces: the one for production.
    KERNEL = "kernel"
    #: charon's kernel-libipsec plugin, for hosts whose kernel has no ESP.
    USERSPACE = "userspace"

    @property
    def plugins(self) -> tuple[str, ...]:
        """charon's plugins that talk to the kernel; the first that offers a feature is the one used."""
        return ("kernel-netlink",) if self is Backend.KERNEL else ("kernel-libipsec", "kernel-netlink")

    @property
    def devices(self) -> tuple[Device, ...]:
        """What charon opens that root alone may open on most hosts."""
        return () if self is Backend.KERNEL else (TUN,)


@functools.cache
def backend() -> Backend:
    """The best way this host has, tried once in a namespace that is thrown away. Raises PlaneError."""
    with step("trying what ESP this kernel has"), netns.temporary():
        if _ip(_TRIAL):
            return Backend.KERNEL
    if Path("/dev/net/tun").exists():
        return Backend.USERSPACE
    raise PlaneError(
        "this host can carry no ESP: its kernel has neither ESP with XFRM interfaces"
        " (modprobe esp4 xfrm_interface) nor /dev/net/tun (modprobe tun)"
    )


def flush() -> None:
    """Remove all ESP state and policies of the calling thread's namespace.

    A charon that was killed leaves them in the kernel, where they go on passing traffic, and the next one
    does not remove them. Raises PlaneError.
    """
    if _has_xfrm() and not _ip(_FLUSH):
        raise PlaneError("flushing XFRM state and policies failed: run `ip xfrm state flush` to see why")


def _has_xfrm() -> bool:
    try:
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_XFRM).close()
    except OSError:
        return False
    return True


def _ip(batch: str) -> bool:
    """Run iproute2 commands in the calling thread's namespace; False if one of them failed."""
    with step("running ip, of the package iproute2"):
        try:
            done = subprocess.run(
                ["ip", "-batch", "-"],  # noqa: S607 - the host's own, wherever its distribution puts it
                input=batch.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise PlaneError(f"ip, of the package iproute2, did not end within {_SECONDS} s") from error
    return done.returncode == 0
