"""Killed anywhere while a tunnel is made or removed, and called again, the plane ends up with what the spec says."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import Lab, links, run, vswitch
from tests.plane.linux.sites import gateway
from tests.plane.linux.test_crash import Killed, killed_before
from tests.plane.linux.tunnel_watch import Heard, opened
from tests.support.patience import patience

pytestmark = pytest.mark.usefixtures("carried_by")

WITHOUT = gateway()
WITH = msgspec.structs.replace(gateway(tunnel(initiate=False)), generation=2)


def test_killed_between_any_two_steps_of_making_and_removing_a_tunnel(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = f"gw-{lab.installation}-tunnel.1.vpn-1"

    def stands() -> bool:
        names = set(links("-n", lab.namespace(WITH)))
        found = child in run("ip", "netns", "list").split()
        assert ({"tun1", "ike1"} <= names) == found, names
        if found:
            # they are the only ones
            assert lab.charon(WITH)
            assert lab.bird(WITH)
        else:
            assert lab.processes(WITH) == []
        return found

    async def kill(number: int, generation: int) -> bool:
        """Whether it was done before it could be killed."""
        wanted = WITHOUT if generation % 2 else WITH
        spec = msgspec.structs.replace(wanted, generation=generation)
        async with opened(lab, Heard()) as (plane, _):
            with killed_before(number, monkeypatch):
                try:
                    await plane.apply(spec)
                    return True
                except Killed:
                    pass
        return False

    async def main() -> None:
        async with opened(lab, Heard()) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(WITHOUT)
        # every other step of each: what a run takes is its fixed costs
        generation, numbers, unfinished = 1, [0, 1], {0, 1}
        while unfinished:
            generation += 1
            removing = generation % 2
            numbers[removing] += 2
            if await kill(numbers[removing], generation):
                unfinished.discard(removing)
            async with opened(lab, Heard()) as (plane, _):
                wanted = WITHOUT if removing else WITH
                await plane.apply(msgspec.structs.replace(wanted, generation=generation))
                assert stands() == (not removing)
        async with opened(lab, Heard()) as (plane, _):
            await plane.remove(WITH.key)
            await plane.remove(vswitch().key)
        assert lab.nothing_left()

    asyncio.run(asyncio.wait_for(main(), patience(120)))
