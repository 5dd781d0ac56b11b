"""``gatewright unit``: prints a unit for systemd that starts this installation of Gatewright."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gatewright.errors import ConfigurationError

_FOLDER = Path(__file__).with_name("units")
_DESCRIPTION = """
Print a unit for systemd that starts the gatewright that prints it: `gatewright unit gatewright >
/etc/systemd/system/gatewright.service`. gatewright is the API and this host's gateways, gatewright-agent the gateways
of a host whose control plane is elsewhere, gatewright-simulated the simulated plane as a user without rights.
"""
#: What a unit of a user that is no one's has to be able to pass.
_OTHERS = 0o001
_HIDDEN = frozenset(map(Path, ("/root", "/home", "/run/user")))


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    unit = commands.add_parser("unit", help="print a unit for systemd", description=_DESCRIPTION)
    unit.add_argument("name", choices=sorted(path.stem for path in _FOLDER.glob("*.service")), help="which one")
    unit.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    program = _program()
    if parsed.name == "gatewright-simulated":
        for path in (program[0], sys.base_prefix):
            check_reached(Path(path))
    print(rendered(parsed.name, program), end="")
    return 0


def rendered(name: str, program: list[str]) -> str:
    """A unit that starts a program."""
    words = " ".join(_quoted(word) for word in program)
    return _FOLDER.joinpath(f"{name}.service").read_text("ascii").replace("@gatewright@", words)


def _program() -> list[str]:
    """How this command was started, by paths that hold anywhere."""
    called = Path(sys.argv[0])
    if called.name == "gatewright" and called.exists():
        return [str(called.absolute().resolve())]
    return [sys.executable, "-m", "gatewright"]


def _quoted(word: str) -> str:
    """A word of a command line as systemd reads it."""
    word = word.replace("%", "%%")
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' if set(word) & set(" \t\"'\\;") else word


def check_reached(path: Path) -> None:
    """Raises ConfigurationError where a path's owner alone gets to it, or where the unit hides it (ProtectHome)."""
    for folder in reversed(path.parents):
        if folder in _HIDDEN or not folder.stat().st_mode & _OTHERS:
            raise ConfigurationError(
                f"{path} is in {folder}, which the unit's user does not see: install gatewright for everybody, with the"
                " system's Python (/usr/bin/python3 -m venv /opt/gatewright), and print the unit with that one"
            )
