"""``gatewright connections create``: the order for a connection, from few words, and what belongs to it."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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
#: Stands for the id of a connection that is not made yet, in calls that are only held against the rules.
_NOT_YET = "vco-of-these"


class _Networks(NamedTuple):
    """What the connection is for; where routes decide there is neither local nor remote."""

    local: list[str]
    remote: list[str]
    route: list[str]


def connect(session: Session) -> dict[str, Any]:
    """Order it, wait for it, and make and publish its routes; gives how it is described.

    Raises ConfigurationError, NotSent, Refused, Unreachable, Ended.
    """
    from gatewright.cli.friendly.customer_gateways import named as device_named
    from gatewright.cli.friendly.gateways import named as gateway_named
    from gatewright.client import Unreachable

    parsed = session.parsed
    networks = _checked(session)
    keys = [key_of(file, "Pre-shared key") for file in parsed.psk_file]
    gateway = gateway_named(session, parsed.gateway)
    devices = [device_named(session, each) for each in parsed.devices]
    dual = bool(gateway.get("DisasterRecoveryVSwitchId"))
    if not dual and max(len(devices), len(keys)) > 1:
        raise ConfigurationError(f"{gateway['VpnGatewayId']} has one tunnel a connection: name one DEVICE and one key")
    order = _order(session, gateway, devices, keys, networks, dual=dual)
    session.check("CreateVpnConnection", order)
    _check_ways(session, order["VpnGatewayId"], networks)
    try:
        made = session.order("CreateVpnConnection", order)
    except (Unreachable, KeyboardInterrupt):
        lists = session.command("connections", "list", "--gateway", order["VpnGatewayId"])
        session.warn(f"it may have been made all the same; to see: {lists}")
        raise
    identity = str(made["VpnConnectionId"])
    subject = f"connection {parsed.name} ({identity})" if parsed.name else f"connection {identity}"
    with _told(session, f"{subject} is made, but not all its routes", identity):
        _make_ways(session, order["VpnGatewayId"], identity, networks)
    again = session.command("connections", "show", identity, "--wait")
    with _told(session, f"{subject} is made", identity):
        session.settled(call_waits.CONNECTION, identity, subject, again)
        described = session.call("DescribeVpnConnection", VpnConnectionId=identity)
    if parsed.bgp and not gateway.get("AutoPropagate"):
        propagate = ("call", "ModifyVpnGatewayAttribute", "--VpnGatewayId", str(gateway["VpnGatewayId"]))
        session.warn(
            "the VPC does not take what the device announces, until the gateway propagates it: "
            + session.command(*propagate, "--AutoPropagate", "true")
        )
    if not (networks.remote or networks.route or parsed.bgp):
        session.warn("routes decide what goes through it, and there is none yet: --route, or CreateVpnRouteEntry")
    session.progress.note(f"what the device is told: {session.command('peer-config', identity, '--vendor', 'V')}")
    return described


@contextlib.contextmanager
def _told(session: Session, what: str, identity: str) -> Iterator[None]:
    """Whatever goes wrong here, it is known what was made and how it is removed."""
    from gatewright.cli.friendly.session import NotSent
    from gatewright.client import Refused, Unreachable

    try:
        yield
    except (NotSent, Refused, Unreachable, KeyboardInterrupt):
        session.warn(f"{what}; to remove it: {session.command('connections', 'delete', identity)}")
        raise


def _checked(session: Session) -> _Networks:
    """The networks, if the words go together. Raises ConfigurationError."""
    parsed = session.parsed
    local, remote, route = (
        list(dict.fromkeys(network.strip() for each in given for network in each.split(",")))
        for given in (parsed.local, parsed.remote, parsed.route)
    )
    if bool(local) != bool(remote):
        raise ConfigurationError("--local and --remote belong together: say both, or neither and have routes decide")
    if local == remote == [_EVERYWHERE]:
        session.progress.note(f"--local and --remote are {_EVERYWHERE} both: routes decide")
        local, remote = [], []
    if remote and route:
        raise ConfigurationError("--route is for connections where routes decide: leave out --local and --remote")
    if len(parsed.devices) > 2 or len(parsed.psk_file) > 2:
        raise ConfigurationError("there are two tunnels at the most, so two DEVICEs and two keys")
    if parsed.asn is not None and not parsed.bgp:
        raise ConfigurationError("--asn is for --bgp")
    return _Networks(local, remote, route)


def _order(
    session: Session,
    gateway: dict[str, Any],
    devices: Sequence[dict[str, Any]],
    keys: Sequence[str],
    networks: _Networks,
    *,
    dual: bool,
) -> dict[str, str]:
    """The parameters of CreateVpnConnection."""
    parsed = session.parsed
    order = {
        "VpnGatewayId": str(gateway["VpnGatewayId"]),
        "LocalSubnet": ",".join(networks.local) or _EVERYWHERE,
        "RemoteSubnet": ",".join(networks.remote) or _EVERYWHERE,
        "EffectImmediately": "true",
    }
    if parsed.name is not None:
        order["Name"] = parsed.name
    inner = _free_networks(session, order["VpnGatewayId"]) if parsed.bgp else ("", "")
    tunnels: list[dict[str, Any]] = [
        {
            "CustomerGatewayId": str(devices[number % len(devices)]["CustomerGatewayId"]),
            "TunnelIkeConfig": _phase(parsed, "Ike")
            | {"IkeVersion": parsed.ike}
            | ({"Psk": keys[number % len(keys)]} if keys else {}),
            "TunnelIpsecConfig": _phase(parsed, "Ipsec"),
            "TunnelBgpConfig": _bgp(parsed.asn, inner[number]) if parsed.bgp else {},
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


def _check_ways(session: Session, gateway: str, networks: _Networks) -> None:
    """Refuse, before anything is made, networks that no route can lead to. Raises NotSent."""
    from gatewright.cli.friendly.session import NotSent

    for network in networks.route:
        session.check("CreateVpnRouteEntry", _route_of(gateway, _NOT_YET, network, publish=True))
    if session.parsed.no_publish:
        return
    for network in networks.remote:
        try:
            session.check("PublishVpnRouteEntry", _publishing(gateway, _NOT_YET, network))
        except NotSent as error:
            raise NotSent([*error.lines, "  Or leave it out of the VPC's route table: --no-publish"]) from None


def _make_ways(session: Session, gateway: str, connection: str, networks: _Networks) -> None:
    """Make routes, and publish them and the policies that subnets have made. Raises NotSent, Refused, Unreachable."""
    publish = not session.parsed.no_publish
    for network in networks.route:
        session.order("CreateVpnRouteEntry", _route_of(gateway, connection, network, publish=publish))
    for network in networks.remote if publish else ():
        session.order("PublishVpnRouteEntry", _publishing(gateway, connection, network))


def _publishing(gateway: str, connection: str, network: str) -> dict[str, str]:
    """The parameters of PublishVpnRouteEntry, for the policies that subnets have made."""
    wanted = {"VpnGatewayId": gateway, "NextHop": connection, "RouteDest": network}
    return wanted | {"RouteType": "pbr", "PublishVpc": "true"}


def _route_of(gateway: str, connection: str, network: str, *, publish: bool) -> dict[str, str]:
    """The parameters of CreateVpnRouteEntry."""
    return {
        "VpnGatewayId": gateway,
        "NextHop": connection,
        "RouteDest": network,
        "Weight": "100",
        "PublishVpc": "true" if publish else "false",
    }
