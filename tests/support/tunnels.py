"""Tunnels to try planes with."""

from __future__ import annotations

from typing import Any

import msgspec

from gatewright.resources.tunnels import IkeSpec, IpsecSpec, SecretRef, TunnelSpec

TUNNEL = TunnelSpec(
    id="tun-1",
    connection_id="vco-1",
    number=1,
    role="master",
    peer="198.51.100.2",
    psk=SecretRef("tun-1", 1),
    ike=IkeSpec(
        version="ikev2",
        mode="main",
        encryption="aes",
        authentication="sha256",
        group="group14",
        lifetime=86400,
        local_id="198.18.0.2",
        remote_id="198.51.100.2",
    ),
    ipsec=IpsecSpec(encryption="aes", authentication="sha256", group="group14", lifetime=86400),
    local_subnets=("10.0.0.0/16",),
    remote_subnets=("192.168.0.0/16",),
)


def tunnel(tunnel_id: str, number: int, **changes: Any) -> TunnelSpec:
    """A tunnel of an instance, by default one of a connection of its own."""
    changes = {"connection_id": f"vco-{number}", "psk": SecretRef(tunnel_id, 1), **changes}
    return msgspec.structs.replace(TUNNEL, id=tunnel_id, number=number, **changes)
