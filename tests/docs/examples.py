"""Runs what a page shows, as ``blocks.py`` says."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import socket
import sys
from pathlib import Path
from types import TracebackType

from gatewright.settings import load
from tests.docs.blocks import Block, commands
from tests.docs.outputs import matches
from tests.docs.shell import Shell

ROOT = Path(__file__).parents[2]
_LOCAL = re.compile(r"(127\.0\.0\.1:|localhost:)(\d+)")
_API = "8080"


class Ports:
    """Gives each port of this machine that a page names a free one, so that pages run side by side."""

    def __init__(self) -> None:
        self._free: dict[str, str] = {}

    def put_in(self, text: str) -> str:
        """A text of the page with the free ports in it."""
        return _LOCAL.sub(lambda found: found[1] + self.free(found[2]), text)

    def take_out(self, text: str) -> str:
        """What was printed, with the page's ports in it."""
        shown = {free: named for named, free in self._free.items()}
        return _LOCAL.sub(lambda found: found[1] + shown.get(found[2], found[2]), text)

    def free(self, named: str) -> str:
        """The free port for one that the page names."""
        if named not in self._free:
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                self._free[named] = str(listener.getsockname()[1])
        return self._free[named]


class Runner:
    """A page's folder and shell; ends with all that was started. Use it as a context manager."""

    def __init__(self, name: str, blocks: list[Block], folder: Path) -> None:
        self._name = name
        self._blocks = blocks
        self._folder = folder
        self._ports = Ports()
        self._printed = ""
        self._shell = Shell(folder, self._environment())

    def run(self) -> None:
        """All blocks, in their order. AssertionError at the first one that is not as it is shown."""
        for block in self._blocks:
            kind = block.words[0]
            if kind == "run":
                self._run(block)
            elif kind == "output":
                self._compare(block.line, "the block above", block.text, self._printed)
            elif kind == "file:":
                (self._folder / block.words[1]).write_text(self._ports.put_in(block.text))
            elif kind == "settings":
                (self._folder / "settings.toml").write_text(block.text)
                load({}, {}, self._folder / "settings.toml")
            elif kind.startswith("tests/"):
                self._named(block)

    def _run(self, block: Block) -> None:
        if block.language == "python":
            (self._folder / ".program.py").write_text(self._ports.put_in(block.text))
            block = block._replace(text="python3 .program.py", language="sh")
        steps = list(commands(block))
        for number, (command, output) in enumerate(steps, 1):
            last = number == len(steps)
            if last and "stays" in block.words:
                self._start(block, command, output or "")
                continue
            status, printed = self._shell.run(self._ports.put_in(command))
            self._printed = self._ports.take_out(printed)
            told = f"{self._where(block.line)}: `{command}`"
            if last and "fails" in block.words:
                assert status != 0, f"{told} was to fail:\n{self._printed}"
            else:
                assert status == 0, f"{told} ended with status {status}:\n{self._printed}"
            if output is not None:
                self._compare(block.line, f"`{command}`", output, self._printed)

    def _start(self, block: Block, command: str, output: str) -> None:
        done, printed = self._shell.start(
            self._ports.put_in(command), lambda text: matches(output, self._ports.take_out(text), goes_on=True)
        )
        self._printed = self._ports.take_out(printed)
        if not done:
            self._compare(block.line, f"`{command}`", output, self._printed)

    def _compare(self, line: int, what: str, shown: str, printed: str) -> None:
        assert matches(shown, printed), (
            f"{self._where(line)}: {what} has printed something else.\n--- shown\n{shown}\n--- printed\n{printed}"
        )

    def _named(self, block: Block) -> None:
        for named in block.mark.replace(",", " ").split():
            path, _, test = named.partition("::")
            there = ast.parse((ROOT / path).read_text()).body if (ROOT / path).exists() else []
            tests = {each.name for each in there if isinstance(each, ast.FunctionDef)}
            assert (test in tests) if test else tests, f"{self._where(block.line)}: there is no {named}"

    def _where(self, line: int) -> str:
        return f"{self._name}:{line}"

    def _environment(self) -> dict[str, str]:
        # As far as commands see it, the folder is a clone that was set up.
        (self._folder / "requirements").symlink_to(ROOT / "requirements")
        programs = self._folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        make = f"exec /usr/bin/make --no-print-directory -f {ROOT}/Makefile -o setup BIN={programs}"
        for name, line in (
            ("gatewright", f"exec {sys.executable} -m gatewright"),
            ("python", f"exec {sys.executable}"),
            ("python3", f"exec {sys.executable}"),
            ("make", make),
        ):
            (programs / name).write_text(f'#!/bin/sh\n{line} "$@"\n')
            (programs / name).chmod(0o755)
        kept = {
            name: value for name, value in os.environ.items() if not re.match("GATEWRIGHT_|ALIBABA|XDG_|PYTHON", name)
        }
        # Where a service would otherwise listen: what everybody takes.
        listen = f"127.0.0.1:{self._ports.free(_API)}"
        return {
            **kept,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
            "HOME": str(self._folder),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "COLUMNS": "100",
            "GATEWRIGHT_DATA": str(self._folder / "data"),
            "GATEWRIGHT_LISTEN": listen,
            "LISTEN": listen,
        }

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._shell.close()
