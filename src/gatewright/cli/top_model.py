"""What ``gatewright top`` knows: gateways, what goes through them and what went. Pure: answers in, rows out."""

from __future__ import annotations

import enum
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: How many looks sparklines go back, and how many events are remembered.
REMEMBERED, EVENTS = 120, 200
#: A count that is older than this, milliseconds, is not only late: nothing has gone through since.
_LATE = 2_500


class Order(enum.Enum):
    """What gateways are sorted by."""

    THROUGHPUT = "throughput"
    NAME = "name"
    STATUS = "status"

    @property
    def next(self) -> Order:
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


@dataclass(frozen=True)
class Look:
    """What the service has told at one moment."""

    plane: str
    #: Milliseconds since the epoch, by the service's clock.
    time: int
    hosts: Sequence[Mapping[str, Any]]
    instances: Sequence[Mapping[str, Any]]
    #: There are more gateways than are looked at.
    more: bool = False
    #: What has happened since the look before.
    events: Sequence[Mapping[str, Any]] = ()


@dataclass
class Flow:
    """One direction of one gateway, or of all; bits a second."""

    #: None until two counts are known.
    now: float | None = None
    history: deque[float | None] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def take(self, rate: float | None) -> None:
        """The next look's rate."""
        self.now = rate
        self.history.append(rate)


@dataclass
class Gateway:
    """One gateway."""

    id: str
    name: str
    status: str
    bandwidth: int
    instances: list[Mapping[str, Any]]
    received: Flow
    sent: Flow

    @property
    def throughput(self) -> float:
        return (self.received.now or 0.0) + (self.sent.now or 0.0)

    @property
    def ready(self) -> int:
        """How many of its instances are."""
        return sum(each["Status"] == "ready" for each in self.instances)

    @property
    def tunnels(self) -> tuple[int, int]:
        """How many of its tunnels are up, and how many there are; an older service tells of none."""
        return sum(each.get("TunnelsUp", 0) for each in self.instances), sum(
            each.get("Tunnels", 0) for each in self.instances
        )

    @property
    def troubles(self) -> list[str]:
        """What hosts say is wrong."""
        return [
            f"{each['InstanceId']} on {each.get('HostId', 'no host')} {each['Status']}: {each['Reason']}"
            for each in self.instances
            if each.get("Reason")
        ]


@dataclass(frozen=True)
class _Count:
    """What an instance had when it was counted last."""

    received: int
    sent: int
    time: int
    rates: tuple[float, float] | None


class Model:
    """The last look, and what follows from the ones before."""

    def __init__(self) -> None:
        self.look: Look | None = None
        self.gateways: dict[str, Gateway] = {}
        self.received, self.sent = Flow(), Flow()
        #: The newest last.
        self.events: deque[Mapping[str, Any]] = deque(maxlen=EVENTS)
        #: Why the service does not answer; empty while it does.
        self.away = ""
        self._counts: dict[str, _Count] = {}

    def take(self, look: Look) -> None:
        """The next look."""
        self.look, self.away = look, ""
        self.events.extend(look.events)
        before, self.gateways = self.gateways, {}
        counts: dict[str, _Count] = {}
        for each in look.instances:
            if (traffic := each.get("Traffic")) is not None:
                instance_id = each["InstanceId"]
                counts[instance_id] = _counted(self._counts.get(instance_id), traffic, look.time)
            gateway = self.gateways.get(each["VpnGatewayId"])
            if gateway is None:
                gateway = self.gateways[each["VpnGatewayId"]] = _gateway(each, before)
            gateway.instances.append(each)
        self._counts = counts
        for gateway in self.gateways.values():
            ids = {each["InstanceId"] for each in gateway.instances}
            rates = [counts[each].rates for each in ids if each in counts]
            gateway.received.take(_sum(rate and rate[0] for rate in rates))
            gateway.sent.take(_sum(rate and rate[1] for rate in rates))
        self.received.take(_sum(gateway.received.now for gateway in self.gateways.values()))
        self.sent.take(_sum(gateway.sent.now for gateway in self.gateways.values()))

    def rows(self, order: Order) -> list[Gateway]:
        """All gateways, in an order."""
        found = sorted(self.gateways.values(), key=lambda gateway: (gateway.name, gateway.id))
        if order is Order.THROUGHPUT:
            found.sort(key=lambda gateway: -gateway.throughput)
        elif order is Order.STATUS:
            # what wants to be looked at first
            found.sort(key=lambda gateway: (not gateway.troubles, gateway.status == "active", gateway.status))
        return found

    def statuses(self) -> Counter[str]:
        """How many gateways have each status."""
        return Counter(gateway.status for gateway in self.gateways.values())

    def tunnels(self) -> tuple[int, int]:
        """How many tunnels are up, and how many there are."""
        each = [gateway.tunnels for gateway in self.gateways.values()]
        return sum(up for up, _ in each), sum(count for _, count in each)

    def of_instances(self, key: str) -> Counter[str]:
        """How many instances have each value of a field of theirs."""
        return Counter(each.get(key, "none") for gateway in self.gateways.values() for each in gateway.instances)


def _gateway(each: Mapping[str, Any], before: Mapping[str, Gateway]) -> Gateway:
    known = before.get(each["VpnGatewayId"])
    return Gateway(
        id=each["VpnGatewayId"],
        name=each["VpnGatewayName"],
        status=each["VpnGatewayStatus"],
        bandwidth=each["Bandwidth"],
        instances=[],
        received=known.received if known else Flow(),
        sent=known.sent if known else Flow(),
    )


def _counted(before: _Count | None, traffic: Mapping[str, Any], now: int) -> _Count:
    received, sent, time = traffic["ReceivedBytes"], traffic["SentBytes"], traffic["Time"]
    if before is None or received < before.received or sent < before.sent:
        return _Count(received, sent, time, None)
    if time > before.time:
        seconds = (time - before.time) / 1000
        return _Count(
            received, sent, time, ((received - before.received) * 8 / seconds, (sent - before.sent) * 8 / seconds)
        )
    return before if now - time <= _LATE else _Count(received, sent, time, (0.0, 0.0))


def _sum(rates: Iterable[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None
