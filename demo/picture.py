"""A frame of the live picture: what is known as lines of text that fit a terminal. Pure."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from rich.text import Text
from tests.support.stream import INTERVAL

from demo.cloud import ROLES, UP, TunnelStatus
from demo.office import DEVICES, HOST
from demo.story import MACHINE
from demo.telling import Failure, Known

#: Seconds of a column of the sparklines, and datagrams that are sent in one.
_BUCKET = 0.2
_BARS, _PLAIN_BARS = "▁▂▃▄▅▆▇█", "_.:-=+*#"
#: What the highest and the lowest bar of a latency stand for, seconds: a logarithmic scale.
_FASTEST, _SLOWEST = 0.0005, 0.5
#: Columns of the topology beside the lines between the gateway and the office, and of these lines at the most.
_FIXED, _LONGEST_LINE = 54, 60
_LONGEST_SPARK = 150
_LABEL = 24


def frame(known: Known, width: int, height: int, *, fancy: bool = True, now: float | None = None) -> list[Text]:
    """As many lines as the terminal has, none longer than it."""
    at = time.monotonic() if now is None else now
    lines = [_head(known, width, at), Text(f" {known.headline}", style="bold yellow"), Text()]
    lines += _topology(known, width, fancy)
    lines += [Text(), *_statuses(known, width), Text(), *_flows(known, width, fancy, known.ended or at)]
    lines += _failures(known.failures)
    foot = Text(" Ctrl-C ends it and removes everything", style="dim")
    room = height - len(lines) - 2
    if room > 0:
        rule = "─" if fancy else "-"
        lines.append(Text(f" {rule * 2} what happens {rule * max(0, width - 18)}", style="dim"))
        told = [
            Text.assemble((f" {known.seconds(each.at):5.1f} s  ", "dim"), each.text) for each in known.happened[-room:]
        ]
        lines += told + [Text()] * (room - len(told))
    lines = [*lines[: height - 1], foot]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _head(known: Known, width: int, at: float) -> Text:
    line = Text(" Gatewright", style="bold")
    line.append("  two sites, one gateway, and failures", style="not bold")
    clock = f"{known.seconds(at):.0f} s "
    line.append(" " * max(1, width - line.cell_len - len(clock)) + clock, style="dim not bold")
    return line


def _topology(known: Known, width: int, fancy: bool) -> list[Text]:
    corners = "┌├└┤┐┘" if fancy else "++++++"
    room = min(_LONGEST_LINE, max(20, width - _FIXED))
    gateways = [address or "..." for address in known.addresses]
    rows = []
    for number, role in enumerate(ROLES):
        left, right = (corners[0], corners[4]) if number == 0 else (corners[2], corners[5])
        line = Text(" " * 12 + f"{left} {gateways[number]:<11} ")
        line.append_text(_tunnel(known, role, room, fancy))
        line.append(f" {DEVICES[number]} {right}")
        rows.append(line)
    between = Text(f" {MACHINE:<10} {corners[3]}", style="bold" if known.stream else "")
    between.append(" " * (room + 28) + f"{corners[1]} {HOST}")
    return [
        Text(f" {'machine':<12} {'gateway':<12}{'tunnels':^{room}} {'routers':<15} host", style="dim"),
        Text(f" {'in the VPC':<12} {'strongSwan':<12}{'IPsec':^{room}} {'strongSwan':<15} office", style="dim"),
        rows[0],
        between,
        rows[1],
    ]


def _tunnel(known: Known, role: str, room: int, fancy: bool) -> Text:
    stands = next((each for each in known.tunnels if each.role == role), None)
    carries = known.stream is not None and known.carries == role
    if stands is None:
        mark, style = " ", "dim"
    elif not stands.up:
        mark, style = "╌" if fancy else ".", "red"
    elif carries:
        mark, style = "━" if fancy else "=", "bold green"
    else:
        mark, style = "─" if fancy else "-", "green"
    told = f" {role} {known.rates[role]:.0f}/s " if stands else f" {role} "
    return Text(f"{told:{mark}^{room}}", style=style)


def _statuses(known: Known, width: int) -> list[Text]:
    heading = f" {'TUNNEL':<8} {'STATUS, BY THE API':<26} {'BGP':<6} {'PACKETS/S':>9} "
    lines = [Text(f"{heading:<{width}}", style="bold reverse")]
    standing = known.tunnels or tuple(TunnelStatus(role, "-", "-") for role in ROLES)
    for each in standing:
        line = Text(f" {each.role:<8} ")
        line.append(f"{each.status:<26} ", style="green" if each.status == UP else "red")
        bgp = {"success": "up", "false": "down"}.get(each.bgp, "-")
        line.append(f"{bgp:<6} ", style="green" if bgp == "up" else "red")
        line.append(f"{known.rates[each.role]:>9.0f}   ")
        if known.stream is not None and known.carries == each.role:
            line.append("carries", style="bold green")
        elif each.up:
            line.append("stands by", style="dim")
        lines.append(line)
    return lines


def _flows(known: Known, width: int, fancy: bool, at: float) -> list[Text]:
    columns = min(_LONGEST_SPARK, max(10, width - _LABEL - 2))
    stream = known.stream
    sent: list[tuple[float, float]] = []
    if stream is not None:
        sent = stream.answers()
    buckets: list[list[float]] = [[] for _ in range(columns)]
    for since, until in sent:
        number = columns - 1 - int((at - until) / _BUCKET)
        if 0 <= number < columns:
            buckets[number].append(until - since)
    bars = _BARS if fancy else _PLAIN_BARS
    begun = sent[0][0] if sent else at
    rate, latency = Text(), Text()
    for number, found in enumerate(buckets):
        if at - (columns - number - 1) * _BUCKET < begun + _BUCKET:
            rate.append(" ")
            latency.append(" ")
            continue
        share = len(found) * INTERVAL / _BUCKET
        rate.append(bars[_level(share)], style="green" if share > 0.85 else "red")
        if found:
            worst = max(found)
            latency.append(bars[_level(_scaled(worst))], style="cyan" if worst < 0.05 else "yellow")
        else:
            latency.append(" ")
    last = [each for bucket in buckets[-6:-1] for each in bucket]
    count = f"{len(last)}/s" if stream is not None else "-"
    typical = f"{sorted(last)[len(last) // 2] * 1000:.1f} ms" if last else "-"
    return [
        Text.assemble(f" {'UDP answers':<14} {count:>7} ", rate),
        Text.assemble(f" {'there and back':<14} {typical:>7} ", latency),
    ]


def _level(share: float) -> int:
    return min(len(_BARS) - 1, max(0, math.ceil(share * len(_BARS)) - 1))


def _scaled(seconds: float) -> float:
    """Where a latency is between the fastest and the slowest, as a logarithm."""
    return math.log(max(seconds, _FASTEST) / _FASTEST) / math.log(_SLOWEST / _FASTEST)


def _failures(failures: Sequence[Failure]) -> list[Text]:
    lines = []
    for each in failures:
        line = Text(f" {each.what}: ")
        if each.pause:
            line.append(f"{each.pause * 1000:.0f} ms", style="bold")
            line.append(f" (TCP {each.stall * 1000:.0f} ms)")
        else:
            line.append("...")
        lines.append(line)
    return lines
