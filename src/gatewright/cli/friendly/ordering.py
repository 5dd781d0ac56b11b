"""``gatewright gateways create``: the network, the order, and what becomes of the one when the other is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from gatewright.cli import call_waits
from gatewright.cli.friendly import zones
from gatewright.cli.friendly.network import CIDR_BLOCK, Network
from gatewright.cli.friendly.session import NotSent, Session
from gatewright.cli.progress import Ended
from gatewright.client import Refused, Unreachable
from gatewright.errors import ConfigurationError
from gatewright.resources.regions import regions

#: Stands for what will be made, while the rest of an order is held against the rules.
_UNKNOWN = "unknown"


def create(session: Session, brief: Sequence[str]) -> None:
    """Make a gateway and what it needs. Raises NotSent, ConfigurationError, Refused, Unreachable, Ended."""
    parsed = session.parsed
    region = regions().get(session.region)
    halves = 2 if region is None or region.dual_tunnel else 1
    _check_places(session, halves)
    order = _order(session)
    # before anything is made for it
    session.check("CreateVpnGateway", {**order, "VpcId": parsed.vpc or _UNKNOWN})
    network = Network(session, parsed.name or "gatewright")
    try:
        vpc, vswitches = _place(session, network, halves)
        if network.made:
            order |= network.tag
        order |= {"VpcId": vpc, "VSwitchId": vswitches[0]}
        if halves > 1:
            order["DisasterRecoveryVSwitchId"] = vswitches[1]
        gateway = str(session.order("CreateVpnGateway", order)["VpnGatewayId"])
    except (Refused, NotSent):
        network.undo()
        raise
    except (Unreachable, Ended, KeyboardInterrupt):
        network.tell_left()
        raise
    with contextlib.ExitStack() as stack:
        # whatever becomes of the wait, what was made has to be known
        answer = session.call("DescribeVpnGateway", VpnGatewayId=gateway)
        made = {"Made": [each.row for each in network.made]} if network.made else {}
        stack.callback(lambda: session.show({**answer, **made}, brief))
        subject = f"gateway {parsed.name} ({gateway})" if parsed.name else f"gateway {gateway}"
        again = session.command("gateways", "show", gateway, "--wait")
        try:
            answer = session.settled(call_waits.GATEWAY, gateway, subject, again)
        except Ended:
            answer = session.call("DescribeVpnGateway", VpnGatewayId=gateway)
            raise


def _check_places(session: Session, halves: int) -> None:
    """Refuse options that contradict each other. Raises ConfigurationError."""
    parsed = session.parsed
    if parsed.vswitch and len(parsed.vswitch) != halves:
        raise ConfigurationError(
            f"say as many --vswitch as a gateway in {session.region} has vSwitches: {halves}, not "
            f"{len(parsed.vswitch)}; without any they are made"
        )
    if parsed.vswitch and (parsed.zone or parsed.cidr):
        raise ConfigurationError(
            "--zone and --cidr are for what is made, and with --vswitch nothing is: leave them out"
        )
    if parsed.vpc and parsed.cidr:
        raise ConfigurationError("--cidr is the network of a VPC that is made, and --vpc names one: leave one out")


def _order(session: Session) -> dict[str, str]:
    """The order without its place. Raises ConfigurationError for a bandwidth that is not offered."""
    parsed = session.parsed
    kind = "private" if parsed.private else "public"
    region = regions().get(session.region)
    offered = region.bandwidths(kind) if region is not None else ()
    if parsed.bandwidth is None and not offered:
        raise ConfigurationError(f"what is offered in {session.region} is not known here: say --bandwidth")
    if offered and parsed.bandwidth is not None and parsed.bandwidth not in offered:
        listed = ", ".join(map(str, offered))
        raise ConfigurationError(
            f"--bandwidth is {parsed.bandwidth}: a {kind} gateway in {session.region} has one of {listed} Mbit/s"
        )
    order = {"NetworkType": kind, "Bandwidth": str(parsed.bandwidth or min(offered))}
    if parsed.name is not None:
        order["Name"] = parsed.name
    if parsed.ssl:
        order["EnableSsl"] = "true"
    return order


def _place(session: Session, network: Network, halves: int) -> tuple[str, list[str]]:
    """The VPC and the vSwitches, made where they are not named. Raises NotSent, ConfigurationError, Refused, ..."""
    parsed = session.parsed
    if parsed.vswitch:
        if parsed.vpc:
            return parsed.vpc, parsed.vswitch
        return str(session.call("DescribeVSwitchAttributes", VSwitchId=parsed.vswitch[0])["VpcId"]), parsed.vswitch
    chosen = zones.choose(session, parsed.zone, halves)
    if parsed.vpc:
        session.progress.note(f"no vSwitch is named: making {halves} in {parsed.vpc}")
        return parsed.vpc, network.make_vswitches(parsed.vpc, chosen)
    session.progress.note("no network is named: making a VPC and its vSwitches")
    vpc = network.make_vpc(parsed.cidr or CIDR_BLOCK)
    return vpc, network.make_vswitches(vpc, chosen)
