"""What one tunnel carries: through our gateway, and beside it between two strongSwans that were configured by hand.

Ciphers, back end of ESP, machines at the ends and who is at the other end are the same. Streams go through both in
turns, so that what else happens on the machine falls on both.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.lab import Lab, run, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.peer import DIRECTIONS, Direction, streamed
from tests.plane.linux.sites import UP, VPC, gateway
from tests.plane.linux.tunnel_watch import Heard, opened

from bench.figures import Figure, Part, median
from gatewright import ids
from gatewright.plane.linux import esp, shaping

_TOPIC = "carrying"
_GOAL = 0.97
_APART = "unshaped, each end on a processor of its own"
#: Mbit/s that are ordered of the shaped one: less than what either back end carries, in user space too.
SHAPED = 50
#: What is ordered where the shapers are taken away afterwards.
_MOST = 1000
_BY_HAND = "bh-bench"
_NEAR, _FAR = "203.0.113.10", "203.0.113.20"


class Unavailable(Exception):
    """It cannot be measured here; says why."""


@dataclass(frozen=True)
class _Pair:
    """Two machines that reach each other through a tunnel; ``near`` is the one behind the gateway."""

    near: Machine
    far: Machine
    #: The address of the far one.
    address: str
    #: The namespaces of the two charons between them, the near one's first.
    charons: tuple[str, str]

    def carries(self, direction: Direction, seconds: int, processors: tuple[int, int] | None) -> float:
        """Mbit/s of payload of one TCP connection; ``out`` is what the near one sends."""
        # of the two ends of iperf3, ``out`` is what the server sends
        towards: Direction = "in" if direction == "out" else "out"
        ends = self.near.name, self.far.name
        return streamed(*ends, self.address, towards, seconds=seconds, processors=processors).received

    def put(self, processors: tuple[int, int]) -> None:
        """Have each charon on its own processor alone."""
        for namespace, processor in zip(self.charons, processors, strict=True):
            for pid in run("ip", "netns", "pids", namespace).split():
                run("taskset", "--all-tasks", "--cpu-list", "--pid", str(processor), pid)


@dataclass
class _Runs:
    """Mbit/s, by direction."""

    ours: dict[str, list[float]] = field(default_factory=dict)
    by_hand: dict[str, list[float]] = field(default_factory=dict)

    def document(self) -> dict[str, dict[str, list[float]]]:
        return {
            name: {way: [round(one, 2) for one in found] for way, found in runs.items()}
            for name, runs in vars(self).items()
        }


def measure(*, seconds: int, rounds: int) -> Part:
    """Every stream takes so many seconds, and there are two each way in a round. Raises Unavailable."""
    if os.geteuid() != 0:
        raise Unavailable("it needs root")
    lab = Lab(ids.installation_id(), Path(tempfile.mkdtemp(prefix="gw-bench-", dir="/tmp")))
    machines = Machines()
    try:
        with contextlib.ExitStack() as stack:
            ours = asyncio.run(_ours(stack, lab, machines))
            near, by_hand = _hand_made(stack, machines)
            _take_shapers(lab)
            runs = {"unshaped": _in_turns(ours, by_hand, seconds, rounds)}
            if (apart := _two_processors()) is not None:
                ours.put(apart)
                by_hand.put(apart)
                runs[_APART] = _in_turns(ours, by_hand, seconds, rounds, apart)
            _shape(lab, near)
            runs[f"shaped to {SHAPED} Mbit/s"] = _in_turns(ours, by_hand, seconds, rounds, apart)
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error
    finally:
        machines.remove()
        lab.sweep()
        shutil.rmtree(lab.runtime, ignore_errors=True)
    figures = [figure for what, found in runs.items() for figure in _figures(what, found)]
    remark = (
        f"One TCP connection through one tunnel, AES-128 and SHA-256, ESP in {_where()}; by hand: two strongSwans in"
        " namespaces on a bridge, with the same configuration and the same tc where it is shaped; medians of"
        f" {rounds} streams of {seconds} s each way, in turns. Where each end has a processor of its own, charon and"
        " machine of that end run on it alone, as on two hosts."
    )
    return Part(figures, [remark], {what: found.document() for what, found in runs.items()})


def _two_processors() -> tuple[int, int] | None:
    """None if there are none to choose from."""
    first, *others = sorted(os.sched_getaffinity(0))
    return (first, others[0]) if others else None


def _where() -> str:
    return "the kernel" if esp.backend() is esp.Backend.KERNEL else "user space (charon's kernel-libipsec)"


async def _ours(stack: contextlib.ExitStack, lab: Lab, machines: Machines) -> _Pair:
    """A gateway with a tunnel that is up, on its own from then on: what it carries needs nobody."""
    heard, wanted = Heard(), tunnel()
    spec = gateway(wanted, bandwidth=_MOST)
    async with asyncio.timeout(60), opened(lab, heard) as (plane, _):
        await plane.apply(vswitch())
        await plane.apply(gateway(bandwidth=_MOST))
        site = stack.enter_context(
            customer(machines, lab.names.uplink.name, kernel_esp=esp.backend() is esp.Backend.KERNEL)
        )
        site.answer(wanted)
        site.route(VPC)
        near = machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.20/24", "10.9.1.1")
        await plane.apply(spec)
        await heard.status(wanted.id, UP)
    assert near.reaches(site.inside), site.log()
    charons = lab.names.tunnel_namespace(spec.id, wanted.number), site.router.name
    return _Pair(near, site.host, site.inside, charons)


def _hand_made(stack: contextlib.ExitStack, machines: Machines) -> tuple[Customer, _Pair]:
    """Two sites on a bridge of their own; gives the one that stands where our gateway does, too."""
    bridge = stack.enter_context(_bridge())
    in_kernel = esp.backend() is esp.Backend.KERNEL
    near, far = (
        stack.enter_context(customer(machines, bridge, f"{address}/24", subnet, kernel_esp=in_kernel))
        for address, subnet in ((_NEAR, "172.20.1.0/24"), (_FAR, "172.20.2.0/24"))
    )
    wanted = tunnel(peer=_NEAR, gateway=_FAR)
    near.answer(wanted)
    far.answer(far.turned(wanted))
    near.route("172.20.2.0/24")
    far.route("172.20.1.0/24")
    near.initiate()
    assert near.host.reaches(far.inside), near.log()
    return near, _Pair(near.host, far.host, far.inside, (near.router.name, far.router.name))


@contextlib.contextmanager
def _bridge() -> Iterator[str]:
    run("ip", "link", "add", _BY_HAND, "up", "type", "bridge")
    try:
        yield _BY_HAND
    finally:
        run("ip", "link", "delete", _BY_HAND, check=False)


def _in_turns(
    ours: _Pair, by_hand: _Pair, seconds: int, rounds: int, processors: tuple[int, int] | None = None
) -> _Runs:
    runs = _Runs()
    for _ in range(rounds):
        for direction in DIRECTIONS:
            for pair, found in ((ours, runs.ours), (by_hand, runs.by_hand)):
                found.setdefault(direction, []).append(pair.carries(direction, seconds, processors))
    return runs


def _take_shapers(lab: Lab) -> None:
    spec = gateway()
    run("tc", "qdisc", "delete", "dev", lab.names.wan(spec.id).name, "root")
    run("tc", "-n", lab.namespace(spec), "qdisc", "delete", "dev", "wan", "root")


def _shape(lab: Lab, by_hand: Customer) -> None:
    """The same shaper at both ends of both legs, with the numbers that our gateway has for what is ordered."""
    spec = gateway()
    numbers = shaping.shape(SHAPED)
    burst = numbers.burst * numbers.rate // 1_000_000
    bucket = ["root", "tbf", "rate", f"{SHAPED}mbit", "burst", str(burst), "limit", str(numbers.queue)]
    run("tc", "qdisc", "add", "dev", lab.names.wan(spec.id).name, *bucket)
    run("tc", "-n", lab.namespace(spec), "qdisc", "add", "dev", "wan", *bucket)
    run("tc", "qdisc", "add", "dev", _outer_end(by_hand.router), *bucket)
    by_hand.router.run("tc", "qdisc", "add", "dev", "eth0", *bucket)


def _outer_end(machine: Machine) -> str:
    """The end of a machine's link that is in the host's namespace."""
    index = machine.run("cat", "/sys/class/net/eth0/iflink").strip()
    return run("ip", "-o", "link", "show").partition(f"\n{index}: ")[2].partition("@")[0]


def _figures(what: str, runs: _Runs) -> Iterator[Figure]:
    for direction in DIRECTIONS:
        ours, by_hand = median(runs.ours[direction]), median(runs.by_hand[direction])
        share = ours / by_hand
        yield Figure(
            _TOPIC,
            f"{what}, {direction}",
            "Mbit/s",
            ours,
            by_hand,
            "by hand",
            share,
            f">= {_GOAL:g} of it",
            share >= _GOAL,
        )
