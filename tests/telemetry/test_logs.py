"""The log: for people on a terminal, for programs elsewhere, and whose request each line belongs to."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from typing import Any

import pytest

from gatewright.store.transaction import Transaction
from gatewright.telemetry import logs
from gatewright.telemetry.logs import JsonFormatter, TextFormatter, fields
from gatewright.telemetry.requests import request_id
from tests.support.cell import Cell

FORGED = "a\nWARNING forged \x1b[2J\x9b2J\u2028"


def record(message: str, *, level: int = logging.WARNING, error: Exception | None = None) -> logging.LogRecord:
    raised = (type(error), error, None) if error is not None else None
    made = logging.LogRecord("gatewright.agent.loop", level, __file__, 1, "%s", (message,), raised)
    made.created, made.msecs = 1800000000.25, 250.0
    return made


def test_a_line_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextFormatter, "converter", time.gmtime)
    assert TextFormatter().format(record("it broke")) == "2027-01-15 08:00:00.250 WARNING agent.loop: it broke"
    token = request_id.set("R-1")
    try:
        assert TextFormatter().format(record("it broke")).endswith("agent.loop: it broke [R-1]")
    finally:
        request_id.reset(token)
    assert "\x1b[33mWARNING\x1b[0m agent.loop" in TextFormatter(coloured=True).format(record("it broke"))
    assert "\x1b" not in TextFormatter(coloured=True).format(record("fine", level=logging.INFO))


def test_a_line_for_programs() -> None:
    line = record("it broke", error=ValueError("why\nnot"))
    line.__dict__.update(fields(operation="CreateVpc", seconds=0.5))
    token = request_id.set("R-1")
    try:
        told = json.loads(JsonFormatter("api").format(line))
    finally:
        request_id.reset(token)
    assert told == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "WARNING",
        "process": "api",
        "pid": line.process,
        "logger": "gatewright.agent.loop",
        "message": "it broke",
        "request_id": "R-1",
        "operation": "CreateVpc",
        "seconds": 0.5,
        "exception": "ValueError: why\nnot",
    }
    assert "request_id" not in json.loads(JsonFormatter("api").format(record("it broke")))


def test_nobody_forges_a_line_or_moves_the_cursor() -> None:
    text = TextFormatter().format(record(FORGED, error=ValueError(FORGED)))
    first, *below = text.split("\n")
    assert first.endswith(r"agent.loop: a\nWARNING forged \x1b[2J\x9b2J\u2028")
    assert below
    assert all(line.startswith("  ") for line in below)
    assert not any(character in text for character in "\x1b\x9b\u2028")
    line = JsonFormatter("api").format(record(FORGED, error=ValueError(FORGED)))
    assert line.isprintable()
    assert json.loads(line)["message"] == FORGED


@pytest.mark.parametrize(
    ("form", "terminal", "environment", "expected"),
    [
        ("auto", True, {"TERM": "xterm"}, "coloured"),
        ("auto", True, {"TERM": "xterm", "NO_COLOR": "1"}, "text"),
        ("auto", True, {"TERM": "dumb"}, "text"),
        ("auto", False, {"TERM": "xterm"}, "json"),
        ("text", False, {"TERM": "xterm"}, "text"),
        ("json", True, {"TERM": "xterm"}, "json"),
    ],
)
def test_the_form_follows_from_where_it_goes(
    form: str, terminal: bool, environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up: dict[str, Any] = {}
    monkeypatch.setattr(logging, "basicConfig", lambda **given: set_up.update(given))
    monkeypatch.setattr(logging, "captureWarnings", lambda _: None)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("threading.excepthook", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    logs.set_up_logging("INFO", form, "api")
    line = set_up["handlers"][0].format(record("it broke"))
    found = "json" if line.startswith("{") else "coloured" if "\x1b" in line else "text"
    assert found == expected


def test_what_nobody_caught_is_logged() -> None:
    code = (
        "import threading, warnings, gatewright.telemetry.logs as logs\n"
        "logs.set_up_logging('INFO', 'json', 'agent')\n"
        "def fail(): raise KeyError('in a thread')\n"
        "thread = threading.Thread(target=fail, name='one'); thread.start(); thread.join()\n"
        "warnings.warn('look', RuntimeWarning)\n"
        "raise KeyError('at last')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    told = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [each["level"] for each in told] == ["CRITICAL", "WARNING", "CRITICAL"]
    assert told[0]["message"] == "thread one ended"
    assert "look" in told[1]["message"]
    assert "KeyError: 'at last'" in told[2]["exception"]
    assert {each["process"] for each in told} == {"agent"}


class Listening(logging.Handler):
    """Notes what is logged, and for whose request."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, str]] = []

    def emit(self, line: logging.LogRecord) -> None:
        self.heard.append((line.getMessage(), request_id.get()))


@pytest.fixture
def listening() -> Any:
    handler = Listening()
    log = logging.getLogger("gatewright")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(before)


def test_every_line_of_a_request_has_its_id(cell: Cell, listening: Listening) -> None:
    """Also of what the store does for it among others' work, on whatever thread."""
    log = logging.getLogger("gatewright.test")

    def named(name: str) -> Any:
        def logged(_transaction: Transaction) -> None:
            log.info(name)

        return logged

    async def ask(name: str) -> None:
        request_id.set(name)
        await asyncio.gather(cell.database.write(named(name)), cell.database.read(named(name)))
        log.info(name)

    async def all_at_once() -> None:
        await asyncio.gather(*(asyncio.ensure_future(ask(f"R-{number}")) for number in range(20)))

    cell.run(all_at_once())
    mine = [(message, belongs_to) for message, belongs_to in listening.heard if message.startswith("R-")]
    assert len(mine) == 60
    assert all(message == belongs_to for message, belongs_to in mine)


def test_a_call_is_logged_with_the_id_that_it_was_answered_with(cell: Cell, listening: Listening) -> None:
    answered = cell.call("DescribeVpcs")["RequestId"]
    message, belongs_to = next(each for each in listening.heard if each[0].startswith("DescribeVpcs"))
    assert message.startswith("DescribeVpcs 200 OK in ")
    assert belongs_to == answered
