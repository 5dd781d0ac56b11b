"""MikroTik RouterOS 7, as commands of its terminal. Its IPsec is by policies: routes lead to no interface of it.

Within double quotes a backslash with two hexadecimal digits is a character: all but the plainest are written so.
A secret that begins with 0x is read as hexadecimal.
"""

from __future__ import annotations

from gatewright.peers.model import Peer, PeerTunnel
from gatewright.peers.writing import Part, Vendor, addressed, block, head, link, named, seconds, simple, word

_DEVICE = "RouterOS"
_IKE = {"aes": "aes-128", "aes192": "aes-192", "aes256": "aes-256", "des": "des", "3des": "3des"}
_ESP = {"aes": "aes-128-cbc", "aes192": "aes-192-cbc", "aes256": "aes-256-cbc", "des": "des", "3des": "3des"}
_HASHES = {each: each for each in ("md5", "sha1", "sha256", "sha384", "sha512")}
_HMACS = {each: each for each in ("md5", "sha1", "sha256", "sha512")}
_GROUPS = {"group1": "modp768", "group2": "modp1024", "group5": "modp1536", "group14": "modp2048"} | {
    "group19": "ecp256",
    "group20": "ecp384",
    "group21": "ecp521",
}
_EXCHANGES = {"main": "main", "aggressive": "aggressive"}
_VERSIONS = {"ikev1": "ikev1", "ikev2": "ike2"}


def quoted(text: str) -> str:
    """A value that is taken as it is."""
    return f'"{"".join(each if simple(f"x{each}") else f"{chr(92)}{ord(each):02X}" for each in text)}"'


def secret(text: str) -> str:
    """A secret that is taken as it is."""
    return quoted("0x" + text.encode().hex() if text[:2].lower() == "0x" else text)


def _write(peer: Peer) -> list[Part]:
    lines = []
    for number, tunnel in peer.numbered:
        lines += _tunnel(peer, tunnel, link(number))
    if any(each.bgp for each in peer.tunnels):
        lines += [
            "# RouterOS has no interface for an IPsec tunnel, so no BGP in it: these are fixed networks. The gateway",
            "# learns none of them: give it routes (CreateVpnRouteEntry).",
        ]
    if len(peer.tunnels) > 1:
        lines += [
            "# Of two policies for the same networks one is used: the slave's are disabled. To change over:",
            f"#   /ip ipsec policy disable [find peer={link(peer.number)}]",
            f"#   /ip ipsec policy enable [find peer={link(peer.number + 1)}]",
        ]
    return [Part("commands", "a terminal; or /import of a file", head(VENDOR, peer) + block(lines))]


def _tunnel(peer: Peer, tunnel: PeerTunnel, name: str) -> list[str]:
    ike, ipsec = tunnel.ike, tunnel.ipsec
    version = word(_VERSIONS, ike.version, "IKE version", _DEVICE)
    exchange = version if version == "ike2" else word(_EXCHANGES, ike.mode, "IKE mode", _DEVICE)
    detection = "dpd-interval=10s dpd-maximum-failures=3" if tunnel.dpd else "dpd-interval=disable-dpd"
    pfs = "none" if ipsec.group == "disabled" else _group(ipsec.group)
    lines = [
        f"/ip ipsec profile add name={name} enc-algorithm={word(_IKE, ike.encryption, 'encryption', _DEVICE)} "
        f"hash-algorithm={word(_HASHES, ike.authentication, 'authentication', _DEVICE)} "
        f"dh-group={_group(ike.group)} lifetime={seconds(ike.lifetime, 60, 86400)}s {detection} "
        f"nat-traversal={'yes' if tunnel.nat_traversal else 'no'}",
        f"/ip ipsec peer add name={name} address={tunnel.remote_address}/32 exchange-mode={exchange} profile={name}",
        f"/ip ipsec identity add peer={name} auth-method=pre-shared-key secret={secret(tunnel.psk)} "
        f"my-id={_identity(ike.local_id)} remote-id={_identity(ike.remote_id)}",
        f"/ip ipsec proposal add name={name} enc-algorithms={word(_ESP, ipsec.encryption, 'encryption', _DEVICE)} "
        f"auth-algorithms={word(_HMACS, ipsec.authentication, 'authentication', _DEVICE)} "
        f"lifetime={seconds(ipsec.lifetime, 60, 86400)}s pfs-group={pfs}",
    ]
    for local, remote in _pairs(peer):
        disabled = " disabled=yes" if tunnel.role == "slave" and len(peer.tunnels) > 1 else ""
        lines.append(
            f"/ip ipsec policy add peer={name} tunnel=yes src-address={local} dst-address={remote} "
            f"proposal={name} level=unique{disabled}"
        )
        if tunnel == peer.tunnels[0]:
            lines += [
                f"/ip firewall raw add chain=prerouting action=notrack src-address={a} dst-address={b}"
                for a, b in ((local, remote), (remote, local))
            ]
    if not _pairs(peer):
        lines += [
            "# The connection does not say which networks: with 0.0.0.0/0 all that this router sends would be taken.",
            f"#   /ip ipsec policy add peer={name} tunnel=yes src-address=YOURS dst-address=THEIRS proposal={name} "
            "level=unique",
        ]
    return lines


def _pairs(peer: Peer) -> list[tuple[str, str]]:
    return [(local, remote) for local in peer.local_networks for remote in peer.remote_networks]


def _identity(identity: str) -> str:
    name = named(identity, _DEVICE)
    if addressed(name):
        return f"address:{name}"
    return f"user-fqdn:{name}" if "@" in name else f"fqdn:{name}"


def _group(group: str) -> str:
    return word(_GROUPS, group, "Diffie-Hellman group", _DEVICE)


VENDOR = Vendor("MikroTik RouterOS 7", "#", _write)
