"""Where an operation differs from the API's reference on purpose, and why.

The conformance tests compare every declared operation with the reference data and fail on a difference that does not
stand here, and on an entry here that is no difference any more. The coverage page shows the table. Behaviour that no
document states is marked as assumed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple


class Kind(enum.Enum):
    """The part of a declaration that differs."""

    OPERATION = "operation"
    REQUEST = "request"
    RESPONSE = "response"
    ERROR = "error"


class Difference(NamedTuple):
    """One difference between a declaration and the reference."""

    operation: str
    kind: Kind
    #: A parameter; a response field as ``Vpcs.Vpc[].CenStatus``; an error code.
    subject: str
    #: As the comparison words it: ``not told``, ``type boolean, reference string``, an error row's status and text.
    what: str


@dataclass(frozen=True, slots=True)
class Deviation:
    """A difference that is meant to be."""

    difference: Difference
    reason: str
    #: The document that the reason rests on; for an assumption, where the answer was taken from instead.
    source: str
    assumed: bool = False


#: A response field of the reference that the service never sends.
NOT_TOLD = "not told"


def _not_told(operation: str, *paths: str, reason: str, source: str) -> tuple[Deviation, ...]:
    return tuple(
        Deviation(Difference(operation, Kind.RESPONSE, path, NOT_TOLD), reason=reason, source=source) for path in paths
    )


DEVIATIONS: tuple[Deviation, ...] = (
    *_not_told(
        "DescribeVpcs",
        "Vpcs.Vpc[].CenStatus",
        reason="Sent only for a VPC that is attached to a CEN instance, and here none is.",
        source="help page of DescribeVpcs, 2024-10-10",
    ),
    *_not_told(
        "DescribeVpcs",
        "Vpcs.Vpc[].DhcpOptionsSetId",
        "Vpcs.Vpc[].DhcpOptionsSetStatus",
        reason="There are no DHCP options sets, and the status has no value that says so.",
        source="help page of DescribeVpcs, 2024-10-10",
    ),
    *_not_told(
        "DescribeVpcAttribute",
        "AssociatedCens",
        reason="Sent only for a VPC that is attached to a CEN instance, and here none is.",
        source="help page of DescribeVpcAttribute, 2024-10-10",
    ),
    *_not_told(
        "DescribeVpcAttribute",
        "AssociatedPropagationSources",
        reason="It names what propagates routes into the VPC. No source of dynamic routes is served yet.",
        source="help page of DescribeVpcAttribute, 2024-10-10",
    ),
    *_not_told(
        "DescribeVpcAttribute",
        "DhcpOptionsSetId",
        "DhcpOptionsSetStatus",
        reason="There are no DHCP options sets, and the status has no value that says so.",
        source="help page of DescribeVpcAttribute, 2024-10-10",
    ),
    *_not_told(
        "DescribeVpcAttribute",
        "Ipv4GatewayId",
        reason="There are no IPv4 gateways.",
        source="help page of DescribeVpcAttribute, 2024-10-10",
    ),
    Deviation(
        Difference(
            "DescribeVSwitchAttributes",
            Kind.ERROR,
            "InvalidVSwitchId.NotFound",
            "answers 404 VSwitch not exist.",
        ),
        reason="The reference has no error table for the operation; the row for an unknown vSwitch is DeleteVSwitch's.",
        source="error table of DeleteVSwitch",
        assumed=True,
    ),
    *_not_told(
        "DescribeVpnGateway",
        "ReservationData",
        reason="It describes an order that waits to take effect. Every order takes effect at once.",
        source="alibabacloud_vpc20160428 7.2.2",
    ),
    *_not_told(
        "DescribeVpnGateways",
        "VpnGateways.VpnGateway[].ReservationData",
        reason="It describes an order that waits to take effect. Every order takes effect at once.",
        source="alibabacloud_vpc20160428 7.2.2",
    ),
    Deviation(
        Difference(
            "ModifyVpnGatewayAttribute",
            Kind.ERROR,
            "VpnGateway.Configuring",
            "answers 400 The specified service is configuring.",
        ),
        reason="No row of its own table fits a gateway that is being deleted; the operations that do have a row for "
        "a busy gateway have this one.",
        source="error table of DeleteVpnGateway",
        assumed=True,
    ),
)
