"""Junos on SRX, as commands of its configuration mode: a unit of st0 a tunnel.

A secret that is not plain is written in hexadecimal.
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
    named,
    seconds,
    simple,
    word,
)

_DEVICE = "Junos"
_IKE = {
    "aes": "aes-128-cbc",
    "aes192": "aes-192-cbc",
    "aes256": "aes-256-cbc",
    "des": "des-cbc",
    "3des": "3des-cbc",
}
_HASHES = {"md5": "md5", "sha1": "sha1", "sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512"}
_HMACS = {
    "md5": "hmac-md5-96",
    "sha1": "hmac-sha1-96",
    "sha256": "hmac-sha-256-128",
    "sha384": "hmac-sha-384",
    "sha512": "hmac-sha-512",
}
_GROUPS = {each: each for each in ("group1", "group2", "group5", "group14", "group19", "group20", "group24")}
_VERSIONS = {"ikev1": "v1-only", "ikev2": "v2-only"}
_MODES = {each: each for each in ("main", "aggressive")}
_OUTSIDE = "ge-0/0/0.0"


def secret(text: str) -> str:
    """A secret that is taken as it is."""
    return f'ascii-text "{text}"' if simple(text) else f"hexadecimal {text.encode().hex()}"


def _write(peer: Peer) -> list[Part]:
    lines = [
        f"# Put your own outside interface for {_OUTSIDE}, and your own zones for trust and untrust.",
        f"set security zones security-zone untrust interfaces {_OUTSIDE} host-inbound-traffic system-services ike",
    ]
    for number, tunnel in peer.numbered:
        lines += _tunnel(peer, tunnel, number)
    for pair in ("from-zone trust to-zone gatewright", "from-zone gatewright to-zone trust"):
        policy = f"set security policies {pair} policy gatewright"
        lines += [f"{policy} match {what} any" for what in ("source-address", "destination-address", "application")]
        lines.append(f"{policy} then permit")
    sessions = [(number, each, each.bgp) for number, each in peer.numbered if each.bgp is not None]
    lines += _bgp(peer, sessions) if sessions else _static(peer)
    return [Part("commands", "configuration mode (configure); then commit", head(VENDOR, peer) + block(lines))]


def _tunnel(peer: Peer, tunnel: PeerTunnel, number: int) -> list[str]:
    ike, ipsec, name, unit = tunnel.ike, tunnel.ipsec, link(number), f"st0.{number}"
    proposal, gateway = f"set security ike proposal {name}", f"set security ike gateway {name}"
    policy, esp = f"set security ike policy {name}", f"set security ipsec proposal {name}"
    vpn = f"set security ipsec vpn {name}"
    inside = f"set interfaces st0 unit {number} family inet"
    zone = f"set security zones security-zone gatewright interfaces {unit} host-inbound-traffic"
    lines = [
        f"{proposal} authentication-method pre-shared-keys",
        f"{proposal} dh-group {_group(ike.group)}",
        f"{proposal} authentication-algorithm {word(_HASHES, ike.authentication, 'authentication', _DEVICE)}",
        f"{proposal} encryption-algorithm {word(_IKE, ike.encryption, 'encryption', _DEVICE)}",
        f"{proposal} lifetime-seconds {seconds(ike.lifetime, 180, 86400)}",
        *([f"{policy} mode {word(_MODES, ike.mode, 'IKE mode', _DEVICE)}"] if ike.version == "ikev1" else []),
        f"{policy} proposals {name}",
        f"{policy} pre-shared-key {secret(tunnel.psk)}",
        f"{gateway} ike-policy {name}",
        f"{gateway} address {tunnel.remote_address}",
        f"{gateway} local-identity {_identity(ike.local_id)}",
        f"{gateway} remote-identity {_identity(ike.remote_id)}",
        f"{gateway} external-interface {_OUTSIDE}",
        f"{gateway} version {word(_VERSIONS, ike.version, 'IKE version', _DEVICE)}",
        *([] if tunnel.nat_traversal else [f"{gateway} no-nat-traversal"]),
    ]
    if tunnel.dpd:
        detection = f"{gateway} dead-peer-detection"
        lines += [f"{detection} always-send", f"{detection} interval 10", f"{detection} threshold 3"]
    if ipsec.group != "disabled":
        lines.append(f"set security ipsec policy {name} perfect-forward-secrecy keys {_group(ipsec.group)}")
    lines += [
        f"{esp} protocol esp",
        f"{esp} authentication-algorithm {word(_HMACS, ipsec.authentication, 'authentication', _DEVICE)}",
        f"{esp} encryption-algorithm {word(_IKE, ipsec.encryption, 'encryption', _DEVICE)}",
        f"{esp} lifetime-seconds {seconds(ipsec.lifetime, 180, 86400)}",
        f"set security ipsec policy {name} proposals {name}",
        f"{vpn} bind-interface {unit}",
        f"{vpn} ike gateway {name}",
        f"{vpn} ike ipsec-policy {name}",
        f"{vpn} establish-tunnels immediately",
        f"{inside} mtu 1400",
        f"{zone} system-services ping",
    ]
    if not peer.routed:
        # with them come the routes
        lines += [
            f"{vpn} traffic-selector ts{index} local-ip {local} remote-ip {remote}"
            for index, (local, remote) in enumerate(peer.pairs, 1)
        ]
    if tunnel.bgp is not None:
        lines += [f"{inside} address {tunnel.bgp.local_address}/{tunnel.bgp.prefix}"]
        lines += [f"{zone} protocols {each}" for each in ("bgp", "bfd")]
    return lines


def _identity(identity: str) -> str:
    name = named(identity, _DEVICE)
    if addressed(name):
        return f"inet {name}"
    return f"user-at-hostname {name}" if "@" in name else f"hostname {name}"


def _group(group: str) -> str:
    return word(_GROUPS, group, "Diffie-Hellman group", _DEVICE)


def _static(peer: Peer) -> list[str]:
    if not peer.routed:
        return []
    lines = [
        f"set routing-options static route {network} qualified-next-hop st0.{number} preference {distance(tunnel)}"
        for number, tunnel in peer.numbered
        for network in peer.remote_networks
    ]
    return lines or ["# The connection does not say what is behind the gateway: set routing-options static route ..."]


def _bgp(peer: Peer, sessions: list[tuple[int, PeerTunnel, PeerBgp]]) -> list[str]:
    lines = [f"set routing-options autonomous-system {sessions[0][2].local_asn}"]
    for number, tunnel, bgp in sessions:
        name = link(number)
        session = f"set protocols bgp group {name} neighbor {bgp.remote_address}"
        lines += [
            f"set policy-options policy-statement {name}-in then local-preference {local_preference(tunnel)}",
            f"set policy-options policy-statement {name}-in then accept",
            f"set protocols bgp group {name} type external",
            f"set protocols bgp group {name} export gatewright-out",
            f"{session} peer-as {bgp.remote_asn}",
            f"{session} local-address {bgp.local_address}",
            f"{session} import {name}-in",
            f"{session} hold-time 9",
            # an SRX is told to take no less
            f"{session} bfd-liveness-detection minimum-interval 300",
            f"{session} bfd-liveness-detection multiplier 3",
            *([f'{session} authentication-key "{_password(bgp.key)}"'] if bgp.key else []),
        ]
    out = "set policy-options policy-statement gatewright-out"
    lines += [f"{out} term ours from route-filter {network} exact" for network in peer.local_networks]
    if not peer.local_networks:
        lines.append("# The connection does not say what is behind this device: ... from route-filter NETWORK exact")
        lines.append(f"{out} term ours from protocol direct")
    return [*lines, f"{out} term ours then accept", f"{out} term rest then reject"]


def _password(key: str) -> str:
    if not simple(key):
        raise CannotDo("what Junos makes of this key of BGP's is not known: give the customer gateway another AuthKey")
    return key


VENDOR = Vendor("Junos 20.4 and later on SRX", "#", _write)
