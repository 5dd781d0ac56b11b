"""The pings that tests hold changes against: what is lost shows, at the end too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from tests.plane.linux.lab import run
from tests.plane.linux.machines import Machine, Machines

ADDRESS = "172.16.9.2"


class Place(NamedTuple):
    hub: Machine
    one: Machine


@pytest.fixture
def place(linux_host: None) -> Iterator[Place]:
    """A machine that reaches another one over a bridge."""
    machines = Machines()
    with ExitStack() as stack:
        stack.callback(machines.remove)
        hub = Machine(f"test-hub-{time.monotonic_ns()}")
        run("ip", "netns", "add", hub.name)
        stack.callback(run, "ip", "netns", "delete", hub.name)
        hub.ip("link", "add", "lan", "type", "bridge")
        hub.ip("link", "set", "lan", "up")
        one, _ = (machines.plug("lan", f"172.16.9.{n}/24", where=hub.name) for n in (1, 2))
        assert one.reaches(ADDRESS)
        yield Place(hub, one)


def test_pings_that_are_all_answered_are_whole(place: Place) -> None:
    with place.one.pinging(ADDRESS) as end:
        time.sleep(0.3)
        answered = end()
    assert (answered.whole, answered.lost) == (True, 0)
    assert answered == list(range(1, answered.sent + 1))


@pytest.mark.parametrize("mended", [False, True])
def test_what_is_lost_shows_at_the_end_and_in_between(place: Place, mended: bool) -> None:
    with place.one.pinging(ADDRESS) as end:
        time.sleep(0.2)
        place.hub.ip("link", "set", "lan", "down")
        time.sleep(0.2)
        if mended:
            place.hub.ip("link", "set", "lan", "up")
            assert place.one.reaches(ADDRESS)
        answered = end()
    assert (answered.whole, answered.lost > 0) == (False, True)
    gone = set(range(1, answered.sent + 1)) - set(answered)
    assert answered.lost == len(gone)
    assert (max(answered) > max(gone)) == mended
