"""FRR 8 and later beside an IPsec daemon: BGP and BFD, or static routes, over the tunnels' interfaces.

vtysh has no quoting: a value is the rest of its line.
"""

from __future__ import annotations

from gatewright.peers.model import Peer, PeerBgp, PeerTunnel
from gatewright.peers.writing import Part, Vendor, block, distance, head, link, local_preference


def _write(peer: Peer) -> list[Part]:
    sessions = [(number, each, each.bgp) for number, each in peer.numbered if each.bgp is not None]
    told = [
        "! FRR carries no IPsec. The interfaces gw1, gw2 are those of --vendor strongswan, with their addresses.",
    ]
    body = _bgp(peer, sessions) if sessions else _static(peer)
    return [
        Part("frr.conf", "/etc/frr/frr.conf; bgpd=yes and bfdd=yes in daemons", head(VENDOR, peer) + block(told + body))
    ]


def _static(peer: Peer) -> list[str]:
    found = [
        f"ip route {network} {link(number)} {distance(tunnel)}"
        for number, tunnel in peer.numbered
        for network in peer.remote_networks
    ]
    return found or ["! the connection does not say what is behind the gateway: ip route NETWORK gw1"]


def _bgp(peer: Peer, sessions: list[tuple[int, PeerTunnel, PeerBgp]]) -> list[str]:
    first = sessions[0][2]
    lines = ["bfd"]
    for number, _, bgp in sessions:
        lines += [
            f" peer {bgp.remote_address} local-address {bgp.local_address} interface {link(number)}",
            "  detect-multiplier 3",
            "  receive-interval 100",
            "  transmit-interval 100",
            " exit",
        ]
    lines += [
        "exit",
        f"router bgp {first.local_asn}",
        f" bgp router-id {first.local_address}",
        " no bgp ebgp-requires-policy",
        " no bgp network import-check",
    ]
    for _, _, bgp in sessions:
        neighbor = f" neighbor {bgp.remote_address}"
        lines += [f"{neighbor} remote-as {bgp.remote_asn}", f"{neighbor} bfd", f"{neighbor} timers 3 9"]
        lines += [f"{neighbor} password {bgp.key}"] if bgp.key else []
    lines.append(" address-family ipv4 unicast")
    lines += [f"  network {network}" for network in peer.local_networks] or [
        "  ! the connection does not say what is behind this device: network 192.168.0.0/24",
    ]
    lines += [f"  neighbor {bgp.remote_address} route-map {link(number)}-in in" for number, _, bgp in sessions]
    lines += [" exit-address-family", "exit"]
    for number, tunnel, _ in sessions:
        lines += [
            f"route-map {link(number)}-in permit 10",
            f" set local-preference {local_preference(tunnel)}",
            "exit",
        ]
    return lines


VENDOR = Vendor(
    "FRR 8 and later, beside an IPsec daemon",
    "!",
    _write,
    "read by FRR 8.4.4 (vtysh -C), not run with a peer",
)
