"""``gatewright vswitches``: making, listing, showing and deleting vSwitches."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gatewright.cli.friendly import command

if TYPE_CHECKING:
    from gatewright.cli.friendly.session import Session

_CREATE = """
Make a vSwitch in a VPC. Its zone is one that has room for gateways and no vSwitch of the VPC yet, its network the first
free one with a mask of 24 or, in a smaller VPC, half of that, unless it is said.
"""
_WITHIN = ("VSwitches", "VSwitch")
_BRIEF = ("VSwitchId", "VSwitchName", "Status", "CidrBlock", "ZoneId", "VpcId")


def add(commands: command.Commands[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = command.group(
        commands, "vswitches", "make, list, show and delete vSwitches", "vSwitches, without the API's words."
    )
    parser = command.action(actions, "create", _create, "make a vSwitch", _CREATE, waits=True)
    parser.add_argument("--vpc", required=True, metavar="ID", help="the VPC that it is in")
    parser.add_argument("--name", metavar="NAME", help="what it is called")
    parser.add_argument("--zone", metavar="ID", help="the zone that it is in")
    parser.add_argument("--cidr", metavar="NETWORK", help="its network")
    command.action(actions, "list", _list, "list the vSwitches of the region").add_argument(
        "--vpc", metavar="ID", help="only those of this VPC"
    )
    parser = command.action(actions, "show", _show, "show a vSwitch")
    parser.add_argument("name", metavar="VSWITCH", help="its id, or its name if no other has it")
    command.removal(actions, _delete, "delete vSwitches, after asking", "VSWITCH")


def _create(session: Session) -> None:
    from gatewright.cli import call_waits
    from gatewright.cli.friendly.network import vswitch_mask

    parsed = session.parsed
    asked = {"VpcId": parsed.vpc, "ZoneId": parsed.zone or _zone(session, parsed.vpc)}
    if parsed.cidr is not None:
        asked["CidrBlock"] = parsed.cidr
    else:
        network = str(session.call("DescribeVpcAttribute", VpcId=parsed.vpc)["CidrBlock"])
        asked["CidrMask"] = str(vswitch_mask(network))
    if parsed.name is not None:
        asked["VSwitchName"] = parsed.name
    vswitch = str(session.order("CreateVSwitch", asked)["VSwitchId"])
    session.show(session.settled(call_waits.VSWITCH, vswitch, f"vSwitch {vswitch}"), _BRIEF)


def _zone(session: Session, vpc: str) -> str:
    """A zone without a vSwitch of the VPC where there is one. Raises ConfigurationError, Refused, Unreachable."""
    from gatewright.cli.friendly import zones

    taken = {each["ZoneId"] for each in session.every("DescribeVSwitches", _WITHIN, VpcId=vpc)}
    free = zones.available(session)
    return next((zone for zone in free if zone not in taken), None) or zones.choose(session, (), 1)[0]


def _list(session: Session) -> None:
    chosen = {} if session.parsed.vpc is None else {"VpcId": session.parsed.vpc}
    rows = session.every("DescribeVSwitches", _WITHIN, **chosen)
    session.show_all(_WITHIN, rows, _BRIEF)


def _show(session: Session) -> None:
    session.show(_named(session, session.parsed.name))


def _delete(session: Session) -> None:
    from gatewright.cli.friendly.network import remove

    for name in session.parsed.names:
        vswitch = _named(session, name)
        identity = str(vswitch["VSwitchId"])
        told = f"vSwitch {vswitch['VSwitchName']} ({identity})" if vswitch.get("VSwitchName") else f"vSwitch {identity}"
        session.agree([told])
        remove(session, "vSwitch", identity)


def _named(session: Session, name: str) -> dict[str, Any]:
    """The vSwitch of an id or a name. Raises ConfigurationError, Refused, Unreachable."""
    from gatewright.cli.friendly.session import chosen

    if name.startswith("vsw-"):
        return session.call("DescribeVSwitchAttributes", VSwitchId=name)
    rows = session.every("DescribeVSwitches", _WITHIN)
    return chosen(rows, name, "VSwitchId", "VSwitchName", "vSwitch", session.command("vswitches", "list"))
