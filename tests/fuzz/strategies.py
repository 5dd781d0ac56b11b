"""Requests of any operation, derived from its declaration: right ones, and ones that are wrong in every way.

A generated request is symbolic: where a resource's id belongs it has a :class:`Known`, which is looked up when the
request is sent. So a failing example reads and shrinks well, and the same examples come again although ids differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from hypothesis import strategies as st

from gatewright.operations.declaration import (
    Between,
    Count,
    Field,
    Length,
    Matches,
    NotYet,
    OneOf,
    Operation,
)

MINE, OTHERS, EARLIER, MADE_UP = "mine", "others", "earlier", "made up"


class Known(NamedTuple):
    """The id of a resource: one's own, another account's, one of an earlier answer, or one that nobody has."""

    parameter: str
    whose: str = MINE


class Raw(NamedTuple):
    """Bytes that stand in the query or form as they are: they are no URL encoding of UTF-8."""

    encoded: bytes


Value = str | Known | Raw
Pair = tuple[str, Value]


@dataclass(frozen=True)
class Case:
    """One request."""

    pairs: tuple[Pair, ...]
    signature: str
    form: str
    #: Where the parameters are: ``query``, ``body``, or every second one in each (``split``).
    place: str

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.pairs}


#: Texts that have broken servers.
STRANGE = (
    "",
    " ",
    "\t",
    "\r\n",
    "\x00",
    "a\x00b",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\u202e",
    "\ufeff",
    "\ufffe",
    "\U0010ffff",
    "ü",
    "e\u0301",
    "😀" * 64,
    "\uff11\uff12",
    "%",
    "%41",
    "%s%n",
    "+",
    "&",
    "=",
    "a=b&c=d",
    "'",
    '"',
    "' OR 1=1 --",
    "Robert'); DROP TABLE vpcs;--",
    "\\",
    "{}",
    "{0}",
    "<x>&amp;]]>",
    "../../etc/passwd",
    "http://x",
    "null",
    "None",
    "NaN",
    "Infinity",
    "true",
    "TRUE",
    "tRuE",
    "False",
    "yes",
    "0",
    "-0",
    "00",
    "+1",
    "1 ",
    "-1",
    "1.0",
    "1e9",
    "0x10",
    "1_000",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "9" * 30,
    "[]",
    "[[]]",
    "[null]",
    "[{}]",
    "[1e400]",
    '["a"]',
    '[{"Key": {"a": []}}]',
    '[{"Key": "a", "key": "b"}]',
    '["\\ud800"]',
    ",",
    "," * 40,
    "a,b",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "0.0.0.0/0",
    "::/0",
    "10.0.0.1/24",
    "255.255.255.255/32",
    "1.2.3",
    "a" * 65,
    "a" * 129,
    "ü" * 257,
)
_HUGE = ("9" * 5000, "[" * 5000, "[" + "9" * 5000 + "]", "a" * 65_536, "a" * 65_537, "ü" * 65_536)
_RAW = (b"%", b"%4", b"%zz", b"%C3", b"%FF", b"%ED%A0%80", b"%F4%90%80%80", b"\xff")
#: Names that no operation declares.
#: Fields of objects without which none of them gets far.
_RELATIONS = ("Key", "Role", "CustomerGatewayId")
_EXTRA = ("OwnerId", "ResourceOwnerAccount", "Nothing", "Tag", "Tag.1.Key", "a b", "ü", "'", "%", "x" * 256, "x" * 257)
#: What stands behind a list's name and is no number of it, or none that a list has.
_WRONG_NUMBERS = ("0", "01", "-1", "1001", "99999999999", "x", "", "1.", "1.x.y", ".1", "\uff11", "1 ", "1.Key", "1")

_NETWORKS = st.builds("10.{}.{}.0/{}".format, st.integers(0, 9), st.integers(0, 255), st.sampled_from((24, 24, 25, 28)))
#: Few, so that requests often mean a route that there is.
_ROUTED = st.sampled_from(("192.168.0.0/24", "192.168.0.0/24", "172.16.0.0/16", "10.0.0.0/24", "0.0.0.0/0"))
_ADDRESSES = st.builds("203.0.113.{}".format, st.integers(1, 254))
_TUNNEL_NETWORKS = st.builds("169.254.{}.0/30".format, st.integers(6, 12))
_ASNS = st.sampled_from(("65000", "1", "1.10", "4294967295", "45104", "0", "65536.0"))
_WORDS = st.sampled_from(("edge", "a-b", "Test_1", "AvailabilityZone", "1.2.3.4", "10.0.0.0/24", "tcp"))
_raw = st.sampled_from(_RAW).map(Raw)
_strange = st.one_of(st.sampled_from(STRANGE), st.sampled_from(STRANGE), st.text(max_size=20), st.sampled_from(_HUGE))
_characters = st.characters(exclude_categories=("Cc", "Cs"))
_REGIONS = st.sampled_from(("cn-hangzhou",) * 6 + ("cn-beijing", "ap-southeast-7"))


def case_of(operation: type[Operation[Any, Any]]) -> st.SearchStrategy[Case]:
    """Requests of an operation: most of them right but for a thing or two, so that they get far."""
    return _case(operation.fields, operation.request_type.not_yet)


def right_case_of(operation: type[Operation[Any, Any]]) -> st.SearchStrategy[Case]:
    """Requests of an operation that its decoder takes."""
    return _case(operation.fields, (), spoilt=0)


@st.composite
def _case(draw: st.DrawFn, fields: tuple[Field, ...], not_yet: tuple[NotYet, ...], spoilt: int = 3) -> Case:
    pairs: list[Pair] = []
    fullness = draw(st.integers(0, 3))
    for field in fields:
        if field.required or draw(st.integers(0, 11)) < _likely(field) * fullness:
            pairs += draw(_right(field))
    if draw(st.booleans()):
        pairs = [(name, Known(value.parameter) if isinstance(value, Known) else value) for name, value in pairs]
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2, spoilt))) if spoilt else 0):
        pairs = draw(_spoilt(pairs, fields, not_yet))
    return Case(
        tuple(pairs),
        draw(st.sampled_from(("V1", "V3"))),
        draw(st.sampled_from(("JSON", "XML"))),
        draw(st.sampled_from(("body", "query", "split"))),
    )


def _likely(field: Field) -> int:
    """How likely an optional parameter is to be there: relations are what makes a request get far."""
    if field.name.endswith("Id"):
        return 8
    return 1 if field.name in ("DryRun", "ClientToken") or field.many else 2


@cache
def _right(field: Field) -> st.SearchStrategy[list[Pair]]:
    """A field's parameters as its declaration wants them."""
    if field.fields and not field.many:
        return _object(field)
    if not field.many:
        return _value(field).map(lambda value: [(field.name, value)])
    most = min([each.most for each in field.constraints if isinstance(each, Count)] or [4])
    return _list(field, st.integers(1, min(most, 4)))


@st.composite
def _list(draw: st.DrawFn, field: Field, length: st.SearchStrategy[int]) -> list[Pair]:
    pairs: list[Pair] = []
    number = 0
    for _ in range(draw(length)):
        number += draw(st.sampled_from((1, 1, 1, 2, 100)))
        if not field.fields:
            pairs.append((f"{field.name}.{number}", draw(_value(field))))
        pairs += draw(_fields(field, f"{field.name}.{number}."))
    return pairs


@st.composite
def _fields(draw: st.DrawFn, field: Field, prefix: str) -> list[Pair]:
    pairs: list[Pair] = []
    for inner in field.fields:
        if inner.required or draw(st.booleans()) or inner.name in _RELATIONS:
            pairs += [(prefix + name, value) for name, value in draw(_right(inner))]
    return pairs


@st.composite
def _object(draw: st.DrawFn, field: Field) -> list[Pair]:
    """An object's fields by their names or, where none of them is looked up later, as one JSON text."""
    pairs = draw(_fields(field, ""))
    if any(not isinstance(value, str) or "." in name for name, value in pairs) or draw(st.booleans()):
        return [(f"{field.name}.{name}", value) for name, value in pairs]
    return [(field.name, json.dumps({draw(st.sampled_from((name, name.lower()))): value for name, value in pairs}))]


@cache
def _value(field: Field) -> st.SearchStrategy[Value]:
    """One value that keeps a field's constraints, as far as they say what that is."""
    if field.type is bool:
        return st.sampled_from(("true", "false", "True", "FALSE"))
    strategies = [made for each in field.constraints if (made := _keeping(each)) is not None]
    if strategies:
        return strategies[0]
    if field.type is int:
        return st.one_of(st.sampled_from(("10", "100", "200", "5", "1")), st.integers(0, 1000).map(str))
    return _by_name(field.name)


def _keeping(constraint: Any) -> st.SearchStrategy[Value] | None:
    if isinstance(constraint, Between):
        return st.integers(constraint.low, constraint.high).map(str)
    if isinstance(constraint, OneOf):
        return st.sampled_from([str(value) for value in constraint.values])
    if isinstance(constraint, Matches):
        return st.from_regex(constraint.pattern, fullmatch=True)
    if isinstance(constraint, Length):
        high = min(constraint.high, constraint.low + 20)
        return st.text(_characters, min_size=constraint.low, max_size=high)
    return None


def _by_name(name: str) -> st.SearchStrategy[Value]:
    """A text that the parameter's name lets one expect."""
    if name == "RegionId":
        return _REGIONS
    if name == "ZoneId":
        return st.sampled_from(("cn-hangzhou-k", "cn-hangzhou-j", "cn-hangzhou-b"))
    if name.endswith(("Id", "Ids", "InstanceId")):
        return st.sampled_from((MINE, MINE, MINE, MINE, EARLIER, OTHERS, MADE_UP)).map(
            lambda whose: Known(name.removesuffix("s") if name.endswith("Ids") else name, whose)
        )
    if name == "NextHop":
        return st.sampled_from((MINE, MINE, MINE, OTHERS, MADE_UP)).map(lambda whose: Known(name, whose))
    if name in ("RouteDest", "RouteSource"):
        return _ROUTED
    if name == "TunnelCidr":
        return _TUNNEL_NETWORKS
    if name == "LocalBgpIp":
        return st.builds("169.254.{}.{}".format, st.integers(6, 12), st.integers(1, 2))
    if any(word in name for word in ("Cidr", "Subnet", "Dest", "Source", "Network", "Pool")):
        return _NETWORKS
    if "Ip" in name or "Address" in name or name in ("Dip", "Sip"):
        return _ADDRESSES
    if name.endswith("Asn"):
        return _ASNS
    return _WORDS


@st.composite
def _spoilt(draw: st.DrawFn, pairs: list[Pair], fields: tuple[Field, ...], not_yet: tuple[NotYet, ...]) -> list[Pair]:
    """The same parameters with one thing wrong."""
    ways: list[Callable[[], list[Pair]]] = [
        lambda: [*pairs, (draw(st.sampled_from(_EXTRA)), draw(_strange))],
        lambda: [*pairs, ("RegionId", draw(_strange))],
    ]
    if fields:
        ways += [lambda: _with_strange(draw, pairs, draw(st.sampled_from(fields)))] * 5
    if pairs:
        ways += [lambda: _without(draw, pairs)] * 3
        ways += [
            lambda: [*pairs, draw(st.sampled_from(pairs))],
            lambda: _replaced(draw, pairs, _raw),
            lambda: _replaced(draw, pairs, _strange),
            lambda: _replaced(draw, pairs, _ids(fields)),
        ]
    if not_yet:
        ways.append(lambda: _not_served(draw, pairs, draw(st.sampled_from(not_yet))))
    lists = [field for field in fields if field.many or field.fields]
    if lists:
        ways += [lambda: _wrong_list(draw, pairs, draw(st.sampled_from(lists)))] * 3
    return ways[draw(st.integers(0, len(ways) - 1))]()


@cache
def _ids(fields: Sequence[Field]) -> st.SearchStrategy[Known]:
    names = [field.name for field in fields if field.name.endswith("Id")] or ["VpcId"]
    return st.builds(Known, st.sampled_from(names), st.sampled_from((MINE, OTHERS, EARLIER, MADE_UP)))


def _with_strange(draw: st.DrawFn, pairs: list[Pair], field: Field) -> list[Pair]:
    name = field.name
    if field.many:
        name += f".{draw(st.integers(1, 3))}"
    while field.fields and draw(st.integers(0, 4)) > 0:
        field = draw(st.sampled_from(field.fields))
        name += f".{field.name}"
    kept = [pair for pair in pairs if pair[0] != name]
    return [*kept, (name, draw(_strange))]


def _without(draw: st.DrawFn, pairs: list[Pair]) -> list[Pair]:
    at = draw(st.integers(0, len(pairs) - 1))
    return pairs[:at] + pairs[at + 1 :]


def _replaced(draw: st.DrawFn, pairs: list[Pair], values: st.SearchStrategy[Any]) -> list[Pair]:
    at = draw(st.integers(0, len(pairs) - 1))
    return [*pairs[:at], (pairs[at][0], draw(values)), *pairs[at + 1 :]]


def _not_served(draw: st.DrawFn, pairs: list[Pair], absent: NotYet) -> list[Pair]:
    name = absent.name + draw(st.sampled_from(("", "", ".1", ".1.Key")))
    return [*pairs, (name, draw(st.sampled_from((absent.harmless or "x", "true", "", "\x00"))))]


def _wrong_list(draw: st.DrawFn, pairs: list[Pair], field: Field) -> list[Pair]:
    """A list or object in a form that is not its own, in two forms at once, as any JSON text, or much too long."""
    others = [pair for pair in pairs if not pair[0].startswith(field.name)]
    way = draw(st.integers(0, 3))
    if way == 0:
        return [*pairs, (f"{field.name}.{draw(st.sampled_from(_WRONG_NUMBERS))}", draw(_strange))]
    if way == 1:
        return [*others, (field.name, draw(_json_of(field)))]
    if way == 2:
        return [*pairs, (field.name, draw(_json_of(field)))]
    return others + draw(_list(field, st.sampled_from((21, 60))))  # too many, or a list where there is one


@cache
def _json_of(field: Field) -> st.SearchStrategy[str]:
    """JSON texts: of the right shape, of another, and none at all."""
    scalars = st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=True), st.text(max_size=8)
    )
    anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | _objects(field, inner), max_leaves=6)
    likely: st.SearchStrategy[Any] = st.lists(
        _objects(field, scalars) if field.fields else st.text(max_size=8), max_size=3
    )
    if not field.many:
        likely = _objects(field, scalars)
    return st.one_of(likely.map(json.dumps), anything.map(json.dumps), st.sampled_from(STRANGE))


def _objects(field: Field, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    names = [inner.name for inner in field.fields] or ["Key"]
    cases = [*names, *(name.lower() for name in names), *(name.upper() for name in names), "x"]
    return st.dictionaries(st.sampled_from(cases), values, max_size=3)
