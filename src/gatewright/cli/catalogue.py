"""The operations as the command line knows them, from ``catalogue.json``: names, parameters, rules in words.

It is generated from the declarations (``scripts/catalogue.py``) so that help and completion need not load the
operations, which takes most of a second.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The product whose operations need no product before them.
VPC = "Vpc"


@dataclass(frozen=True, slots=True)
class KnownParameter:
    """A parameter, or a field of the objects of one."""

    name: str
    #: ``text``, ``number``, ``true or false``, ``object``; of a list, what its values are.
    type: str
    required: bool = False
    rules: tuple[str, ...] = ()
    #: The values that a rule names; empty where it names none.
    choices: tuple[str, ...] = ()
    many: bool = False
    most: int | None = None
    parameters: tuple[KnownParameter, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownOperation:
    """An operation that is served."""

    product: str
    version: str
    name: str
    #: Where its class is.
    module: str
    text: str
    parameters: tuple[KnownParameter, ...]
    not_yet: tuple[str, ...]

    @property
    def title(self) -> str:
        """``CreateVpc``, but ``Ecs DescribeZones``."""
        return self.name if self.product == VPC else f"{self.product} {self.name}"

    @property
    def summary(self) -> str:
        """The first sentence of what it does."""
        sentence, dot, _ = self.text.partition("\n\n")[0].replace("\n", " ").partition(". ")
        return sentence.rstrip(".") + ("." if dot or sentence else "")


class Unknown(Exception):
    """A name that nothing has; the text says what was meant, perhaps."""


class Catalogue:
    """All operations."""

    def __init__(self, operations: Iterable[KnownOperation]) -> None:
        self.operations = tuple(operations)
        self.products = tuple(dict.fromkeys(operation.product for operation in self.operations))

    def product(self, word: str) -> str | None:
        """The product of this name, in any case."""
        return next((product for product in self.products if folded(product) == folded(word)), None)

    def find(self, product: str | None, word: str) -> KnownOperation:
        """The operation of this name in any spelling; without a product Vpc's, else the only one. Raises Unknown."""
        named = [each for each in self.operations if folded(each.name) == folded(word)]
        found = [each for each in named if each.product == (product or VPC)] or ([] if product else named)
        if len(found) == 1:
            return found[0]
        if found:
            raise Unknown(f"several products have {word}: say one of {', '.join(each.title for each in found)}")
        near = [each.title for each in named] or _near_titles(word, self.operations, product)
        raise Unknown(f"there is no operation {product + ' ' if product else ''}{word}{did_you_mean(near)}")


def load() -> Catalogue:
    """The catalogue of this version."""
    entries = json.loads(Path(__file__).with_name("catalogue.json").read_bytes())
    return Catalogue(_operation(entry) for entry in entries)


def folded(word: str) -> str:
    """A name without regard to case, hyphens and underscores: ``vpc-id`` is ``VpcId``."""
    return word.replace("-", "").replace("_", "").lower()


def near(word: str, names: Iterable[str]) -> list[str]:
    """Names that somebody who wrote ``word`` may have meant, the nearest first."""
    from difflib import get_close_matches

    by_folded = {folded(name): name for name in names}
    return [by_folded[match] for match in get_close_matches(folded(word), by_folded, n=3, cutoff=0.7)]


def did_you_mean(names: list[str]) -> str:
    """The rest of a sentence that names nothing there is."""
    return f"; did you mean {' or '.join(names)}?" if names else ""


def _near_titles(word: str, operations: tuple[KnownOperation, ...], product: str | None) -> list[str]:
    titles = {each.name: each.title for each in operations if product in (None, each.product)}
    return [titles[name] for name in near(word, titles)]


def _operation(entry: dict[str, Any]) -> KnownOperation:
    parameters = tuple(_parameter(each) for each in entry["parameters"])
    return KnownOperation(**entry | {"parameters": parameters, "not_yet": tuple(entry["not_yet"])})


def _parameter(entry: dict[str, Any]) -> KnownParameter:
    lists = {key: tuple(value) for key, value in entry.items() if key in ("rules", "choices")}
    return KnownParameter(**entry | lists | {"parameters": tuple(map(_parameter, entry.get("parameters", ())))})
