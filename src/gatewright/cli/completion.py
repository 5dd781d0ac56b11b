"""``gatewright completion``: the scripts that make shells complete its words, and what they ask.

The scripts call ``gatewright complete-words SHELL WORD...``, the last word being the one under the cursor, and get a
candidate a line; ``:files`` asks for the shell's own completion of paths.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from gatewright.cli.candidates import FILES, candidates

SHELLS = ("bash", "zsh", "fish")
_DESCRIPTION = """
Print the script that makes a shell complete commands, operations, parameters and values. For this shell only:
bash: eval "$(gatewright completion bash)"; zsh: eval "$(gatewright completion zsh)"; fish: gatewright completion fish |
source. For every shell put that line into ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    text = "print a script that makes the shell complete words"
    completion = commands.add_parser("completion", help=text, description=_DESCRIPTION)
    completion.add_argument("shell", choices=SHELLS, help="which shell")
    completion.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    print(Path(__file__).with_name("shells").joinpath(f"completion.{parsed.shell}").read_text("ascii"), end="")
    return 0


def answer(shell: str, words: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Print what the last word may become, as a shell's script reads it. Returns the exit status."""
    told = list(words) or [""]
    cut = ""
    if shell == "bash":
        told = rejoined(told)
        # bash takes what stands behind the last of these for the word
        cut = re.match(r"(.*[=:])?", told[-1], re.DOTALL)[0]  # type: ignore[index]  # it always matches
    for each in candidates(told, parser):
        if each is FILES:
            print(":files")
        elif shell == "bash":
            print(each.word.removeprefix(cut))
        elif shell == "zsh":
            print(each.word.replace("\\", "\\\\").replace(":", "\\:") + f":{each.text}" * bool(each.text))
        else:
            print(f"{each.word}\t{each.text}")
    return 0


def rejoined(words: Iterable[str]) -> list[str]:
    """Words as they were typed: bash splits them at = and :, and gives those as words of their own."""
    whole: list[str] = []
    glue = False
    for word in words:
        separator = bool(word) and not word.strip("=:")
        if whole and (separator or glue):
            whole[-1] += word
        else:
            whole.append(word)
        glue = separator
    return whole
