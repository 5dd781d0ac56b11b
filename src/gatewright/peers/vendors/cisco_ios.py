"""Cisco IOS XE, as lines of its configuration mode: IKEv2 or IKEv1, a tunnel interface (SVTI) a tunnel.

IOS has no quoting: a value is the rest of its word, and ``?`` asks for help where it is pasted. A key that is not plain
is written in hexadecimal, which only IKEv2's keyrings take.
"""

from __future__ import annotations

from gatewright.peers.model import Peer, PeerBgp, PeerTunnel
from gatewright.peers.writing import (
    CannotDo,
    Part,
    Vendor,
    addressed,
    block,
    distance,
    head,
    link,
    local_preference,
    mask,
    named,
    seconds,
    simple,
    word,
)

_DEVICE = "IOS XE"
_IKEV2 = {"aes": "aes-cbc-128", "aes192": "aes-cbc-192", "aes256": "aes-cbc-256", "des": "des", "3des": "3des"}
_IKEV1 = {"aes": "aes", "aes192": "aes 192", "aes256": "aes 256", "des": "des", "3des": "3des"}
_ESP = {"aes": "esp-aes", "aes192": "esp-aes 192", "aes256": "esp-aes 256", "des": "esp-des", "3des": "esp-3des"}
_INTEGRITY = {each: each for each in ("md5", "sha1", "sha256", "sha384", "sha512")}
_HASHES = _INTEGRITY | {"sha1": "sha"}
_HMACS = {"md5": "esp-md5-hmac", "sha1": "esp-sha-hmac"} | {
    each: f"esp-{each}-hmac" for each in ("sha256", "sha384", "sha512")
}
_GROUPS = {f"group{number}": str(number) for number in (1, 2, 5, 14, 19, 20, 21, 24)}
_VERSIONS = {"ikev1": "1", "ikev2": "2"}
_MODES = {each: each for each in ("main", "aggressive")}
#: The outside interface, for the reader to replace.
_OUTSIDE = "GigabitEthernet1"


def _write(peer: Peer) -> list[Part]:
    lines = [f"! Put the name of your own outside interface for {_OUTSIDE}."]
    for number, tunnel in peer.numbered:
        version = word(_VERSIONS, tunnel.ike.version, "IKE version", _DEVICE)
        lines += _ikev2(tunnel, link(number)) if version == "2" else _ikev1(tunnel, link(number), number)
        lines += _esp(tunnel, link(number), version) + _interface(peer, tunnel, number)
    modern = [link(number) for number, each in peer.numbered if each.ike.version == "ikev2"]
    if modern:
        # of several policies that fit, one is used: all proposals are in one
        lines += ["! If you have an ikev2 policy already, add these proposals to it instead."]
        lines += [f"crypto ikev2 policy {modern[0]}", *(f" proposal {name}" for name in modern), " exit"]
    sessions = [(number, each, each.bgp) for number, each in peer.numbered if each.bgp is not None]
    lines += _bgp(peer, sessions) if sessions else _static(peer)
    return [Part("configuration", "configure terminal; then end and write memory", head(VENDOR, peer) + block(lines))]


def _ikev2(tunnel: PeerTunnel, name: str) -> list[str]:
    ike = tunnel.ike
    plain = simple(tunnel.psk)
    return [
        f"crypto ikev2 proposal {name}",
        f" encryption {word(_IKEV2, ike.encryption, 'encryption', _DEVICE)}",
        f" integrity {word(_INTEGRITY, ike.authentication, 'authentication', _DEVICE)}",
        f" group {_group(ike.group)}",
        f"crypto ikev2 keyring {name}",
        f" peer {name}",
        f"  address {tunnel.remote_address}",
        f"  pre-shared-key {'' if plain else 'hex '}{tunnel.psk if plain else tunnel.psk.encode().hex()}",
        f"crypto ikev2 profile {name}",
        f" match identity remote {_identity(ike.remote_id, ' 255.255.255.255')}",
        f" identity local {_identity(ike.local_id)}",
        " authentication remote pre-share",
        " authentication local pre-share",
        f" keyring local {name}",
        f" lifetime {seconds(ike.lifetime, 120, 86400)}",
        *([" dpd 10 3 periodic"] if tunnel.dpd else []),
    ]


def _identity(identity: str, netmask: str = "") -> str:
    name = named(identity, _DEVICE)
    if addressed(name):
        return f"address {name}{netmask}"
    return f"email {name}" if "@" in name else f"fqdn {name}"


def _ikev1(tunnel: PeerTunnel, name: str, number: int) -> list[str]:
    ike = tunnel.ike
    if "?" in tunnel.psk:
        raise CannotDo("IOS takes a ? in an IKEv1 key for a question: use IKEv2, or another Psk")
    local, remote = named(ike.local_id, _DEVICE), named(ike.remote_id, _DEVICE)
    if not addressed(local) and "@" not in local:
        raise CannotDo("IOS cannot send a name that is not its own as identity with IKEv1: use IKEv2, or an address")
    aggressive = word(_MODES, ike.mode, "IKE mode", _DEVICE) == "aggressive"
    return [
        f"crypto isakmp policy {200 + number}",
        f" encryption {word(_IKEV1, ike.encryption, 'encryption', _DEVICE)}",
        f" hash {word(_HASHES, ike.authentication, 'authentication', _DEVICE)}",
        " authentication pre-share",
        f" group {_group(ike.group)}",
        f" lifetime {seconds(ike.lifetime, 60, 86400)}",
        f"crypto keyring {name}",
        f" pre-shared-key address {tunnel.remote_address} key {tunnel.psk}",
        f"crypto isakmp profile {name}",
        f" keyring {name}",
        f" self-identity {'address' if addressed(local) else f'user-fqdn {local}'}",
        f" match identity {f'address {remote} 255.255.255.255' if addressed(remote) else f'host {remote}'}",
        *([" keepalive 10 retry 3"] if tunnel.dpd else []),
        *([" initiate mode aggressive"] if aggressive else []),
    ]


def _esp(tunnel: PeerTunnel, name: str, version: str) -> list[str]:
    ipsec = tunnel.ipsec
    encryption = word(_ESP, ipsec.encryption, "encryption", _DEVICE)
    return [
        f"crypto ipsec transform-set {name} {encryption} "
        f"{word(_HMACS, ipsec.authentication, 'authentication', _DEVICE)}",
        " mode tunnel",
        f"crypto ipsec profile {name}",
        f" set transform-set {name}",
        *([] if ipsec.group == "disabled" else [f" set pfs group{_group(ipsec.group)}"]),
        f" set security-association lifetime seconds {seconds(ipsec.lifetime, 120, 86400)}",
        f" set {'ikev2-profile' if version == '2' else 'isakmp-profile'} {name}",
    ]


def _group(group: str) -> str:
    return word(_GROUPS, group, "Diffie-Hellman group", _DEVICE)


def _interface(peer: Peer, tunnel: PeerTunnel, number: int) -> list[str]:
    name = link(number)
    lines = []
    if not peer.routed:
        # several selectors on one interface: "IPsec multi-SA for VTI"
        lines += [f"ip access-list extended {name}"]
        for local, remote in peer.pairs:
            (source, _, source_wildcard), (destination, _, wildcard) = mask(local), mask(remote)
            lines.append(f" permit ip {source} {source_wildcard} {destination} {wildcard}")
    bgp = tunnel.bgp
    address = f"address {bgp.local_address} {mask(f'0.0.0.0/{bgp.prefix}')[1]}" if bgp else f"unnumbered {_OUTSIDE}"
    lines += [
        f"interface Tunnel{number}",
        f" description {tunnel.role}",
        f" ip {address}",
        " ip mtu 1400",
        " ip tcp adjust-mss 1360",
        *([" bfd interval 100 min_rx 100 multiplier 3"] if bgp else []),
        f" tunnel source {_OUTSIDE}",
        " tunnel mode ipsec ipv4",
        f" tunnel destination {tunnel.remote_address}",
        *([] if peer.routed else [f" tunnel protection ipsec policy ipv4 {name}"]),
        f" tunnel protection ipsec profile {name}",
        " no shutdown",
        " exit",
    ]
    return lines


def _static(peer: Peer) -> list[str]:
    lines = []
    for number, tunnel in peer.numbered:
        for network in peer.remote_networks:
            address, netmask, _ = mask(network)
            lines.append(f"ip route {address} {netmask} Tunnel{number} {distance(tunnel)}")
    return lines or ["! The connection does not say what is behind the gateway: ip route NETWORK MASK Tunnel1"]


def _bgp(peer: Peer, sessions: list[tuple[int, PeerTunnel, PeerBgp]]) -> list[str]:
    lines = []
    for number, tunnel, _ in sessions:
        lines += [
            f"route-map {link(number)}-in permit 10",
            f" set local-preference {local_preference(tunnel)}",
            " exit",
        ]
    lines.append(f"router bgp {sessions[0][2].local_asn}")
    for _, _, bgp in sessions:
        neighbor = f" neighbor {bgp.remote_address}"
        lines += [
            f"{neighbor} remote-as {bgp.remote_asn}",
            f"{neighbor} timers 3 9",
            f"{neighbor} fall-over bfd",
            *([f"{neighbor} password {bgp.key}"] if bgp.key else []),
        ]
    lines.append(" address-family ipv4")
    for network in peer.local_networks:
        address, netmask, _ = mask(network)
        lines.append(f"  network {address} mask {netmask}")
    if not peer.local_networks:
        lines.append(
            "  ! The connection does not say what is behind this device: network 192.168.0.0 mask 255.255.255.0"
        )
    for number, _, bgp in sessions:
        lines += [f"  neighbor {bgp.remote_address} activate"]
        lines += [f"  neighbor {bgp.remote_address} route-map {link(number)}-in in"]
    return [*lines, " exit-address-family", " exit"]


VENDOR = Vendor("Cisco IOS XE 16.12 and later", "!", _write)
