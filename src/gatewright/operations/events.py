"""Gatewright DescribeEvents: what happened to the account's resources. The real service has no such operation."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    GATEWRIGHT,
    Access,
    Between,
    Matches,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.store import events
from gatewright.store.events import BEGINNING, NumberedEvent, Place

#: Events in an answer, unless the request says how many.
USUAL = 50
MOST = 500


class DescribeEventsRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str | None, Parameter()] = None
    resource_id: Annotated[str | None, Parameter()] = None
    after: Annotated[
        str | None, Parameter(Matches("[0-9]{1,18}-[0-9]{1,18}", "must be the After of an earlier answer"))
    ] = None
    max_results: Annotated[int, Parameter(Between(1, MOST))] = USUAL


class EventPart(Part, kw_only=True):
    time: int
    region_id: str
    resource_type: str
    resource_id: str
    #: Absent where the resource has come to be.
    from_: str | None = None
    to: str
    text: str


class EventList(Part, kw_only=True):
    event: list[EventPart]


class DescribeEventsResponse(Response, kw_only=True):
    events: EventList
    after: str
    missed: bool


class DescribeEvents(Operation[DescribeEventsRequest, DescribeEventsResponse]):
    """Tell what happened to gateways, connections, vSwitches and VPCs: new statuses, and what hosts say is wrong.

    Without ``After`` the last events are told, oldest first. ``After`` in the answer says how far that was: with it in
    the next request the events are told that came after those, each one once, also after a restart of the service. The
    newest 10,000 events of an account are kept; ``Missed`` is true when some after ``After`` are gone already, and then
    the oldest that there are are told.
    """

    product = GATEWRIGHT
    access = Access.LIST

    def execute(self, call: Call, request: DescribeEventsRequest) -> DescribeEventsResponse:
        transaction, account_id, most = call.transaction, call.account_id, request.max_results
        chosen = {
            "region_id": call.named_region.id if call.named_region else "",
            "resource_id": request.resource_id or "",
        }
        # Before the events: one that is added meanwhile comes after this place.
        newest = events.newest(transaction, account_id)
        if request.after is None:
            found = events.last(transaction, account_id, newest, most, **chosen)
            return _answer(found, newest, missed=False)
        behind = Place(*map(int, request.after.split("-")))
        missed = not events.is_known(transaction, account_id, behind)
        if missed:
            behind = BEGINNING
        found = events.following(transaction, account_id, behind, newest, most, **chosen)
        full = len(found) == most
        return _answer(found, Place(found[-1].number, found[-1].happened_at) if full else newest, missed=missed)


def _answer(found: list[NumberedEvent], upto: Place, *, missed: bool) -> DescribeEventsResponse:
    return DescribeEventsResponse(
        events=EventList(event=[_part(event) for event in found]),
        after=f"{upto.number}-{upto.happened_at}",
        missed=missed,
    )


def _part(event: NumberedEvent) -> EventPart:
    return EventPart(
        time=event.happened_at,
        region_id=event.region_id,
        resource_type=event.subject,
        resource_id=event.resource_id,
        from_=event.before,
        to=event.after,
        text=event.text,
    )


OPERATIONS = (DescribeEvents,)
