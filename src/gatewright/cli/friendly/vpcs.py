"""``gatewright vpcs``: making, listing, showing and deleting VPCs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gatewright.cli.friendly import command

if TYPE_CHECKING:
    from gatewright.cli.friendly.session import Session

_WITHIN = ("Vpcs", "Vpc")
_BRIEF = ("VpcId", "VpcName", "Status", "CidrBlock")


def add(commands: command.Commands[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = command.group(commands, "vpcs", "make, list, show and delete VPCs", "VPCs, without the API's words.")
    parser = command.action(actions, "create", _create, "make a VPC", waits=True)
    parser.add_argument("--name", metavar="NAME", help="what it is called")
    parser.add_argument("--cidr", metavar="NETWORK", help="its network (default: 10.0.0.0/16)")
    command.action(actions, "list", _list, "list the VPCs of the region")
    parser = command.action(actions, "show", _show, "show a VPC")
    parser.add_argument("name", metavar="VPC", help="its id, or its name if no other has it")
    parser = command.removal(actions, _delete, "delete VPCs, after asking", "VPC")
    parser.add_argument("--with-vswitches", action="store_true", help="and the vSwitches in it")


def _create(session: Session) -> None:
    from gatewright.cli import call_waits
    from gatewright.cli.friendly.network import CIDR_BLOCK

    asked = {"CidrBlock": session.parsed.cidr or CIDR_BLOCK}
    if session.parsed.name is not None:
        asked["VpcName"] = session.parsed.name
    vpc = str(session.order("CreateVpc", asked)["VpcId"])
    session.show(session.settled(call_waits.VPC, vpc, f"VPC {vpc}"), _BRIEF)


def _list(session: Session) -> None:
    rows = session.every("DescribeVpcs", _WITHIN)
    session.show_all(_WITHIN, rows, _BRIEF)


def _show(session: Session) -> None:
    session.show(session.call("DescribeVpcAttribute", VpcId=str(_named(session, session.parsed.name)["VpcId"])))


def _delete(session: Session) -> None:
    from gatewright.cli.friendly.network import remove

    for name in session.parsed.names:
        vpc = _named(session, name)
        identity = str(vpc["VpcId"])
        vswitches: list[str] = []
        if session.parsed.with_vswitches:
            found = session.every("DescribeVSwitches", ("VSwitches", "VSwitch"), VpcId=identity)
            vswitches = [str(each["VSwitchId"]) for each in found]
        told = f"VPC {vpc['VpcName']} ({identity})" if vpc.get("VpcName") else f"VPC {identity}"
        session.agree([told, *(f"vSwitch {vswitch}" for vswitch in vswitches)])
        for vswitch in vswitches:
            remove(session, "vSwitch", vswitch)
        remove(session, "VPC", identity)


def _named(session: Session, name: str) -> dict[str, Any]:
    """The VPC of an id or a name. Raises ConfigurationError, Refused, Unreachable."""
    from gatewright.cli.friendly.session import chosen

    if name.startswith("vpc-"):
        return session.call("DescribeVpcAttribute", VpcId=name)
    rows = session.every("DescribeVpcs", _WITHIN)
    return chosen(rows, name, "VpcId", "VpcName", "VPC", session.command("vpcs", "list"))
