"""``gatewright events``: what happened to gateways, connections and networks, and what happens to them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gatewright.cli import connection, output

_TITLE = "show what happened to gateways, connections, vSwitches and VPCs"
_DESCRIPTION = """
Show the last events of the account in the region, oldest first: each change of a status, and what hosts say is wrong.
With --follow it goes on with what happens from then on, until Ctrl-C; a service that is restarted meanwhile is waited
for, and no event is left out or shown twice.
"""
#: How many events are shown unless it is said, without and with --follow.
_LAST, _LAST_FOLLOWED = 50, 10
_MOST = 500


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("events", help=_TITLE, description=_DESCRIPTION)
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what happens from now on")
    parser.add_argument("--resource", metavar="ID", help="only of this gateway, connection, vSwitch or VPC")
    shown = f"how many earlier ones, at most {_MOST} (default: {_LAST}; with --follow {_LAST_FOLLOWED})"
    parser.add_argument("-n", "--last", type=_count, metavar="N", help=shown)
    output.add_output(parser, query=False)
    connection.add_connection(parser)
    parser.set_defaults(run=_run)


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _MOST:
        raise ValueError(text)
    return number


_count.__name__ = f"number from 0 to {_MOST}"  # what argparse calls a value that is none


def _run(parsed: argparse.Namespace) -> int:
    from gatewright.cli import refusals
    from gatewright.cli.watching import Stopped
    from gatewright.client import Refused, Unreachable

    form = parsed.output or output.usual()
    try:
        status = _follow(parsed, form) if parsed.follow else _show(parsed, form)
        sys.stdout.flush()
    except (Refused, Unreachable) as error:
        return refusals.tell(error, lambda: connection.profile_of(parsed))
    except (Stopped, KeyboardInterrupt, BrokenPipeError) as end:
        # who does not read any more must not keep the interpreter from ending
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return end.status if isinstance(end, Stopped) else 130 if isinstance(end, KeyboardInterrupt) else 1
    return status


def _show(parsed: argparse.Namespace, form: str) -> int:
    from gatewright.cli.event_feed import EventFeed

    with connection.caller_of(parsed) as caller:
        answer = EventFeed(caller, parsed.resource).first(_LAST if parsed.last is None else parsed.last)
    found = answer["Events"]["Event"]
    if form in ("json", "yaml"):
        output.show(answer, form, None)
    elif found or form == "text":
        for event in found:
            print(line(event, form))
    else:
        print("(none)")
    return 0


def _follow(parsed: argparse.Namespace, form: str) -> int:
    from gatewright.cli.event_feed import Away, Back, EventFeed, Events, Failed, News
    from gatewright.cli.watching import Watch

    with Watch[News](sys.stdout.fileno()) as watch, connection.caller_of(parsed, timeout=10.0) as caller:
        feed = EventFeed(caller, parsed.resource)
        last = _LAST_FOLLOWED if parsed.last is None else parsed.last
        watch.start(lambda: feed.run(last, watch.put))
        while True:
            watch.wait()
            for news in watch.news():
                if isinstance(news, Failed):
                    raise news.error
                if isinstance(news, Away):
                    print(f"gatewright: {news.why}; trying again", file=sys.stderr, flush=True)
                elif isinstance(news, Back):
                    print(f"gatewright: {caller.profile.endpoint} answers again", file=sys.stderr, flush=True)
                elif isinstance(news, Events):
                    if news.missed:
                        print(f"gatewright: {_MISSED}", file=sys.stderr, flush=True)
                    for event in news.events:
                        print(line(event, form), flush=True)


_MISSED = "some events cannot be shown: they are no longer kept, or the service's state was replaced"


def line(event: Mapping[str, Any], form: str) -> str:
    """An event in one line; of YAML a document. JSON is one object."""
    if form == "json":
        return json.dumps(event, ensure_ascii=True)
    if form == "yaml":
        import yaml

        text: str = yaml.safe_dump(dict(event), sort_keys=False, allow_unicode=False)
        return "---\n" + text.rstrip("\n")
    when = time_of(event)
    parts = [event.get("ResourceId", ""), event.get("From") or "-", event.get("To", ""), event.get("Text", "")]
    resource, before, after, text = map(output.one_line, parts)
    if form == "text":
        return "\t".join((when, resource, before, after, text))
    return f"{when}  {resource:<24}  {change(before, after):<24}  {text}".rstrip()


def time_of(event: Mapping[str, Any]) -> str:
    """When it happened, in UTC."""
    return datetime.fromtimestamp(event["Time"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def change(before: str, after: str) -> str:
    """What became of a status, as people read it; a new resource has only the one that it began with."""
    return after if before in ("-", after) else f"{before} -> {after}"
