"""The figures in Prometheus' forms. Its library is loaded when somebody asks for the first time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from gatewright import __version__
from gatewright.metrics.counts import RequestCounts
from gatewright.metrics.state import Figures, State
from gatewright.reconcile.watching import HostWatch
from gatewright.resources.specs import Kind

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric


class ProcessFigures(NamedTuple):
    """What the process itself knows."""

    #: Connections to the API, and how many there may be.
    connections: int
    most_connections: int
    #: Until when the API's certificate is valid; None without one.
    valid_until: datetime | None


class _Snapshot(NamedTuple):
    """Everything, at one moment: what follows is done on a thread."""

    answers: dict[tuple[str, str], int]
    #: Buckets, and seconds in all, by operation.
    durations: dict[str, tuple[list[tuple[str, float]], float]]
    failures: dict[tuple[str, str], int]
    figures: Figures | None
    process: ProcessFigures


class Exposition:
    """Tells the service's figures."""

    def __init__(
        self,
        plane: str,
        counts: RequestCounts,
        watch: HostWatch,
        state: State,
        process: Callable[[], ProcessFigures],
    ) -> None:
        self._plane = plane
        self._counts = counts
        self._watch = watch
        self._state = state
        self._process = process

    async def text(self, accept: str) -> tuple[bytes, bytes]:
        """Everything and its content type: what is asked for by an ``Accept`` header, or else the classic text."""
        figures = await self._state.figures()
        known = {host.id for host in figures.hosts} if figures is not None else set()
        snapshot = _Snapshot(
            dict(self._counts.answers),
            {name: (each.cumulative(), each.total) for name, each in self._counts.durations.items()},
            # from 0 on, so that the first one is seen; those of a host that there is not any more are forgotten with it
            {(host, kind.value): self._watch.failures[host, kind] for host in known for kind in Kind},
            figures,
            self._process(),
        )
        return await asyncio.to_thread(self._written, snapshot, accept)

    def _written(self, snapshot: _Snapshot, accept: str) -> tuple[bytes, bytes]:
        from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
        from prometheus_client.registry import Collector

        plane = self._plane

        class Told(Collector):
            def collect(self) -> Iterator[Metric]:
                yield from _requests(snapshot)
                yield from _state(snapshot)
                yield from _traffic(snapshot)
                yield from _service(snapshot, plane)

        registry = CollectorRegistry()
        registry.register(Told())
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        encode, content_type = _encoder(accept)
        return encode(registry), content_type.encode("ascii")


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    from prometheus_client.exposition import choose_encoder

    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):
        # the library fails at a version that is none: who cannot say what it takes gets the classic text
        return choose_encoder("")


def _requests(snapshot: _Snapshot) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    answers = CounterMetricFamily(
        "gatewright_requests", "Calls of the API that were answered.", labels=("operation", "code")
    )
    for (operation, code), count in sorted(snapshot.answers.items()):
        answers.add_metric((operation, code), count)
    yield answers
    durations = HistogramMetricFamily(
        "gatewright_request_duration_seconds",
        "How long calls took, from the whole request to the whole answer.",
        labels=("operation",),
    )
    for operation, (buckets, total) in sorted(snapshot.durations.items()):
        durations.add_metric((operation,), buckets, total)
    yield durations


def _state(snapshot: _Snapshot) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    figures = snapshot.figures
    yield GaugeMetricFamily(
        "gatewright_database_up", "Whether the database answered just now.", value=figures is not None
    )
    gateways = GaugeMetricFamily("gatewright_gateways", "VPN gateways by status.", labels=("status",))
    tunnels = GaugeMetricFamily(
        "gatewright_tunnels", "Tunnels of IPsec connections by how far they got.", labels=("status",)
    )
    per_host = {
        "seen_at": GaugeMetricFamily(
            "gatewright_host_last_seen_timestamp_seconds", "When the host's agent was heard of last.", labels=("host",)
        ),
        "lag": GaugeMetricFamily(
            "gatewright_reconcile_lag_seconds",
            "For how long the oldest item that is not as it is wanted has been wanted so.",
            labels=("host",),
        ),
        "pending": GaugeMetricFamily(
            "gatewright_reconcile_pending_items", "Items that are not as they are wanted.", labels=("host",)
        ),
        "failed": GaugeMetricFamily(
            "gatewright_reconcile_failed_items", "Those of them whose last try failed.", labels=("host",)
        ),
    }
    if figures is not None:
        for status, count in figures.gateways.items():
            gateways.add_metric((status,), count)
        for status, count in figures.tunnels.items():
            tunnels.add_metric((status,), count)
        for host in figures.hosts:
            if host.seen_at is not None:
                per_host["seen_at"].add_metric((host.id,), host.seen_at / 1000)
            for name in ("lag", "pending", "failed"):
                per_host[name].add_metric((host.id,), getattr(host, name))
    yield gateways
    yield tunnels
    yield from per_host.values()
    failures = CounterMetricFamily(
        "gatewright_plane_errors",
        "How often agents told that an item could not be brought about.",
        labels=("host", "kind"),
    )
    for (host_id, kind), count in sorted(snapshot.failures.items()):
        failures.add_metric((host_id, kind), count)
    yield failures


def _traffic(snapshot: _Snapshot) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily

    labels = ("gateway", "instance_id", "direction")
    carried = CounterMetricFamily(
        "gatewright_gateway_bytes",
        "What gateways received from outside and sent there, in whole frames.",
        labels=labels,
    )
    packets = CounterMetricFamily("gatewright_gateway_packets", "The same in packets.", labels=labels)
    for gateway, count in snapshot.figures.instances if snapshot.figures is not None else ():
        for direction, size, number in (
            ("received", count.received_bytes, count.received_packets),
            ("sent", count.sent_bytes, count.sent_packets),
        ):
            carried.add_metric((gateway, count.id, direction), size)
            packets.add_metric((gateway, count.id, direction), number)
    yield carried
    yield packets


def _service(snapshot: _Snapshot, plane: str) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

    process = snapshot.process
    yield GaugeMetricFamily("gatewright_connections", "Connections to the API.", value=process.connections)
    yield GaugeMetricFamily("gatewright_connections_limit", "How many there may be.", value=process.most_connections)
    if process.valid_until is not None:
        yield GaugeMetricFamily(
            "gatewright_certificate_expiry_timestamp_seconds",
            "Until when the API's certificate is valid.",
            value=process.valid_until.timestamp(),
        )
    yield InfoMetricFamily("gatewright", "What runs here.", value={"version": __version__, "plane": plane})
