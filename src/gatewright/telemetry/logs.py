"""The log, on standard error: lines for people on a terminal, an object of JSON a line for programs elsewhere.

Text of requests is never logged: it may hold secrets. What is logged of others is made harmless here: control
characters would move the cursor of whoever reads it, and a line break would forge a line.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

from gatewright.telemetry.requests import request_id

_log = logging.getLogger(__name__)
_PREFIX = "gatewright."
#: uvicorn's name for what is no access, also where nothing is wrong.
_NAMES = {"uvicorn.error": "uvicorn"}
#: Control characters of ASCII and Latin-1, and what else ends a line.
_HARMLESS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
#: What JSON leaves as it is, and a terminal does not.
_HARMLESS_JSON = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
#: SGR sequences of terminals (ECMA-48, 8.3.117): what stands out, what does not.
_COLOURS = {logging.DEBUG: "\x1b[2m", logging.WARNING: "\x1b[33m", logging.ERROR: "\x1b[31m"}
_PLAIN = "\x1b[0m"


class TextFormatter(logging.Formatter):
    """``2026-11-29 19:36:01.123 WARNING agent.loop: what happened [request id]``, and a traceback below it."""

    default_time_format = "%Y-%m-%d %H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self, *, coloured: bool = False) -> None:
        super().__init__()
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname
        if self._coloured and record.levelno in _COLOURS:
            level = f"{_COLOURS[record.levelno]}{level}{_PLAIN}"
        message = record.getMessage().translate(_HARMLESS)
        line = (
            f"{self.formatTime(record)} {level} {_NAMES.get(record.name, record.name).removeprefix(_PREFIX)}: {message}"
        )
        if belongs_to := request_id.get():
            line += f" [{belongs_to}]"
        # set in, so that no text of an exception's passes for a line of its own
        return "\n  ".join((line, *_traceback(self, record)))


class JsonFormatter(logging.Formatter):
    """One object a line: ``time`` (UTC), ``level``, ``process``, ``pid``, ``logger``, ``message``.

    Where there are any also ``request_id``, ``exception``, and what the line tells by name.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        import json  # not loaded on a terminal

        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told: dict[str, Any] = {
            "time": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "process": self._process,
            "pid": record.process,
            "logger": _NAMES.get(record.name, record.name),
            "message": record.getMessage(),
        }
        if belongs_to := request_id.get():
            told["request_id"] = belongs_to
        told |= getattr(record, "fields", {})
        if lines := _traceback(self, record):
            told["exception"] = "\n".join(lines)
        return json.dumps(told, ensure_ascii=False, default=str).translate(_HARMLESS_JSON)


def fields(**told: Any) -> Mapping[str, Mapping[str, Any]]:
    """For ``extra``: what a line tells by name where it is JSON."""
    return {"fields": told}


def set_up_logging(level: str, form: str, process: str) -> None:
    """Log from a level on; ``form`` is ``text``, ``json``, or ``auto``: text on a terminal.

    ``process`` is which part of the service this is. Warnings and failures that nobody caught are logged too.
    """
    stream = sys.stderr
    terminal = stream is not None and stream.isatty()
    handler = logging.StreamHandler(stream)
    if form == "text" or (form == "auto" and terminal):
        handler.setFormatter(TextFormatter(coloured=terminal and _takes_colours(stream)))
    else:
        handler.setFormatter(JsonFormatter(process))
    logging.basicConfig(handlers=[handler], level=level)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _takes_colours(stream: TextIO) -> bool:
    """Whether a terminal is to be coloured (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    if not record.exc_info or record.exc_info[0] is None:
        return []
    return [line.translate(_HARMLESS) for line in formatter.formatException(record.exc_info).split("\n")]


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("the process ends: %s was not expected", kind.__name__, exc_info=(kind, error, trace))


def _uncaught_in_thread(what: threading.ExceptHookArgs) -> None:
    if what.exc_value is not None and what.exc_type is not SystemExit:
        name = what.thread.name if what.thread is not None else "?"
        _log.critical("thread %s ended", name, exc_info=(what.exc_type, what.exc_value, what.exc_traceback))
