"""MoveResourceGroup and MoveVpnResourceGroup: putting a resource into another resource group.

What belongs to the resource is in its group because it is asked for there, so nothing else is written.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.customer_gateways.facts import NOT_FOUND as CUSTOMER_GATEWAY_NOT_FOUND
from gatewright.operations.customer_gateways.facts import find_customer_gateway
from gatewright.operations.declaration import Access, OneOf, Operation, Parameter, Request, Response
from gatewright.operations.resource_groups import NO_SUCH_GROUP, group_for
from gatewright.operations.vpn_connections.facts import NOT_FOUND as CONNECTION_NOT_FOUND
from gatewright.operations.vpn_connections.facts import find_attachment
from gatewright.operations.vpn_gateways.facts import NOT_FOUND as GATEWAY_NOT_FOUND
from gatewright.operations.vpn_gateways.facts import find_gateway
from gatewright.operations.vpn_gateways.updating import CONFIGURING
from gatewright.resources.statuses import GatewayStatus
from gatewright.store import connections, customer_gateways, gateways, vpcs

RESOURCE_NOT_FOUND = ErrorRow(
    400,
    "InvalidResourceId.NotFound",
    "The specified ResourceId does not exist.",
    "VPCs can be moved; MoveVpnResourceGroup moves VPN gateways, customer gateways and attachments.",
)
UNKNOWN_TYPE = ErrorRow(
    400,
    "IllegalParam.ResourceType",
    "Invalid Resource Type value.",
    "Of what there is here, a Vpc can be moved.",
)
#: Types of the API; of these only VPCs exist here.
_TYPES = (
    "Vpc",
    "Eip",
    "BandwidthPackage",
    "PrefixList",
    "PublicIpAddressPool",
    "FlowLog",
    "HaVip",
    "TrafficMirrorFilter",
    "TrafficMirrorSession",
    "IPv4Gateway",
    "IPv6Gateway",
    "IPv6Address",
    "DhcpOptionsSet",
    "GatewayEndpoint",
)
_VPN_TYPES = ("VpnGateway", "CustomerGateway", "VpnAttachment")


class MoveResourceGroupRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    resource_type: Annotated[str, Parameter(OneOf(*_TYPES, error=UNKNOWN_TYPE, any_case=True))]
    resource_id: Annotated[str, Parameter()]
    new_resource_group_id: Annotated[str, Parameter()]


class MoveResourceGroupResponse(Response, kw_only=True):
    pass


class MoveResourceGroup(Operation[MoveResourceGroupRequest, MoveResourceGroupResponse]):
    """Move a VPC, and with it its vSwitches and route tables, to another resource group."""

    access = Access.WRITE
    errors = (RESOURCE_NOT_FOUND, NO_SUCH_GROUP)

    def execute(self, call: Call, request: MoveResourceGroupRequest) -> MoveResourceGroupResponse:
        vpc = None
        if request.resource_type.lower() == "vpc":
            vpc = vpcs.find(call.transaction, call.account_id, request.resource_id)
        if vpc is None or not call.here(vpc.region_id):
            raise RESOURCE_NOT_FOUND(
                "ResourceId",
                request.resource_id,
                f"names no {request.resource_type} of this account {call.where}",
            )
        group_id = group_for(call, request.new_resource_group_id, "NewResourceGroupId")
        vpcs.change(call.transaction, msgspec.structs.replace(vpc, resource_group_id=group_id))
        return MoveResourceGroupResponse()


class MoveVpnResourceGroupRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    resource_type: Annotated[str, Parameter(OneOf(*_VPN_TYPES, any_case=True))]
    instance_id: Annotated[str, Parameter()]
    new_resource_group_id: Annotated[str, Parameter()]


class MoveVpnResourceGroupResponse(Response, kw_only=True):
    pass


class MoveVpnResourceGroup(Operation[MoveVpnResourceGroupRequest, MoveVpnResourceGroupResponse]):
    """Move a VPN gateway with what belongs to it, a customer gateway or an attachment to another resource group.

    A gateway that is being deleted is not moved any more (*assumed*).
    """

    access = Access.WRITE
    errors = (GATEWAY_NOT_FOUND, CUSTOMER_GATEWAY_NOT_FOUND, CONNECTION_NOT_FOUND, CONFIGURING, NO_SUCH_GROUP)

    def execute(self, call: Call, request: MoveVpnResourceGroupRequest) -> MoveVpnResourceGroupResponse:
        kind = request.resource_type.lower()
        if kind == "customergateway":
            customer = find_customer_gateway(call, request.instance_id, "InstanceId")
            group_id = group_for(call, request.new_resource_group_id, "NewResourceGroupId")
            customer_gateways.change(call.transaction, msgspec.structs.replace(customer, resource_group_id=group_id))
            return MoveVpnResourceGroupResponse()
        if kind == "vpnattachment":
            attachment = find_attachment(call, request.instance_id, "InstanceId")
            group_id = group_for(call, request.new_resource_group_id, "NewResourceGroupId")
            connections.move(call.transaction, attachment.id, group_id)
            return MoveVpnResourceGroupResponse()
        row = find_gateway(call, request.instance_id, "InstanceId")
        group_id = group_for(call, request.new_resource_group_id, "NewResourceGroupId")
        if row.status == GatewayStatus.DELETING:
            raise CONFIGURING("InstanceId", row.id, "is being deleted")
        gateways.move(call.transaction, row.id, group_id)
        return MoveVpnResourceGroupResponse()


OPERATIONS = (MoveResourceGroup, MoveVpnResourceGroup)
