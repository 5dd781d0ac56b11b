"""What the friendly commands have in common: their options, and how it is told what went wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from gatewright.cli import connection, output
from gatewright.cli.call import PATIENCE, seconds

if TYPE_CHECKING:
    from gatewright.cli.friendly.session import Session

Commands = argparse._SubParsersAction  # argparse has no public name for it
#: What a command does; it prints its answer itself.
Work = Callable[["Session"], None]


def group(
    commands: Commands[argparse.ArgumentParser], name: str, title: str, description: str
) -> Commands[argparse.ArgumentParser]:
    """A command that has actions."""
    parser = commands.add_parser(name, help=title, description=description)
    return parser.add_subparsers(dest="action", required=True, metavar="ACTION")


def action(
    actions: Commands[argparse.ArgumentParser],
    name: str,
    work: Work,
    title: str,
    description: str = "",
    *,
    waits: bool = False,
    until: str = "",
    answers: bool = True,
) -> argparse.ArgumentParser:
    """One of them, with the options of all that call the service, of those that wait, and of those that answer.

    One that waits only when it is told says in ``until`` what for.
    """
    parser = actions.add_parser(name, help=title, description=description or f"{title[0].upper()}{title[1:]}.")
    parser.set_defaults(run=partial(_run, work), output=None, query=None, quiet=False)
    if until:
        parser.add_argument("--wait", dest="no_wait", action="store_false", help=f"wait until {until}")
    elif waits:
        parser.add_argument("--no-wait", action="store_true", help="do not wait until it has settled")
    if waits or until:
        parser.add_argument("--timeout", type=seconds, default=PATIENCE, metavar="S", help="of a wait, seconds (300)")
        parser.add_argument("--quiet", action="store_true", help="say nothing of what is being done")
    if answers:
        output.add_output(parser)
    connection.add_connection(parser)
    return parser


def removal(
    actions: Commands[argparse.ArgumentParser],
    work: Work,
    title: str,
    metavar: str,
    description: str = "",
    *,
    waits: bool = True,
) -> argparse.ArgumentParser:
    """The action that deletes what is named."""
    parser = action(actions, "delete", work, title, description, waits=waits, answers=False)
    parser.add_argument("names", nargs="+", metavar=metavar, help="its id, or its name if no other has it")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    return parser


def _run(work: Work, parsed: argparse.Namespace) -> int:
    """The exit status; what went wrong is told."""
    from gatewright.cli import call_checks, catalogue, refusals
    from gatewright.cli.friendly.session import Declined, Impossible, NotSent, Session
    from gatewright.cli.progress import Ended, Progress
    from gatewright.client import Refused, Unreachable

    # what cannot be printed is refused before anything is done
    output.compiled(parsed.query)
    output.usual()
    try:
        with connection.caller_of(parsed) as caller, Progress(quiet=parsed.quiet) as progress:
            session = Session(parsed, caller, progress, catalogue.load())
            try:
                work(session)
            except Refused as refused:
                known = session.known.find(None, refused.action)
                advice = call_checks.advice(known, refused.status, refused.code, refused.message)
                return _tell(refusals.lines(refused, caller.profile, advice))
    except NotSent as error:
        return _tell(error.lines)
    except (Declined, Impossible) as error:
        return _tell([str(error)])
    except Unreachable as error:
        return _tell([str(error)])
    except Ended as ended:
        return _tell([str(ended)], ended.status)
    return 0


def _tell(lines: list[str], status: int = 1) -> int:
    print(f"gatewright: {lines[0]}", *lines[1:], sep="\n", file=sys.stderr)
    return status
