"""A frame of ``gatewright top``: a model as lines of text that fit a terminal of any size. It loads rich."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from gatewright.cli.events import change, time_of
from gatewright.cli.output import one_line
from gatewright.cli.top_model import Flow, Gateway, Look, Model, Order

_STYLES = {
    "active": "green",
    "ready": "green",
    "up": "green",
    "updating": "yellow",
    "provisioning": "yellow",
    "applying": "yellow",
    "draining": "yellow",
    "init": "yellow",
    "waiting": "yellow",
    "ike_sa_established": "yellow",
    "ipsec_sa_not_established": "yellow",
    "ipsec_sa_established": "green",
    "ike_sa_not_established": "red",
    "deleting": "dim",
    "removing": "dim",
    "failed": "red",
    "away": "red",
}
_BARS, _PLAIN_BARS = "▁▂▃▄▅▆▇█", "_.:-=+*#"
#: From this width on gateways' ids, addresses and instances have columns of their own.
_WIDE = 150
#: From this width on gateways' tunnels have one.
_FAIRLY_WIDE = 100
#: Columns of a status, of instances that are ready, of tunnels that are up, and of a rate.
_STATUS, _READY, _TUNNELS, _RATE = 12, 5, 7, 7
_NARROWEST_NAME, _WIDEST_NAME, _ID, _ADDRESS = 12, 32, 24, 15
_LONGEST_LINE = 40
#: Columns before what an event tells: its time and the resource's id.
_TOLD = 36
#: A frame of fewer lines has no events.
_LOW = 14


class Size(NamedTuple):
    """Of a terminal; no height for a frame that is as long as it has to be."""

    width: int
    height: int | None


class View(NamedTuple):
    """How a model is looked at."""

    endpoint: str
    region: str
    order: Order = Order.THROUGHPUT
    #: Gateways that are scrolled past.
    skipped: int = 0
    #: Whether there are characters beyond ASCII.
    fancy: bool = True


class Frame(NamedTuple):
    """Lines, each as wide as the terminal; and how far may be scrolled."""

    lines: list[Text]
    most_skipped: int
    page: int


def frame(model: Model, view: View, size: Size) -> Frame:
    """The lines that show a model."""
    width, height = max(size.width, 20), size.height
    head = _head(model, view, width)
    if model.look is None:
        return Frame(_fitted(head, width)[:height], 0, 0)
    rows = model.rows(view.order)
    columns = _Columns.of(rows, width)
    happened = _events(model, width, view, _events_room(height), padded=height is not None)
    foot_lines = 0 if height is None else 1
    room = None if height is None else max(1, height - len(head) - 1 - len(happened) - foot_lines)
    most = max(0, len(rows) - (room or 0)) if room is not None else 0
    skipped = min(view.skipped, most)
    shown, table = 0, [columns.heading()]
    for gateway in rows[skipped:]:
        lines = [columns.row(gateway, view), *_troubles(gateway, view)]
        if room is not None and len(table) - 1 + len(lines) > room:
            if len(table) - 1 == room:
                break
            lines = lines[: room - len(table) + 1]
        table += lines
        shown += 1
    if not rows:
        table.append(Text("No gateways in this region yet.", style="dim"))
    lines = [*head, *table]
    if height is not None:
        lines += [Text()] * (height - len(lines) - len(happened) - foot_lines)
        lines += [*happened, _foot(view, skipped, shown, len(rows))]
        lines = lines[:height]
    else:
        lines += happened
    return Frame(_fitted(lines, width), most, shown)


def _fitted(lines: Iterable[Text], width: int) -> list[Text]:
    fitted = []
    for line in lines:
        line.truncate(width, overflow="ellipsis" if cell_len(line.plain.rstrip()) > width else "crop", pad=True)
        fitted.append(line)
    return fitted


def _head(model: Model, view: View, width: int) -> list[Text]:
    look = model.look
    title = Text("gatewright top", style="bold")
    place = f"  {view.region}" + (f"  {look.plane} plane" if look else "")
    title.append(place, style="not bold")
    when = f"{_clock(look.time)} UTC" if look else ""
    if title.cell_len + len(view.endpoint) + 4 + len(when) <= width:
        title.append(f"  {view.endpoint}", style="dim not bold")
    title.append(" " * max(2, width - title.cell_len - len(when)) + when, style="not bold")
    lines = [title]
    if model.away:
        lines.append(Text(f"No answer, trying again: {one_line(model.away)}", style="bold red"))
    if look is None:
        return [*lines, Text("Looking...", style="dim")]
    counted = Text()
    count = f"{len(model.gateways)}{'+' if look.more else ''}"
    _told(counted, count, "gateway" if count == "1" else "gateways", model.statuses())
    instances = model.of_instances("Status")
    _told(counted, str(instances.total()), "instance" if instances.total() == 1 else "instances", instances)
    lines.append(counted)
    lines.append(_places(model, look))
    spark = min(_LONGEST_LINE, max(5, (width - 44) // 2))
    flows = Text("in ", style="dim")
    for number, flow in enumerate((model.received, model.sent)):
        if number:
            flows.append("  out ", style="dim")
        value, unit = _scaled(flow.now)
        flows.append(f"{value:>4} {unit + 'bit/s' if value != '-' else '':<6} ", style="bold")
        flows.append_text(sparkline(flow, spark, view.fancy))
    lines.append(flows)
    return lines


def _places(model: Model, look: Look) -> Text:
    """How many instances are on each host and in each zone."""
    line = Text()
    placed = model.of_instances("HostId")
    known = {host["HostId"]: host["Status"] for host in look.hosts}
    for title, counts in (("on", {host: placed[host] for host in sorted(known)}), ("in", model.of_instances("ZoneId"))):
        line.append(f"{'  ' if line.plain else ''}{title} ", style="dim")
        for number, (name, count) in enumerate(sorted(counts.items())):
            line.append("  " if number else "")
            status = known.get(name, "up") if title == "on" else "up"
            line.append(
                name if status == "up" else f"{name} ({status})", style="" if status == "up" else _STYLES[status]
            )
            line.append(f" {count}")
        line.append("" if counts else "-")
    line.append("  tunnels ", style="dim")
    up, count = model.tunnels()
    line.append(f"{up}/{count} up" if count else "-", style="" if up == count else "yellow")
    return line


def _told(line: Text, count: str, what: str, by: Counter[str]) -> None:
    if line.plain:
        line.append("  ")
    line.append(count, style="bold")
    line.append(f" {what}")
    if by:
        line.append(": ")
        for number, (status, times) in enumerate(sorted(by.items())):
            line.append(", " if number else "")
            line.append(f"{times} {status}", style=_STYLES.get(status, ""))


class _Columns(NamedTuple):
    """The columns of the gateways' table, and their widths; what there is no room for has none."""

    name: int
    id: int
    address: int
    spark: int
    places: int
    tunnels: int

    @classmethod
    def of(cls, rows: Sequence[Gateway], width: int) -> _Columns:
        longest = max((cell_len(row.name) for row in rows), default=_NARROWEST_NAME)
        name = min(max(longest, _NARROWEST_NAME), _WIDEST_NAME)
        tunnels = _TUNNELS if width >= _FAIRLY_WIDE else 0
        fixed = 1 + _STATUS + 1 + _READY + (1 + tunnels if tunnels else 0) + 2 * (1 + _RATE)
        if width < _WIDE:
            # an id, which is what a gateway without a name is called, is cut last
            spark = max(0, (width - name - fixed - 2) // 2)
            return cls(min(name, max(_NARROWEST_NAME, width - fixed)), 0, 0, min(spark, _LONGEST_LINE), 0, tunnels)
        spark = 16
        fixed += 2 * (spark + 1)
        places = width - name - _ID - _ADDRESS - fixed - 3
        return cls(name, _ID, _ADDRESS, spark, max(0, places), tunnels)

    def heading(self) -> Text:
        line = Text(style="bold reverse")
        line.append(_padded("GATEWAY", self.name))
        if self.id:
            line.append(f" {'ID':<{self.id}} {'ADDRESS':<{self.address}}")
        line.append(f" {'STATUS':<{_STATUS}} {'READY':<{_READY}}")
        if self.tunnels:
            line.append(f" {'TUNNELS':<{self.tunnels}}")
        for title in ("IN", "OUT"):
            line.append(f" {title + ' b/s':>{_RATE}}")
            if self.spark:
                line.append(" " * (self.spark + 1))
        if self.places:
            line.append(f" {'INSTANCES':<{self.places}}")
        return line

    def row(self, gateway: Gateway, view: View) -> Text:
        line = Text(_padded(one_line(gateway.name), self.name))
        if self.id:
            addresses = [each.get("PublicIp") or each["PrivateIp"] for each in gateway.instances]
            line.append(f" {gateway.id:<{self.id}} {addresses[0]:<{self.address}}", style="dim")
        line.append(f" {gateway.status:<{_STATUS}}", style=_STYLES.get(gateway.status, ""))
        ready = f"{gateway.ready}/{len(gateway.instances)}"
        line.append(f" {ready:<{_READY}}", style="" if gateway.ready == len(gateway.instances) else "yellow")
        if self.tunnels:
            up, count = gateway.tunnels
            told = f"{up}/{count}" if count else "-"
            line.append(f" {told:<{self.tunnels}}", style="" if up == count else "yellow")
        for flow in (gateway.received, gateway.sent):
            line.append(f" {_rate(flow.now):>{_RATE}}")
            if self.spark:
                line.append(" ")
                line.append_text(sparkline(flow, self.spark, view.fancy))
        if self.places:
            line.append(" ")
            for number, each in enumerate(gateway.instances):
                line.append("  " if number else "")
                line.append(f"{each['ZoneId']}@{each.get('HostId', '-')} ")
                line.append(each["Status"], style=_STYLES.get(each["Status"], ""))
        return line


def _troubles(gateway: Gateway, view: View) -> list[Text]:
    mark = "└ " if view.fancy else "` "
    return [Text(f"  {mark}{one_line(trouble)}", style="red") for trouble in gateway.troubles]


def _events_room(height: int | None) -> int:
    if height is None:
        return 10
    return 0 if height < _LOW else min(15, max(3, height // 4))


def _events(model: Model, width: int, view: View, room: int, *, padded: bool) -> list[Text]:
    if not room:
        return []
    rule = "─" if view.fancy else "-"
    lines = [Text(f"{rule * 2} last events {rule * max(0, width - 15)}", style="dim")]
    for event in list(model.events)[-room:]:
        lines.append(_event(event, width))
    if padded:
        lines += [Text()] * (room + 1 - len(lines))
    return lines


def _event(event: Mapping[str, Any], width: int) -> Text:
    before, after = event.get("From") or "-", event["To"]
    told = change(before, after)
    if cell_len(told) + _TOLD > width:
        # where it leads to is what counts
        told = f"-> {after}"
    line = Text(f"{time_of(event)[11:19]}  ", style="dim")
    line.append(f"{event['ResourceId']:<24}  ", style="not dim")
    line.append(f"{told:<24}", style=f"not dim {_STYLES.get(after.lower(), '')}")
    line.append(f"  {one_line(event['Text'])}", style="not dim")
    return line


def _foot(view: View, skipped: int, shown: int, all_rows: int) -> Text:
    line = Text(style="reverse")
    arrows = "↑↓ PgUp PgDn" if view.fancy else "arrows"
    line.append(f" q quit   s sort: {view.order.value}")
    if all_rows > shown:
        line.append(f"   {arrows} scroll: {skipped + 1}-{skipped + shown} of {all_rows}")
    line.append(" ")
    return line


def sparkline(flow: Flow, width: int, fancy: bool = True) -> Text:
    """The last rates as bars, of which the highest is the highest rate; nothing where no rate is known."""
    bars = _BARS if fancy else _PLAIN_BARS
    known = list(flow.history)[-width:]
    highest = max((rate for rate in known if rate), default=0.0)
    line = Text(" " * (width - len(known)))
    for rate in known:
        if rate is None:
            line.append(" ")
        elif rate <= 0 or highest <= 0:
            line.append(bars[0], style="dim")
        else:
            line.append(bars[min(len(bars) - 1, int(rate / highest * (len(bars) - 1) + 0.5))], style="cyan")
    return line


def _rate(rate: float | None) -> str:
    """Bits a second, in five characters at the most and a unit."""
    return "".join(_scaled(rate))


def _scaled(rate: float | None) -> tuple[str, str]:
    if rate is None:
        return "-", ""
    for unit in ("", "k", "M", "G"):
        if rate < 999.5 or unit == "G":
            break
        rate /= 1000
    return f"{rate:.0f}" if rate >= 99.5 or not unit else f"{rate:.1f}", unit


def _padded(text: str, width: int) -> str:
    padded = Text(text)
    padded.truncate(width, overflow="ellipsis", pad=True)
    return padded.plain


def _clock(milliseconds: int) -> str:
    return time_of({"Time": milliseconds})[11:19]


def drawn(lines: Sequence[Text], console: Console) -> list[str]:
    """The lines as a terminal takes them."""
    kept = console.file
    console.file = io.StringIO()
    try:
        made = []
        for line in lines:
            console.print(line, end="", no_wrap=True, overflow="ignore", crop=False)
            made.append(console.file.getvalue())
            console.file = io.StringIO()
        return made
    finally:
        console.file = kept
