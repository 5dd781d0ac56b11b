"""Draws ``docs/images/session.svg``: README's first session, as it was when this was run.

``make docs`` does not do it, because every session has other ids. A test compares the commands with README's.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.docs.blocks import read
from tests.docs.examples import Runner

PICTURE = ROOT / "docs" / "images" / "session.svg"
#: The section of README that is drawn.
SECTION = "## Two minutes"
_WIDTH = 116
#: It was of a service that is gone, but looks like one.
_SECRET = re.compile(r"(?<=access key secret  )\S+")
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def session() -> str:
    """The part of README that is drawn, with the blocks of that section that are run."""
    readme = (ROOT / "README.md").read_text()
    begin = readme.index(SECTION)
    return readme[begin : readme.index("[`gatewright call`]", begin)]


def picture(steps: list[tuple[str, str]]) -> str:
    """The drawing of commands with what they printed."""
    console = Console(record=True, width=_WIDTH, file=Path("/dev/null").open("w"), force_terminal=True)  # noqa: SIM115 - it ends with us
    for command, printed in steps:
        console.print(Text("$ ", "bold green") + Text(command, "bold"), soft_wrap=False)
        # What comes behind an empty line is left out.
        first, _, more = printed.strip("\n").partition("\n\n")
        if first:
            console.print(Text(first))
        if more:
            console.print(Text("...", "dim"))
    # The fonts that rich would load from elsewhere: whoever has none of the name gets what is there.
    drawn = _FONTS.sub("", console.export_svg(title="Gatewright", unique_id="session"))
    told = "\n".join(command for command, _ in steps)
    head, rest = drawn.split(">", 1)
    return f"{head}>\n<desc>{escape(told)}</desc>{rest}"


def main() -> None:
    """Run the session and write the drawing."""
    with tempfile.TemporaryDirectory(prefix="gatewright-session-") as folder:
        with Runner("README.md", read("README.md", session()), Path(folder), []) as runner:
            runner.run()
            steps = runner.transcript
        shown = [
            (command, _SECRET.sub("...", printed.replace(folder, "/home/you/gatewright"))) for command, printed in steps
        ]
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(shown))


if __name__ == "__main__":
    main()
