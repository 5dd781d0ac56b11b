"""FortiGate (FortiOS 7), as commands of its CLI: an interface a tunnel.

A secret that is not plain, or begins with 0x, is written in hexadecimal, which ``psksecret`` takes after 0x.
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

_DEVICE = "FortiOS"
_ENCRYPTION = {"aes": "aes128", "aes192": "aes192", "aes256": "aes256", "des": "des", "3des": "3des"}
_AUTHENTICATION = {each: each for each in ("md5", "sha1", "sha256", "sha384", "sha512")}
_GROUPS = {f"group{number}": str(number) for number in (1, 2, 5, 14, 19, 20, 21, 31)}
_VERSIONS = {"ikev1": "1", "ikev2": "2"}
_MODES = {each: each for each in ("main", "aggressive")}
_OUTSIDE = "wan1"
_INSIDE = "internal"
#: FortiOS takes no shorter key.
_SHORTEST = 6


def secret(text: str) -> str:
    """A secret that is taken as it is. Raises CannotDo."""
    if len(text) < _SHORTEST:
        raise CannotDo(f"FortiOS takes no pre-shared key of less than {_SHORTEST} characters: set a longer Psk")
    return f'"{text}"' if simple(text) and text[:2].lower() != "0x" else "0x" + text.encode().hex()


def _write(peer: Peer) -> list[Part]:
    lines = [f"# Put your own interfaces for {_OUTSIDE} (outside) and {_INSIDE} (inside)."]
    for number, tunnel in peer.numbered:
        lines += _phase1(tunnel, link(number)) + _phase2(peer, tunnel, link(number))
        lines += _interface(tunnel, link(number))
    lines += _policies(peer)
    sessions = [(number, each, each.bgp) for number, each in peer.numbered if each.bgp is not None]
    lines += _bgp(peer, sessions) if sessions else _static(peer)
    return [Part("commands", "the CLI", head(VENDOR, peer) + block(lines))]


def _table(path: str, entries: list[tuple[str, list[str]]]) -> list[str]:
    lines = [f"config {path}"]
    for name, settings in entries:
        lines += [f"    edit {name}", *(f"        {setting}" for setting in settings), "    next"]
    return [*lines, "end"]


def _phase1(tunnel: PeerTunnel, name: str) -> list[str]:
    ike = tunnel.ike
    local, remote = named(ike.local_id, _DEVICE), named(ike.remote_id, _DEVICE)
    version = word(_VERSIONS, ike.version, "IKE version", _DEVICE)
    kind = "address" if addressed(local) else "user-fqdn" if "@" in local else "fqdn"
    settings = [
        f'set interface "{_OUTSIDE}"',
        f"set ike-version {version}",
        *([f"set mode {word(_MODES, ike.mode, 'IKE mode', _DEVICE)}"] if version == "1" else []),
        f"set remote-gw {tunnel.remote_address}",
        *(["set peertype any"] if addressed(remote) else ["set peertype one", f'set peerid "{remote}"']),
        "set net-device disable",
        f"set proposal {_proposal(ike.encryption, ike.authentication)}",
        f"set dhgrp {_group(ike.group)}",
        f"set keylife {seconds(ike.lifetime, 120, 172800)}",
        f"set localid-type {kind}",
        f'set localid "{local}"',
        f"set nattraversal {'enable' if tunnel.nat_traversal else 'disable'}",
        *(
            ["set dpd on-idle", "set dpd-retryinterval 10", "set dpd-retrycount 3"]
            if tunnel.dpd
            else ["set dpd disable"]
        ),
        f"set psksecret {secret(tunnel.psk)}",
    ]
    return _table("vpn ipsec phase1-interface", [(f'"{name}"', settings)])


def _phase2(peer: Peer, tunnel: PeerTunnel, name: str) -> list[str]:
    ipsec = tunnel.ipsec
    entries = []
    for index, (local, remote) in enumerate(peer.pairs, 1):
        (source, source_mask, _), (destination, destination_mask, _) = mask(local), mask(remote)
        settings = [
            f'set phase1name "{name}"',
            f"set proposal {_proposal(ipsec.encryption, ipsec.authentication)}",
            *(
                ["set pfs disable"]
                if ipsec.group == "disabled"
                else ["set pfs enable", f"set dhgrp {_group(ipsec.group)}"]
            ),
            f"set keylifeseconds {seconds(ipsec.lifetime, 120, 172800)}",
            "set auto-negotiate enable",
            f"set src-subnet {source} {source_mask}",
            f"set dst-subnet {destination} {destination_mask}",
        ]
        entries.append((f'"{name}-{index}"', settings))
    return _table("vpn ipsec phase2-interface", entries)


def _proposal(encryption: str, authentication: str) -> str:
    return (
        f"{word(_ENCRYPTION, encryption, 'encryption', _DEVICE)}-"
        f"{word(_AUTHENTICATION, authentication, 'authentication', _DEVICE)}"
    )


def _group(group: str) -> str:
    return word(_GROUPS, group, "Diffie-Hellman group", _DEVICE)


def _interface(tunnel: PeerTunnel, name: str) -> list[str]:
    if tunnel.bgp is None:
        return []
    settings = [
        f"set ip {tunnel.bgp.local_address} 255.255.255.255",
        f"set remote-ip {tunnel.bgp.remote_address} {mask(f'0.0.0.0/{tunnel.bgp.prefix}')[1]}",
        "set allowaccess ping",
        "set bfd enable",
        "set bfd-desired-min-tx 100",
        "set bfd-required-min-rx 100",
        "set bfd-detect-mult 3",
    ]
    return _table("system interface", [(f'"{name}"', settings)])


def _policies(peer: Peer) -> list[str]:
    entries = []
    for number, _ in peer.numbered:
        for source, destination in ((_INSIDE, link(number)), (link(number), _INSIDE)):
            settings = [
                f'set name "{source}-{destination}"',
                f'set srcintf "{source}"',
                f'set dstintf "{destination}"',
                'set srcaddr "all"',
                'set dstaddr "all"',
                "set action accept",
                'set schedule "always"',
                'set service "ALL"',
            ]
            entries.append(("0", settings))
    return _table("firewall policy", entries)


def _static(peer: Peer) -> list[str]:
    entries = []
    for number, tunnel in peer.numbered:
        for network in peer.remote_networks:
            address, netmask, _ = mask(network)
            settings = [
                f"set dst {address} {netmask}",
                f'set device "{link(number)}"',
                f"set distance {distance(tunnel)}",
            ]
            entries.append(("0", settings))
    if not entries:
        return ["# The connection does not say what is behind the gateway: config router static, set device gw1"]
    return _table("router static", entries)


def _bgp(peer: Peer, sessions: list[tuple[int, PeerTunnel, PeerBgp]]) -> list[str]:
    lines = ["config router bgp", f"    set as {sessions[0][2].local_asn}", "    config neighbor"]
    for _, tunnel, bgp in sessions:
        lines += [
            f'        edit "{bgp.remote_address}"',
            f"            set remote-as {bgp.remote_asn}",
            "            set bfd enable",
            "            set keep-alive-timer 3",
            "            set holdtime-timer 9",
            f"            set weight {local_preference(tunnel)}",
            *([f'            set password "{_password(bgp.key)}"'] if bgp.key else []),
            "        next",
        ]
    lines += ["    end", "    config network"]
    for index, network in enumerate(peer.local_networks, 1):
        address, netmask, _ = mask(network)
        lines += [f"        edit {index}", f"            set prefix {address} {netmask}", "        next"]
    if not peer.local_networks:
        lines.append(
            "        # The connection does not say what is behind this device: edit 1, set prefix NETWORK MASK"
        )
    return [*lines, "    end", "end"]


def _password(key: str) -> str:
    if not simple(key):
        raise CannotDo(
            "what FortiOS makes of this key of BGP's is not known: give the customer gateway another AuthKey"
        )
    return key


VENDOR = Vendor("FortiGate, FortiOS 7", "#", _write)
