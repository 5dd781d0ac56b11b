"""The blocks of a page, and what the page says is to be done with each: its mark, an HTML comment before it.

``<!-- run -->``
    It is run, in the page's shell and folder. In a ``console`` block each line that begins with ``$`` is a command, and
    what follows it is its output; a ``sh`` or ``bash`` block is commands only, a ``python`` block a program.
``<!-- run fails -->``
    As above, and its last command ends with a status other than 0.
``<!-- run stays -->``
    As above, and its last command goes on running.
``<!-- run on NAME -->``, ``<!-- run stays on NAME -->``
    As above, as root on the machine NAME, in its own shell and folder. ``<!-- machines: NAME NAME -->`` anywhere on the
    page makes these of namespaces, 192.0.2.1, 192.0.2.2 and so on; what names no machine is run on the first.
``<!-- output -->``
    What the block before it has printed.
``<!-- file: NAME -->``
    It is a file of the page's folder from here on.
``<!-- settings -->``
    It is a file of settings that ``serve --config`` takes.
``<!-- tests/a/test_b.py::test_c -->``, ``<!-- tests/a/test_b.py -->``
    That test runs it, or those tests; several with commas between them.
``<!-- shown: REASON -->``
    It is not run, for this reason.
``<!-- unseen``, commands on lines of their own, ``-->``
    They are run, and not shown; ``unseen on NAME`` does so there.
``<!-- every block: tests/a/test_b.py::test_c -->``, ``<!-- every block: shown: REASON -->``
    Anywhere on the page: of each block that has no mark.

In output ``...`` stands for anything within a line, and for any number of lines where it is a line of its own. Ids,
times and addresses that are others at each run are compared by their form (``outputs.py``).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

#: A comment, or a fenced block with its indentation, language and text.
_PARTS = re.compile(r"<!--\s*(.*?)\s*-->|^([ ]*)```(\S*)[^\n]*\n(.*?)^[ ]*```[ ]*$", re.DOTALL | re.MULTILINE)
_TEST = r"tests/[\w/]+\.py(?:::test_\w+)?"
_MARK = re.compile(
    rf"run(?: (?:fails|stays))?(?: on [\w-]+)?|output|settings|file: \S+|shown: .+|{_TEST}(?:,\s+{_TEST})*", re.DOTALL
)
_EVERY = "every block: "
_UNSEEN = "unseen"
_MACHINES = "machines: "


class Unmarked(Exception):
    """A block that nothing says anything of, or a mark that is none."""


class Block(NamedTuple):
    """One block."""

    #: Of its first line, in the page.
    line: int
    mark: str
    language: str
    text: str

    @property
    def words(self) -> list[str]:
        return self.mark.split()

    @property
    def machine(self) -> str | None:
        """Where it is run, if the mark says so."""
        return self.words[-1] if self.words[0] == "run" and "on" in self.words[:-1] else None


def machines(text: str) -> list[str]:
    """The machines of a page."""
    found = [_said(each)[len(_MACHINES) :] for each in _PARTS.finditer(text) if _said(each).startswith(_MACHINES)]
    return found[0].split() if found else []


def read(name: str, text: str) -> list[Block]:
    """The blocks of a page. Raises Unmarked."""
    blocks: list[Block] = []
    every = next((found[1][len(_EVERY) :] for found in _PARTS.finditer(text) if _said(found).startswith(_EVERY)), None)
    mark: str | None = None
    end = 0
    for found in _PARTS.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        said = _said(found)
        if text[end : found.start()].strip():
            mark = None  # it was about something else than a block
        end = found.end()
        if found[1] is None:
            if mark is None and every is None:
                raise Unmarked(_what_to_write(f"{name}:{line}: nothing says what is to be done with this block."))
            blocks.append(Block(line + 1, mark or every or "", found[3], textwrap.dedent(found[4])))
            mark = None
        elif said.split(maxsplit=1)[0] == _UNSEEN:
            where, _, script = said.removeprefix(_UNSEEN).partition("\n")
            blocks.append(Block(line + 1, f"run{where}", "sh", script + "\n"))
        elif _MARK.fullmatch(said):
            mark = said
        elif _is_meant(said):
            raise Unmarked(_what_to_write(f"{name}:{line}: there is no mark {said!r}."))
    return blocks


def _said(found: re.Match[str]) -> str:
    return found[1] or "-"


def _is_meant(said: str) -> bool:
    """Whether a comment was meant for a mark, so that a wrong one does not pass for a note."""
    first = said.split(maxsplit=1)[0].rstrip(":")
    return first in ("run", "output", "settings", "file", "shown") or first.startswith("tests/")


def _what_to_write(what: str) -> str:
    marks = "\n".join(line for line in (__doc__ or "").splitlines()[2:])
    return f"{what} Write one of these above it:\n{marks}"


def commands(block: Block) -> Iterator[tuple[str, str | None]]:
    """The commands of a block, each with the output that is shown; None where none can be shown."""
    if block.language != "console":
        yield block.text, None
        return
    command: list[str] = []
    output: list[str] = []
    for line in block.text.splitlines():
        goes_on = bool(command) and not output and (command[-1].endswith("\\") or line.startswith("> "))
        if line.startswith("$ ") and not goes_on:
            if command:
                yield "\n".join(command), "\n".join(output)
            command, output = [line[2:]], []
        elif goes_on:
            command.append(line.removeprefix("> "))
        else:
            output.append(line)
    if not command:
        raise Unmarked(f"line {block.line}: a console block that is run has commands, which begin with `$ `")
    yield "\n".join(command), "\n".join(output)
