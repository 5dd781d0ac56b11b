"""Random lives of one gateway's routes, held against a model after every step: the API's lists and the host's spec."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from gatewright.operations.call import Quotas
from tests.fuzz.effort import effort
from tests.machine.ending import end_lives
from tests.machine.model import Refusal
from tests.machine.routing import MOST_ENTRIES, MOST_ROUTES, NOT_FOUND, PEOPLE, Routing, Way
from tests.support.cell import Cell
from tests.support.client import Refused
from tests.support.site import Site

AT = st.integers(0, 2)
#: The last one lies in the VPC's vSwitch.
DESTINATIONS = st.sampled_from(("192.168.0.0/24", "192.168.0.0/16", "172.16.0.0/16", "10.0.0.128/25"))
SOURCES = st.sampled_from(("10.0.0.0/24", "10.1.0.0/24"))
#: Where it is empty the route is destination-based.
FROM = st.one_of(st.just(""), SOURCES)
WEIGHTS = st.sampled_from((100, 0))
PRIORITIES = st.sampled_from((10, 10, 20))
_accounts = itertools.count(4_000_000_000_000_000)


class Routes(RuleBasedStateMachine):
    """A gateway of an account that nobody has used before, with two connections that routes decide about."""

    service: ClassVar[Cell]

    def __init__(self) -> None:
        super().__init__()
        self.site = Site(self.service.other(str(next(_accounts))))
        self.model = Routing()
        self.connections = [self.site.connection() for _ in range(2)]

    def teardown(self) -> None:
        end_lives([self.site.cell])

    def _attempt(self, expected: Refusal, action: str, **parameters: Any) -> bool:
        try:
            self.site.cell.call(action, **parameters)
        except Refused as refused:
            assert (refused.status, refused.code) == expected, refused
            return False
        assert expected is None, f"{action} was served, and should have been refused with {expected}"
        return True

    def _named(self, way: Way, **besides: Any) -> dict[str, Any]:
        """The parameters that name a route."""
        told = {
            "VpnGatewayId": self.site.gateway,
            "RouteDest": way.destination,
            "NextHop": way.connection,
            "Weight": way.weight,
            **besides,
        }
        return told | {"RouteSource": way.source, "Priority": way.priority} if way.source else told

    def _way(self, at: int, source: str, destination: str, weight: int, priority: int, published: bool = False) -> Way:
        connection = self.connections[at % len(self.connections)]
        return Way(source, destination, connection, weight, priority if source else 0, published)

    def _meant(self, way: Way) -> Way | None:
        """The route that a request names, if there is one of this weight and priority."""
        found = self.model.find(way)
        same = found is not None and (found.weight, found.priority) == (way.weight, way.priority)
        return found if same else None

    @rule(at=AT, source=FROM, destination=DESTINATIONS, weight=WEIGHTS, priority=PRIORITIES, published=st.booleans())
    def create(self, at: int, source: str, destination: str, weight: int, priority: int, published: bool) -> None:
        way = self._way(at, source, destination, weight, priority, published)
        action = "CreateVpnPbrRouteEntry" if source else "CreateVpnRouteEntry"
        if self._attempt(self.model.may_create(way), action, **self._named(way, PublishVpc=published)):
            self.model.create(way)

    @rule(at=AT, source=FROM, destination=DESTINATIONS, weight=WEIGHTS, priority=PRIORITIES)
    def delete(self, at: int, source: str, destination: str, weight: int, priority: int) -> None:
        way = self._way(at, source, destination, weight, priority)
        found = self._meant(way)
        action = "DeleteVpnPbrRouteEntry" if source else "DeleteVpnRouteEntry"
        if self._attempt(None if found else NOT_FOUND, action, **self._named(way)) and found:
            self.model.delete([found])

    @rule(at=AT, source=FROM, destination=DESTINATIONS, weight=WEIGHTS, priority=PRIORITIES, new=PRIORITIES)
    def change(self, at: int, source: str, destination: str, weight: int, priority: int, new: int) -> None:
        """Of a policy both weight and priority."""
        way = self._way(at, source, destination, weight, priority)
        found = self._meant(way)
        changed = found and replace(found, weight=100 - weight, priority=new if source else 0)
        expected = self.model.may_change(found, changed) if found and changed else NOT_FOUND
        action = "ModifyVpnPbrRouteEntryAttribute" if source else "ModifyVpnRouteEntryWeight"
        wanted = {"NewWeight": 100 - weight, "NewPriority": new} if source else {"NewWeight": 100 - weight}
        if self._attempt(expected, action, **self._named(way), **wanted) and found and changed:
            self.model.change(found, changed)

    @rule(at=AT, source=FROM, all_sources=st.booleans(), destination=DESTINATIONS, wanted=st.booleans())
    def publish(self, at: int, source: str, all_sources: bool, destination: str, wanted: bool) -> None:
        kind, connection = ("pbr" if source else "dbr"), self.connections[at % len(self.connections)]
        named = {"VpnGatewayId": self.site.gateway, "RouteDest": destination, "NextHop": connection}
        named |= {"RouteType": kind} | ({"RouteSource": source} if source and not all_sources else {})
        meant = [
            way
            for way in self.model.of(kind)
            if (way.destination, way.connection) == (destination, connection) and (all_sources or way.source == source)
        ]
        expected = None if meant else NOT_FOUND
        if wanted and any(not way.published for way in meant):
            expected = self.model.may_publish(destination, (kind, connection))
        if self._attempt(expected, "PublishVpnRouteEntry", **named, PublishVpc=wanted):
            self.model.publish(meant, wanted)

    @rule(destination=DESTINATIONS)
    def create_entry(self, destination: str) -> None:
        """People's own, in the VPC's system route table."""
        expected: Refusal = None
        if destination.startswith("10."):
            expected = 400, "InvalidCidrBlock"
        elif destination in self.model.entries:
            expected = 400, "InvalidCIDRBlock.Duplicate"
        elif len(self.model.entries) >= MOST_ENTRIES:
            expected = 400, "QuotaExceeded"
        wish = {"RouteTableId": self.site.table, "NextHopType": "VpnGateway", "NextHopId": self.site.gateway}
        if self._attempt(expected, "CreateRouteEntry", **wish, DestinationCidrBlock=destination):
            self.model.entries[destination] = PEOPLE

    @rule(destination=DESTINATIONS)
    def delete_entry(self, destination: str) -> None:
        """Whoever made it."""
        if destination not in self.model.entries:
            return
        named = {"RouteTableId": self.site.table, "NextHopId": self.site.gateway}
        assert self._attempt(None, "DeleteRouteEntry", **named, DestinationCidrBlock=destination)
        self.model.delete_entry(destination)

    @rule(source=SOURCES, destination=DESTINATIONS)
    def connect(self, source: str, destination: str) -> None:
        """A third connection, for two networks; it makes a policy by itself."""
        if len(self.connections) > 2:
            return
        expected = self.model.may_connect(source, destination)
        try:
            made = self.site.connection(source, destination)
        except Refused as refused:
            assert (refused.status, refused.code) == expected, refused
            return
        assert expected is None
        self.connections.append(made)
        self.model.remote[made] = destination
        self.model.create(Way(source, destination, made, 100, 10, automatic=True))

    @rule()
    def disconnect(self) -> None:
        """The third connection goes, with all that leads through it."""
        if len(self.connections) < 3:
            return
        gone = self.connections.pop()
        assert self._attempt(None, "DeleteVpnConnection", VpnConnectionId=gone)
        self.model.disconnect(gone)

    @invariant()
    def all_is_as_the_model_has_it(self) -> None:
        site, model = self.site, self.model
        state = {True: "published", False: "normal"}
        assert set(site.routes()) == {
            (way.destination, way.connection, way.weight, state[way.published]) for way in model.of("dbr")
        }
        assert set(site.policies()) == {
            (way.source, way.destination, way.connection, way.weight, way.priority, state[way.published])
            for way in model.of("pbr")
        }
        assert site.entries() == dict.fromkeys(model.entries, site.gateway)
        site.settled()
        spec = site.spec()
        assert {each.destination for each in spec.announced} == model.offered()
        numbers = {each.connection_id: each.number for each in spec.tunnels}
        assert {(each.destination, each.tunnel, each.weight) for each in spec.vpn_routes} == {
            (way.destination, numbers[way.connection], way.weight) for way in model.of("dbr")
        }
        assert {(each.source, each.tunnel, each.weight, each.priority) for each in spec.vpn_policies} == {
            (way.source, numbers[way.connection], way.weight, way.priority) for way in model.of("pbr")
        }


@pytest.fixture
def service(make_cell: Callable[..., Cell]) -> Cell:
    return make_cell(quotas=Quotas(vpn_routes=MOST_ROUTES, route_entries=MOST_ENTRIES))


def test_whatever_is_done_to_routes_api_and_host_have_what_the_model_has(service: Cell) -> None:
    Routes.service = service
    run_state_machine_as_test(Routes, settings=effort(6, steps=25))
