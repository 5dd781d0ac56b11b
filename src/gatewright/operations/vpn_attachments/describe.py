"""DescribeVpnAttachments and DescribeVpnCrossAccountAuthorizations."""

from __future__ import annotations

from typing import Annotated, Any

from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, OneOf, Operation, Parameter, Part, Request, Response
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.tags import TagPart, tag_list
from gatewright.operations.vpn_connections.facts import NOT_FOUND, find_attachment
from gatewright.operations.vpn_gateways.facts import CAPABILITIES
from gatewright.store import connections, tags

#: ``AttachType`` of what is attached to a transit router.
CEN = "CEN"


class DescribeVpnAttachmentsRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str | None, Parameter()] = None
    attach_type: Annotated[str, Parameter(OneOf(CEN))] = CEN
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class VpnAttachmentPart(Part, kw_only=True):
    instance_id: str
    name: str
    attach_type: str
    tunnel_bandwidth: str
    cross_account_authorized: bool
    tag: str
    tags: list[TagPart]


class DescribeVpnAttachmentsResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vpn_attachments: list[VpnAttachmentPart]


class DescribeVpnAttachments(Operation[DescribeVpnAttachmentsRequest, DescribeVpnAttachmentsResponse]):
    """Page through the IPsec connections that are attached to transit routers.

    There are no transit routers here, so there is none; DescribeVpnConnections lists the others.
    """

    access = Access.LIST

    def execute(self, call: Call, request: DescribeVpnAttachmentsRequest) -> DescribeVpnAttachmentsResponse:
        filters: dict[str, Any] = {
            "account_id": call.account_id,
            "region_id": call.region.id,
            "attach_type": request.attach_type,
        }
        if request.vpn_connection_id is not None:
            filters["id"] = request.vpn_connection_id
        rows, total = connections.page(call.transaction, filters, number=request.page_number, size=request.page_size)
        tagged = tags.of(call.transaction, [row.id for row in rows])
        return DescribeVpnAttachmentsResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            vpn_attachments=[
                VpnAttachmentPart(
                    instance_id=row.id,
                    name=row.name,
                    attach_type=row.attach_type,
                    tunnel_bandwidth=row.tunnel_bandwidth,
                    cross_account_authorized=False,
                    tag=CAPABILITIES,
                    tags=tag_list(tagged.get(row.id, ())).tag,
                )
                for row in rows
            ],
        )


class DescribeVpnCrossAccountAuthorizationsRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE
    client_token: ClientToken = None


class CrossAccountAuthorizationPart(Part, kw_only=True):
    vpn_connection_id: str
    ali_uid: int
    bind_uid: int
    bind_product: str
    bind_instance: str
    creation_time: int


class DescribeVpnCrossAccountAuthorizationsResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    cross_account_authorizations: list[CrossAccountAuthorizationPart]


class DescribeVpnCrossAccountAuthorizations(
    Operation[DescribeVpnCrossAccountAuthorizationsRequest, DescribeVpnCrossAccountAuthorizationsResponse]
):
    """Page through the transit routers of other accounts that an attachment may be attached to.

    What grants that belongs to another product, and there are no transit routers here, so there are none.
    """

    access = Access.LIST
    errors = (NOT_FOUND,)

    def execute(
        self, call: Call, request: DescribeVpnCrossAccountAuthorizationsRequest
    ) -> DescribeVpnCrossAccountAuthorizationsResponse:
        find_attachment(call, request.vpn_connection_id)
        return DescribeVpnCrossAccountAuthorizationsResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=0,
            cross_account_authorizations=[],
        )
