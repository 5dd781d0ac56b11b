"""``gatewright gateways``: making, listing, showing and deleting VPN gateways."""

from __future__ import annotations

import argparse
import contextlib
from typing import TYPE_CHECKING, Any

from gatewright.cli.friendly import command
from gatewright.errors import ConfigurationError

if TYPE_CHECKING:
    from gatewright.cli.friendly.network import Kept
    from gatewright.cli.friendly.session import Session

_CREATE = """
Make a VPN gateway. Where no vSwitch is named, a VPC and the vSwitches are made for it, in two zones where the region's
gateways have two halves; they carry a tag by which `gateways delete --with-network` knows them. If the gateway is
refused, they are removed again.
"""
_DELETE = """
Delete VPN gateways, after asking. With --with-network the vSwitches and the VPC that `gateways create` made for a
gateway go too, unless something else is in them.
"""
_WITHIN = ("VpnGateways", "VpnGateway")
_BRIEF = (
    "VpnGatewayId",
    "Name",
    "Status",
    "Spec",
    "NetworkType",
    "InternetIp",
    "DisasterRecoveryInternetIp",
    "SslVpnInternetIp",
    "VpcId",
    "Made",
)


def add(commands: command.Commands[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = command.group(
        commands, "gateways", "make, list, show and delete VPN gateways", "VPN gateways, without the API's words."
    )
    parser = command.action(actions, "create", _create, "make a VPN gateway", _CREATE, waits=True)
    parser.add_argument("--name", metavar="NAME", help="what it is called (default: its id)")
    parser.add_argument("--bandwidth", type=int, metavar="M", help="Mbit/s (default: the least that is offered)")
    parser.add_argument("--private", action="store_true", help="reached from the VPC's side, without public addresses")
    parser.add_argument("--ssl", action="store_true", help="with SSL-VPN")
    parser.add_argument("--vpc", metavar="ID", help="make the vSwitches in this VPC")
    parser.add_argument("--vswitch", action="append", default=[], metavar="ID", help="put it here; repeat it")
    parser.add_argument("--zone", action="append", default=[], metavar="ID", help="where vSwitches are made; repeat it")
    parser.add_argument("--cidr", metavar="NETWORK", help="of a VPC that is made (default: 10.0.0.0/16)")
    command.action(actions, "list", _list, "list the VPN gateways of the region").add_argument(
        "--vpc", metavar="ID", help="only those of this VPC"
    )
    parser = command.action(actions, "show", _show, "show a VPN gateway", until="it is active")
    parser.add_argument("name", metavar="GATEWAY", help="its id, or its name if no other has it")
    parser = command.removal(actions, _delete, "delete VPN gateways", "GATEWAY", _DELETE)
    parser.add_argument("--with-network", action="store_true", help="and the network that was made for it")


def _create(session: Session) -> None:
    from gatewright.cli.friendly.ordering import create

    create(session, _BRIEF)


def _list(session: Session) -> None:
    chosen = {} if session.parsed.vpc is None else {"VpcId": session.parsed.vpc}
    rows = session.every("DescribeVpnGateways", _WITHIN, **chosen)
    session.show_all(_WITHIN, rows, _BRIEF)


def _show(session: Session) -> None:
    from gatewright.cli import call_waits

    identity = str(named(session, session.parsed.name)["VpnGatewayId"])
    session.show(session.settled(call_waits.GATEWAY, identity, f"gateway {identity}"))


def _delete(session: Session) -> None:
    from gatewright.cli import call_waits
    from gatewright.cli.call_waits import GONE
    from gatewright.cli.friendly.network import Kept, made_with, remove

    with_network = session.parsed.with_network
    if with_network and session.parsed.no_wait:
        raise ConfigurationError("--with-network waits until the gateway is gone: leave out --no-wait")
    found = [named(session, name) for name in session.parsed.names]
    networks = [made_with(session, gateway) if with_network else Kept([], None, "") for gateway in found]
    for gateway, network in zip(found, networks, strict=True):
        things = [_told(gateway), *(f"vSwitch {vswitch}" for vswitch in network.vswitches)]
        session.agree(things + ([] if network.vpc is None else [f"VPC {network.vpc}"]))
        identity = str(gateway["VpnGatewayId"])
        session.order("DeleteVpnGateway", {"VpnGatewayId": identity})
        with contextlib.ExitStack() as stack:
            # the gateway, by which its network is known, is as good as gone
            stack.callback(_tell_left, session, network)
            session.settled(call_waits.GATEWAY._replace(goal=GONE), identity, f"gateway {identity}")
            for vswitch in network.vswitches:
                remove(session, "vSwitch", vswitch)
            if network.vpc is not None:
                remove(session, "VPC", network.vpc)
            elif network.reason:
                session.progress.note(f"the VPC stays: {network.reason}")
            stack.pop_all()


def _tell_left(session: Session, network: Kept) -> None:
    """Say how a network is removed that was to go with its gateway, and did not."""
    if network.vpc is not None:
        command = session.command("vpcs", "delete", network.vpc, "--with-vswitches")
    elif network.vswitches:
        command = session.command("vswitches", "delete", *network.vswitches)
    else:
        return
    session.warn(f"the network that was made for it is still there; when the gateway is gone: {command}")


def named(session: Session, name: str) -> dict[str, Any]:
    """The gateway of an id or a name. Raises ConfigurationError, Refused, Unreachable."""
    from gatewright.cli.friendly.session import chosen

    if name.startswith("vpn-"):
        return session.call("DescribeVpnGateway", VpnGatewayId=name)
    rows = session.every("DescribeVpnGateways", _WITHIN)
    return chosen(rows, name, "VpnGatewayId", "Name", "gateway", session.command("gateways", "list"))


def _told(gateway: dict[str, Any]) -> str:
    identity, name = str(gateway["VpnGatewayId"]), str(gateway.get("Name") or "")
    return f"gateway {name} ({identity})" if name not in ("", identity) else f"gateway {identity}"
