"""DiagnoseVpnConnections."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, Count, Operation, Parameter, Part, Request, Response
from gatewright.operations.diagnosis.situations import Diagnosed, situations
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.vpn_connections.logs import shown
from gatewright.resources.diagnosis import Finding, diagnose
from gatewright.store import connections, tunnels

#: Ids in a list, at the most (*assumed*).
MOST = 50
_Ids = Annotated[tuple[str, ...], Parameter(Count(MOST))]


class DiagnoseVpnConnectionsRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str | None, Parameter()] = None
    vpn_connection_ids: _Ids = ()
    tunnel_ids: _Ids = ()
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class FindingPart(Part, kw_only=True):
    vpn_connection_id: str
    #: Of a dual-tunnel connection.
    tunnel_id: str | None = None
    severity: str
    failed_reason_code: str
    failed_reason: str
    #: Absent where there is no moment that it began at.
    failed_time: int | None = None
    mismatch_local_param: str
    mismatch_remote_param: str
    source_log: str


class DiagnoseVpnConnectionsResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vpn_connections: list[FindingPart]


class DiagnoseVpnConnections(Operation[DiagnoseVpnConnectionsRequest, DiagnoseVpnConnectionsResponse]):
    """Tell what is wrong with tunnels now, and what to do about it.

    They are named by their connections, by themselves, by their gateway, or by several of
    these, which all have to hold; something must be named (*assumed*). Each finding is an entry of its own, of one
    tunnel the gravest first; a tunnel that nothing is wrong with has ``NoExceptionFound`` (*assumed*). What is not
    there, or somebody else's, has no entries. ``FailedReason`` says what is wrong and which parameter to change;
    ``MismatchLocalParam`` and ``MismatchRemoteParam`` are the values of the two sides, as far as the peer told its own.
    """

    access = Access.LIST

    def validate(self, request: DiagnoseVpnConnectionsRequest) -> None:
        if not (request.vpn_connection_ids or request.tunnel_ids or request.vpn_gateway_id):
            raise missing_parameter("VpnConnectionIds")

    def execute(self, call: Call, request: DiagnoseVpnConnectionsRequest) -> DiagnoseVpnConnectionsResponse:
        found = [(each, finding) for each in _wanted(call, request) for finding in diagnose(each.situation)]
        first = (request.page_number - 1) * request.page_size
        told = found[first : first + request.page_size]
        return DiagnoseVpnConnectionsResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=len(found),
            vpn_connections=[_part(each, finding) for each, finding in told],
        )


def _wanted(call: Call, request: DiagnoseVpnConnectionsRequest) -> list[Diagnosed]:
    asked = []
    if request.vpn_connection_ids:
        asked.append(set(request.vpn_connection_ids))
    if request.tunnel_ids:
        asked.append(set(tunnels.owners(call.transaction, list(dict.fromkeys(request.tunnel_ids)))))
    if request.vpn_gateway_id is not None:
        asked.append({each.connection_id for each in tunnels.beside(call.transaction, request.vpn_gateway_id)})
    rows = connections.views(call.transaction, call.account_id, sorted(set.intersection(*asked)))
    found = situations(call, [row for row in rows if call.here(row.region_id)])
    return [each for each in found if not request.tunnel_ids or each.tunnel.id in request.tunnel_ids]


def _part(diagnosed: Diagnosed, finding: Finding) -> FindingPart:
    tunnel_id = diagnosed.tunnel.id if diagnosed.connection.dual_tunnel else None
    line = shown(finding.at or 0, finding.line, tunnel_id or "") if finding.line else ""
    return FindingPart(
        vpn_connection_id=diagnosed.connection.id,
        tunnel_id=tunnel_id,
        severity=finding.severity.value,
        failed_reason_code=finding.code,
        failed_reason=finding.text,
        failed_time=finding.at,
        mismatch_local_param=finding.ours,
        mismatch_remote_param=finding.theirs,
        source_log=line,
    )
