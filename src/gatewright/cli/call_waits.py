"""``gatewright call ... --wait``: what a call sets going, and when it has settled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gatewright.cli.progress import Look, Progress, Wait
from gatewright.client import Caller, Refused

GONE = "gone"
_DELETING = "deleting"


class Settling(NamedTuple):
    """How it is seen that a resource has settled."""

    #: What describes it, and the parameter and field that name it.
    describe: str
    identity: str
    #: The status to wait for.
    goal: str
    #: The field of the description that has the status.
    field: str = "Status"


GATEWAY = Settling("DescribeVpnGateway", "VpnGatewayId", "active")
VPC = Settling("DescribeVpcAttribute", "VpcId", "Available")
VSWITCH = Settling("DescribeVSwitchAttributes", "VSwitchId", "Available")
CONNECTION = Settling("DescribeVpnConnection", "VpnConnectionId", "active", "State")
#: By title. Other calls have done all they do when they are answered.
WAITS = {
    "CreateVpnGateway": GATEWAY,
    "ModifyVpnGatewayAttribute": GATEWAY,
    "DeleteVpnGateway": GATEWAY._replace(goal=GONE),
    "CreateEnhancedVpnGateway": GATEWAY,
    "UpdateEnhancedVpnGateway": GATEWAY,
    "DeleteEnhancedVpnGateway": GATEWAY._replace(goal=GONE),
    "CreateVpnConnection": CONNECTION,
    "ModifyVpnConnectionAttribute": CONNECTION,
    "ModifyTunnelAttribute": CONNECTION,
    "CreateVpc": VPC,
    "CreateDefaultVpc": VPC,
    "ModifyVpcAttribute": VPC,
    "AssociateVpcCidrBlock": VPC,
    "UnassociateVpcCidrBlock": VPC,
    "DeleteVpc": VPC._replace(goal=GONE),
    "CreateVSwitch": VSWITCH,
    "CreateDefaultVSwitch": VSWITCH,
    "ModifyVSwitchAttribute": VSWITCH,
    "DeleteVSwitch": VSWITCH._replace(goal=GONE),
}


def wait(caller: Caller, title: str, parameters: Mapping[str, str], answer: Mapping[str, Any], patience: float) -> None:
    """Wait until what a call set going has settled. ``patience`` is in seconds. Raises Ended, Refused, Unreachable."""
    settling = WAITS[title]
    identity = str(answer.get(settling.identity) or parameters[settling.identity])
    asked = {settling.identity: identity}
    if "RegionId" in parameters:
        asked["RegionId"] = parameters["RegionId"]
    meanwhile = f"The service goes on with it; {settling.describe} shows how it stands."
    with Progress() as progress:
        follow(caller, progress, settling, asked, Wait(identity, settling.goal, meanwhile, patience=patience))


def follow(
    caller: Caller, progress: Progress, settling: Settling, asked: Mapping[str, str], wait: Wait
) -> dict[str, Any]:
    """Wait until a resource has settled; ``asked`` describes it. Gives what was described last, nothing if it is gone.

    Raises Ended, Refused, Unreachable.
    """
    last: dict[str, Any] = {}

    def look() -> Look:
        nonlocal last
        try:
            last = caller.call(settling.describe, asked)
        except Refused as refused:
            if refused.status == 404 and settling.goal == GONE:
                last = {}
                return Look(GONE, done=True)
            if refused.status == 404 and last:
                return Look(GONE, failed="somebody has deleted it meanwhile")
            if refused.status >= 500 or refused.code.startswith("Throttling"):
                return Look(f"not told ({refused.code}), asking again")
            raise
        status = str(last[settling.field])
        if status == _DELETING and settling.goal != GONE:
            return Look(status, failed="somebody has deleted it meanwhile")
        return Look(status, done=status == settling.goal)

    progress.wait(wait, look)
    return last
