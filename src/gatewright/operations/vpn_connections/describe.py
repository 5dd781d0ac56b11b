"""DescribeVpnConnection and DescribeVpnConnections."""

from __future__ import annotations

from typing import Annotated, Any

from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, Operation, Parameter, Part, Request, Response
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.tags import FILTER_ERRORS, Tags, tag_list, wanted_tags
from gatewright.operations.vpn_connections.facts import (
    NOT_FOUND,
    facts_of,
    find_connection,
    session_facts,
    states_of,
    wire_bool,
)
from gatewright.operations.vpn_connections.parts import (
    DescribedBgpPart,
    DescribedConnection,
    ListedBgpPart,
    ListedConnection,
)
from gatewright.store import connections, tags, tunnels
from gatewright.store.paging import TAGS


class DescribeVpnConnectionRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]


class DescribeVpnConnection(Operation[DescribeVpnConnectionRequest, DescribedConnection]):
    """Describe one connection, its pre-shared keys included.

    ``State`` is how far the gateway's hosts are with what is wanted of them, ``Status`` how far the negotiation with
    the peer is. What is said of a tunnel stands at the top for a single-tunnel connection, else in
    ``TunnelOptionsSpecification``, in the order in which the tunnels were given.

    An attachment has no gateway: its ``AttachType`` is ``NO_ASSOCIATED`` and its ``State`` ``init``, because there are
    no transit routers; nothing carries its tunnels, so none is ever up, and none has an address of its own (*assumed*).
    """

    access = Access.READ
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: DescribeVpnConnectionRequest) -> DescribedConnection:
        row = find_connection(call, request.vpn_connection_id)
        ends = tunnels.of_connections(call.transaction, [row.id])[row.id]
        facts = facts_of(call, row, ends, states_of(call, [row])[row.id])
        if not row.dual_tunnel:
            facts["zone_no"] = ends[0].zone_id
            facts["vpn_bgp_config"] = DescribedBgpPart(
                **session_facts(call, ends[0]), enable_bgp=wire_bool(ends[0].bgp_enabled)
            )
        tagged = tags.of(call.transaction, [row.id])
        return DescribedConnection(**facts, tags=tag_list(tagged.get(row.id, ())))


class DescribeVpnConnectionsRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str | None, Parameter()] = None
    customer_gateway_id: Annotated[str | None, Parameter()] = None
    vpn_connection_id: Annotated[str | None, Parameter()] = None
    resource_group_id: Annotated[str | None, Parameter()] = None
    tag: Tags = ()
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class VpnConnectionList(Part, kw_only=True):
    vpn_connection: list[ListedConnection]


class DescribeVpnConnectionsResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vpn_connections: VpnConnectionList


class DescribeVpnConnections(Operation[DescribeVpnConnectionsRequest, DescribeVpnConnectionsResponse]):
    """Page through the connections of a region, attachments included, newest first.

    A gateway's connection is in its gateway's resource group, an attachment in its own.
    """

    access = Access.LIST
    errors = FILTER_ERRORS

    def validate(self, request: DescribeVpnConnectionsRequest) -> None:
        wanted_tags(request.tag)

    def execute(self, call: Call, request: DescribeVpnConnectionsRequest) -> DescribeVpnConnectionsResponse:
        wanted: dict[str, Any] = {
            "gateway_id": request.vpn_gateway_id,
            "id": request.vpn_connection_id,
            connections.GROUP: request.resource_group_id,
            connections.PEER: request.customer_gateway_id,
            TAGS: wanted_tags(request.tag) or None,
        }
        filters = {"account_id": call.account_id, "region_id": call.region.id}
        filters |= {name: value for name, value in wanted.items() if value is not None}
        rows, total = connections.page(call.transaction, filters, number=request.page_number, size=request.page_size)
        told = [row.id for row in rows]
        ends, tagged = tunnels.of_connections(call.transaction, told), tags.of(call.transaction, told)
        listed, states = [], states_of(call, rows)
        for row in rows:
            facts = facts_of(call, row, ends[row.id], states[row.id])
            if not row.dual_tunnel:
                facts["vpn_bgp_config"] = ListedBgpPart(**session_facts(call, ends[row.id][0]))
            listed.append(ListedConnection(**facts, tag=tag_list(tagged.get(row.id, ()))))
        return DescribeVpnConnectionsResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            vpn_connections=VpnConnectionList(vpn_connection=listed),
        )
