"""``gatewright events``: shown, followed through a restart, and ended by a signal whatever stands in the way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.support.service import Service

PATIENCE = 60.0


def ignoring_interrupts() -> None:
    """A shell without job control does this to what it starts with ``&``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def following(
    command: Command, tmp_path: Path, *words: str, start: Callable[[], None] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[Callable[[str], bool]], str]]]:
    """``events --follow``, and what waits until its output is as wanted."""
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "gatewright", "events", "--follow", *words],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=command.environment,
            cwd=command.home,
            preexec_fn=start,
        )

    def until(wanted: Callable[[str], bool]) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            text = out.read_text() + err.read_text()
            if wanted(text):
                return text
            assert process.poll() is None, text
            time.sleep(0.02)
        raise AssertionError(out.read_text() + err.read_text())

    try:
        yield process, until
    finally:
        process.kill()
        process.wait()


def create(service: Service) -> str:
    vpc: str = service.client().call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    return vpc


def test_the_last_events_are_shown(service: Service, command: Command) -> None:
    first, second = create(service), create(service)
    ran = command.run("events", "--output", "table", "--last", "1")
    assert ran.out.split()[1:] == [second, "Available", "created"]
    ran = command.run("events", "--resource", first)
    (event,) = json.loads(ran.out)["Events"]["Event"]
    assert (event["ResourceId"], event["To"]) == (first, "Available")


def test_a_restart_leaves_nothing_out_and_shows_nothing_twice(
    service: Service, command: Command, tmp_path: Path
) -> None:
    vpcs = [create(service)]
    with following(command, tmp_path, "--last", "1", "--output", "json", start=ignoring_interrupts) as (process, until):
        until(lambda text: vpcs[0] in text)
        service.kill()
        until(lambda text: "trying again" in text)
        service.start()
        vpcs += [create(service), create(service)]
        text = until(lambda text: vpcs[-1] in text and "answers again" in text)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [line["ResourceId"] for line in lines] == vpcs


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_while_the_service_does_not_answer(
    service: Service, command: Command, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    vpc = create(service)
    assert service.process is not None
    with following(command, tmp_path, "--output", "text") as (process, until):
        until(lambda text: vpc in text)
        service.process.send_signal(signal.SIGSTOP)
        try:
            process.send_signal(number)
            assert process.wait(PATIENCE) == status
        finally:
            service.process.send_signal(signal.SIGCONT)


def test_it_ends_when_nobody_reads_any_more(service: Service, command: Command) -> None:
    vpc = create(service)
    with subprocess.Popen(
        [sys.executable, "-m", "gatewright", "events", "--follow", "--output", "text", "--last", "1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=command.environment,
        cwd=command.home,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert vpc.encode() in process.stdout.readline()
        process.stdout.close()
        assert process.wait(PATIENCE) == 1
        assert process.stderr.read() == b""


def test_what_cannot_be_done_is_told(service: Service, command: Command) -> None:
    ran = command.run("events", "--follow", GATEWRIGHT_ACCESS_KEY_SECRET="wrong")
    assert ran.status == 1
    assert ran.err.startswith("gatewright: DescribeEvents was refused: SignatureDoesNotMatch")
    ran = command.run("events", GATEWRIGHT_ENDPOINT="http://127.0.0.1:1")
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert command.run("events", "--last", "501").status == 2
