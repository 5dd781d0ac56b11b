"""A :class:`Peer` from what the API answers: DownloadVpnConnectionConfig, DescribeVpnConnection and, if known, more.

The first has all that both ends must agree on, from the device's side; the second has what is the gateway's own
(which tunnel is which, DPD, NAT traversal, BGP, the health check).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gatewright.peers.model import PLACEHOLDER, Peer, PeerBgp, PeerTunnel
from gatewright.resources.tunnels import EVERYWHERE, IkeSpec, IpsecSpec

Answer = Mapping[str, Any]
_PRINTABLE = re.compile(r"[!-~]+")


class Unusable(Exception):
    """An answer that no configuration can be made of, with the reason."""


def peer(
    config: Answer,
    connection: Answer,
    *,
    keys: Mapping[str, str] | None = None,
    local_networks: Sequence[str] = (),
    remote_networks: Sequence[str] = (),
    number: int = 1,
    secrets: bool = True,
) -> Peer:
    """The device's side of a connection. Raises Unusable.

    ``config`` answers DownloadVpnConnectionConfig and ``connection`` DescribeVpnConnection; ``keys`` are BGP's keys by
    the ids of customer gateways. The networks are what is behind device and gateway, for connections whose selectors
    do not say it. Without ``secrets`` a placeholder stands for each.
    """
    if connection.get("AttachType") == "NO_ASSOCIATED":
        raise Unusable("the connection is attached to nothing, so there is no address that a device could reach")
    given = config.get("VpnConnectionConfig") or {}
    local, remote = _networks(given, "LocalSubnet"), _networks(given, "RemoteSubnet")
    described = _described(connection)
    tunnels = [
        _tunnel(each, described.get(each.get("TunnelId", ""), {}), given, connection, keys or {}, secrets=secrets)
        for each in _tunnels(given, connection)
    ]
    if not tunnels:
        raise Unusable("the connection has no tunnel yet")
    health = connection.get("VcoHealthCheck") or {}
    return Peer(
        id=str(connection.get("VpnConnectionId", "")),
        name=str(connection.get("Name") or ""),
        local_subnets=local,
        remote_subnets=remote,
        local_networks=tuple(local_networks) or _told(local),
        remote_networks=tuple(remote_networks) or _told(remote),
        tunnels=tuple(sorted(tunnels, key=lambda each: each.role)),
        probed=_address(health, "Dip") if str(health.get("Enable")).lower() == "true" else "",
        number=number,
    )


def _told(subnets: tuple[str, ...]) -> tuple[str, ...]:
    """The networks that selectors name: none, if they are everything."""
    return () if subnets == (EVERYWHERE,) else subnets


def _networks(given: Answer, name: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in str(given.get(name) or "").split(",") if part.strip())
    for each in found:
        try:
            ipaddress.IPv4Network(each)
        except ValueError:
            raise Unusable(f"{name} has {each!r}, which is no IPv4 network") from None
    if not found:
        raise Unusable(f"the service tells no {name}")
    return found


def _described(connection: Answer) -> dict[str, Answer]:
    """What is told of the tunnels, by their ids."""
    options = (connection.get("TunnelOptionsSpecification") or {}).get("TunnelOptions") or []
    return {str(each.get("TunnelId", "")): each for each in options}


def _tunnels(given: Answer, connection: Answer) -> list[Answer]:
    """The two of a dual-tunnel connection, else the connection's own fields as its only one."""
    tunnels = (given.get("TunnelsConfig") or {}).get("TunnelConfig") or []
    return list(tunnels) or [{**given, "TunnelId": connection.get("VpnConnectionId", "")}]


def _tunnel(
    each: Answer, told: Answer, given: Answer, connection: Answer, keys: Mapping[str, str], *, secrets: bool
) -> PeerTunnel:
    identity = str(each.get("TunnelId", ""))
    ike, ipsec = each.get("IkeConfig") or {}, each.get("IpsecConfig") or {}
    local, remote = _address(each, "Local"), _address(each, "Remote")
    try:
        phase1 = IkeSpec(
            version=str(ike["IkeVersion"]),
            mode=str(ike["IkeMode"]),
            encryption=str(ike["IkeEncAlg"]),
            authentication=str(ike["IkeAuthAlg"]),
            group=str(ike["IkePfs"]),
            lifetime=int(ike["IkeLifetime"]),
            local_id=_printable(ike.get("LocalId") or local, "LocalId"),
            remote_id=_printable(ike.get("RemoteId") or remote, "RemoteId"),
        )
        phase2 = IpsecSpec(
            encryption=str(ipsec["IpsecEncAlg"]),
            authentication=str(ipsec["IpsecAuthAlg"]),
            group=str(ipsec["IpsecPfs"]),
            lifetime=int(ipsec["IpsecLifetime"]),
        )
    except KeyError as missing:
        raise Unusable(f"the service tells no {missing.args[0]} of {identity}") from None
    except ValueError:
        raise Unusable(f"a lifetime of {identity} is no number of seconds") from None
    key = keys.get(str(told.get("CustomerGatewayId") or connection.get("CustomerGatewayId") or ""), "")
    key = key or str((connection.get("VpnBgpConfig") or {}).get("AuthKey") or "")
    return PeerTunnel(
        id=identity,
        role="slave" if told.get("Role") == "slave" else "master",
        local_address=local,
        remote_address=remote,
        ike=phase1,
        ipsec=phase2,
        psk=_printable(ike.get("Psk"), "Psk") if secrets else PLACEHOLDER,
        dpd=_flag(told, connection, "EnableDpd"),
        nat_traversal=_flag(told, connection, "EnableNatTraversal"),
        bgp=_bgp(given, identity, (_printable(key, "AuthKey") if secrets else PLACEHOLDER) if key else ""),
    )


def _printable(value: object, name: str) -> str:
    """Text of which the API says that it is printable ASCII without spaces; no other is put into a configuration."""
    text = str(value or "")
    if not _PRINTABLE.fullmatch(text):
        raise Unusable(f"the service tells no {name}" if not text else f"{name} has spaces or unprintable characters")
    return text


def _address(each: Answer, name: str) -> str:
    text = str(each.get(name) or "")
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise Unusable(f"{name} of {each.get('TunnelId', 'the connection')} is {text!r}, no IPv4 address") from None


def _flag(told: Answer, connection: Answer, name: str) -> bool:
    """Of the tunnel, else of the connection; both are on unless it is said that they are not."""
    value = told.get(name, connection.get(name, True))
    return str(value).lower() != "false"


def _bgp(given: Answer, tunnel: str, key: str) -> PeerBgp | None:
    """BGP in this tunnel. A connection's only tunnel has an id in this list and in no other."""
    only = not (given.get("TunnelsConfig") or {}).get("TunnelConfig")
    for each in (given.get("BgpConfigs") or {}).get("BgpConfig") or []:
        if (only or each.get("TunnelId") == tunnel) and each.get("LocalBgpIp") and each.get("PeerBgpIp"):
            try:
                return PeerBgp(
                    local_asn=int(each["LocalAsn"]),
                    remote_asn=int(each["PeerAsn"]),
                    local_address=str(ipaddress.IPv4Address(each["LocalBgpIp"])),
                    remote_address=str(ipaddress.IPv4Address(each["PeerBgpIp"])),
                    prefix=ipaddress.IPv4Network(each.get("TunnelCidr") or each["LocalBgpIp"], strict=False).prefixlen,
                    key=key,
                )
            except (KeyError, ValueError):
                raise Unusable(f"what the service tells of BGP in {tunnel} is not understood") from None
    return None
