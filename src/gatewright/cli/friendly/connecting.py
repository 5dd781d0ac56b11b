"""``gatewright connections create``: the order for a connection, from few words, and what belongs to it."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gatewright.cli import call_waits
from gatewright.cli.friendly.keys import key_of
from gatewright.errors import ConfigurationError

if TYPE_CHECKING:
    from gatewright.cli.friendly.session import Session

_EVERYWHERE = "0.0.0.0/0"
#: The first network that is tried for BGP in a tunnel; all of 169.254.0.0/16 from there on are free for that.
_FIRST_TUNNEL_NETWORK = ipaddress.IPv4Network("169.254.10.0/30")
_LAST_TUNNEL_NETWORK = ipaddress.IPv4Network("169.254.168.0/30")
_WITHIN = ("VpnConnections", "VpnConnection")


def connect(session: Session) -> dict[str, Any]:
    """Order it, wait for it, and make and publish its routes; gives how it is described.

    Raises ConfigurationError, NotSent, Refused, Unreachable, Ended.
    """
    from gatewright.cli.friendly.customer_gateways import named as device_named
    from gatewright.cli.friendly.gateways import named as gateway_named
    from gatewright.cli.friendly.session import NotSent
    from gatewright.client import Refused

    parsed = session.parsed
    _check(session)
    keys = [key_of(file, "Pre-shared key") for file in parsed.psk_file]
    gateway = gateway_named(session, parsed.gateway)
    devices = [device_named(session, each) for each in parsed.devices]
    dual = bool(gateway.get("DisasterRecoveryVSwitchId"))
    if not dual and max(len(devices), len(keys)) > 1:
        raise ConfigurationError(f"{gateway['VpnGatewayId']} has one tunnel a connection: name one DEVICE and one key")
    order = _order(session, gateway, devices, keys, dual=dual)
    for network in parsed.route:
        # before anything is made
        session.check("CreateVpnRouteEntry", _route_of(order["VpnGatewayId"], "vco-of-these", network, publish=True))
    made = session.order("CreateVpnConnection", order)
    identity = str(made["VpnConnectionId"])
    subject = f"connection {parsed.name} ({identity})" if parsed.name else f"connection {identity}"
    try:
        _routes(session, order["VpnGatewayId"], identity)
    except (NotSent, Refused):
        remove = session.command("connections", "delete", identity)
        session.warn(f"{subject} is made, but not its routes; to remove it: {remove}")
        raise
    again = session.command("connections", "show", identity)
    session.settled(call_waits.CONNECTION, identity, subject, again)
    if parsed.bgp and not gateway.get("AutoPropagate"):
        propagate = ("call", "ModifyVpnGatewayAttribute", "--VpnGatewayId", str(gateway["VpnGatewayId"]))
        session.warn(
            "the VPC does not take what the device announces, until the gateway propagates it: "
            + session.command(*propagate, "--AutoPropagate", "true")
        )
    if not (parsed.remote or parsed.route or parsed.bgp):
        session.warn("routes decide what goes through it, and there is none yet: --route, or CreateVpnRouteEntry")
    session.progress.note(f"what the device is told: {session.command('peer-config', identity, '--vendor', 'V')}")
    return session.call("DescribeVpnConnection", VpnConnectionId=identity)


def _check(session: Session) -> None:
    """Refuse words that do not go together. Raises ConfigurationError."""
    parsed = session.parsed
    if bool(parsed.local) != bool(parsed.remote):
        raise ConfigurationError("--local and --remote belong together: say both, or neither and have routes decide")
    if parsed.remote and parsed.route:
        raise ConfigurationError("--route is for connections where routes decide: leave out --local and --remote")
    if len(parsed.devices) > 2 or len(parsed.psk_file) > 2:
        raise ConfigurationError("there are two tunnels at the most, so two DEVICEs and two keys")
    if parsed.asn is not None and not parsed.bgp:
        raise ConfigurationError("--asn is for --bgp")


def _order(
    session: Session, gateway: dict[str, Any], devices: Sequence[dict[str, Any]], keys: Sequence[str], *, dual: bool
) -> dict[str, str]:
    """The parameters of CreateVpnConnection."""
    parsed = session.parsed
    order = {
        "VpnGatewayId": str(gateway["VpnGatewayId"]),
        "LocalSubnet": ",".join(parsed.local) or _EVERYWHERE,
        "RemoteSubnet": ",".join(parsed.remote) or _EVERYWHERE,
        "EffectImmediately": "true",
    }
    if parsed.name is not None:
        order["Name"] = parsed.name
    networks = _free_networks(session, order["VpnGatewayId"]) if parsed.bgp else ("", "")
    tunnels: list[dict[str, Any]] = [
        {
            "CustomerGatewayId": str(devices[number % len(devices)]["CustomerGatewayId"]),
            "TunnelIkeConfig": _phase(parsed, "Ike")
            | {"IkeVersion": parsed.ike}
            | ({"Psk": keys[number % len(keys)]} if keys else {}),
            "TunnelIpsecConfig": _phase(parsed, "Ipsec"),
            "TunnelBgpConfig": _bgp(parsed.asn, networks[number]) if parsed.bgp else {},
        }
        for number in range(2)
    ]
    if dual:
        for role, tunnel in zip(("master", "slave"), tunnels, strict=True):
            tunnel["Role"] = role
        given = [{name: value for name, value in tunnel.items() if value != {}} for tunnel in tunnels]
        return order | {
            "TunnelOptionsSpecification": json.dumps(given),
            "EnableTunnelsBgp": "true" if parsed.bgp else "false",
        }
    only = tunnels[0]
    order |= {
        "CustomerGatewayId": only["CustomerGatewayId"],
        "IkeConfig": json.dumps(only["TunnelIkeConfig"]),
        "IpsecConfig": json.dumps(only["TunnelIpsecConfig"]),
    }
    return order | ({"BgpConfig": json.dumps({"EnableBgp": True, **only["TunnelBgpConfig"]})} if parsed.bgp else {})


def _phase(parsed: Any, phase: str) -> dict[str, str]:
    return {
        f"{phase}EncAlg": parsed.encryption,
        f"{phase}AuthAlg": parsed.authentication,
        f"{phase}Pfs": parsed.group,
    }


def _bgp(asn: int | None, network: str) -> dict[str, Any]:
    return {"TunnelCidr": network} | ({} if asn is None else {"LocalAsn": asn})


def _free_networks(session: Session, gateway: str) -> tuple[str, str]:
    """Two networks for BGP that no tunnel of the gateway has. Raises ConfigurationError."""
    taken = set()
    for row in session.every("DescribeVpnConnections", _WITHIN, VpnGatewayId=gateway):
        options = (row.get("TunnelOptionsSpecification") or {}).get("TunnelOptions") or []
        for config in (row.get("VpnBgpConfig"), *(each.get("TunnelBgpConfig") for each in options)):
            taken.add((config or {}).get("TunnelCidr"))
    last = int(_LAST_TUNNEL_NETWORK.network_address)
    free = []
    for first in range(int(_FIRST_TUNNEL_NETWORK.network_address), last, 4):
        network = f"{ipaddress.IPv4Address(first)}/30"
        if network not in taken:
            free.append(network)
        if len(free) == 2:
            return free[0], free[1]
    raise ConfigurationError(f"all networks for BGP are taken in {gateway}")


def _routes(session: Session, gateway: str, connection: str) -> None:
    """Make routes, and publish them and the policies that subnets have made. Raises NotSent, Refused, Unreachable."""
    parsed = session.parsed
    for network in parsed.route:
        wanted = _route_of(gateway, connection, network, publish=not parsed.no_publish)
        session.order("CreateVpnRouteEntry", wanted)
    if parsed.no_publish:
        return
    for network in dict.fromkeys(parsed.remote):
        wanted = {"VpnGatewayId": gateway, "NextHop": connection, "RouteDest": network}
        session.order("PublishVpnRouteEntry", {**wanted, "RouteType": "pbr", "PublishVpc": "true"})


def _route_of(gateway: str, connection: str, network: str, *, publish: bool) -> dict[str, str]:
    return {
        "VpnGatewayId": gateway,
        "NextHop": connection,
        "RouteDest": network,
        "Weight": "100",
        "PublishVpc": "true" if publish else "false",
    }
