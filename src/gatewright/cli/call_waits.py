"""``gatewright call ... --wait``: what a call sets going, and when it has settled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gatewright.cli.progress import Look, Progress, Wait
from gatewright.client import Caller, Refused

_GONE = "gone"


class Settling(NamedTuple):
    """How it is seen that a resource has settled."""

    #: What describes it, and the parameter and field that name it.
    describe: str
    identity: str
    #: The status to wait for.
    goal: str


_GATEWAY = Settling("DescribeVpnGateway", "VpnGatewayId", "active")
_VPC = Settling("DescribeVpcAttribute", "VpcId", "Available")
_VSWITCH = Settling("DescribeVSwitchAttributes", "VSwitchId", "Available")
#: By title. Other calls have done all they do when they are answered.
WAITS = {
    "CreateVpnGateway": _GATEWAY,
    "ModifyVpnGatewayAttribute": _GATEWAY,
    "DeleteVpnGateway": _GATEWAY._replace(goal=_GONE),
    "CreateVpc": _VPC,
    "CreateDefaultVpc": _VPC,
    "ModifyVpcAttribute": _VPC,
    "AssociateVpcCidrBlock": _VPC,
    "UnassociateVpcCidrBlock": _VPC,
    "DeleteVpc": _VPC._replace(goal=_GONE),
    "CreateVSwitch": _VSWITCH,
    "CreateDefaultVSwitch": _VSWITCH,
    "ModifyVSwitchAttribute": _VSWITCH,
    "DeleteVSwitch": _VSWITCH._replace(goal=_GONE),
}


def wait(caller: Caller, title: str, parameters: Mapping[str, str], answer: Mapping[str, Any], patience: float) -> None:
    """Wait until what a call set going has settled. ``patience`` is in seconds. Raises Ended, Refused, Unreachable."""
    settling = WAITS[title]
    identity = str(answer.get(settling.identity) or parameters[settling.identity])
    asked = {settling.identity: identity}
    if "RegionId" in parameters:
        asked["RegionId"] = parameters["RegionId"]

    def look() -> Look:
        try:
            status = str(caller.call(settling.describe, asked)["Status"])
        except Refused as refused:
            if settling.goal == _GONE and refused.status == 404:
                return Look(_GONE, done=True)
            if refused.status >= 500 or refused.code.startswith("Throttling"):
                return Look(f"not told ({refused.code}), asking again")
            raise
        return Look(status, done=status == settling.goal)

    meanwhile = f"The service goes on with it; {settling.describe} shows how it stands."
    with Progress() as progress:
        progress.wait(Wait(identity, settling.goal, meanwhile, patience=patience), look)
