"""IPsec connections from the API to packets: the first one, a change of one of many, a host that is full."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.plane.linux.machines import Machine, Machines

from bench import host
from bench.customers import QUOTAS, Gateway, Installation, inside
from bench.figures import Figure, Part, median, percentile
from bench.linux_plane import Unavailable, check
from bench.ours import Gatewright
from bench.processes import processor_seconds
from bench.sweep import sweep

_TOPIC = "connections"
_PING_GOAL = 0.3
_CHANGE_GOAL = 0.1
_RESTART_GOAL = 60.0
#: Seconds between the pings through each tunnel that is not changed.
_OTHERS = 0.2
_ANSWERED = re.compile(r"\[(\d+\.\d+)\] \d+ bytes from ")
#: What was applied is looked at once more afterwards, slowly: that is over then.
_SETTLING = 20.0


@dataclass
class _Found:
    """All that was measured, seconds where nothing else is said."""

    pings: list[float] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    #: Of all changes together, pings through the other tunnels that were not answered, and their SAs that are others.
    lost: int = 0
    renewed: int = 0
    made: float = 0.0
    up: float = 0.0
    told: float = 0.0
    restart_work: float = 0.0
    tunnel_mb: float = 0.0
    agent_mb: float = 0.0
    idle: float = 0.0


def measure(folder: Path, *, pings: int, changes: int, many: int, gateways: int, idle: float) -> Part:
    """``many`` are the connections of one gateway of so many. Raises Unavailable."""
    check()
    data = folder / "connections"
    machines = Machines()
    found = _Found()
    try:
        with (
            Gatewright(data, "linux", environment=QUOTAS) as ours,
            contextlib.closing(Installation(ours, machines)) as site,
            site.device(many),
        ):
            first = site.gateways[0]
            site.answer(first, 1)
            for _ in range(pings):
                found.pings.append(_first_ping(site, first))
            for number in range(1, many + 1):
                site.answer(first, number)
                site.connect(first, number)
            _await_all(site)
            _change(site, first, changes, found)
            _fill(ours, site, many, gateways, idle, found)
    except (AssertionError, TimeoutError, OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"serve --plane linux: {type(error).__name__}: {error}") from error
    finally:
        machines.remove()
        sweep(data)
    return _part(found, many, gateways, idle)


def _first_ping(site: Installation, gateway: Gateway) -> float:
    """Seconds from the order of a connection until a packet has come back through it."""
    with _answers(site.machine, inside(gateway, 1)) as answers:
        begun = time.time()
        site.connect(gateway, 1)
        first = next(answers)
    site.disconnect(gateway, 1)
    site.until(lambda: not site.carrying(), "the tunnel is gone")
    return first - begun


@contextlib.contextmanager
def _answers(machine: Machine, address: str) -> Iterator[Iterator[float]]:
    """When pings are answered, by ``time.time``; one is sent every 5 ms."""
    command = ["ip", "netns", "exec", machine.name, "stdbuf", "-oL", "ping", "-n", "-D", "-i", "0.005", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout)
            next(lines)
            yield (float(found[1]) for line in lines if (found := _ANSWERED.match(line)))
        finally:
            process.kill()


def _change(site: Installation, gateway: Gateway, changes: int, found: _Found) -> None:
    """Change the last of a gateway's connections, time after time, with packets through all others."""
    changed = max(gateway.connections)
    others = [number for number in gateway.connections if number != changed]
    mine = f"tun{changed}"

    def in_force(size: str) -> bool:
        return site.carrying(gateway, changed).get(mine, ("",))[0] == size

    with contextlib.ExitStack() as stack:
        ends = [stack.enter_context(site.machine.pinging(inside(gateway, one), _OTHERS)) for one in others]
        before = site.carrying()
        for turn in range(changes):
            algorithm, size = ("aes256", "256") if turn % 2 == 0 else ("aes", "128")
            begun = time.time()
            site.encrypt(gateway, changed, algorithm)
            found.changes.append(site.until(functools.partial(in_force, size), "the change is in force") - begun)
            site.settle(gateway)
            time.sleep(2 * _OTHERS)
        after = site.carrying()
        for end in ends:
            found.lost += end().lost
    found.renewed = sum(before[name] != after.get(name) for name in before if name != mine)


def _fill(ours: Gatewright, site: Installation, many: int, gateways: int, idle: float, found: _Found) -> None:
    """More gateways with as many connections, what all that uses, and a restart of everything."""
    for gateway in [site.add_gateway() for _ in range(gateways - 1)]:
        for number in range(1, many + 1):
            site.answer(gateway, number)
        begun = time.time()
        for number in range(1, many + 1):
            site.connect(gateway, number)
        _await_all(site)
        found.made = max(found.made, time.time() - begun)
    time.sleep(_SETTLING)
    tunnels = many * gateways
    charons = host.daemons(ours.installation, "tunnel.")
    found.tunnel_mb = sum(host.proportional_mb(pid) for pid in charons) / tunnels
    found.agent_mb = host.proportional_mb(_agent(ours)) / tunnels
    used = host.processor_share([*charons, _agent(ours)], idle)
    found.idle = 100 * sum(used.values()) / tunnels
    _restart(ours, site, found)


def _restart(ours: Gatewright, site: Installation, found: _Found) -> None:
    before = site.carrying()
    begun = time.time()
    ours.kill()
    for pid in host.daemons(ours.installation):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    since = ours.printed_bytes
    ours.start()
    site.client.close()

    def all_new() -> bool:
        now = site.carrying()
        return now.keys() == before.keys() and all(now[name] != before[name] for name in now)

    found.up = site.until(all_new, "all tunnels are up again", 300) - begun
    site.until(lambda: "all that was found" in ours.printed(since) or bool(_agent(ours)), "an agent is there")
    found.told = site.until(lambda: site.told_up() == len(before), "all are told to be up", 120) - begun
    processes = [*host.family(ours.pid), *host.daemons(ours.installation)]
    found.restart_work = sum(processor_seconds(pid) for pid in processes) / len(before)


def _agent(ours: Gatewright) -> int:
    """The process of the agent: of the supervisor's halves, the one in its session."""
    _, *halves = host.family(ours.pid)
    return next(pid for pid in halves if os.getsid(pid) == os.getsid(ours.pid))


def _await_all(site: Installation) -> None:
    ordered = sum(len(gateway.connections) for gateway in site.gateways)
    site.until(lambda: len(site.carrying()) == ordered, f"{ordered} tunnels are up", 300)
    for gateway in site.gateways:
        site.settle(gateway)


def _part(found: _Found, many: int, gateways: int, idle: float) -> Part:
    tunnels = many * gateways
    ping, change = median(found.pings), median(found.changes)
    undisturbed = found.lost == found.renewed == 0
    figures = [
        _timed("order of a connection to the first ping, p50", ping, _PING_GOAL),
        Figure(_TOPIC, "... p90", "s", percentile(found.pings, 90)),
        _timed(f"change of one of {many} connections of a gateway until in force, p50", change, _CHANGE_GOAL),
        Figure(_TOPIC, "... p90", "s", percentile(found.changes, 90)),
        Figure(
            _TOPIC,
            "... pings lost and SAs renewed of the other tunnels",
            "",
            found.lost + found.renewed,
            goal="0",
            met=undisturbed,
        ),
        Figure(_TOPIC, f"order of {many} connections until all are up", "s", found.made),
        _timed(
            f"kill -9 of everything, {tunnels} tunnels on one host, start, until all are up", found.up, _RESTART_GOAL
        ),
        Figure(_TOPIC, "... until the API tells so", "s", found.told),
        Figure(_TOPIC, "... processor time of everything until then, a tunnel", "s", found.restart_work),
        Figure(_TOPIC, f"memory (PSS) of charons, of each of {tunnels} tunnels", "MB", found.tunnel_mb),
        Figure(_TOPIC, "... of the agent, for each", "MB", found.agent_mb),
        Figure(_TOPIC, "idle processor time of charons and agent, for each", "% of a core", found.idle),
    ]
    remarks = [
        f"First ping: of {len(found.pings)} connections, one after the other; every 5 ms a machine of the VPC sends one"
        " through the VPC's router to a customer whose device is configured.",
        "In force: the customer's device has an SA with the new cipher;"
        f" {len(found.changes)} changes, with a ping every {_OTHERS:g} s through each other tunnel.",
        "Everything is supervisor, API, agent, charons and BIRDs. One device is all customers, at the other ends of all"
        f" {tunnels} tunnels; its processor time is not counted. Idle over {idle:g} s.",
    ]
    return Part(figures, remarks, _document(found))


def _timed(name: str, value: float, goal: float) -> Figure:
    return Figure(_TOPIC, name, "s", value, goal=f"< {goal:g} s", met=value < goal)


def _document(found: _Found) -> dict[str, Any]:
    lists = {"pings": found.pings, "changes": found.changes}
    seconds = {name: [round(one, 4) for one in values] for name, values in lists.items()}
    return {**seconds, "lost": found.lost, "renewed": found.renewed}
