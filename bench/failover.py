"""How long a stream through a gateway pauses when the tunnel that carries it fails, by what fails and who notices.

Trial after trial on one site, which is whole again before the next one: nothing else happens meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.hosts.two_hosts import two_hosts
from tests.plane.linux.two_connections import Device, TwoConnections, two_connections
from tests.plane.linux.two_tunnels import until
from tests.plane.linux.two_ways import KEYS, ROLES, UP, TwoWays, two_ways
from tests.support.service import Service, halves_of
from tests.support.stream import Stream

from bench.figures import Figure, Part, median, percentile
from bench.sweep import sweep
from gatewright.plane.linux.vici_conn import DPD_DELAY

_TOPIC = "failover"
#: What charon's retransmissions to a peer that is silent take, seconds (``plane/linux/charon_config.py``).
_GIVEN_UP = 20.8
_DPD = DPD_DELAY + _GIVEN_UP
#: Seconds between two probes and how many have to be missing: of a swift health check, and of one as documented.
_SWIFT, _CHECK = (0.25, 3), (2, 3)
_STATUS_GOAL = 1.0


@dataclass(frozen=True)
class _Kind:
    """What is done, and within what the median and the 99th percentile of the pauses are to be, seconds."""

    name: str
    p99: float
    p50: float | None = None


_KINDS = {
    "leg": _Kind("public leg cut", 0.6, 0.4),
    "namespace": _Kind("namespace gone", 0.6, 0.4),
    "host": _Kind("host gone", 0.6, 0.4),
    "charon": _Kind("charon killed", 0.4),
    "probe": _Kind("ICMP probe, 250 ms x 3", 1.1),
    "check": _Kind(f"health check, {_CHECK[0]} s x {_CHECK[1]}", _CHECK[0] * _CHECK[1] + 1.0),
    "dpd": _Kind("DPD alone", _DPD + 1.0),
}


@dataclass
class _Pauses:
    """Of all trials of one kind, seconds: of the datagrams, of the TCP connection, and of who measured."""

    udp: list[float] = field(default_factory=list)
    tcp: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    #: Datagrams that were lost on the way back to the tunnel that had failed, of all trials.
    lost_back: int = 0

    def document(self) -> dict[str, list[float] | int]:
        pauses = {"udp_s": self.udp, "tcp_s": self.tcp, "own_s": self.own}
        return {name: [round(one, 4) for one in values] for name, values in pauses.items()} | {
            "lost_back": self.lost_back
        }


_Found = dict[str, _Pauses]


def measure(folder: Path, *, trials: int, slow: int) -> Part:
    """``slow`` trials of the health check as it is documented. Raises AssertionError."""
    found = {kind: _Pauses() for kind in _KINDS}
    with _service(folder / "failover") as service:
        statuses = _dual(service, found, trials)
        _single(service, found, slow)
    with _service(folder / "probes", "--health-interval", str(int(_SWIFT[0] * 1000))) as service:
        _probes(service, found["probe"], trials)
    _hosts(found["host"], trials)
    return Part(
        [
            *(figure for kind, pauses in found.items() for figure in _figures(_KINDS[kind], pauses)),
            Figure(_TOPIC, "status in the API after the daemon's event, p50", "s", median(statuses)),
            _judged("status in the API after the daemon's event, p99", percentile(statuses, 99), _STATUS_GOAL),
        ],
        [
            "The longest time between two answers of a stream of a datagram each 10 ms, from a machine of the VPC to "
            "the customer's host and back; beside it that of a TCP connection that carries a message each 10 ms, whose "
            f"retransmissions begin after 0.2 s. {trials} trials each, {slow} of the health check as documented, one "
            "of DPD.",
            "BFD at 100 ms x 3 and probes at 250 ms x 3 are on both sides; the customer's BIRD is configured as "
            "`gatewright peer-config` prints it. DPD asks after 10 s of silence and gives up 20.8 s later.",
            f"On the way back to the tunnel that had failed {sum(one.lost_back for one in found.values())} datagrams "
            "were lost in all trials.",
            f"The longest that the measuring process itself was late: {_late(found) * 1000:.0f} ms.",
        ],
        {"pauses": {_KINDS[kind].name: pauses.document() for kind, pauses in found.items()}, "status_s": statuses},
    )


def _figures(kind: _Kind, pauses: _Pauses) -> Iterator[Figure]:
    yield _judged(f"{kind.name}, p50", median(pauses.udp), kind.p50, median(pauses.tcp))
    yield _judged(f"{kind.name}, p99", percentile(pauses.udp, 99), kind.p99, percentile(pauses.tcp, 99))


def _judged(name: str, value: float, goal: float | None, tcp: float | None = None) -> Figure:
    return Figure(
        _TOPIC,
        name,
        "s",
        value,
        tcp,
        "" if tcp is None else "TCP",
        goal="" if goal is None else f"< {goal:g} s",
        met=None if goal is None else value < goal,
    )


def _late(found: _Found) -> float:
    return max((one for pauses in found.values() for one in pauses.own), default=0.0)


@contextlib.contextmanager
def _service(data: Path, *arguments: str) -> Iterator[Service]:
    try:
        # it tells at this level that it has taken over what there was
        environment = {"GATEWRIGHT_LOG_LEVEL": "INFO"}
        with Service(data, plane="linux", arguments=arguments, environment=environment) as service:
            yield service
            service.stop()
    finally:
        sweep(data)


def _trial(stream: Stream, pauses: _Pauses, harm: Callable[[], None], mend: Callable[[], None]) -> None:
    """``mend`` returns when all is as it was before."""
    stream.goes_on(stream.now())
    begun = stream.now()
    harm()
    stream.goes_on(stream.now(), 90)
    moved = stream.now()
    pauses.udp.append(stream.pause(begun, moved).seconds)
    pauses.tcp.append(stream.stall(begun, moved).seconds)
    pauses.own.append(stream.hiccup(begun, moved).seconds)
    mend()
    stream.goes_on(back := stream.now())
    pauses.lost_back += stream.lost(moved, back)


def _dual(service: Service, found: _Found, trials: int) -> list[float]:
    """Gives the delays of statuses."""
    with two_ways(service) as ways, ways.stream() as stream:

        def mend_leg() -> None:
            ways.cut(mended=True)
            ways.whole()

        def mend_namespace() -> None:
            # an agent that has mended the same instance again and again takes its time
            _begin_anew(service)
            ways.whole()

        for number in range(trials):
            _say(f"leg, charon, namespace: {number + 1} of {trials}")
            _trial(stream, found["leg"], ways.cut, mend_leg)
            _trial(stream, found["charon"], ways.kill_charon, ways.whole)
            _trial(stream, found["namespace"], ways.take_namespace, mend_namespace)
        return _statuses(ways, trials)


def _begin_anew(service: Service) -> None:
    """Kill the agent, and have another one, which has no memory of what it has mended already.

    Returns when it has taken over what there is, and looks after it.
    """
    assert service.process is not None
    supervisor, since = service.process.pid, service.output.stat().st_size
    before = halves_of(supervisor)["half-agent"]
    os.kill(before, signal.SIGKILL)
    until(lambda: halves_of(supervisor).get("half-agent", before) != before, "another agent")
    until(lambda: "all that was found is as it is wanted" in service.printed(since), "all to be adopted", 60)


def _statuses(ways: TwoWays, trials: int) -> list[float]:
    """From the moment that the slave's tunnel goes down or comes up at its peer until the API says so."""
    edge, tunnel = ways.site.edges[1], ways.tunnel("slave")
    delays = []

    def until_told(up: bool) -> None:
        begun = time.monotonic()
        until(lambda: (ways.told()["slave"][0] == UP) == up, "the API to tell of it")
        delays.append(time.monotonic() - begun)

    for _ in range(trials):
        # so that the gateway cannot have it up again before anybody has looked
        edge.vici.unload_conn({"name": tunnel.link})
        edge.terminate(tunnel.link)
        until_told(up=False)
        edge.answer(tunnel, KEYS[ROLES.index("slave")])
        edge.initiate(tunnel.link)
        until_told(up=True)
    return delays


def _single(service: Service, found: _Found, slow: int) -> None:
    """The health check as it is documented, and DPD alone."""
    with two_connections(service) as ways, ways.stream() as stream:
        ways.check(*_CHECK)
        with Device(ways, *_CHECK):
            for number in range(slow):
                _say(f"health check: {number + 1} of {slow}")
                _trial(stream, found["check"], ways.cut, lambda: _mend(ways, healthy=True))
        ways.check(0, 0)

        def silent() -> None:
            ways.cut()
            # the customer's device has DPD too, and uses its other tunnel then
            until(lambda: not ways.site.edges[0].sas(), "the customer's DPD", 60)
            ways.site.route(1, "10.0.0.0/8")

        def mend() -> None:
            _mend(ways, healthy=False)
            ways.site.route(0, "10.0.0.0/8")

        # once: what it takes are charon's fixed times
        _say("DPD")
        _trial(stream, found["dpd"], silent, mend)


def _probes(service: Service, pauses: _Pauses, trials: int) -> None:
    with two_connections(service) as ways, ways.stream() as stream:
        ways.check(1, _SWIFT[1])
        with Device(ways, *_SWIFT):
            for number in range(trials):
                _say(f"probes: {number + 1} of {trials}")
                if number % 3 == 2:
                    # a tunnel that comes and goes has to last ever longer until it is used again
                    _begin_anew(service)
                    ways.whole()
                _trial(stream, pauses, ways.cut, lambda: _mend(ways, healthy=True))


def _mend(ways: TwoConnections, *, healthy: bool) -> None:
    ways.cut(mended=True)
    ways.whole(healthy=healthy)


def _hosts(pauses: _Pauses, trials: int) -> None:
    with two_hosts() as ways, ways.stream() as stream:

        def revive() -> None:
            ways.revive()
            ways.whole()

        for number in range(trials):
            _say(f"host: {number + 1} of {trials}")
            _trial(stream, pauses, ways.lose, revive)


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {what}", file=sys.stderr, flush=True)
