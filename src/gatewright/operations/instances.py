"""Gatewright DescribeInstances: what runs where, and how much goes through it. The real service shows no instances."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import invalid_parameter
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    GATEWRIGHT,
    Access,
    Between,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.paging import NextToken, next_token, place_of
from gatewright.resources.addresses import dotted
from gatewright.resources.specs import Phase
from gatewright.store import hosts, overview, tunnel_states
from gatewright.store.hosts import HostRow
from gatewright.store.overview import InstanceOverview, Place
from gatewright.store.tunnel_states import TunnelCount

#: Gateways in an answer, at the most.
MOST = 500


class DescribeInstancesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str | None, Parameter()] = None
    vpn_gateway_id: Annotated[str | None, Parameter()] = None
    max_results: Annotated[int, Parameter(Between(1, MOST))] = 50
    next_token: NextToken = None


class TrafficPart(Part, kw_only=True):
    received_bytes: int
    received_packets: int
    sent_bytes: int
    sent_packets: int
    #: Milliseconds since the epoch: rates are differences of two answers, divided by the difference of these.
    time: int


class InstancePart(Part, kw_only=True):
    instance_id: str
    vpn_gateway_id: str
    vpn_gateway_name: str
    vpn_gateway_status: str
    region_id: str
    zone_id: str
    role: str
    #: Absent while it is on none.
    host_id: str | None = None
    status: str
    #: What its host says is wrong.
    reason: str | None = None
    private_ip: str
    public_ip: str | None = None
    #: Mbit/s, as it was ordered.
    bandwidth: int
    #: Tunnels that end at it, and those of them with ``ipsec_sa_established``.
    tunnels: int
    tunnels_up: int
    #: Absent while nothing has gone through.
    traffic: TrafficPart | None = None


class InstanceList(Part, kw_only=True):
    instance: list[InstancePart]


class HostPart(Part, kw_only=True):
    host_id: str
    status: str


class HostList(Part, kw_only=True):
    host: list[HostPart]


class DescribeInstancesResponse(Response, kw_only=True):
    plane: str
    #: When this was answered, by the service's clock.
    time: int
    hosts: HostList
    instances: InstanceList
    next_token: str | None = None


class DescribeInstances(Operation[DescribeInstancesRequest, DescribeInstancesResponse]):
    """Tell of the instances of VPN gateways: host, zone, status, tunnels, what has gone through them.

    Gateways are paged, the newest first, with all instances of each. ``Status`` is ``ready``, ``applying``, ``failed``,
    ``waiting`` before a host has said anything, or ``removing``. ``Traffic`` counts whole Ethernet frames that were
    received from outside and sent there, at least since the service was started. Hosts tell it every 5 seconds, and
    every second while this operation is called.
    """

    product = GATEWRIGHT
    access = Access.LIST

    def validate(self, request: DescribeInstancesRequest) -> None:
        _behind(request.next_token)

    def execute(self, call: Call, request: DescribeInstancesRequest) -> DescribeInstancesResponse:
        call.installation.traffic.look()
        rows = overview.page(
            call.transaction,
            call.account_id,
            _behind(request.next_token),
            request.max_results,
            region_id=call.named_region.id if call.named_region else "",
            gateway_id=request.vpn_gateway_id or "",
        )
        ending = tunnel_states.counts(call.transaction, list(dict.fromkeys(row.gateway_id for row in rows)))
        full = len({row.gateway_id for row in rows}) == request.max_results
        return DescribeInstancesResponse(
            plane=call.installation.plane,
            time=call.now,
            hosts=HostList(host=[_host(row, call.now) for row in hosts.every(call.transaction)]),
            instances=InstanceList(instance=[_part(call, row, ending.get(row.id)) for row in rows]),
            next_token=next_token(str(rows[-1].created_at), rows[-1].gateway_id) if full else None,
        )


def _behind(token: str | None) -> Place:
    created_at, gateway_id = place_of(token, 2)
    if token is None:
        return overview.FIRST
    if not (created_at.isascii() and created_at.isdigit() and len(created_at) <= 18):
        raise invalid_parameter("NextToken", token, "is none that this operation gave out")
    return Place(int(created_at), gateway_id)


def _host(row: HostRow, now: int) -> HostPart:
    return HostPart(host_id=row.id, status="away" if not row.up(now) else "draining" if row.draining else "up")


def _part(call: Call, row: InstanceOverview, ending: TunnelCount | None) -> InstancePart:
    total = call.installation.traffic.of(row.id)
    return InstancePart(
        instance_id=row.id,
        vpn_gateway_id=row.gateway_id,
        vpn_gateway_name=row.gateway_name,
        vpn_gateway_status=row.gateway_status,
        region_id=row.region_id,
        zone_id=row.zone_id,
        role=row.role,
        host_id=row.host_id,
        status=_status(row),
        reason=row.detail or None,
        private_ip=dotted(row.private_address),
        public_ip=None if row.public_address is None else dotted(row.public_address),
        bandwidth=row.bandwidth,
        tunnels=0 if ending is None else ending.all,
        tunnels_up=0 if ending is None else ending.up,
        traffic=None
        if total is None
        else TrafficPart(
            received_bytes=total.count.received_bytes,
            received_packets=total.count.received_packets,
            sent_bytes=total.count.sent_bytes,
            sent_packets=total.count.sent_packets,
            time=total.at,
        ),
    )


def _status(row: InstanceOverview) -> str:
    """How an instance stands on its host; what is observed of an older generation is not there yet."""
    if row.tombstone:
        return "removing"
    if row.phase is None:
        return "waiting"
    if row.phase == Phase.READY and (row.observed or 0) < (row.wanted or 0):
        return Phase.APPLYING.value
    return row.phase


OPERATIONS = (DescribeInstances,)
