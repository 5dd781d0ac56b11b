"""``gatewright call``: any operation of the API, by its name."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gatewright.cli import catalogue, connection, output

if TYPE_CHECKING:
    from gatewright.cli.call_words import Words
    from gatewright.cli.catalogue import Catalogue, KnownOperation
    from gatewright.client import Caller, Profile, Refused

_TITLE = "call an operation of the API"
_DESCRIPTION = """
Call an operation of the API: `gatewright call DescribeVpcs`, `gatewright call Ecs DescribeZones`. Parameters are the
API's, in its spelling or another: --VpcId, --vpc-id; lists are --Tag.1.Key, or whole in JSON. What breaks a rule is
refused before it is sent. `gatewright call OPERATION --help` tells what an operation takes.
"""
_EXIT = "Exit status: 0, 1 refused or nobody answers, 2 not understood, 124 when --wait took too long, 130 at Ctrl-C."
#: How long is waited, seconds.
PATIENCE = 300.0


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command. Its words are read by :func:`main`, because argparse cannot tell parameters from options."""
    commands.add_parser("call", help=_TITLE, add_help=False)


def parser() -> argparse.ArgumentParser:
    """The options of ours."""
    made = argparse.ArgumentParser(
        prog="gatewright call",
        usage="gatewright call [PRODUCT] OPERATION [--Parameter value ...] [options]",
        description=_DESCRIPTION,
        epilog=_EXIT,
        add_help=False,
        allow_abbrev=False,
    )
    made.add_argument("-h", "--help", action="store_true", help="this text, or an operation's")
    made.add_argument("--list", action="store_true", help="list every operation")
    output.add_output(made)
    made.add_argument("--wait", action="store_true", help="wait until what was made, changed or deleted has settled")
    made.add_argument("--timeout", type=seconds, default=PATIENCE, metavar="S", help="of --wait, seconds (300)")
    made.add_argument("--no-validate", action="store_true", help="send it whatever it is, for the service to judge")
    connection.add_connection(made)
    return made


def main(words: Sequence[str]) -> int:
    """Run the command. Returns the exit status; raises ConfigurationError."""
    return output.printing(lambda: _run(words))


def options(made: argparse.ArgumentParser) -> dict[str, bool]:
    """Each option of ours, and whether it takes a value."""
    return {name: action.nargs != 0 for name, action in made._option_string_actions.items()}


def named(known: Catalogue, names: Sequence[str], *, guess: bool = False) -> KnownOperation:
    """The operation that these words name. Raises Unknown.

    With ``guess`` one that is not known is taken for Vpc's, or the product's that is named.
    """
    product = known.product(names[0]) if len(names) > 1 else None
    if len(names) > 1 and product is None:
        if any(catalogue.folded(each.name) == catalogue.folded(names[0]) for each in known.operations):
            raise catalogue.Unknown(f"{names[1]!r} is one word too many: parameters are written --Name value")
        near = catalogue.did_you_mean(catalogue.near(names[0], known.products))
        have = ", ".join(known.products)
        raise catalogue.Unknown(f"there is no product {names[0]}{near or f'; there are {have}'}")
    if len(names) > 2:
        raise catalogue.Unknown(f"{names[2]!r} is one word too many: parameters are written --Name value")
    try:
        return known.find(product, names[-1])
    except catalogue.Unknown:
        if not guess:
            raise
        version = next(each.version for each in known.operations if each.product == (product or catalogue.VPC))
        return catalogue.KnownOperation(product or catalogue.VPC, version, names[-1], "", "", (), ())


def _run(words: Sequence[str]) -> int:
    from gatewright.cli import call_help, call_words

    made = parser()
    known = catalogue.load()
    width = max(40, shutil.get_terminal_size((80, 24)).columns)
    try:
        told = call_words.split(words, options(made))
        parsed = made.parse_args(told.options)
        if parsed.list:
            print(*call_help.operations(known, width), sep="\n")
            return 0
        if parsed.help and not told.names:
            made.print_help()
            return 0
        if not told.names:
            made.error("which operation? `gatewright call --list` lists them")
        operation = named(known, told.names, guess=parsed.no_validate and not parsed.help)
        if parsed.help:
            print(*call_help.operation(operation, width), sep="\n")
            return 0
        return _called(parsed, told, operation)
    except catalogue.Unknown as error:
        print(f"gatewright: {error}", file=sys.stderr)
        return 2


def _called(parsed: argparse.Namespace, told: Words, operation: KnownOperation) -> int:
    from gatewright.cli import call_waits, call_words
    from gatewright.client import Refused, Unreachable

    output.compiled(parsed.query)
    output.usual()
    if parsed.wait and operation.title not in call_waits.WAITS:
        raise catalogue.Unknown(f"{operation.title} has done all it does when it is answered: leave --wait out")
    given = call_words.on_the_wire(operation, told.parameters, strict=not parsed.no_validate)
    try:
        with connection.caller_of(parsed) as caller:
            parameters = {"RegionId": caller.profile.region, **given}
            if not parsed.no_validate and not _would_pass(operation, parameters):
                return 1
            try:
                answer = caller.call(operation.name, parameters, operation.version)
            except Refused as refused:
                return _tell(refused, operation, caller.profile)
            with contextlib.ExitStack() as stack:
                # whatever becomes of the wait, what was made has to be known
                stack.callback(output.show, answer, parsed.output, parsed.query)
                if parsed.wait:
                    return _waited(parsed, caller, operation, parameters, answer)
    except Unreachable as error:
        return _fail(error)
    return 0


def _waited(
    parsed: argparse.Namespace,
    caller: Caller,
    operation: KnownOperation,
    parameters: dict[str, str],
    answer: dict[str, Any],
) -> int:
    """Wait until what a call has set going has settled. Returns the exit status."""
    from gatewright.cli import call_waits, progress
    from gatewright.client import Refused, Unreachable

    try:
        call_waits.wait(caller, operation.title, parameters, answer, parsed.timeout)
    except Refused as refused:
        return _tell(refused, operation, caller.profile)
    except Unreachable as error:
        return _fail(error)
    except progress.Ended as ended:
        return _fail(ended, ended.status)
    return 0


def _fail(error: Exception, status: int = 1) -> int:
    print(f"gatewright: {error}", file=sys.stderr)
    return status


def _would_pass(operation: KnownOperation, parameters: dict[str, str]) -> bool:
    """Whether the call keeps the rules; what is wrong with it is told."""
    from gatewright.cli import call_checks

    told = call_checks.not_sent(operation, parameters)
    if told:
        print(f"gatewright: {told[0]}", *told[1:], sep="\n", file=sys.stderr)
    return not told


def _tell(refused: Refused, operation: KnownOperation, profile: Profile) -> int:
    """Tell of a refusal. Returns the exit status: the success of a dry run is answered as a refusal, too."""
    from gatewright.cli import call_checks, refusals

    if refused.code == "DryRunOperation":
        print(f"gatewright: {operation.title} would be carried out: the dry run found nothing wrong", file=sys.stderr)
        return 0
    advice = call_checks.advice(operation if operation.module else None, refused.status, refused.code, refused.message)
    first, *others = refusals.lines(refused, profile, advice)
    print(f"gatewright: {first}", *others, sep="\n", file=sys.stderr)
    return 1


def seconds(text: str) -> float:
    """The value of ``--timeout``. Raises ValueError."""
    number = float(text)
    if not 0 < number < 10**7:
        raise ValueError(text)
    return number


seconds.__name__ = "number of seconds"  # what argparse calls a value that is none
