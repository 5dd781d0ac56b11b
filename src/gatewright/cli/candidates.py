"""What a word of a command line may become. Pure but for the names of profiles, which are in files."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gatewright.cli import call, catalogue
from gatewright.cli.catalogue import Catalogue, KnownOperation, KnownParameter, Unknown, folded
from gatewright.errors import ConfigurationError


class Candidate(NamedTuple):
    """A word, and what it is for."""

    word: str
    text: str = ""


#: Stands for what paths there are, which shells know best.
FILES = Candidate("", "files")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def candidates(words: Sequence[str], parser: argparse.ArgumentParser) -> list[Candidate]:
    """What the last word may become, given those before it. Nothing where nothing is known."""
    *before, current = words
    if before and before[0] == "call":
        found = list(_of_call(before[1:], current))
    else:
        found = list(_of_parser(before, current, parser))
    return [each for each in found if each is FILES or each.word.startswith(current)]


def _of_parser(before: list[str], current: str, parser: argparse.ArgumentParser) -> Iterator[Candidate]:
    """Of a command that argparse reads."""
    awaiting: argparse.Action | None = None
    positionals = 0
    for word in before:
        if awaiting is not None:
            awaiting = None
        elif word.startswith("-"):
            awaiting = _valued(parser, word)
        elif (commands := _commands(parser)) is not None:
            if word not in commands.choices:
                return
            parser, positionals = commands.choices[word], 0
        else:
            positionals += 1
    yield from _word(parser, awaiting, current, positionals)


def _word(
    parser: argparse.ArgumentParser, awaiting: argparse.Action | None, current: str, positionals: int
) -> Iterator[Candidate]:
    name, equals, _ = current.partition("=")
    if awaiting is not None:
        yield from _values(awaiting)
    elif equals and (option := _valued(parser, name)) is not None:
        yield from (each if each is FILES else Candidate(f"{name}={each.word}", each.text) for each in _values(option))
    elif current.startswith("-"):
        yield from _options(parser)
    elif (commands := _commands(parser)) is not None:
        yield from (Candidate(each.dest, each.help or "") for each in commands._choices_actions)
    else:
        yield from _values(*_positionals(parser)[positionals : positionals + 1])


def _of_call(before: list[str], current: str) -> Iterator[Candidate]:
    """Of ``gatewright call``, whose parameters argparse does not read."""
    from gatewright.cli.call_words import split

    parser = call.parser()
    known = catalogue.load()
    last = before[-1] if before else ""
    option = _valued(parser, last)
    if option is not None:
        yield from _values(option)
        return
    try:
        told = split(before, call.options(parser))
    except Unknown:
        return
    operation: KnownOperation | None = None
    with contextlib.suppress(Unknown):
        operation = call.named(known, told.names) if told.names else None
    name, equals, _ = current.partition("=")
    if operation is not None and not current.startswith("--") and told.parameters and told.parameters[-1][1] is None:
        yield from _parameter_values(operation, told.parameters[-1][0], "")
    elif equals and name.startswith("--"):
        option = _valued(parser, name)
        if option is not None:
            yield from _word(parser, None, current, 0)
        elif operation is not None:
            yield from _parameter_values(operation, name[2:], f"{name}=")
    elif current.startswith("-"):
        if operation is not None:
            yield from _parameters(operation, [name for name, _ in told.parameters], current)
        yield from _options(parser)
    elif operation is None:
        yield from _operations(known, told.names, current)


def _operations(known: Catalogue, names: list[str], current: str) -> Iterator[Candidate]:
    product = known.product(names[0]) if names else catalogue.VPC
    for each in known.operations:
        if each.product == product:
            yield Candidate(_spelled_like(current, each.name), each.summary)
    if not names:
        yield from (
            Candidate(name.lower() if current[:1].islower() else name, f"operations of {name}")
            for name in known.products
            if name != catalogue.VPC
        )


def _parameters(operation: KnownOperation, given: list[str], current: str) -> Iterator[Candidate]:
    """The names that have not been given yet; of a list of objects the fields of the next."""
    written = {folded(name) for name in given}
    like = current[2:]
    for each in operation.parameters:
        if each.many and each.parameters:
            name = folded(each.name)
            number = 1
            while any(other.startswith(f"{name}.{number + 1}.") for other in written):
                number += 1
            fields = list(_fields(each, f"{each.name}.{number}", like, written))
            yield from fields or _fields(each, f"{each.name}.{number + 1}", like, written)
        elif each.parameters:
            yield from _fields(each, each.name, like, written)
        elif each.many or folded(each.name) not in written:
            yield Candidate(f"--{_spelled_like(like, each.name)}", _told(each))


def _fields(known: KnownParameter, name: str, like: str, written: set[str]) -> Iterator[Candidate]:
    """Those of an object's fields that have not been given yet, as deep as it goes."""
    for inner in known.parameters:
        field = f"{name}.{inner.name}"
        if inner.parameters:
            yield from _fields(inner, field, like, written)
        elif folded(field) not in written:
            yield Candidate(f"--{'.'.join(_spelled_like(like, part) for part in field.split('.'))}", _told(inner))


def _parameter_values(operation: KnownOperation, word: str, prefix: str) -> Iterator[Candidate]:
    from gatewright.cli.call_words import spelled

    with contextlib.suppress(Unknown):
        _, parameter = spelled(operation, word)
        if parameter is not None:
            yield from (Candidate(prefix + choice) for choice in parameter.choices)


def _told(parameter: KnownParameter) -> str:
    rules = "; ".join(parameter.rules) or " | ".join(parameter.choices) or parameter.type
    return rules + (" (must be given)" if parameter.required else "")


def _spelled_like(current: str, name: str) -> str:
    """The API's name, or with hyphens where somebody begins to write so."""
    return "-".join(_HUMP.split(name)).lower() if current[:1].islower() else name


def _options(parser: argparse.ArgumentParser) -> Iterator[Candidate]:
    for action in parser._actions:
        if action.help != argparse.SUPPRESS:
            yield from (Candidate(name, action.help or "") for name in action.option_strings if name.startswith("--"))


def _valued(parser: argparse.ArgumentParser, word: str) -> argparse.Action | None:
    """The option of this name, if it takes a value."""
    action = parser._option_string_actions.get(word)
    return action if action is not None and action.nargs != 0 else None


def _commands(parser: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser] | None:
    return next((each for each in parser._actions if isinstance(each, argparse._SubParsersAction)), None)


def _positionals(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [each for each in parser._actions if not each.option_strings]


def _values(*actions: argparse.Action) -> Iterator[Candidate]:
    for action in actions:
        if action.choices:
            yield from (Candidate(str(choice)) for choice in action.choices)
        elif action.dest == "profile":
            yield from map(Candidate, _profiles())
        elif action.type is Path or action.metavar in ("FILE", "DIR"):
            yield FILES


def _profiles() -> list[str]:
    from gatewright.client import aliyun_profiles, profile_file
    from gatewright.client.profiles import places

    where = places(os.environ)
    with contextlib.suppress(ConfigurationError):
        return [*profile_file.read(where.own).profiles, *(each.name for each in aliyun_profiles.entries(where.aliyun))]
    return []
