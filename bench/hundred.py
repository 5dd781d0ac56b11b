"""A hundred dual-tunnel gateways on this host: what they use when nothing happens, and a restart of all.

They have no connections, and so no daemons: what these use, ``connections`` measures.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench import host
from bench.figures import Figure, Part
from bench.ours import Gatewright
from bench.processes import processor_seconds
from bench.sweep import sweep

_TOPIC = "hundred gateways"
_IDLE_GOAL = 5.0
_RESTART_GOAL = 5.0
#: What was applied is looked at once more afterwards, slowly: that is over then.
_SETTLING = 60.0
_PATIENCE = 300.0


def measure(folder: Path, *, gateways: int, idle: float) -> Part:
    """``idle`` is for how many seconds processor time is counted. Raises AssertionError and TimeoutError."""
    data = folder / "hundred"
    try:
        with Gatewright(data, "linux") as ours:
            return _measure(ours, gateways, idle)
    finally:
        sweep(data)


def _measure(ours: Gatewright, gateways: int, idle: float) -> Part:
    network = ours.network()
    begun = time.perf_counter()
    for _ in range(gateways):
        ours.client.call("CreateVpnGateway", **network.order())
    ours.settle(_PATIENCE)
    created = time.perf_counter() - begun
    places = host.namespaces(ours.installation)
    time.sleep(_SETTLING)
    family = host.family(ours.pid)
    used = 100 * sum(host.processor_share(family, idle).values())
    restarts = [_restart(ours, 2 * gateways) for _ in range(3)]
    restarted, answers, restart_work = sorted(restarts)[1]
    if host.namespaces(ours.installation) != places:
        raise AssertionError("instances were made anew by a restart of what serves them")
    deleted = _delete_all(ours)
    return Part(
        [
            Figure(_TOPIC, f"create {gateways} to all active", "s", created),
            Figure(
                _TOPIC,
                "idle processor time of supervisor, API and agent, of one core",
                "%",
                used,
                goal=f"< {_IDLE_GOAL:g} %",
                met=used < _IDLE_GOAL,
            ),
            Figure(
                _TOPIC,
                "kill -9 of supervisor and halves, start, to all adopted and told",
                "s",
                restarted,
                goal=f"< {_RESTART_GOAL:g} s",
                met=restarted < _RESTART_GOAL,
            ),
            Figure(_TOPIC, "... of it until the API answers", "s", answers),
            Figure(_TOPIC, "processor time of supervisor and halves until then", "s", restart_work),
            Figure(_TOPIC, f"delete {gateways} to all gone", "s", deleted),
        ],
        [
            f"{2 * gateways} instances without connections; processor time over {idle:g} s; the restart is the median"
            f" of {len(restarts)}.",
        ],
        {
            "restart_s": [round(one, 3) for one, *_ in restarts],
            "restart_processor_s": [round(one, 3) for *_, one in restarts],
        },
    )


def _delete_all(ours: Gatewright) -> float:
    """Seconds from the first order to delete until nothing is left of any."""
    begun = time.perf_counter()
    while gateways := ours.client.call("DescribeVpnGateways", PageSize=50, Status="active")["VpnGateways"][
        "VpnGateway"
    ]:
        for gateway in gateways:
            ours.client.call("DeleteVpnGateway", VpnGatewayId=gateway["VpnGatewayId"])
    ours.until(lambda: ours.gateways() == 0, "all gateways are gone", _PATIENCE)
    return time.perf_counter() - begun


def _restart(ours: Gatewright, instances: int) -> tuple[float, float, float]:
    """Seconds from SIGKILL to the whole group until all is adopted and told again, and until the API answers.

    The third is the processor time that it took: that does not depend on who else is on the machine. Statuses must
    stand all the time.
    """
    begun = time.perf_counter()
    ours.kill()
    since = ours.printed_bytes
    ours.start()
    answers = time.perf_counter() - begun
    ours.until(lambda: "all that was found is as it is wanted" in ours.printed(since), "all is adopted", _PATIENCE)
    passed = time.perf_counter() - begun
    work = sum(processor_seconds(pid) for pid in host.family(ours.pid))
    standing = ours.count("active")
    if 2 * standing != instances:
        raise AssertionError(f"{standing} gateways are active after a restart, not {instances // 2}")
    return passed, answers, work
