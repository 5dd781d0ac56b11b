"""``gatewright connections``: connecting gateways with customers' devices, and listing, showing and ending that."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gatewright.cli.friendly import command

if TYPE_CHECKING:
    from gatewright.cli.friendly.session import Session

_CREATE = """
Connect a gateway with a customer's device by IPsec: by two tunnels where the gateway has two halves, else by one. With
--local and --remote the connection is for these networks; without them routes decide, those of --route or what the
device announces by BGP. Keys are made up, unless there are files of them: on a command line every user of the machine
could read them. They are not shown: `gatewright peer-config` writes what the device is told.
"""
_WITHIN = ("VpnConnections", "VpnConnection")
_BRIEF = ("VpnConnectionId", "Name", "Status", "State", "VpnGatewayId", "LocalSubnet", "RemoteSubnet")
_SHOWN = (*_BRIEF, "InternetIp", "CustomerGatewayId", "Tunnels")


def add(commands: command.Commands[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = command.group(
        commands,
        "connections",
        "make, list, show and delete IPsec connections",
        "IPsec connections, without the API's words. Keys are never shown.",
    )
    parser = command.action(
        actions, "create", _create, "connect a gateway with a customer's device", _CREATE, waits=True
    )
    parser.add_argument("gateway", metavar="GATEWAY", help="its id, or its name if no other has it")
    parser.add_argument(
        "devices",
        nargs="+",
        metavar="DEVICE",
        help="of a customer gateway the id, address or name; two, if the slave's tunnel leads to another one",
    )
    parser.add_argument("--name", metavar="NAME", help="what it is called")
    parser.add_argument(
        "--local",
        action="append",
        default=[],
        metavar="CIDR",
        help="a network of the VPC; repeat it, or with commas",
    )
    parser.add_argument(
        "--remote",
        action="append",
        default=[],
        metavar="CIDR",
        help="one behind the device; likewise",
    )
    parser.add_argument(
        "--route", action="append", default=[], metavar="CIDR", help="behind the device, where routes decide; likewise"
    )
    parser.add_argument("--no-publish", action="store_true", help="the VPC's route table gets no entry of it")
    parser.add_argument(
        "--psk-file",
        action="append",
        default=[],
        metavar="FILE",
        help="the pre-shared key; - to type it unseen; repeat it for the slave's, if that has another",
    )
    parser.add_argument("--bgp", action="store_true", help="speak BGP with the device, in networks that are free")
    parser.add_argument("--asn", type=int, metavar="N", help="the gateway's AS number, for BGP (45104)")
    parser.add_argument("--ike", choices=("ikev1", "ikev2"), default="ikev2", help="the version of IKE (ikev2)")
    parser.add_argument("--encryption", default="aes256", metavar="ALG", help="of both phases (aes256)")
    parser.add_argument("--authentication", default="sha256", metavar="ALG", help="of both phases (sha256)")
    parser.add_argument("--group", default="group14", metavar="GROUP", help="Diffie-Hellman of both phases (group14)")
    command.action(actions, "list", _list, "list the IPsec connections of the region").add_argument(
        "--gateway", metavar="GATEWAY", help="only those of this one, by its id or name"
    )
    parser = command.action(
        actions, "show", _show, "show an IPsec connection, without its keys", until="a tunnel of it is up"
    )
    parser.add_argument("name", metavar="CONNECTION", help="its id, or its name if no other has it")
    command.removal(actions, _delete, "delete IPsec connections, after asking", "CONNECTION", waits=False)


def _create(session: Session) -> None:
    from gatewright.cli.friendly.connecting import connect

    session.show(_told(connect(session)), _SHOWN)


def _list(session: Session) -> None:
    from gatewright.cli.friendly.gateways import named as gateway_named

    wanted = session.parsed.gateway
    chosen = {} if wanted is None else {"VpnGatewayId": str(gateway_named(session, wanted)["VpnGatewayId"])}
    session.show_all(_WITHIN, session.every("DescribeVpnConnections", _WITHIN, **chosen), _BRIEF)


def _show(session: Session) -> None:
    from gatewright.cli import call_waits

    found = named(session, session.parsed.name)
    if not session.parsed.no_wait:
        up = call_waits.CONNECTION._replace(goal="ipsec_sa_established", field="Status")
        found = session.settled(up, str(found["VpnConnectionId"]), told(found))
    session.show(_told(found), _SHOWN)


def _delete(session: Session) -> None:
    for name in session.parsed.names:
        found = named(session, name)
        session.agree([told(found)])
        action = "DeleteVpnAttachment" if found.get("AttachType") == "NO_ASSOCIATED" else "DeleteVpnConnection"
        session.order(action, {"VpnConnectionId": str(found["VpnConnectionId"])})
        session.warn(f"{told(found)} is deleted")


def named(session: Session, name: str) -> dict[str, Any]:
    """The connection of an id or a name. Raises ConfigurationError, Refused, Unreachable."""
    from gatewright.cli.friendly.session import chosen

    if not name.startswith("vco-"):
        rows = session.every("DescribeVpnConnections", _WITHIN)
        lists = session.command("connections", "list")
        name = str(chosen(rows, name, "VpnConnectionId", "Name", "IPsec connection", lists)["VpnConnectionId"])
    return session.call("DescribeVpnConnection", VpnConnectionId=name)


def told(connection: dict[str, Any]) -> str:
    """What a connection is called where something is said of it."""
    identity, name = str(connection["VpnConnectionId"]), str(connection.get("Name") or "")
    return f"connection {name} ({identity})" if name not in ("", identity) else f"connection {identity}"


def _told(connection: dict[str, Any]) -> dict[str, Any]:
    """A connection with its tunnels in rows, as people look for them."""
    options = (connection.get("TunnelOptionsSpecification") or {}).get("TunnelOptions") or []
    tunnels = [
        {
            "TunnelId": each["TunnelId"],
            "Role": each["Role"],
            "Status": each["Status"],
            "Bgp": _bgp(each),
            "InternetIp": each.get("InternetIp"),
            "CustomerGatewayId": each["CustomerGatewayId"],
        }
        for each in options
    ]
    return {**connection, "Tunnels": tunnels} if tunnels else connection


def _bgp(tunnel: dict[str, Any]) -> str:
    status = (tunnel.get("TunnelBgpConfig") or {}).get("BgpStatus")
    return {"success": "up", "false": "down"}.get(status or "", "-")
