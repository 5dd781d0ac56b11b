"""A terminal that is drawn on whole, and is as it was before when the command ends, is stopped or goes on."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import termios
import tty
from collections.abc import Callable, Sequence
from types import FrameType

#: Another screen without a cursor, on which lines that are too long are not wrapped; and back.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J", "\x1b[?7h\x1b[?25h\x1b[?1049l"
#: Terminals that know this show a frame when it is whole.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_KEYS = {
    "A": "up",
    "B": "down",
    "H": "home",
    "F": "end",
    "1~": "home",
    "4~": "end",
    "5~": "page up",
    "6~": "page down",
}
_SEQUENCE = re.compile(r"\x1b[\[O]([0-9;]*[A-Za-z~])|(.)", re.DOTALL)


class Screen:
    """Takes the terminal over while it is entered."""

    def __init__(self, source: int, output: int, resumed: Callable[[], None]) -> None:
        """``resumed`` is called when it goes on after Ctrl-Z."""
        self._source = source
        self._output = output
        self._resumed = resumed
        self._before = termios.tcgetattr(source)

    def __enter__(self) -> Screen:
        self._stopping = signal.signal(signal.SIGTSTP, self._stop)
        try:
            self._take()
        except BaseException:
            self._give_back()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGTSTP, self._stopping)
        self._give_back()

    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        found = os.get_terminal_size(self._output)
        return found.columns or 80, found.lines or 24

    def draw(self, lines: Sequence[str]) -> None:
        """Put as many lines over what is there, each as wide as the terminal: nothing is cleared, nothing flickers."""
        places = (f"\x1b[{number};1H{line}\x1b[0m" for number, line in enumerate(lines, 1))
        self._write(f"{_BEGIN}{''.join(places)}{_END}")

    def keys(self) -> list[str]:
        """What was typed: characters, or ``up``, ``page down`` and the like. Raises EOFError when nobody types ever."""
        try:
            typed = os.read(self._source, 1024)
        except OSError as error:
            raise EOFError from error
        if not typed:
            raise EOFError
        found = []
        for sequence, character in _SEQUENCE.findall(typed.decode(errors="replace")):
            found.append(_KEYS.get(sequence, "") if sequence else character)
        return found

    def _take(self) -> None:
        tty.setcbreak(self._source, termios.TCSADRAIN)
        self._write(_ENTER)

    def _give_back(self) -> None:
        # echo comes first, and waits for nothing: another Ctrl-C may end this half way
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._source, termios.TCSANOW, self._before)
        with contextlib.suppress(OSError):
            self._write(_LEAVE)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as handlers are called
        self._give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._stop)
        self._take()
        self._resumed()

    def _write(self, text: str) -> None:
        rest = text.encode(errors="replace")
        while rest:
            rest = rest[os.write(self._output, rest) :]
