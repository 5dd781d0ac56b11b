"""A stream through a gateway on two hosts goes on when the one that carries it is gone, and goes back to it."""

from __future__ import annotations

import pytest

from tests.hosts.two_hosts import two_hosts
from tests.support.linux import unmet


def test_a_stream_goes_on_by_the_other_host() -> None:
    if unmet():
        pytest.skip(unmet())
    with two_hosts() as ways, ways.stream() as stream:
        stream.goes_on(whole := stream.now())
        assert ways.ways() == ("master", "master")
        ways.lose()
        stream.goes_on(stream.now())
        moved = stream.now()
        assert ways.ways() == ("slave", "slave")
        ways.revive()
        ways.whole(stream)
        assert stream.lost(until=whole) == 0
        assert stream.lost(moved) == 0
