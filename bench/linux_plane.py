"""From the order to a real dual-tunnel gateway, beside the same namespaces and links made by hand."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.client import Client, Refused

from bench.figures import Figure, Part, median, percentile
from bench.floor import Floor
from bench.ours import Gatewright, Network, client_of
from bench.sweep import sweep
from gatewright.plane.linux import requirements

_TOPIC = "linux plane"
_GOAL = 0.5
_AT_ONCE = 20
_PATIENCE = 60.0
#: Between two looks at a status; many clients at once would else measure themselves.
_PAUSE = 0.005


class Unavailable(Exception):
    """The linux plane cannot be measured here; says why."""


def check() -> None:
    """Raises Unavailable."""
    if missing := requirements():
        raise Unavailable(" ".join(missing))


@dataclass
class _Seconds:
    """All runs of one way to order: of ours, and made by hand."""

    created: list[float] = field(default_factory=list)
    deleted: list[float] = field(default_factory=list)
    built: list[float] = field(default_factory=list)
    removed: list[float] = field(default_factory=list)

    def by_hand(self, seconds: tuple[float, float]) -> None:
        self.built.append(seconds[0])
        self.removed.append(seconds[1])

    def document(self) -> dict[str, list[float]]:
        return {name: [round(one, 4) for one in values] for name, values in vars(self).items()}


def measure(folder: Path, *, times: int, rounds: int) -> Part:
    """One gateway after the other, and 20 at once; each in turns with the floor. Raises Unavailable."""
    check()
    data = folder / "linux"
    alone, together = _Seconds(), _Seconds()
    try:
        with Floor() as floor, Gatewright(data, "linux") as ours:
            network = ours.network()
            for _ in range(times):
                [(active, gone)] = _gateways(ours, network, 1)
                alone.created.append(active)
                alone.deleted.append(gone)
                alone.by_hand(floor.once())
            for _ in range(rounds):
                for active, gone in _gateways(ours, network, _AT_ONCE):
                    together.created.append(active)
                    together.deleted.append(gone)
                together.by_hand(floor.once(_AT_ONCE))
            ours.drop(network)
    except (AssertionError, TimeoutError) as error:
        raise Unavailable(f"serve --plane linux: {error}") from error
    finally:
        sweep(data)
    p50 = median(alone.created)
    return Part(
        [
            Figure(
                _TOPIC,
                "create to active, p50",
                "s",
                p50,
                median(alone.built),
                "by hand",
                p50 / median(alone.built),
                f"< {_GOAL} s",
                p50 < _GOAL,
            ),
            _figure("create to active, p99", percentile(alone.created, 99), percentile(alone.built, 99)),
            _figure("delete to gone, p50", median(alone.deleted), median(alone.removed)),
            _figure("delete to gone, p99", percentile(alone.deleted, 99), percentile(alone.removed, 99)),
            *_of_many(together),
        ],
        [
            "By hand: the same namespaces, links and addresses with the fewest calls of ip; without filters, "
            "shaping, proofs of ownership or waiting for packets to pass. Ratios are of it.",
            f"{_AT_ONCE} at once by hand is the time until the last one is there: p50 and p99 are held against it.",
        ],
        {"alone": alone.document(), "at_once": together.document()},
    )


def _of_many(seconds: _Seconds) -> list[Figure]:
    figures = []
    for what, ours, by_hand in (
        ("create to active", seconds.created, median(seconds.built)),
        ("delete to gone", seconds.deleted, median(seconds.removed)),
    ):
        figures.append(_figure(f"{_AT_ONCE} at once, {what}, p50", median(ours), by_hand))
        figures.append(_figure(f"{_AT_ONCE} at once, {what}, p99", percentile(ours, 99), by_hand))
    return figures


def _figure(name: str, value: float, beside: float) -> Figure:
    return Figure(_TOPIC, name, "s", value, beside, "by hand", value / beside)


def _gateways(ours: Gatewright, network: Network, count: int) -> list[tuple[float, float]]:
    """Of each, seconds from its order until ``active``, and from its deletion until it is not found.

    All are ordered at once, and when all are active deleted at once. Raises TimeoutError.
    """
    with ThreadPoolExecutor(count) as pool:
        clients = [client_of(ours.port) for _ in range(count)]
        created = list(pool.map(lambda client: _create(client, network), clients))
        deleted = list(pool.map(_delete, clients, [gateway for gateway, _ in created]))
        for client in clients:
            client.close()
    return [(active, gone) for (_, active), gone in zip(created, deleted, strict=True)]


def _create(client: Client, network: Network) -> tuple[str, float]:
    begun = time.perf_counter()
    gateway = str(client.call("CreateVpnGateway", **network.order())["VpnGatewayId"])
    status = ""
    while status != "active":
        status = client.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"]
        _pause(begun, f"{gateway} is {status}")
    return gateway, time.perf_counter() - begun


def _delete(client: Client, gateway: str) -> float:
    begun = time.perf_counter()
    client.call("DeleteVpnGateway", VpnGatewayId=gateway)
    while True:
        try:
            client.call("DescribeVpnGateway", VpnGatewayId=gateway)
        except Refused as refused:
            if refused.status != 404:
                raise
            return time.perf_counter() - begun
        _pause(begun, f"{gateway} is there still")


def _pause(begun: float, how_it_stands: str) -> None:
    if time.perf_counter() - begun > _PATIENCE:
        raise TimeoutError(f"{how_it_stands} after {_PATIENCE:g} s")
    time.sleep(_PAUSE)
