"""The VPC and the vSwitches that a gateway is made in, where nobody names them; and removing them again.

What is made carries one tag, so that it is known later to belong together and to have been made here.
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gatewright.cli import call_waits
from gatewright.cli.call_waits import GONE
from gatewright.cli.friendly.session import Session
from gatewright.cli.progress import Ended
from gatewright.client import Refused, Unreachable

#: The key of the tag; its value is one for all that was made together.
TAG = "gatewright:network"
#: Of a VPC that is made here, and the mask of its vSwitches where there is room for it.
CIDR_BLOCK = "10.0.0.0/16"
_MASK = 24
_SHORTEST, _LONGEST = 16, 29


class Made(NamedTuple):
    """One thing that was made."""

    kind: str
    id: str
    name: str
    zone: str
    cidr_block: str

    @property
    def row(self) -> dict[str, str]:
        return {"Kind": self.kind, "Id": self.id, "Name": self.name, "ZoneId": self.zone, "CidrBlock": self.cidr_block}


class Network:
    """What is made for one gateway."""

    def __init__(self, session: Session, name: str) -> None:
        self.made: list[Made] = []
        self.mark = uuid.uuid4().hex[:12]
        self._session = session
        self._name = name

    @property
    def tag(self) -> dict[str, str]:
        """The tag as a parameter."""
        return {"Tag.1.Key": TAG, "Tag.1.Value": self.mark}

    def make_vpc(self, cidr_block: str) -> str:
        """A VPC. Gives its id. Raises NotSent, Refused, Unreachable, Ended."""
        asked = {"CidrBlock": cidr_block, "VpcName": self._name, **self.tag}
        vpc = str(self._session.order("CreateVpc", asked)["VpcId"])
        self.made.append(Made("VPC", vpc, self._name, "", cidr_block))
        self._session.settled(call_waits.VPC, vpc, f"VPC {vpc} ({cidr_block})")
        return vpc

    def make_vswitches(self, vpc: str, zones: Sequence[str]) -> list[str]:
        """A vSwitch in each of the zones. Gives their ids. Raises NotSent, Refused, Unreachable, Ended."""
        mask = vswitch_mask(str(self._session.call("DescribeVpcAttribute", VpcId=vpc)["CidrBlock"]))
        found = []
        for number, zone in enumerate(zones, 1):
            name = f"{self._name}-{number}"
            asked = {"VpcId": vpc, "ZoneId": zone, "CidrMask": str(mask), "VSwitchName": name, **self.tag}
            vswitch = str(self._session.order("CreateVSwitch", asked)["VSwitchId"])
            self.made.append(Made("vSwitch", vswitch, name, zone, ""))
            subject = f"vSwitch {vswitch} in {zone}"
            described = self._session.settled(call_waits.VSWITCH, vswitch, subject)
            self.made[-1] = self.made[-1]._replace(cidr_block=str(described["CidrBlock"]))
            found.append(vswitch)
        return found

    def undo(self) -> None:
        """Remove what was made, because nothing will be made in it. Nothing is raised: what stays is told."""
        if not self.made:
            return
        self._session.progress.note("what was made for it is removed again:")
        try:
            while self.made:
                remove(self._session, self.made[-1].kind, self.made[-1].id)
                self.made.pop()
        except (Refused, Unreachable, Ended) as error:
            self._session.warn(f"that did not succeed: {error}")
            self.tell_left()

    def tell_left(self) -> None:
        """Say what was made, and how it is removed."""
        if not self.made:
            return
        self._session.warn("made so far, and still there:")
        for each in self.made:
            self._session.warn(f"  {each.kind} {each.id}")
        vpc = next((each.id for each in self.made if each.kind == "VPC"), None)
        if vpc is not None:
            command = self._session.command("vpcs", "delete", vpc, "--with-vswitches")
        else:
            command = self._session.command("vswitches", "delete", *(each.id for each in self.made))
        self._session.warn(f"to remove it: {command}")


class Kept(NamedTuple):
    """What was made together with a gateway, and is still there."""

    vswitches: list[str]
    vpc: str | None
    #: Why the VPC is to stay; empty if nothing keeps it.
    reason: str


def made_with(session: Session, gateway: Mapping[str, Any]) -> Kept:
    """What `gateways create` has made for a gateway, by the tag. Raises Refused, Unreachable."""
    mark = tag_of(gateway)
    if mark is None:
        return Kept([], None, "its network was not made with it")
    vpc = str(gateway["VpcId"])
    within = ("VSwitches", "VSwitch")
    vswitches = session.every("DescribeVSwitches", within, VpcId=vpc)
    own = [str(each["VSwitchId"]) for each in vswitches if tag_of(each) == mark]
    others = [str(each["VSwitchId"]) for each in vswitches if tag_of(each) != mark]
    (described,) = session.every("DescribeVpcs", ("Vpcs", "Vpc"), VpcId=vpc)
    if tag_of(described) != mark:
        return Kept(own, None, f"{vpc} was not made with it")
    if others:
        return Kept(own, None, f"{vpc} holds other vSwitches: {', '.join(others)}")
    return Kept(own, vpc, "")


def remove(session: Session, kind: str, identity: str) -> None:
    """Delete a VPC or a vSwitch, and wait until it is gone. Raises Refused, Unreachable, Ended."""
    settling = call_waits.VPC if kind == "VPC" else call_waits.VSWITCH
    action = "DeleteVpc" if kind == "VPC" else "DeleteVSwitch"
    session.order(action, {settling.identity: identity})
    session.settled(settling._replace(goal=GONE), identity, f"{kind} {identity}")


def tag_of(resource: Mapping[str, Any]) -> str | None:
    """The value of our tag; None without it."""
    tags = (resource.get("Tags") or {}).get("Tag") or []
    return next((str(tag.get("Value")) for tag in tags if tag.get("Key") == TAG), None)


def vswitch_mask(cidr_block: str) -> int:
    """The mask of a vSwitch in a VPC of this network: so that there is room for another one."""
    length = ipaddress.ip_network(cidr_block).prefixlen
    return min(_LONGEST, max(_MASK, length + 1, _SHORTEST))
