"""Runs what a page shows, as ``blocks.py`` says."""

from __future__ import annotations

import ast
from pathlib import Path
from types import TracebackType

from gatewright.settings import load
from tests.docs.blocks import Block, commands
from tests.docs.outputs import matches
from tests.docs.places import ROOT, Here, elsewhere


class Runner:
    """The places of a page; they end with all that was started. Use it as a context manager."""

    def __init__(self, name: str, blocks: list[Block], folder: Path, machines: list[str]) -> None:
        self._name = name
        self._blocks = blocks
        self._printed = ""
        #: The commands of console blocks that were run to their end or stayed, each with what it printed.
        self.transcript: list[tuple[str, str]] = []
        self._places = elsewhere(machines, folder) if machines else {"": Here(folder)}
        self._first = next(iter(self._places.values()))

    def run(self) -> None:
        """All blocks, in their order. AssertionError at the first one that is not as it is shown."""
        for block in self._blocks:
            kind = block.words[0]
            if kind == "run":
                self._run(block, self._first if block.machine is None else self._places[block.machine])
            elif kind == "output":
                self._compare(block.line, "the block above", block.text, self._printed)
            elif kind == "file:":
                (self._first.folder / block.words[1]).write_text(self._first.put_in(block.text))
            elif kind == "settings":
                file = self._first.folder / "settings.toml"
                file.write_text(block.text)
                load({}, {}, file)
            elif kind.startswith("tests/"):
                self._named(block)

    def _run(self, block: Block, place: Here) -> None:
        if block.language == "python":
            (place.folder / ".program.py").write_text(place.put_in(block.text))
            block = block._replace(text="python3 .program.py", language="sh")
        steps = list(commands(block))
        for number, (command, output) in enumerate(steps, 1):
            last = number == len(steps)
            if last and "stays" in block.words:
                self._start(block, place, command, output or "")
                continue
            status, printed = place.shell.run(place.put_in(command))
            self._printed = place.take_out(printed)
            told = f"{self._where(block.line)}: `{command}`"
            if last and "fails" in block.words:
                assert status != 0, f"{told} was to fail:\n{self._printed}"
            else:
                assert status == 0, f"{told} ended with status {status}:\n{self._printed}"
            if output is not None:
                self.transcript.append((command, self._printed))
                self._compare(block.line, f"`{command}`", output, self._printed)

    def _start(self, block: Block, place: Here, command: str, output: str) -> None:
        def is_there(text: str) -> bool:
            return matches(output, place.take_out(text), goes_on=True)

        done, printed = place.shell.start(place.put_in(command), is_there)
        self._printed = place.take_out(printed)
        self.transcript.append((command, self._printed))
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

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for place in self._places.values():
            place.close()
