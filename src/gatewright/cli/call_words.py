"""The words behind ``gatewright call``: which are options of ours, which name the operation, which are parameters.

Options of ours are lower case, as declared, and win; anything else that begins with ``--`` is a parameter, in the API's
spelling or any other: ``--VpcId``, ``--vpc-id``, ``--Tag.1.Key``, ``--tag.1.key``, ``--ike-config.psk``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gatewright.cli.catalogue import KnownOperation, KnownParameter, Unknown, did_you_mean, folded, near


@dataclass
class Words:
    """The words, told apart."""

    #: Options of ours with their values, for argparse.
    options: list[str] = field(default_factory=list)
    #: Product and operation.
    names: list[str] = field(default_factory=list)
    #: Parameters in their order; None for one without a value.
    parameters: list[tuple[str, str | None]] = field(default_factory=list)


def split(words: Sequence[str], options: Mapping[str, bool]) -> Words:
    """Tell the words apart. ``options`` are ours, with whether they take a value. Raises Unknown."""
    told = Words()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in options:
            told.options.append(word)
            if options[name] and not equals and rest:
                told.options.append(rest.pop(0))
        elif not word.startswith("-"):
            told.names.append(word)
        elif not word.startswith("--") or len(name) < 3:
            raise Unknown(f"{word!r} is no option; parameters are written --Name value")
        elif equals:
            told.parameters.append((name[2:], value))
        else:
            told.parameters.append((name[2:], rest.pop(0) if rest and not rest[0].startswith("--") else None))
    return told


def on_the_wire(
    operation: KnownOperation, given: Sequence[tuple[str, str | None]], *, strict: bool = True
) -> dict[str, str]:
    """The parameters as the API spells them. Raises Unknown, unless not ``strict``: names are passed on then."""
    sent: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for word, value in given:
        try:
            name, parameter = spelled(operation, word)
        except Unknown:
            if strict:
                raise
            name, parameter = word, None
        if value is None:
            if parameter is None or parameter.type != "true or false" or parameter.many:
                raise Unknown(f"--{word} needs a value (one that begins with -- is written --{word}=--value)")
            value = "true"
        if parameter is not None and parameter.many and name == parameter.name:
            several.setdefault(name, []).append(value)
        elif name in sent:
            raise Unknown(f"{name} is given twice")
        else:
            sent[name] = value
    for name, values in several.items():
        sent |= _list(name, values, any(known.name == name and known.parameters for known in operation.parameters))
    return sent


def spelled(operation: KnownOperation, word: str) -> tuple[str, KnownParameter | None]:
    """The API's spelling of a parameter's name, and the parameter; of ``Tag.1.Key`` the field. Raises Unknown.

    The parameter is None where the name is one that is not served yet.
    """
    first, *others = word.split(".")
    known = _named(operation.parameters, first)
    if known is None:
        absent = next((name for name in operation.not_yet if folded(name) == folded(first)), None)
        if absent is not None:
            return ".".join([absent, *others]), None
        names = [each.name for each in operation.parameters]
        raise Unknown(
            f"{operation.title} has no parameter {first}{did_you_mean(near(first, names))}"
            f"{' ' if near(first, names) else ': '}`gatewright call {operation.title} --help` lists what it has"
        )
    return _within(operation.title, known, known.name, others) if others else (known.name, known)


def _within(title: str, known: KnownParameter, name: str, others: Sequence[str]) -> tuple[str, KnownParameter]:
    """What ``others`` name in a parameter that is spelt ``name``: a value of a list, a field of an object."""
    if not known.many and not known.parameters:
        raise Unknown(f"{title}: {name} is one value: write --{name} value")
    place = name
    if known.many:
        number, *others = others
        if not number.isdecimal():
            raise Unknown(f"{title}: {name} is a list: write {_example(known, name)}")
        if not known.parameters:
            if others:
                raise Unknown(f"{title}: {name} is a list of plain values: write {_example(known, name)}")
            return f"{name}.{number}", KnownParameter(known.name, known.type)
        if not others:
            raise Unknown(f"{title}: {name} is a list of objects: write {_example(known, name)}")
        name, place = f"{name}.{number}", f"{name}.N"
    inner = _named(known.parameters, others[0])
    if inner is None:
        has = ", ".join(each.name for each in known.parameters)
        raise Unknown(f"{title}: {place} has no {others[0]}; it has {has}")
    name = f"{name}.{inner.name}"
    return _within(title, inner, name, others[1:]) if others[1:] else (name, inner)


def _example(known: KnownParameter, name: str) -> str:
    return f"--{name}.1" + (f".{known.parameters[0].name}" if known.parameters else "") + " value"


def _named(parameters: Sequence[KnownParameter], word: str) -> KnownParameter | None:
    return next((each for each in parameters if folded(each.name) == folded(word)), None)


def _list(name: str, values: list[str], objects: bool) -> dict[str, str]:
    """A list that was given by its name alone: as JSON, as the API takes it, or its values one after the other."""
    if len(values) == 1 and values[0].lstrip().startswith("["):
        return {name: values[0]}
    if objects:
        # `--Tag '{"Key": "a"}' --Tag '{"Key": "b"}'`: what is no JSON goes as it is, for the rules to refuse
        try:
            return {name: json.dumps([json.loads(value) for value in values])}
        except ValueError:
            return {name: values[0]}
    return {f"{name}.{number}": value for number, value in enumerate(values, 1)}
