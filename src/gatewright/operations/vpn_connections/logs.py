"""DescribeVpnConnectionLogs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from gatewright.errors import invalid_parameter, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, Between, Operation, Parameter, Part, Request, Response
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.vpn_connections.facts import NOT_FOUND, find_connection
from gatewright.store import tunnel_logs, tunnels
from gatewright.store.tunnel_logs import LogLine

#: Seconds since the epoch, up to the year 2242.
_Moment = Annotated[int | None, Parameter(Between(0, 2**33))]
#: Milliseconds: later than anything.
_NEVER = 2**53


class DescribeVpnConnectionLogsRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]
    tunnel_id: Annotated[str | None, Parameter()] = None
    from_: Annotated[_Moment, Parameter(name="From")] = None
    to: _Moment = None
    minute_period: Annotated[int | None, Parameter(Between(1, 10))] = None
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class LogLines(Part, kw_only=True):
    logs: list[str]


class DescribeVpnConnectionLogsResponse(Response, kw_only=True):
    count: int
    data: LogLines
    is_completed: bool
    page_number: int
    page_size: int


class DescribeVpnConnectionLogs(Operation[DescribeVpnConnectionLogsRequest, DescribeVpnConnectionLogsResponse]):
    """Page through what the daemons of a connection's tunnels said, oldest first, without secrets.

    The time is given by ``From`` and ``To``, both included; by one of them and ``MinutePeriod``; or by ``MinutePeriod``
    alone: the last minutes. With all three ``From`` and ``To`` count. Times of lines are those of the hosts.
    ``Count`` is how many lines there are on all pages (*assumed*), ``IsCompleted`` whether that is all there were: the
    newest 5,000 lines of a connection are kept.
    """

    access = Access.LIST
    errors = (NOT_FOUND,)

    def validate(self, request: DescribeVpnConnectionLogsRequest) -> None:
        _window(request, 0)

    def execute(self, call: Call, request: DescribeVpnConnectionLogsRequest) -> DescribeVpnConnectionLogsResponse:
        row = find_connection(call, request.vpn_connection_id)
        if request.tunnel_id is not None:
            ends = tunnels.of_connections(call.transaction, [row.id])[row.id]
            if request.tunnel_id not in {each.id for each in ends}:
                raise invalid_parameter("TunnelId", request.tunnel_id, f"names no tunnel of {row.id}")
        earliest, until = _window(request, call.now)
        chosen = (row.id, earliest, until, request.tunnel_id or "")
        skipped = (request.page_number - 1) * request.page_size
        found = tunnel_logs.page(call.transaction, *chosen, skipped=skipped, most=request.page_size)
        return DescribeVpnConnectionLogsResponse(
            count=tunnel_logs.count(call.transaction, *chosen),
            data=LogLines(logs=[_shown(line, named=row.dual_tunnel) for line in found]),
            is_completed=tunnel_logs.is_whole(call.transaction, row.id, earliest),
            page_number=request.page_number,
            page_size=request.page_size,
        )


def _window(request: DescribeVpnConnectionLogsRequest, now: int) -> tuple[int, int]:
    """From when and until before when, milliseconds. Raises MissingMinutePeriod and InvalidParameter."""
    first, last, minutes = request.from_, request.to, request.minute_period
    if first is not None and last is not None:
        if first > last:
            raise invalid_parameter("From", first, f"must not be later than To, {last}")
        return first * 1000, last * 1000 + 1000
    if minutes is None:
        raise missing_parameter("MinutePeriod")
    if first is not None:
        return first * 1000, (first + minutes * 60) * 1000 + 1000
    if last is not None:
        return (last - minutes * 60) * 1000, last * 1000 + 1000
    return now - minutes * 60_000, _NEVER


def shown(happened_at: int, text: str, tunnel_id: str = "") -> str:
    """A line with its time (milliseconds), and of two tunnels with which one it is."""
    at = datetime.fromtimestamp(happened_at / 1000, UTC).isoformat(timespec="milliseconds")
    return " ".join(filter(None, (at.replace("+00:00", "Z"), tunnel_id, text)))


def _shown(line: LogLine, *, named: bool) -> str:
    return shown(line.happened_at, line.text, line.tunnel_id if named else "")
