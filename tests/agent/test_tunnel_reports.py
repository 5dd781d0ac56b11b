"""What is seen of tunnels reaches the control plane, and only what is new or asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import pytest

from gatewright.agent import tunnel_reports
from gatewright.agent.tunnel_reports import LONGEST_LINE, MOST_LINES, TunnelReporter
from gatewright.link.contract import LinkDown, Secret, Secrets
from gatewright.plane.contract import PlaneError
from gatewright.resources.tunnel_states import (
    MOST_TROUBLES,
    LearnedRoute,
    Trouble,
    TunnelLine,
    TunnelState,
    TunnelStatus,
)
from gatewright.resources.tunnels import SecretRef
from tests.agent.test_loop import Script
from tests.plane.test_contract import instance
from tests.support.tunnels import tunnel


class Ear(Script):
    """Remembers each message, and answers when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[tuple[TunnelState, ...], tuple[TunnelLine, ...]]] = []
        self.door = asyncio.Event()
        self.door.set()
        self.questions: list[int] = []

    async def tunnels(self, states: Sequence[TunnelState], lines: Sequence[TunnelLine]) -> None:
        await self.door.wait()
        if self.deaf:
            raise LinkDown("deaf")
        self.messages.append((tuple(states), tuple(lines)))
        self.news.set()

    async def secrets(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        if self.deaf:
            raise LinkDown("deaf")
        self.questions.append(len(references))
        await self.door.wait()
        return Secrets(Secret(each.id, each.version, f"of {each.id}") for each in references)


def state(
    tunnel_id: str = "tun-1", status: TunnelStatus = TunnelStatus.IPSEC_SA_ESTABLISHED, detail: str = ""
) -> TunnelState:
    return TunnelState(id=tunnel_id, instance_id="vpn-1-1", status=status, detail=detail, at=1)


def line(text: str, tunnel_id: str = "tun-1") -> TunnelLine:
    return TunnelLine(tunnel_id=tunnel_id, at=1, text=text)


def play(scene: Callable[[Ear, TunnelReporter], Awaitable[None]]) -> None:
    async def run() -> None:
        ear = Ear()
        reporter = TunnelReporter(ear)
        running = asyncio.create_task(reporter.run())
        try:
            async with asyncio.timeout(10):
                await scene(ear, reporter)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def test_a_state_is_told_at_once_with_the_lines_that_led_to_it() -> None:
    async def scene(ear: Ear, reporter: TunnelReporter) -> None:
        reporter.told(line("one"))
        reporter.told(line("two"))
        reporter.told(state())
        await ear.until(lambda: bool(ear.messages))
        assert ear.messages == [((state(),), (line("one"), line("two")))]
        assert reporter.idle

    play(scene)


def test_lines_alone_are_told_too_and_many_together() -> None:
    async def scene(ear: Ear, reporter: TunnelReporter) -> None:
        for number in range(5):
            reporter.told(line(str(number)))
            await asyncio.sleep(0)
        await ear.until(lambda: bool(ear.messages))
        assert ear.messages == [((), tuple(line(str(number)) for number in range(5)))]

    play(scene)


def test_of_a_tunnel_that_changes_faster_than_words_get_through_the_last_state_is_told() -> None:
    async def scene(ear: Ear, reporter: TunnelReporter) -> None:
        ear.door.clear()
        reporter.told(state(status=TunnelStatus.IKE_SA_ESTABLISHED))
        await asyncio.sleep(0)
        for status in TunnelStatus:
            reporter.told(state(status=status))
        ear.door.set()
        await ear.until(lambda: len(ear.messages) == 2)
        assert [states for states, _ in ear.messages][-1] == (state(),)

    play(scene)


def test_what_nobody_took_is_told_once_somebody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel_reports, "_RETRY", 0.01)

    async def scene(ear: Ear, reporter: TunnelReporter) -> None:
        ear.deaf = True
        reporter.told(line("first"))
        reporter.told(state(status=TunnelStatus.IKE_SA_ESTABLISHED))
        reporter.told(state("tun-2"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        reporter.told(state())
        reporter.told(line("second"))
        assert not reporter.idle
        ear.deaf = False
        await ear.until(lambda: reporter.idle)
        (states, lines), *others = ear.messages
        assert not others
        assert set(states) == {state(), state("tun-2")}
        assert lines == (line("first"), line("second"))

    play(scene)


def test_lines_are_bounded_in_number_and_length_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel_reports, "_RETRY", 0.01)

    async def scene(ear: Ear, reporter: TunnelReporter) -> None:
        ear.deaf = True
        for number in range(MOST_LINES + 20):
            reporter.told(line(f"{number:04}" + "x" * LONGEST_LINE))
        reporter.told(line("of another", "tun-2"))
        reporter.told(state(detail="y" * 2 * LONGEST_LINE))
        await asyncio.sleep(0.03)
        ear.deaf = False
        await ear.until(lambda: reporter.idle)
        lines = [each for _, lines in ear.messages for each in lines]
        noisy = [each.text for each in lines if each.tunnel_id == "tun-1"]
        assert [text[:4] for text in noisy] == [f"{number:04}" for number in range(20, MOST_LINES + 20)]
        assert {len(text) for text in noisy} == {LONGEST_LINE}
        assert line("of another", "tun-2") in lines
        assert len(ear.messages[0][0][0].detail) == LONGEST_LINE

    play(scene)


def test_what_is_told_of_a_tunnel_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel_reports, "_MOST_ROUTES", 3)
    trouble = Trouble(cause="host", at=1, line="x" * 2 * LONGEST_LINE, about="y" * 2 * LONGEST_LINE)
    routes = tuple(LearnedRoute(f"172.16.{number}.0/24") for number in range(2))

    async def scene(ear: Ear, reporter: TunnelReporter) -> None:
        for name in ("tun-1", "tun-2", "tun-3"):
            told = msgspec.structs.replace(state(name), troubles=(trouble,) * 2 * MOST_TROUBLES, learned=routes)
            reporter.told(told)
        await ear.until(lambda: reporter.idle)
        states = [each for each, _ in ear.messages]
        assert [len(each) for each in states] == [1, 1, 1], "no message has more routes than it may"
        (first,) = states[0]
        assert len(first.troubles) == MOST_TROUBLES
        assert (
            {len(each.line) for each in first.troubles}
            == {len(each.about) for each in first.troubles}
            == {LONGEST_LINE}
        )

    play(scene)


def test_after_an_apply_what_stands_is_told_once_more_and_the_rest_forgotten() -> None:
    async def scene(ear: Ear, reporter: TunnelReporter) -> None:
        for tunnel_id in ("tun-1", "tun-2"):
            reporter.told(state(tunnel_id))
        await ear.until(lambda: reporter.idle)
        ear.messages.clear()
        for _ in range(2):
            reporter.retell(instance(tunnels=(tunnel("tun-1", 1),)))
            await ear.until(lambda: reporter.idle)
        reporter.retell(instance(tunnels=(tunnel("tun-1", 1), tunnel("tun-2", 2))))
        await ear.until(lambda: reporter.idle)
        assert ear.messages == [((state(),), ())] * 3
        reporter.forget("vpn-1-1")
        reporter.retell(instance(tunnels=(tunnel("tun-1", 1),)))
        assert reporter.idle

    play(scene)


def test_secrets_of_many_tunnels_at_once_are_one_question() -> None:
    async def scene(ear: Ear, reporter: TunnelReporter) -> None:
        references = [SecretRef(f"tun-{number}", 1) for number in range(200)]
        ear.door.clear()
        first = asyncio.ensure_future(reporter.reveal(references[:1]))
        while not ear.questions:
            await asyncio.sleep(0)
        others = [asyncio.ensure_future(reporter.reveal([each])) for each in references[1:]]
        given_up = asyncio.ensure_future(reporter.reveal(references[:1]))
        await asyncio.sleep(0)
        given_up.cancel()
        ear.door.set()
        assert dict(await first) == {references[0]: "of tun-0"}
        # each is told what it has asked for, and nobody's else
        assert [dict(found) for found in await asyncio.gather(*others)] == [
            {each: f"of {each.id}"} for each in references[1:]
        ]
        assert ear.questions == [1, 200]
        assert given_up.cancelled()

    play(scene)


def test_secrets_are_asked_for_in_as_many_messages_as_it_takes() -> None:
    async def scene(ear: Ear, reporter: TunnelReporter) -> None:
        references = [SecretRef(f"tun-{number}", 1) for number in range(1500)]
        found = await reporter.reveal(references)
        assert len(found) == 1500
        assert found[references[-1]] == "of tun-1499"
        assert "of tun-1499" not in repr(found)
        ear.deaf = True
        with pytest.raises(PlaneError, match="does not answer: deaf"):
            await reporter.reveal(references[:1])

    play(scene)
