"""ModifyVpcAttribute."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, Length, NotYet, Operation, Parameter, Request, Response
from gatewright.operations.route_tables.dependencies import custom_entries
from gatewright.operations.vpcs.facts import INCORRECT_STATUS, MASKS, NOT_FOUND, check_available, find_vpc, networks_of
from gatewright.operations.vpn_gateways.updating import networks_changed
from gatewright.resources.addresses import RESERVED_NETWORKS, overlapping, parse_network, within
from gatewright.store import vpcs, vswitches
from gatewright.store.vpcs import VpcRow

INVALID_NAME = ErrorRow(400, "InvalidVpcName.Malformed", "Specified VPC name is not valid.")
INVALID_DESCRIPTION = ErrorRow(400, "InvalidVpcDiscription.Malformed", "Specified VPC description is not valid.")
INVALID_CIDR = ErrorRow(400, "InvalidCidrBlock.Malformed", "Specified CIDR block is not valid.")


class ModifyVpcAttributeRequest(Request, kw_only=True, frozen=True):
    not_yet = (
        NotYet("EnableDnsHostname", "boolean", "false"),
        NotYet("EnableIPv6", "boolean", "false"),
        NotYet("Ipv6CidrBlock", "string"),
        NotYet("Ipv6Isp", "string", "BGP"),
    )

    vpc_id: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    vpc_name: Annotated[str | None, Parameter(Length(1, 128, INVALID_NAME))] = None
    description: Annotated[str | None, Parameter(Length(1, 256, INVALID_DESCRIPTION))] = None
    cidr_block: Annotated[str | None, Parameter()] = None


class ModifyVpcAttributeResponse(Response, kw_only=True):
    pass


class ModifyVpcAttribute(Operation[ModifyVpcAttributeRequest, ModifyVpcAttributeResponse]):
    """Change a VPC's name, description or first network.

    The new network contains the old one or is a part of it, and keeps the rules of CreateVpc. Every vSwitch must still
    lie in a network of the VPC, not only the addresses in use (*assumed*). A larger network must not overlap a
    secondary one (*assumed*). It must not take in the destination of a custom route entry, as a secondary one must not
    (*assumed*). A destination that lies in the old network already is in nobody's way. A default VPC keeps its
    network.
    """

    access = Access.WRITE
    errors = (NOT_FOUND, INVALID_NAME, INVALID_DESCRIPTION, INCORRECT_STATUS, INVALID_CIDR)

    def validate(self, request: ModifyVpcAttributeRequest) -> None:
        if request.cidr_block is None:
            return
        network = parse_network(request.cidr_block)
        if network is None or network.prefixlen not in MASKS:
            raise INVALID_CIDR("CidrBlock", request.cidr_block, "must be an IPv4 network of /8 to /28")
        reserved = within(network, RESERVED_NETWORKS)
        if reserved is not None:
            raise INVALID_CIDR("CidrBlock", request.cidr_block, f"must not lie within {reserved}")

    def execute(self, call: Call, request: ModifyVpcAttributeRequest) -> ModifyVpcAttributeResponse:
        row = find_vpc(call, request.vpc_id, NOT_FOUND)
        check_available(call, row, INCORRECT_STATUS)
        moved = request.cidr_block is not None and request.cidr_block != row.cidr_block
        if request.cidr_block is not None and moved:
            self._check_network(call, row, request.cidr_block)
        vpcs.change(
            call.transaction,
            msgspec.structs.replace(
                row,
                name=row.name if request.vpc_name is None else request.vpc_name,
                description=row.description if request.description is None else request.description,
                cidr_block=row.cidr_block if request.cidr_block is None else request.cidr_block,
            ),
        )
        if moved:
            networks_changed(call, row.id)
        return ModifyVpcAttributeResponse()

    def _check_network(self, call: Call, row: VpcRow, wanted: str) -> None:
        first, *secondary = networks_of(row)
        network = IPv4Network(wanted)
        if row.is_default:
            raise INVALID_CIDR("CidrBlock", wanted, f"{row.id} is a default VPC, whose network stays {first}")
        if not network.subnet_of(first) and not first.subnet_of(network):
            raise INVALID_CIDR("CidrBlock", wanted, f"must contain the VPC's network {first}, or lie within it")
        taken = overlapping(network, secondary)
        if taken is not None:
            raise INVALID_CIDR("CidrBlock", wanted, f"overlaps the VPC's secondary network {taken}")
        for entry in custom_entries(call, row.id):
            destination = IPv4Network(entry.destination)
            if destination.subnet_of(network) and not destination.subnet_of(first):
                raise INVALID_CIDR("CidrBlock", wanted, f"would hold {destination}, where route entry {entry.id} leads")
        for vswitch in vswitches.of_vpcs(call.transaction, [row.id]):
            if within(IPv4Network(vswitch.cidr_block), [network, *secondary]) is None:
                raise INVALID_CIDR("CidrBlock", wanted, f"leaves out {vswitch.cidr_block} of vSwitch {vswitch.id}")
