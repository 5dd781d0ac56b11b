"""What happens: two sites are connected, talk, and go on talking while the master's tunnel fails in two ways."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.plane.linux.machines import Machines
from tests.support.service import Service
from tests.support.stream import Stream

from demo import office, traces
from demo.cloud import ROLES, Cloud, Unfinished
from demo.signals import Signals
from demo.telling import Failure, Known
from demo.watch import Watch
from gatewright.plane.linux.names import Names

MACHINE = "10.0.0.100"
_MACHINES_WAY = "10.0.0.253"
_PREFIX = 24
#: How long tunnels may take to come up, and the master to carry again, seconds.
_PATIENCE = 30.0
#: How long packets may take to be by the slave's tunnel, once the stream goes on, seconds.
_MOVING = 5.0
_PAUSE = 0.02
_MASTER, _SLAVE = ROLES


@dataclass(frozen=True)
class Timing:
    """How long each state is looked at, seconds."""

    stay: float


@dataclass
class Stage:
    """What stands when the sites talk."""

    known: Known
    office: office.Office
    stream: Stream
    #: Ends what carries the master's tunnel at the gateway.
    kill: Callable[[], None]


def play(known: Known, signals: Signals, folder: Path, timing: Timing) -> None:
    """Begin, and show each failure. What was made is removed by the time this returns or raises."""
    with ExitStack() as stack:
        try:
            stage = _begin(stack, known, signals, folder)
            known.headline = "Both sites talk, by the master's tunnel"
            _stay(timing)
            _fails(stage, timing, "the master's strongSwan at the gateway is killed", stage.kill)
            _fails(
                stage,
                timing,
                "the master's way through the Internet is cut",
                lambda: stage.office.cut(_MASTER),
                mend=lambda: stage.office.mend(_MASTER),
            )
        finally:
            signals.ignore()
            known.ended = time.monotonic()
            known.headline = "Removing everything"


def _begin(stack: ExitStack, known: Known, signals: Signals, folder: Path) -> Stage:
    traced = stack.enter_context(traces.removed(folder, signals))
    key_id, key_secret = "demo", secrets.token_urlsafe(24)
    service = Service(
        folder / "data",
        plane="linux",
        environment={"GATEWRIGHT_ACCESS_KEY_ID": key_id, "GATEWRIGHT_ACCESS_KEY_SECRET": key_secret},
    )
    known.headline = "Starting Gatewright"
    traced.service = service
    with signals.held():
        service.start()
    known.happens(f"Gatewright serves the API at {service.endpoint}")
    cloud = Cloud(service.port, key_id, key_secret)
    known.headline = "Ordering a VPC and a gateway, with the Alibaba Cloud SDK"
    gateway, known.addresses, vswitches = cloud.gateway()
    known.happens(f"gateway {gateway} is active: {', '.join(known.addresses)}")
    names = Names(service.installation)
    machines = Machines(traces.prefix())
    site = office.Office(stack, machines, names.uplink.name, folder)
    known.headline = "Ordering a connection with two tunnels, and configuring the office"
    connection = cloud.connection(gateway, office.DEVICES)
    known.happens(f"connection {connection} is ordered: two tunnels, with BGP")
    site.configure(folder / "data", connection)
    known.happens("the office runs what `gatewright peer-config` prints for strongSwan")
    known.headline = "Waiting for the tunnels"
    known.tunnels = tuple(cloud.tunnels(connection))
    stack.enter_context(Watch(known, cloud, connection, site))
    _until(lambda: all(each.up for each in known.tunnels), "both tunnels up, with BGP")
    vswitch = names.vswitch(vswitches[0]).name
    machine = machines.plug(vswitch, f"{MACHINE}/{_PREFIX}", _MACHINES_WAY)
    _until(lambda: machine.reaches(office.HOST), "an answer from the office's host to the VPC's machine")
    known.happens(f"{MACHINE} in the VPC and {office.HOST} in the office talk")
    stream = stack.enter_context(Stream(machine.name, site.host.name, office.HOST))
    stream.goes_on()
    known.stream = stream
    _until(lambda: known.carries == _MASTER, "packets by the master's tunnel")
    tunnel = names.tunnel_namespace(f"{gateway}-1", 1)
    return Stage(known, site, stream, lambda: _kill(tunnel))


def _fails(
    stage: Stage, timing: Timing, what: str, begin: Callable[[], None], *, mend: Callable[[], None] | None = None
) -> None:
    """Have the master's tunnel fail, watch the streams go on, and the master take over again."""
    known, stream = stage.known, stage.stream
    known.headline = what[0].upper() + what[1:]
    failure = Failure(what, time.monotonic())
    known.happens(what, failure.at)
    known.failures = [*known.failures, failure]
    begin()
    stream.goes_on(failure.at)
    _measure(failure, stream)
    known.happens(f"the stream goes on, after {failure.pause * 1000:.0f} ms")
    # the kernel's ESP carries on without a charon, until that is back and begins anew
    moved = _holds(lambda: known.carries == _SLAVE, _MOVING)
    if mend is not None:
        if not moved:
            raise Unfinished(f"not within {_MOVING:.0f} s: packets by the slave's tunnel")
        known.headline = "The slave's tunnel carries"
        _stay(timing)
        _measure(failure, stream)
        mended = time.monotonic()
        mend()
        known.happens("the way is mended", mended)
    known.headline = (
        "The slave's tunnel carries; the master's is on its way back" if moved else "The master's carries on"
    )
    turned = time.monotonic()
    _until(lambda: known.carries == _MASTER, "packets by the master's tunnel again")
    if moved:
        failure.back_at = time.monotonic()
        known.headline = "The master's tunnel carries again"
    _stay(timing)
    failure.hiccup = stream.hiccup(failure.at).seconds
    if not moved:
        _measure(failure, stream)
        known.happens(f"the master's tunnel carries on, with a pause of {failure.pause * 1000:.0f} ms at the most")
        return
    failure.back_pause = stream.pause(turned).seconds
    known.happens(f"the master carries again, after a pause of {failure.back_pause * 1000:.0f} ms at the most")


def _measure(failure: Failure, stream: Stream) -> None:
    failure.pause = stream.pause(failure.at).seconds
    failure.stall = stream.stall(failure.at).seconds
    failure.lost = stream.lost(failure.at)


def _kill(tunnel: str) -> None:
    """SIGKILL the charon in a tunnel's namespace."""
    found = traces.processes(tunnel, "charon")
    if not found:
        raise Unfinished("the master's tunnel has no charon that could be killed")
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _stay(timing: Timing) -> None:
    time.sleep(timing.stay)


def _until(holds: Callable[[], bool], what: str) -> None:
    if not _holds(holds, _PATIENCE):
        raise Unfinished(f"not within {_PATIENCE:.0f} s: {what}")


def _holds(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it comes to hold within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True
