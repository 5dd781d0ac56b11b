"""Windows Server 2016 and later, as PowerShell: IKEv2 by RRAS's site-to-site interface, IKEv1 by the firewall's rules.

Windows identifies itself by its address only, knows no aggressive mode and no group5, and has no BFD. Within single
quotes PowerShell takes everything as it is; a single quote is written twice.
"""

from __future__ import annotations

from gatewright.peers.model import Peer, PeerTunnel
from gatewright.peers.writing import CannotDo, Part, Vendor, addressed, block, distance, head, link, seconds, word

_DEVICE = "Windows"
_ENCRYPTION = {"aes": "AES128", "aes192": "AES192", "aes256": "AES256", "des": "DES", "3des": "DES3"}
_HASHES = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256", "sha384": "SHA384"}
_ESP_HASHES = {"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256"}
_TRANSFORMS = {"md5": "MD596", "sha1": "SHA196", "sha256": "SHA256128"}
_GROUPS = {"group1": "Group1", "group2": "Group2", "group14": "Group14", "group19": "ECP256", "group20": "ECP384"}
_PFS = {"disabled": "None", "group1": "PFS1", "group2": "PFS2", "group14": "PFS2048"} | {
    "group19": "ECP256",
    "group20": "ECP384",
}
_NUMBERS = {"group1": "DH1", "group2": "DH2", "group14": "DH14", "group19": "DH19", "group20": "DH20"}
_VERSIONS = {"ikev1": "1", "ikev2": "2"}
_MODES = {"main": "main"}


def quoted(text: str) -> str:
    """A value that is taken as it is."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _write(peer: Peer) -> list[Part]:
    lines = []
    for number, tunnel in peer.numbered:
        for identity in (tunnel.ike.local_id, tunnel.ike.remote_id):
            if not addressed(identity):
                raise CannotDo(
                    f"Windows has no identity but its address, not {identity}: leave LocalId and RemoteId out"
                )
        version = word(_VERSIONS, tunnel.ike.version, "IKE version", _DEVICE)
        lines += _site_to_site(peer, tunnel, link(number)) if version == "2" else _rules(peer, tunnel, link(number))
    if any(each.bgp for each in peer.tunnels):
        lines += [
            "# No BGP: RRAS has no inside address on such an interface, and no BFD. These are fixed routes. The",
            "# gateway learns none of this machine's networks: give it routes (CreateVpnRouteEntry).",
        ]
    return [Part("commands", "PowerShell, as administrator", head(VENDOR, peer) + block(lines))]


def _site_to_site(peer: Peer, tunnel: PeerTunnel, name: str) -> list[str]:
    ike, ipsec = tunnel.ike, tunnel.ipsec
    routes = ", ".join(quoted(f"{network}:{distance(tunnel)}") for network in peer.remote_networks)
    values = [
        f"-Name {quoted(name)}",
        "-Protocol IKEv2",
        f"-Destination {quoted(tunnel.remote_address)}",
        "-AuthenticationMethod PSKOnly",
        "-ResponderAuthenticationMethod PSKOnly",
        f"-SharedSecret {quoted(tunnel.psk)}",
        f"-IPv4Subnet @({routes})",
        "-CustomPolicy",
        f"-EncryptionMethod {word(_ENCRYPTION, ike.encryption, 'encryption', _DEVICE)}",
        f"-IntegrityCheckMethod {word(_HASHES, ike.authentication, 'authentication', _DEVICE)}",
        f"-DHGroup {word(_GROUPS, ike.group, 'Diffie-Hellman group', _DEVICE)}",
        f"-CipherTransformConstants {word(_ENCRYPTION, ipsec.encryption, 'encryption', _DEVICE)}",
        f"-AuthenticationTransformConstants {word(_TRANSFORMS, ipsec.authentication, 'authentication', _DEVICE)}",
        f"-PfsGroup {word(_PFS, ipsec.group, 'Diffie-Hellman group', _DEVICE)}",
        f"-MMSALifeTimeSeconds {seconds(ike.lifetime, 300, 86400)}",
        f"-SALifeTimeSeconds {seconds(ipsec.lifetime, 300, 86400)}",
        "-Persistent",
    ]
    if not peer.remote_networks:
        told = [
            "# The connection does not say what is behind the gateway: put it into -IPv4Subnet, as '10.0.0.0/16:10'."
        ]
    else:
        told = []
    return [
        "# Once: Install-WindowsFeature RemoteAccess, Routing -IncludeManagementTools; Install-RemoteAccess -VpnType "
        "VpnS2S",
        "# Windows asks for all networks; the gateway narrows them to the connection's.",
        *told,
        f"Add-VpnS2SInterface {values[0]} `",
        *(f"  {value} `" for value in values[1:-1]),
        f"  {values[-1]}",
        f"Connect-VpnS2SInterface -Name {quoted(name)}",
    ]


def _rules(peer: Peer, tunnel: PeerTunnel, name: str) -> list[str]:
    ike, ipsec = tunnel.ike, tunnel.ipsec
    word(_MODES, ike.mode, "IKE mode", _DEVICE)
    if tunnel.role == "slave" and len(peer.tunnels) > 1:
        raise CannotDo(
            "Windows uses one of two rules for the same networks: choose a tunnel with --tunnel, or use IKEv2"
        )
    pairs = [(local, remote) for local in peer.local_networks for remote in peer.remote_networks]
    if not pairs:
        raise CannotDo(
            "IPsec rules need the networks of both sides: name them with --local-network and --remote-network"
        )
    pfs = word(_NUMBERS | {"disabled": "None"}, ipsec.group, "Diffie-Hellman group", _DEVICE)
    title = quoted(name)
    lines = [
        f"# Behind NAT put this machine's own address for {tunnel.local_address}.",
        f"$auth = New-NetIPsecPhase1AuthSet -DisplayName {title} -Proposal (New-NetIPsecAuthProposal -Machine "
        f"-PreSharedKey {quoted(tunnel.psk)})",
        "$main = New-NetIPsecMainModeCryptoProposal "
        f"-Encryption {word(_ENCRYPTION, ike.encryption, 'encryption', _DEVICE)} "
        f"-Hash {word(_HASHES, ike.authentication, 'authentication', _DEVICE)} "
        f"-KeyExchange {word(_NUMBERS, ike.group, 'Diffie-Hellman group', _DEVICE)}",
        f"$mainSet = New-NetIPsecMainModeCryptoSet -DisplayName {title} -Proposal $main "
        f"-MaxMinutes {seconds(ike.lifetime, 300, 86400) // 60}",
        "$quick = New-NetIPsecQuickModeCryptoProposal -Encapsulation ESP "
        f"-Encryption {word(_ENCRYPTION, ipsec.encryption, 'encryption', _DEVICE)} "
        f"-ESPHash {word(_ESP_HASHES, ipsec.authentication, 'authentication', _DEVICE)} "
        f"-MaxMinutes {seconds(ipsec.lifetime, 300, 86400) // 60}",
        f"$quickSet = New-NetIPsecQuickModeCryptoSet -DisplayName {title} -Proposal $quick "
        f"-PerfectForwardSecrecyGroup {pfs}",
        f"New-NetIPsecMainModeRule -DisplayName {title} -MainModeCryptoSet $mainSet.Name -Phase1AuthSet $auth.Name "
        f"-RemoteAddress {quoted(tunnel.remote_address)}",
    ]
    lines += [
        f"New-NetIPsecRule -DisplayName {quoted(f'{name}-{index}')} -Mode Tunnel -KeyModule IKEv1 "
        f"-LocalTunnelEndpoint {quoted(tunnel.local_address)} -RemoteTunnelEndpoint {quoted(tunnel.remote_address)} "
        f"-LocalAddress {quoted(local)} -RemoteAddress {quoted(remote)} -Phase1AuthSet $auth.Name "
        "-QuickModeCryptoSet $quickSet.Name -InboundSecurity Require -OutboundSecurity Require"
        for index, (local, remote) in enumerate(pairs, 1)
    ]
    return lines


VENDOR = Vendor("Windows Server 2016 and later", "#", _write)
