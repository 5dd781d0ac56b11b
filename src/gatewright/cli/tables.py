"""Answers as tables: one row an object of a list, or a line a field of one object. Pure: values in, lines out.

A list's table takes the columns that fit, the telling ones first, and says which it left out. Ids are never cut.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from gatewright.cli.output import one_line

#: After an object's own id, name and status: what people look for in this API's lists.
_TELLING = (
    "Time",
    "From",
    "To",
    "Text",
    "CidrBlock",
    "DestinationCidrBlock",
    "RouteSource",
    "RouteDest",
    "NextHop",
    "Weight",
    "Priority",
    "ZoneId",
    "InternetIp",
    "DisasterRecoveryInternetIp",
    "Spec",
    "RegionEndpoint",
    "VpcId",
    "VSwitchId",
    "VSwitchIds",
    "Tags",
)
#: What every object has and few look for.
_LAST = (
    "ResourceGroupId",
    "OwnerId",
    "CreationTime",
    "CreateTime",
    "EndTime",
    "Description",
    "IsDefault",
    "RegionId",
    "VpnInstanceId",
)
#: Ids that are not the object's own: a route has none, and is asked for by its gateway's.
_NOT_OWN = ("RegionId", "VpnInstanceId", "NextHopTunnelId")
_NAMES = ("Name", "LocalName", "DisplayName")
_STATES = ("Status", "State")
#: What a list's answer has besides the list.
_AROUND = {
    "Missed",
    "RequestId",
    "PageNumber",
    "PageSize",
    "TotalCount",
    "VpnRouteCounts",
    "NextToken",
    "Code",
    "Message",
    "Success",
    "After",
}
#: Between two columns.
_GAP = "  "
#: A text column that must give way keeps so many characters.
_NARROWEST = 12
#: From here on a number in a field named ...Time is milliseconds since the epoch, and no other count.
_MILLISECONDS = 10**11


class Listing(NamedTuple):
    """The list that an answer is about."""

    #: What one of its objects is called: ``VpnGateway``.
    item: str
    rows: list[dict[str, Any]]


def printed(found: Any, width: int) -> list[str]:
    """An answer, or what a query found in it, in lines of at most ``width`` columns where values allow."""
    if isinstance(found, dict):
        listing = listing_of(found)
        if listing is not None:
            return [*table(listing, width), *_counted(found, len(listing.rows))]
        return _fields(found, width)
    if isinstance(found, list):
        if not found:
            return ["(none)"]
        if all(isinstance(row, dict) for row in found):
            return table(Listing("", found), width)
        if all(isinstance(row, list) for row in found):
            return _aligned([[one_line(value) for value in row] for row in found])
        return [one_line(value) for value in found]
    return ["(none)" if found is None else one_line(found)]


def listing_of(answer: Mapping[str, Any]) -> Listing | None:
    """The list of an answer that is one list and what stands around it; None for one that describes an object."""
    lists = [(name, value) for name, value in answer.items() if name not in _AROUND and name != "RegionId"]
    if len(lists) != 1:
        return None
    name, value = lists[0]
    item = name.removesuffix("Set").removesuffix("List").removesuffix("s")
    if isinstance(value, dict):
        within = [(key, each) for key, each in value.items() if key not in _AROUND]
        if len(within) != 1:
            return None
        item, value = within[0]
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return Listing(item, value)
    return None


def _counted(answer: Mapping[str, Any], shown: int) -> list[str]:
    """What is to be said about a list that is only a part."""
    total = answer.get("TotalCount")
    if isinstance(total, int) and total > shown:
        page = answer.get("PageNumber")
        return ["", f"{shown} of {total}" + (f", page {page}: --PageNumber and --PageSize show others" if page else "")]
    token = answer.get("NextToken")
    return ["", f"There are more: --NextToken {token}"] if token else []


def table(listing: Listing, width: int) -> list[str]:
    """A list as a table."""
    if not listing.rows:
        return ["(none)"]
    rows = [{name: _cell(name, value) for name, value in row.items()} for row in listing.rows]
    columns = _ordered(listing.item, list(dict.fromkeys(name for row in rows for name in row)))
    columns = [name for name in columns if any(row.get(name) for row in rows)]
    widths = {name: max(_wide(name), *(_wide(row.get(name, "")) for row in rows)) for name in columns}
    chosen, left = _fitting(columns, widths, width)
    numeric = {name for name in chosen if all(_is_number(row.get(name)) for row in listing.rows)}
    lines = [_GAP.join(_padded(name, widths[name], name in numeric) for name in chosen).rstrip()]
    for row in rows:
        cells = (_cut(row.get(name, ""), widths[name]) for name in chosen)
        lines.append(
            _GAP.join(
                _padded(cell, widths[name], name in numeric) for name, cell in zip(chosen, cells, strict=True)
            ).rstrip()
        )
    if left:
        lines += ["", *textwrap.wrap(f"Not shown: {', '.join(left)} (--output json shows all)", max(width, 40))]
    return lines


def _ordered(item: str, names: Sequence[str]) -> list[str]:
    """The telling columns first: the object's own id, its name, its status, and so on."""
    own = [name for name in (f"{item}Id", item) if name in names] or [
        name for name in names if name.endswith("Id") and name not in _NOT_OWN
    ][:1]
    first = [*own, f"{item}Name", *_NAMES, *_STATES, *_TELLING]
    head = [name for name in dict.fromkeys(first) if name in names]
    tail = [name for name in _LAST if name in names and name not in head]
    return [*head, *(name for name in names if name not in head and name not in tail), *tail]


def _fitting(columns: list[str], widths: dict[str, int], width: int) -> tuple[list[str], list[str]]:
    """The columns that fit, and the others. ``widths`` is lowered for a text that has to give way."""
    chosen: list[str] = []
    left: list[str] = []
    room = width
    for name in columns:
        gap = len(_GAP) if chosen else 0
        if widths[name] + gap <= room or not chosen:
            pass
        elif name.endswith(("Name", "Description", "Tags", "LocalName")) and room - gap >= _NARROWEST:
            widths[name] = max(room - gap, len(name))
        if widths[name] + gap <= room or not chosen:
            chosen.append(name)
            room -= widths[name] + gap
        else:
            left.append(name)
    return chosen, left


def _fields(answer: Mapping[str, Any], width: int) -> list[str]:
    """One object: a line a field, and a table for each list of objects in it."""
    plain, lists = _flat(answer)
    lines: list[str] = []
    if plain:
        names = max(len(name) for name, _ in plain)
        room = max(width - names - len(_GAP), _NARROWEST)
        for name, text in plain:
            parts = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
            lines += [
                f"{name if number == 0 else '':{names}}{_GAP}{part}".rstrip() for number, part in enumerate(parts)
            ]
    for name, rows in lists:
        lines += [*([""] if lines else []), f"{name}:"]
        item = name.rpartition(".")[2].removesuffix("s")
        lines += [f"  {line}".rstrip() for line in table(Listing(item, rows), width - 2)]
    return lines


def _flat(answer: Mapping[str, Any], prefix: str = "") -> tuple[list[tuple[str, str]], list[tuple[str, Any]]]:
    """The plain fields of an object with those of the objects in it, ``RequestId`` last; and its lists of objects."""
    plain: list[tuple[str, str]] = []
    lists: list[tuple[str, Any]] = []
    for name, value in sorted(answer.items(), key=lambda field: field[0] == "RequestId"):
        inner = _unwrapped(value)
        objects = isinstance(inner, list) and inner and all(isinstance(each, dict) for each in inner)
        if objects and not _are_tags(inner):
            lists.append((prefix + name, inner))
        elif isinstance(inner, dict):
            more, others = _flat(inner, f"{prefix}{name}.")
            plain += more
            lists += others
        elif inner not in (None, "", [], {}):
            plain.append((prefix + name, _cell(name, value)))
    return plain, lists


def _unwrapped(value: Any) -> Any:
    """A list without the object that this API puts around it: ``{"Tag": [...]}``."""
    if isinstance(value, dict) and len(value) == 1:
        (inner,) = value.values()
        if isinstance(inner, list):
            return inner
    return value


def _are_tags(values: list[Any]) -> bool:
    return all(isinstance(each, dict) and set(each) <= {"Key", "Value", "TagKey", "TagValue"} for each in values)


def _cell(name: str, value: Any) -> str:
    """A value as one text: tags as key=value, lists with commas, times as people read them."""
    inner = _unwrapped(value)
    if isinstance(inner, list):
        if inner and _are_tags(inner):
            return ", ".join(map(_tag, inner))
        return ", ".join(one_line(each) for each in inner)
    if name.endswith("Time") and isinstance(value, int) and value >= _MILLISECONDS:
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return one_line(value)


def _tag(tag: Mapping[str, Any]) -> str:
    key, value = (one_line(tag.get(part, tag.get(f"Tag{part}"))) for part in ("Key", "Value"))
    return f"{key}={value}" if value else key


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _aligned(rows: list[list[str]]) -> list[str]:
    """Rows without a head, as a query makes them."""
    widths = [0] * max(map(len, rows))
    for row in rows:
        for number, cell in enumerate(row):
            widths[number] = max(widths[number], _wide(cell))
    return [
        _GAP.join(_padded(cell, width, False) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]


def _wide(text: str) -> int:
    """The columns that a text takes: two for Chinese, Japanese and Korean characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_columns(text))


def _columns(text: str) -> Iterable[int]:
    for c in text:
        yield 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1


def _cut(text: str, width: int) -> str:
    if _wide(text) <= width:
        return text
    kept, used = "", 1
    for c, columns in zip(text, _columns(text), strict=True):
        if used + columns > width:
            break
        kept += c
        used += columns
    return kept + "…"


def _padded(text: str, width: int, right: bool) -> str:
    blank = " " * max(width - _wide(text), 0)
    return blank + text if right else text + blank
