"""What ``gatewright call --help`` and ``gatewright call OPERATION --help`` print."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from gatewright.cli.catalogue import Catalogue, KnownOperation, KnownParameter


def operations(catalogue: Catalogue, width: int) -> list[str]:
    """Every operation with what it does, by product."""
    lines: list[str] = []
    column = max(len(each.title) for each in catalogue.operations) + 2
    for product in catalogue.products:
        of_product = [each for each in catalogue.operations if each.product == product]
        lines += [*([""] if lines else []), f"{product} {of_product[0].version}"]
        for each in of_product:
            lines += _beside(f"  {each.title}", each.summary, column + 2, width)
    return lines


def operation(known: KnownOperation, width: int) -> list[str]:
    """One operation: what it does, and its parameters with their rules."""
    lines = [f"usage: gatewright call {known.title} [--Parameter value ...] [options]", ""]
    for paragraph in known.text.split("\n\n"):
        lines += [*textwrap.wrap(" ".join(paragraph.split()), width, break_on_hyphens=False), ""]
    rows = list(_rows(known.parameters, "--"))
    if not rows:
        lines.append("It has no parameters.")
    else:
        lines.append("parameters (* must be given):")
        column = min(max(len(name) for name, _ in rows) + 4, 44)
        for name, text in rows:
            lines += _beside(f"  {name}", text, column, width)
    if known.not_yet:
        text = f"Not served yet, and refused: {', '.join(known.not_yet)}."
        lines += ["", *textwrap.wrap(text, width, break_on_hyphens=False)]
    for text in _whole(known.parameters):
        lines += ["", *textwrap.wrap(text, width, break_on_hyphens=False)]
    lines += ["", *textwrap.wrap("Options of every call: gatewright call --help", width)]
    return lines


def _whole(parameters: tuple[KnownParameter, ...]) -> Iterator[str]:
    """How lists and objects can be given as one text."""
    for many, begin in ((True, "N counts from 1. A list can be given whole, too:"), (False, "So can an object:")):
        first = next((each for each in parameters if each.parameters and each.many is many), None)
        if first is not None:
            plain = [inner.name for inner in first.parameters if not inner.parameters][:2]
            fields = "{" + ", ".join(f'"{name}": "..."' for name in plain) + "}"
            yield f"{begin} --{first.name} '{f'[{fields}]' if many else fields}'"


def _rows(parameters: tuple[KnownParameter, ...], prefix: str) -> Iterator[tuple[str, str]]:
    for each in parameters:
        if each.parameters:
            if each.most is not None:
                yield f"{prefix}{each.name}.N", f"at most {each.most} objects:"
            yield from _rows(each.parameters, f"{prefix}{each.name}{'.N' if each.many else ''}.")
            continue
        name = f"{prefix}{each.name}{'.N' if each.many else ''}{' *' if each.required else ''}"
        yield name, "; ".join([_value(each), *_rules(each)])


def _value(each: KnownParameter) -> str:
    if each.name == "RegionId":
        return f"{each.type} (default: --region, else the profile's)"
    if each.choices and each.type != "true or false":
        return " | ".join(each.choices)
    return each.type


def _rules(each: KnownParameter) -> Iterator[str]:
    for rule in each.rules:
        yield rule.removeprefix("must be ")


def _beside(name: str, text: str, column: int, width: int) -> list[str]:
    """A name with a text beside it, from ``column`` on; under it where the name is too long."""
    parts = textwrap.wrap(text, max(width - column, 20), break_on_hyphens=False) or [""]
    if len(name) + 2 > column:
        return [name, *(" " * column + part for part in parts)]
    return [f"{name:{column}}{parts[0]}", *(" " * column + part for part in parts[1:])]
