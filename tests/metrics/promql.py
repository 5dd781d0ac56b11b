"""Which metrics and labels a PromQL expression names: its words, told apart by where they stand."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<duration>[0-9]+(?:ms|[smhdwy])(?![A-Za-z_]))
    | (?P<number>0x[0-9A-Fa-f]+|[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)
    | (?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
    | (?P<mark>=~|!~|!=|==|>=|<=|[-+*/%^<>=(){}\[\],@])""",
    re.VERBOSE,
)
#: Take a list of labels.
_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_OPERATORS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}
_MATCHERS = {"=", "!=", "=~", "!~"}


class Named(NamedTuple):
    """What an expression names."""

    #: By metric, its matchers: label, operator, value.
    metrics: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]
    #: In lists of labels.
    labels: frozenset[str]
    #: Labels that the outermost aggregation leaves; None: there is none.
    left: frozenset[str] | None


def parse(expression: str) -> Named:
    """Raises ValueError for what is no PromQL."""
    tokens = _tokens(expression)
    metrics: list[tuple[str, tuple[tuple[str, str, str], ...]]] = []
    labels: set[str] = set()
    left: frozenset[str] | None = None
    at = depth = 0
    while at < len(tokens):
        kind, text = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        depth += (text == "(") - (text == ")")
        at += 1
        if depth < 0:
            raise ValueError(f"too many ) in {expression!r}")
        if kind != "word" or text in _OPERATORS:
            continue
        if text in _LISTS:
            at, listed = _list(tokens, at)
            labels |= listed
            if text == "by" and left is None:
                left = frozenset(listed)
        elif following == "{":
            at, matchers = _matchers(tokens, at + 1)
            metrics.append((text, matchers))
        elif following not in ("(", "by", "without"):
            metrics.append((text, ()))
    if depth:
        raise ValueError(f"a ( is open in {expression!r}")
    return Named(tuple(metrics), frozenset(labels), left)


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise ValueError(f"{expression[at:]!r} begins with no word of PromQL")
        at = match.end()
        if match.lastgroup != "space":
            found.append((match.lastgroup or "", match[0]))
    return found


def _list(tokens: list[tuple[str, str]], at: int) -> tuple[int, set[str]]:
    """``( a, b )``"""
    if tokens[at][1] != "(":
        raise ValueError("a list of labels begins with (")
    end = next(i for i in range(at, len(tokens)) if tokens[i][1] == ")")
    return end + 1, {text for kind, text in tokens[at:end] if kind == "word"}


def _matchers(tokens: list[tuple[str, str]], at: int) -> tuple[int, tuple[tuple[str, str, str], ...]]:
    """``a="x", b=~"y" }``"""
    found = []
    while tokens[at][1] != "}":
        (kind, label), (_, operator), (value_kind, value) = tokens[at : at + 3]
        if kind != "word" or operator not in _MATCHERS or value_kind != "text":
            raise ValueError(f"{label} {operator} {value} is no matcher")
        found.append((label, operator, value[1:-1]))
        at += 3
        if tokens[at][1] == ",":
            at += 1
    return at + 1, tuple(found)
