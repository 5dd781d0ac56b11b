"""pfSense: what to enter in its pages. It is configured there, and what it imports is a whole machine's XML.

A value stands on its own after ``: `` until the line's end. pfSense itself writes the key to strongSwan in Base64.
"""

from __future__ import annotations

from gatewright.peers.model import Peer, PeerTunnel
from gatewright.peers.writing import Part, Vendor, addressed, block, head, link, local_preference, seconds, word

_DEVICE = "pfSense"
_ENCRYPTION = {"aes": "AES, 128 bits", "aes192": "AES, 192 bits", "aes256": "AES, 256 bits", "3des": "3DES"}
_HASHES = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256", "sha384": "SHA384", "sha512": "SHA512"}
_GROUPS = {"group1": "1 (768 bit)", "group2": "2 (1024 bit)", "group5": "5 (1536 bit)", "group14": "14 (2048 bit)"}
_VERSIONS = {"ikev1": "IKEv1", "ikev2": "IKEv2"}
_MODES = {"main": "Main", "aggressive": "Aggressive"}


def _write(peer: Peer) -> list[Part]:
    lines = []
    for number, tunnel in peer.numbered:
        lines += ["", *_phase1(tunnel, link(number)), *_phase2(peer, tunnel)]
    lines += ["", *_routing(peer)]
    lines += ["", "Firewall > Rules, on the tunnels' interfaces or on IPsec: pass what may come from the gateway."]
    return [Part("entries", "the web pages named here", head(VENDOR, peer) + block(lines))]


def _phase1(tunnel: PeerTunnel, name: str) -> list[str]:
    ike = tunnel.ike
    return [
        f"VPN > IPsec > Tunnels > Add P1 ({tunnel.role})",
        f"  Description: {name}",
        f"  Key Exchange version: {word(_VERSIONS, ike.version, 'IKE version', _DEVICE)}",
        "  Interface: WAN",
        f"  Remote Gateway: {tunnel.remote_address}",
        "  Authentication Method: Mutual PSK",
        *([f"  Negotiation mode: {word(_MODES, ike.mode, 'IKE mode', _DEVICE)}"] if ike.version == "ikev1" else []),
        f"  My identifier: {_identity(ike.local_id)}",
        f"  Peer identifier: {_identity(ike.remote_id)}",
        f"  Pre-Shared Key: {tunnel.psk}",
        f"  Encryption Algorithm: {word(_ENCRYPTION, ike.encryption, 'encryption', _DEVICE)}",
        f"  Hash: {word(_HASHES, ike.authentication, 'authentication', _DEVICE)}",
        f"  DH Group: {word(_GROUPS, ike.group, 'Diffie-Hellman group', _DEVICE)}",
        f"  Life Time: {seconds(ike.lifetime, 1, 86400)}",
        f"  NAT Traversal: {'Auto' if tunnel.nat_traversal else 'Disable'}"
        if ike.version == "ikev1"
        else "  MOBIKE: Disable",
        "  Dead Peer Detection: enabled, Delay 10, Max failures 3" if tunnel.dpd else "  Dead Peer Detection: disabled",
    ]


def _identity(identity: str) -> str:
    if addressed(identity):
        return f"IP address: {identity}"
    kind = "User Fully Qualified Domain Name" if "@" in identity else "Fully Qualified Domain Name"
    return f"{kind}: {identity}"


def _phase2(peer: Peer, tunnel: PeerTunnel) -> list[str]:
    ipsec = tunnel.ipsec
    off = ipsec.group == "disabled"
    common = [
        "  Protocol: ESP",
        f"  Encryption Algorithms: {word(_ENCRYPTION, ipsec.encryption, 'encryption', _DEVICE)}",
        f"  Hash Algorithms: {word(_HASHES, ipsec.authentication, 'authentication', _DEVICE)}",
        f"  PFS key group: {'off' if off else word(_GROUPS, ipsec.group, 'Diffie-Hellman group', _DEVICE)}",
        f"  Life Time: {seconds(ipsec.lifetime, 1, 86400)}",
    ]
    if peer.routed:
        bgp = tunnel.bgp
        local = f"Network: {bgp.local_address}/{bgp.prefix}" if bgp else "Network: an unused /30 of your own, its first"
        remote = f"Address: {bgp.remote_address}" if bgp else "Address: the second of that /30"
        modes = [("Routed (VTI)", local, remote)]
    else:
        modes = [("Tunnel IPv4", f"Network: {local}", f"Network: {remote}") for local, remote in peer.pairs]
    lines = []
    for mode, local, remote in modes:
        lines += [
            "Show Phase 2 Entries > Add P2",
            f"  Mode: {mode}",
            f"  Local Network: {local}",
            f"  Remote Network: {remote}",
            *common,
        ]
    return lines


def _routing(peer: Peer) -> list[str]:
    if not peer.routed:
        lines = ["Routes: none are needed, the networks of the phase 2 entries are sent through the tunnel."]
        if len(peer.tunnels) > 1:
            lines.append("Enable the phase 1 of one tunnel only: two with the same networks get in each other's way.")
        return lines
    lines = ["Interfaces > Assignments: add and enable the ipsec interface of each tunnel, MTU 1400."]
    sessions = [(each, each.bgp) for each in peer.tunnels if each.bgp is not None]
    if not sessions:
        networks = ", ".join(peer.remote_networks) or "the networks behind the gateway"
        return [
            *lines,
            "System > Routing > Gateways: a group with the master's gateway as Tier 1 and the slave's as Tier 2.",
            f"System > Routing > Static Routes: {networks} by the master's gateway; for the slave, change it there.",
        ]
    lines.append("Services > FRR BGP (package frr), with these neighbours, BFD enabled on each:")
    for tunnel, bgp in sessions:
        lines += [
            f"  Neighbour: {bgp.remote_address}",
            f"    Remote AS: {bgp.remote_asn}",
            f"    Local AS: {bgp.local_asn}",
            f"    Inbound route map: local preference {local_preference(tunnel)}",
            *([f"    Password: {bgp.key}"] if bgp.key else []),
        ]
    networks = ", ".join(peer.local_networks) or "the networks behind this device"
    return [*lines, f"  Networks to distribute: {networks}"]


VENDOR = Vendor("pfSense 2.6 and later", "#", _write)
