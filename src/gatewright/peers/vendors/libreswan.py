"""Libreswan 4 and 5: ESP in the kernel, an XFRM interface a tunnel.

A secret that is not plain is written in hexadecimal (ipsec.secrets(5): a quoted one cannot have a double quote).
"""

from __future__ import annotations

from gatewright.peers.model import Peer, PeerTunnel
from gatewright.peers.writing import (
    CannotDo,
    Part,
    Vendor,
    addressed,
    block,
    distance,
    head,
    named,
    plain,
    simple,
    word,
)

_DEVICE = "Libreswan"
_ENCRYPTION = {"aes": "aes128", "aes192": "aes192", "aes256": "aes256", "3des": "3des"}
_AUTHENTICATION = {"md5": "md5", "sha1": "sha1", "sha256": "sha2_256", "sha384": "sha2_384", "sha512": "sha2_512"}
#: group1 is not in it, and group2 is not compiled in as it is shipped.
_GROUPS = {f"group{number}": f"dh{number}" for number in (5, 14, 19, 20, 21, 31)}
_VERSIONS = {"ikev1": "no", "ikev2": "insist"}
_MODES = {"main": "no", "aggressive": "yes"}


def secret(text: str) -> str:
    """A secret that is taken as it is."""
    return f'"{text}"' if simple(text) else "0x" + text.encode().hex()


def identity(text: str) -> str:
    """An identity; ``@`` before a name keeps it from being looked up."""
    name = named(text, _DEVICE)
    return name if addressed(name) or "@" in name else f"@{name}"


def _write(peer: Peer) -> list[Part]:
    for tunnel in peer.tunnels:
        if tunnel.ike.version == "ikev1" and len(peer.tunnels) > 1 and tunnel.psk != peer.tunnels[0].psk:
            _told_apart(peer)
    secrets = block(
        f"{identity(each.ike.local_id)} {identity(each.ike.remote_id)} : PSK {secret(each.psk)}"
        for each in peer.tunnels
    )
    return [
        Part("ipsec.conf", f"/etc/ipsec.d/{plain(peer.id)}.conf", head(VENDOR, peer) + "".join(_tunnels(peer))),
        Part("ipsec.secrets", f"/etc/ipsec.d/{plain(peer.id)}.secrets, mode 0600", head(VENDOR, peer) + secrets),
        Part("routes", "a script that runs at boot, after ipsec.service", _routes(peer)),
    ]


def _told_apart(peer: Peer) -> None:
    """Two tunnels with secrets of their own need identities of their own at the gateway."""
    if len({each.ike.remote_id for each in peer.tunnels}) < len(peer.tunnels):
        raise CannotDo("both tunnels have one RemoteId here, and Libreswan cannot tell which secret is whose")


def _tunnels(peer: Peer) -> list[str]:
    found = []
    for number, tunnel in peer.numbered:
        ike, ipsec = tunnel.ike, tunnel.ipsec
        lines = [
            "authby=secret",
            "auto=start",
            f"ikev2={word(_VERSIONS, ike.version, 'IKE version', _DEVICE)}",
            *([] if ike.version == "ikev2" else [f"aggressive={word(_MODES, ike.mode, 'IKE mode', _DEVICE)}"]),
            "left=%defaultroute",
            f"leftid={identity(ike.local_id)}",
            f"right={tunnel.remote_address}",
            f"rightid={identity(ike.remote_id)}",
            *_selectors(peer),
            f"ike={_proposal(ike.encryption, ike.authentication, ike.group)}",
            f"esp={_proposal(ipsec.encryption, ipsec.authentication, ipsec.group)}",
            f"pfs={'no' if ipsec.group == 'disabled' else 'yes'}",
            f"ikelifetime={ike.lifetime or 86400}s",
            f"salifetime={ipsec.lifetime or 86400}s",
            *(["dpddelay=10", "dpdtimeout=30", "dpdaction=restart"] if tunnel.dpd else []),
            f"ipsec-interface={number}",
            # the routes are our own: with 0.0.0.0/0 as selector it would send everything into the tunnel
            "leftupdown=%disabled",
        ]
        found.append(f"conn {plain(peer.id)}-{tunnel.role}\n{block(lines, 4)}")
    return found


def _selectors(peer: Peer) -> list[str]:
    def side(name: str, subnets: tuple[str, ...]) -> str:
        return f"{name}subnet={subnets[0]}" if len(subnets) == 1 else f"{name}subnets={{{' '.join(subnets)}}}"

    return [side("left", peer.local_subnets), side("right", peer.remote_subnets)]


def _proposal(encryption: str, authentication: str, group: str) -> str:
    words = (
        word(_ENCRYPTION, encryption, "encryption", _DEVICE),
        word(_AUTHENTICATION, authentication, "authentication", _DEVICE),
    )
    dh = "" if group == "disabled" else ";" + word(_GROUPS, group, "Diffie-Hellman group", _DEVICE)
    return "-".join(words) + dh


def _routes(peer: Peer) -> str:
    lines = []
    for number, tunnel in peer.numbered:
        lines += [f"ip link set ipsec{number} mtu 1400 up", *_inside(tunnel, number)]
        if tunnel.bgp is None:
            lines += [
                f"ip route replace {network} dev ipsec{number} metric {distance(tunnel)}"
                for network in peer.remote_networks
            ]
    if not peer.remote_networks:
        lines.append("# the connection does not say what is behind the gateway: ip route replace NETWORK dev ipsec1")
    if len(peer.tunnels) > 1 and not any(each.bgp for each in peer.tunnels):
        lines.append("# Nothing moves these routes when the master's tunnel falls: use BGP, or metrics of your own.")
    return f"#!/bin/sh -e\n{head(VENDOR, peer)}{block(lines)}"


def _inside(tunnel: PeerTunnel, number: int) -> list[str]:
    if tunnel.bgp is None:
        return []
    return [f"ip address replace {tunnel.bgp.local_address}/{tunnel.bgp.prefix} dev ipsec{number}"]


VENDOR = Vendor(
    "Libreswan 4",
    "#",
    _write,
    "read by Libreswan 4.10 (addconn --checkconfig), not run with a peer",
)
