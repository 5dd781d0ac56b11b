"""What README and pages show is run, or says why it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import Block, Unmarked, commands, machines, read
from tests.docs.examples import Runner
from tests.docs.outputs import matches
from tests.docs.places import ROOT
from tests.support.linux import unmet

PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/**/*.md"))
)


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_shows_is_so(name: str, tmp_path: Path) -> None:
    text = (ROOT / name).read_text()
    blocks, needed = read(name, text), machines(text)
    if needed and unmet():
        pytest.skip(unmet())
    if blocks:
        with Runner(name, blocks, tmp_path, needed) as runner:
            runner.run()


def test_a_block_without_a_mark_is_told_with_what_to_write() -> None:
    with pytest.raises(Unmarked, match=r"docs/x.md:3: nothing says .*\n<!--|shown: REASON"):
        read("docs/x.md", "# X\n\n```sh\nls\n```\n")
    with pytest.raises(Unmarked, match=r"docs/x.md:1: there is no mark 'run if you like'"):
        read("docs/x.md", "<!-- run if you like -->\n```sh\nls\n```\n")


def test_blocks_have_their_marks() -> None:
    unseen, stays = "<!-- unseen\ntrue\n-->\n", "- a\n\n  <!-- run stays -->\n  ```console\n  $ x\n  ```\n"
    blocks = read("docs/x.md", f"{unseen}{stays}<!-- output -->\n```\ny\n```\n")
    expected = [("run", "true\n"), ("run stays", "$ x\n"), ("output", "y\n")]
    assert [(block.mark, block.text) for block in blocks] == expected
    assert Block(1, "run stays on b", "sh", "").machine == "b"
    (block,) = read("docs/x.md", "```sh\nls\n```\n<!-- every block: shown: it is long -->")
    assert block.mark == "shown: it is long"


def test_commands_are_told_from_output() -> None:
    text = "$ one \\\n    --more\nsaid\n$ two\n"
    assert list(commands(Block(1, "run", "console", text))) == [("one \\\n    --more", "said"), ("two", "")]
    assert list(commands(Block(1, "run", "sh", text))) == [(text, None)]


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("a", "a\n", True),
        ("a", "a\nb\n", False),
        ("a", "b\n", False),
        ("", "a\n", False),
        ("a\n...", "a\nb\nc\n", True),
        ("...\nc", "a\nb\nc\n", True),
        ("at ... again", "at last again\n", True),
        ("at ... again", "at last\n", False),
        ("vpc-bp1aaaaaaaaaaaaaaaaa  x", "vpc-bp1bbbbbbbbbbbbbbbbb     x\n", True),
        ("vpc-bp1aaaaaaaaaaaaaaaaa", "vsw-bp1aaaaaaaaaaaaaaaaa\n", False),
        ("vpc-... is here", "vpc-bp1aaaaaaaaaaaaaaaaa is here\n", True),
        ("in 0.1 s", "in 12.3s\n", True),
        ("a is active (0.1 s)", "a is init, waiting for active\na: init -> b (0.1 s)\na is active (0.4 s)\n", True),
    ],
)
def test_output_is_compared_by_form(shown: str, printed: str, expected: bool) -> None:
    assert matches(shown, printed) is expected
