"""VyOS 1.4 and later, as commands of its configuration mode.

Its command line is bash, so values stand in single quotes. A secret goes through to swanctl, which reads 0s as Base64;
what is not plain is written so (VyOS's ``swanctl.conf.j2`` puts it between double quotes as it is).
"""

from __future__ import annotations

import base64

from gatewright.peers.model import Peer, PeerBgp, PeerTunnel
from gatewright.peers.writing import (
    CannotDo,
    Part,
    Vendor,
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

_DEVICE = "VyOS"
_ENCRYPTION = {"aes": "aes128", "aes192": "aes192", "aes256": "aes256", "3des": "3des"} | {
    f"aes{bits}gcm16": f"aes{bits}gcm128" for bits in (128, 192, 256)
}
_AUTHENTICATION = {each: each for each in ("md5", "sha1", "sha256", "sha384", "sha512")}
_GROUPS = {f"group{number}": str(number) for number in (1, 2, 5, 14, 19, 20, 21, 24, 31)}
_VERSIONS = {each: each for each in ("ikev1", "ikev2")}
_MODES = {each: each for each in ("main", "aggressive")}


def secret(text: str) -> str:
    """A secret that is taken as it is."""
    if simple(text) and text[:2].lower() not in ("0x", "0s"):
        return f"'{text}'"
    return f"'0s{base64.b64encode(text.encode()).decode()}'"


def _write(peer: Peer) -> list[Part]:
    lines = [command for number, tunnel in peer.numbered for command in _tunnel(peer, tunnel, number)]
    sessions = [(number, each, each.bgp) for number, each in peer.numbered if each.bgp is not None]
    if sessions:
        lines += _bgp(peer, sessions)
    elif peer.remote_networks:
        lines += [
            f"set protocols static route {network} interface vti{number} distance {distance(tunnel)}"
            for number, tunnel in peer.numbered
            for network in peer.remote_networks
        ]
    else:
        lines.append("# the connection does not say what is behind the gateway: set protocols static route NETWORK ...")
    return [Part("commands", "configuration mode; then commit and save", head(VENDOR, peer) + block(lines))]


def _tunnel(peer: Peer, tunnel: PeerTunnel, number: int) -> list[str]:
    ike, ipsec = tunnel.ike, tunnel.ipsec
    local, remote = named(ike.local_id, _DEVICE), named(ike.remote_id, _DEVICE)
    name = link(number)
    esp_group, ike_group = f"set vpn ipsec esp-group {name}", f"set vpn ipsec ike-group {name}"
    psk, site = f"set vpn ipsec authentication psk {name}", f"set vpn ipsec site-to-site peer {name}"
    pfs = "disable" if ipsec.group == "disabled" else f"dh-group{_group(ipsec.group)}"
    lines = [f"set interfaces vti vti{number} mtu 1400"]
    if tunnel.bgp is not None:
        lines.append(f"set interfaces vti vti{number} address {tunnel.bgp.local_address}/{tunnel.bgp.prefix}")
    lines += [
        f"{ike_group} key-exchange {word(_VERSIONS, ike.version, 'IKE version', _DEVICE)}",
        *([f"{ike_group} mode {word(_MODES, ike.mode, 'IKE mode', _DEVICE)}"] if ike.version == "ikev1" else []),
        *([f"{ike_group} disable-mobike"] if ike.version == "ikev2" else []),
        f"{ike_group} lifetime {seconds(ike.lifetime, 30, 86400)}",
        f"{ike_group} close-action start",
        f"{ike_group} proposal 1 encryption {word(_ENCRYPTION, ike.encryption, 'encryption', _DEVICE)}",
        f"{ike_group} proposal 1 hash {word(_AUTHENTICATION, ike.authentication, 'authentication', _DEVICE)}",
        f"{ike_group} proposal 1 dh-group {_group(ike.group)}",
    ]
    if tunnel.dpd:
        detection = f"{ike_group} dead-peer-detection"
        lines += [f"{detection} action restart", f"{detection} interval 10", f"{detection} timeout 30"]
    lines += [
        f"{esp_group} lifetime {seconds(ipsec.lifetime, 30, 86400)}",
        f"{esp_group} mode tunnel",
        f"{esp_group} pfs {pfs}",
        f"{esp_group} proposal 1 encryption {word(_ENCRYPTION, ipsec.encryption, 'encryption', _DEVICE)}",
        f"{esp_group} proposal 1 hash {word(_AUTHENTICATION, ipsec.authentication, 'authentication', _DEVICE)}",
        f"{psk} id {local}",
        f"{psk} id {remote}",
        f"{psk} secret {secret(tunnel.psk)}",
        f"{site} authentication mode pre-shared-secret",
        f"{site} authentication local-id {local}",
        f"{site} authentication remote-id {remote}",
        f"{site} connection-type initiate",
        f"{site} ike-group {name}",
        f"{site} local-address any",
        f"{site} remote-address {tunnel.remote_address}",
        f"{site} vti bind vti{number}",
        f"{site} vti esp-group {name}",
    ]
    return lines if peer.routed else lines + _selectors(peer, tunnel, site, name)


def _selectors(peer: Peer, tunnel: PeerTunnel, site: str, group: str) -> list[str]:
    """A CHILD SA for all subnets with IKEv2, and one for each pair with IKEv1."""
    apart = tunnel.ike.version == "ikev1"
    lines = []
    for index, (local, remote) in enumerate(peer.pairs if apart else [("", "")], 1):
        child = f"{site} tunnel {index}"
        lines.append(f"{child} esp-group {group}")
        lines += [f"{child} local prefix {each}" for each in ([local] if apart else peer.local_subnets)]
        lines += [f"{child} remote prefix {each}" for each in ([remote] if apart else peer.remote_subnets)]
    return lines


def _group(group: str) -> str:
    return word(_GROUPS, group, "Diffie-Hellman group", _DEVICE)


def _bgp(peer: Peer, sessions: list[tuple[int, PeerTunnel, PeerBgp]]) -> list[str]:
    lines = [f"set protocols bgp system-as {sessions[0][2].local_asn}"]
    for number, tunnel, bgp in sessions:
        neighbor, bfd = (
            f"set protocols bgp neighbor {bgp.remote_address}",
            f"set protocols bfd peer {bgp.remote_address}",
        )
        lines += [
            f"{bfd} source address {bgp.local_address}",
            f"{bfd} interval multiplier 3",
            f"{bfd} interval receive 100",
            f"{bfd} interval transmit 100",
            f"set policy route-map {link(number)}-in rule 10 action permit",
            f"set policy route-map {link(number)}-in rule 10 set local-preference {local_preference(tunnel)}",
            f"{neighbor} remote-as {bgp.remote_asn}",
            f"{neighbor} bfd",
            f"{neighbor} address-family ipv4-unicast route-map import {link(number)}-in",
            *([f"{neighbor} password {_password(bgp.key)}"] if bgp.key else []),
        ]
    ours = [f"set protocols bgp address-family ipv4-unicast network {network}" for network in peer.local_networks]
    return lines + (ours or ["# the connection does not say what is behind this device: set protocols bgp ... network"])


def _password(key: str) -> str:
    if not simple(key):
        raise CannotDo("VyOS hands BGP's key on unquoted: give the customer gateway an AuthKey of letters and digits")
    return f"'{key}'"


VENDOR = Vendor("VyOS 1.4 and later", "#", _write)
