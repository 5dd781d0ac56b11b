"""CreateCustomerGateway."""

from __future__ import annotations

from typing import Annotated

from gatewright import ids
from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.customer_gateways.facts import (
    INVALID_DESCRIPTION,
    INVALID_NAME,
    AuthKey,
    Description,
    Name,
    sealed,
)
from gatewright.operations.declaration import Access, Operation, Parameter, Request, Response, Satisfies
from gatewright.operations.resource_groups import NO_SUCH_GROUP, group_for
from gatewright.operations.tags import LONGEST_NEW_KEY, TAG_ERRORS, ResourceType, Tags, add_tags, check_tags
from gatewright.resources import peers
from gatewright.store import customer_gateways
from gatewright.store.customer_gateways import CustomerGatewayRow

WRONG_ADDRESS = ErrorRow(400, "InvalidIpAddress.WrongFormat", "Specified IpAddress is invalid.")
ADDRESS_EXISTS = ErrorRow(
    400,
    "InvalidIpAddress.AlreadyExist",
    "Specified IpAddress is already exist.",
    "Use the customer gateway that the detail names: one serves any number of connections.",
)
QUOTA_FULL = ErrorRow(
    400,
    "Resource.QuotaFull",
    "The quota of resource is full",
    "Delete customer gateways of the region, or raise the quota (GATEWRIGHT_QUOTA_CUSTOMER_GATEWAYS).",
)


class CreateCustomerGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    ip_address: Annotated[
        str, Parameter(Satisfies(peers.is_peer_address, peers.ADDRESS_RULE, error=WRONG_ADDRESS), name="IpAddress")
    ]
    asn: Annotated[str | None, Parameter(Satisfies(peers.is_asn, peers.ASN_RULE))] = None
    auth_key: AuthKey = None
    name: Name = None
    description: Description = None
    resource_group_id: Annotated[str | None, Parameter()] = None
    tags: Tags = ()
    client_token: ClientToken = None


class CreateCustomerGatewayResponse(Response, kw_only=True):
    customer_gateway_id: str
    ip_address: str
    name: str
    description: str
    create_time: int


class CreateCustomerGateway(Operation[CreateCustomerGatewayRequest, CreateCustomerGatewayResponse]):
    """Register a customer's device: its public address, and for BGP its AS number and the key of its sessions.

    It is there at once. An account has one of each address in a region. Nothing of 0.0.0.0/8 is an address of a device
    (*assumed*). The AS number may be written as two of 16 bits, ``1.10`` for 65546.
    """

    access = Access.WRITE
    errors = (
        WRONG_ADDRESS,
        INVALID_NAME,
        INVALID_DESCRIPTION,
        NO_SUCH_GROUP,
        ADDRESS_EXISTS,
        QUOTA_FULL,
        *TAG_ERRORS,
    )

    def validate(self, request: CreateCustomerGatewayRequest) -> None:
        check_tags(request.tags, "Tags", LONGEST_NEW_KEY)

    def execute(self, call: Call, request: CreateCustomerGatewayRequest) -> CreateCustomerGatewayResponse:
        group_id = group_for(call, request.resource_group_id)
        found = customer_gateways.at(call.transaction, call.account_id, call.region.id, request.ip_address)
        if found is not None:
            raise ADDRESS_EXISTS("IpAddress", request.ip_address, f"is that of customer gateway {found}")
        quota = call.installation.quotas.customer_gateways
        if customer_gateways.count(call.transaction, call.account_id, call.region.id) >= quota:
            raise QUOTA_FULL("RegionId", call.region.id, f"has {quota} customer gateways of this account, its quota")
        identity = ids.resource_id("cgw", call.region.id)
        row = CustomerGatewayRow(
            id=identity,
            account_id=call.account_id,
            region_id=call.region.id,
            resource_group_id=group_id,
            ip_address=request.ip_address,
            asn=None if request.asn is None else peers.asn_of(request.asn),
            auth_key=sealed(call, identity, request.auth_key),
            auth_key_version=1,
            name=request.name or "",
            description=request.description or "",
            created_at=call.now,
        )
        customer_gateways.add(call.transaction, row)
        add_tags(call, ResourceType.CUSTOMER_GATEWAY, row.region_id, row.id, request.tags)
        return CreateCustomerGatewayResponse(
            customer_gateway_id=row.id,
            ip_address=row.ip_address,
            name=row.name,
            description=row.description,
            create_time=row.created_at,
        )
