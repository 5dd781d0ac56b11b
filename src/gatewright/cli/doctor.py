"""``gatewright doctor``: what this host can do, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from gatewright import __version__
from gatewright import settings as settings_module
from gatewright.settings import Settings

if TYPE_CHECKING:
    from gatewright.plane.findings import Report

_WIDTH = 80
_NAME = 20
#: For people, and for terminals that only have ASCII.
_SYMBOLS = {"ok": "✓+", "warning": "!!", "missing": "✗x", "information": "·-", "unseen": "??"}
_WITHOUT_EXTRA = "gatewright is installed without the linux plane's libraries: pip install 'gatewright[linux]'."


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    title = "look at what this host can do, and what it lacks"
    doctor = commands.add_parser("doctor", help=title, description=title.capitalize() + ". Changes nothing.")
    doctor.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with the service's settings")
    doctor.add_argument("--data", metavar="DIR", help="the service's data directory (default: as for serve)")
    doctor.add_argument("--listen", metavar="HOST:PORT", help="the service's address (default: as for serve)")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    import msgspec

    given = {"data": parsed.data, "listen": parsed.listen}
    report = _examine(settings_module.load(given, os.environ, parsed.config))
    if parsed.json:
        told = {"gatewright": __version__, "root": os.geteuid() == 0, **msgspec.to_builtins(report)}
        print(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        print("\n".join(screen(report, root=os.geteuid() == 0, ascii_only=not _can_symbols())))
    return 0 if report.ready else 1


def _examine(settings: Settings) -> Report:
    from gatewright.plane.findings import Report

    try:
        from gatewright.plane.linux.doctor import examine
    except ModuleNotFoundError:
        return Report(ready=False, problems=(_WITHOUT_EXTRA,), findings=())
    return examine(settings.data, settings.host, settings.port)


def _can_symbols() -> bool:
    try:
        "✓✗·".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def screen(report: Report, *, root: bool, ascii_only: bool = False) -> list[str]:
    """The report for people, at most 80 columns wide, except commands that are to be copied."""
    lines = [f"Gatewright {__version__}: what this host can do"]
    area = ""
    for finding in report.findings:
        if finding.area != area:
            area = finding.area
            lines += ["", area]
        symbol = _SYMBOLS[finding.state][int(ascii_only)]
        texts = [*_wrapped(finding.found, _WIDTH - _NAME - 6), *_wrapped(finding.advice, _WIDTH - _NAME - 6)]
        lines += [
            f"  {symbol if number == 0 else ' '} {finding.name if number == 0 else '':{_NAME}}  {text}"
            for number, text in enumerate(texts)
        ]
    lines.append("")
    if not root:
        lines += _wrapped("Not root: what is marked ? cannot be looked at. Run this as root to see it.", _WIDTH)
    if report.ready:
        lines += _wrapped("The linux plane can run on this host: gatewright serve --plane linux", _WIDTH)
    else:
        lines.append("The linux plane cannot run here:")
        for problem in report.problems:
            lines += textwrap.wrap(problem, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
        lines.append("The simulated plane can, without root: gatewright serve")
    if report.install:
        lines += ["To install what is missing, as root, without starting any service:", ""]
        lines += [f"  {line}" for line in report.install.splitlines()]
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width)
