"""A minute of mixed calls by several clients, on either database: no error, and memory that does not grow.

Each client is a person with a network: it orders gateways, describes, lists, tags, renames and deletes them, and waits
for nothing but its answers. What is there at the end is what it was at the beginning.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.client import Client, Refused
from tests.support.postgresql import PostgresqlServer, binaries

from bench.figures import Figure, Part, percentile
from bench.ours import Gatewright, Network
from bench.processes import resident_mb

_CLIENTS = 4
#: The part of the time that memory is given to settle in.
_WARM_UP = 1 / 3
#: What the API may have grown by from then on. Nonces are kept for a quarter of an hour, about 100 bytes a call.
_GROWTH_MB = 8.0
_MOST_GATEWAYS = 10


@dataclass
class _Outcome:
    latencies_ms: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def calls(self) -> int:
        return sum(map(len, self.latencies_ms.values()))


def measure(folder: Path, *, seconds: float) -> Part:
    """Run the load on SQLite, and on PostgreSQL where it is installed."""
    figures: list[Figure] = []
    remarks: list[str] = []
    runs: dict[str, Any] = {}
    _on(figures, runs, "SQLite", folder / "mixed-sqlite", None, seconds)
    programs = binaries()
    if programs is None:
        remarks.append("Mixed calls were not measured on PostgreSQL: it is not installed.")
        return Part(figures, remarks, runs)
    server = PostgresqlServer(programs)
    try:
        _on(figures, runs, "PostgreSQL", folder / "mixed-postgresql", server.create(), seconds)
    finally:
        server.stop()
    return Part(figures, remarks, runs)


def _on(
    figures: list[Figure], runs: dict[str, Any], name: str, data: Path, database: str | None, seconds: float
) -> None:
    with Gatewright(data, database=database) as service:
        networks = [service.network() for _ in range(_CLIENTS)]
        deadline = time.monotonic() + seconds
        outcomes = [_Outcome() for _ in networks]
        threads = [
            threading.Thread(target=_drive, args=(Client(service.port), network, deadline, outcome, number))
            for number, (network, outcome) in enumerate(zip(networks, outcomes, strict=True))
        ]
        for thread in threads:
            thread.start()
        time.sleep(seconds * _WARM_UP)
        early = resident_mb(service.pid)
        for thread in threads:
            thread.join(seconds + 60)
        late = resident_mb(service.pid)
        service.until(lambda: service.gateways() == 0, "all gateways are gone")
        for network in networks:
            service.drop(network)
    errors = sum((outcome.errors for outcome in outcomes), Counter())
    calls = sum(outcome.calls for outcome in outcomes)
    all_ms = [ms for outcome in outcomes for each in outcome.latencies_ms.values() for ms in each]
    topic = f"mixed calls, {name}"
    figures += [
        Figure(topic, f"{_CLIENTS} clients, {seconds:g} s", "/s", calls / seconds),
        Figure(topic, "p99", "ms", percentile(all_ms, 99)),
        Figure(topic, "errors", "", sum(errors.values()), goal="0", met=not errors),
        Figure(topic, "memory gained", "MB", late - early, goal=f"< {_GROWTH_MB:g} MB", met=late - early < _GROWTH_MB),
    ]
    runs[name] = {
        "calls": dict(sorted(_count(outcomes).items())),
        "errors": dict(errors),
        "resident_mb": {"early": round(early, 1), "late": round(late, 1)},
    }


def _count(outcomes: list[_Outcome]) -> Counter[str]:
    return sum((Counter({action: len(each) for action, each in o.latencies_ms.items()}) for o in outcomes), Counter())


def _drive(client: Client, network: Network, deadline: float, outcome: _Outcome, seed: int) -> None:
    """One client: calls until the time is over, then deletes what it has ordered."""
    chance = random.Random(seed)
    gateways: list[str] = []

    def call(action: str, **parameters: Any) -> dict[str, Any]:
        begun = time.perf_counter()
        try:
            return client.call(action, **parameters)
        except Refused as refused:
            outcome.errors[f"{action} {refused.status} {refused.code}"] += 1
            return {}
        finally:
            outcome.latencies_ms.setdefault(action, []).append((time.perf_counter() - begun) * 1e3)

    while time.monotonic() < deadline:
        what = chance.random()
        gateway = chance.choice(gateways) if gateways else None
        if gateway is None or (what < 0.15 and len(gateways) < _MOST_GATEWAYS):
            made = call("CreateVpnGateway", ClientToken=f"{seed}-{chance.getrandbits(64)}", **network.order())
            gateways += [made["VpnGatewayId"]] if made else []
        elif what < 0.3:
            gateways.remove(gateway)
            call("DeleteVpnGateway", VpnGatewayId=gateway)
        elif what < 0.4:
            call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, Name=f"gw-{chance.getrandbits(32)}")
        elif what < 0.45:
            call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, AutoPropagate=chance.random() < 0.5)
        elif what < 0.5:
            _tag(call, gateway, str(seed))
        elif what < 0.6:
            call("DescribeVpnGateways", VpcId=network.vpc, PageSize=50)
        elif what < 0.7:
            call("DescribeVSwitches", VpcId=network.vpc)
        else:
            call("DescribeVpnGateway", VpnGatewayId=gateway)
    for gateway in gateways:
        call("DeleteVpnGateway", VpnGatewayId=gateway)
    client.close()


def _tag(call: Any, gateway: str, value: str) -> None:
    named = {"ResourceType": "VPNGATEWAY", "ResourceId.1": gateway}
    call("TagResources", **named, **{"Tag.1.Key": "client", "Tag.1.Value": value})
    call("ListTagResources", **named)
    call("UnTagResources", **named, **{"TagKey.1": "client"})
