"""The stream that failovers are measured with, over a bridge that is cut for a while."""

from __future__ import annotations

import time
from contextlib import ExitStack

from tests.plane.linux.lab import run
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.two_tunnels import until
from tests.support.stream import Stream


def test_a_pause_is_no_shorter_than_the_cut_and_all_that_was_sent_meanwhile_is_lost(linux_host: None) -> None:
    machines = Machines()
    with ExitStack() as stack:
        stack.callback(machines.remove)
        hub = Machine(f"test-hub-{time.monotonic_ns()}")
        run("ip", "netns", "add", hub.name)
        stack.callback(run, "ip", "netns", "delete", hub.name)
        hub.ip("link", "add", "lan", "type", "bridge")
        hub.ip("link", "set", "lan", "up")
        one, other = (machines.plug("lan", f"172.16.9.{n}/24", where=hub.name) for n in (1, 2))
        stream = stack.enter_context(Stream(one.name, other.name, "172.16.9.2"))
        stream.goes_on()
        begun = time.monotonic()
        hub.ip("link", "set", "lan", "down")
        cut = time.monotonic()
        until(lambda: stream.pause(cut).seconds > 0.3, "a pause")
        mended = time.monotonic()
        hub.ip("link", "set", "lan", "up")
        stream.goes_on(mended)
        assert stream.lost(until=begun) == 0
        sent_in_vain = stream.lost(cut, mended)
        assert sent_in_vain > 0
        assert stream.lost() >= sent_in_vain
        pause, stall = stream.pause(begun), stream.stall(begun)
        assert pause.begun <= cut
        assert min(pause.seconds, stall.seconds) >= mended - cut
