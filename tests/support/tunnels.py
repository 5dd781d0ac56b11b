"""Tunnels to try planes with."""

from __future__ import annotations

from typing import Any

import msgspec

from gatewright.resources.tunnels import BgpSpec, HealthSpec, IkeSpec, IpsecSpec, SecretRef, TunnelSpec

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


def _ike(**changes: Any) -> dict[str, Any]:
    return {"ike": msgspec.structs.replace(TUNNEL.ike, **changes)}


def _ipsec(**changes: Any) -> dict[str, Any]:
    return {"ipsec": msgspec.structs.replace(TUNNEL.ipsec, **changes)}


#: Changes of :data:`TUNNEL` after which its ends have something else to agree upon.
NEGOTIATED: tuple[dict[str, Any], ...] = (
    {"peer": "198.51.100.9"},
    {"psk": SecretRef("tun-1", 2)},
    _ike(version="ikev1"),
    _ike(encryption="aes256"),
    _ike(authentication="sha1"),
    _ike(group="group2"),
    _ike(lifetime=3600),
    _ike(local_id="gw.example.com"),
    _ike(remote_id="device.example.com"),
    _ipsec(encryption="aes256gcm16"),
    _ipsec(authentication="sha1"),
    _ipsec(group="disabled"),
    _ipsec(lifetime=3600),
    {"local_subnets": ("10.0.0.0/8",)},
    {"remote_subnets": ("192.168.0.0/24",)},
    {"dpd": False},
)
#: Changes that the SAs that stand go on over.
NOT_NEGOTIATED: tuple[dict[str, Any], ...] = (
    # IKEv2 has no such choice
    _ike(mode="aggressive"),
    {"nat_traversal": False},
    {"initiate": True},
    {
        "bgp": BgpSpec(
            local_asn=65001,
            peer_asn=65010,
            network="169.254.1.0/30",
            local_address="169.254.1.1",
            peer_address="169.254.1.2",
        )
    },
    {"health": HealthSpec(source="10.0.0.1", destination="192.168.0.1", interval=3.0, retry=3)},
)
