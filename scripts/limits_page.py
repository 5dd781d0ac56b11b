"""``docs/limits.md``: every bound, quota and rate, read from the constants and settings that make it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

from gatewright import errors, settings
from gatewright.agent import tunnel_reports
from gatewright.link import frames, https_server
from gatewright.metrics import state as figures
from gatewright.operations import execution, registry, tags
from gatewright.operations.declaration import VPC
from gatewright.plane.linux import bird_config
from gatewright.resources import tunnel_states
from gatewright.resources.limits import call_limits
from gatewright.settings import declarations
from gatewright.store import diagnoses, events, tunnel_logs
from gatewright.wire import authentication, bodies, endpoint, gathering, parameters, server, tls


class Bound(NamedTuple):
    """One bound, and the constant that makes it."""

    what: str
    module: ModuleType
    constant: str
    unit: str
    beyond: str

    @property
    def value(self) -> Any:
        return getattr(self.module, self.constant)

    @property
    def place(self) -> str:
        """Where it is set."""
        return f"`{self.module.__name__.removeprefix('gatewright.').replace('.', '/')}.py` `{self.constant}`"

    @property
    def shown(self) -> str:
        """The value with its unit."""
        value, unit = self.value, self.unit
        if unit == "bytes" and value % 1024 == 0:
            return f"{value // 1024} KiB" if value < 1024**2 else f"{value // 1024**2} MiB"
        if unit == "ms":
            return f"{value / 1000:,.0f} s"
        return f"{value:,.0f} {unit}".strip()


_REFUSED = "`InvalidParameter`, which names it"
_HANGS_UP = "hangs up"

CONNECTIONS = (
    Bound("connections that wait to be accepted", declarations, "BACKLOG", "", "the kernel lets the client try again"),
    Bound("connections told at once that there is no room", server, "MOST_TURNED_AWAY", "", "hung up on unanswered"),
    Bound("time for a handshake, with TLS", tls, "HANDSHAKE_PATIENCE", "s", _HANGS_UP),
    Bound("handshakes under way at once", tls, "MOST_HANDSHAKES", "", "the oldest of them is hung up on"),
    Bound("time for the farewell of a connection with TLS", tls, "FAREWELL_PATIENCE", "s", _HANGS_UP),
    Bound("time that who speaks no TLS is listened to", tls, "PLAIN_PATIENCE", "s", _HANGS_UP),
    Bound("time until a head is complete", server, "HEAD_PATIENCE", "s", "408"),
    Bound("an idle connection between two requests", server, "KEEP_ALIVE", "s", _HANGS_UP),
    Bound(
        "requests waiting in one connection (pipelining)", server, "MOST_PIPELINED", "", "answers those, then hangs up"
    ),
    Bound("time in which half of an unread answer is read", server, "ANSWER_PATIENCE", "s", _HANGS_UP),
    Bound("time that a refused client is still listened to", server, "REFUSED_PATIENCE", "s", _HANGS_UP),
    Bound("the same while it sends a body", bodies, "REFUSED_PATIENCE", "s", _HANGS_UP),
    Bound("bytes that it may send meanwhile", bodies, "REFUSED_MOST", "bytes", _HANGS_UP),
)
REQUESTS = (
    Bound("head: target and headers, so also a query", server, "LARGEST_HEAD", "bytes", "431"),
    Bound("trailers of a chunked body", server, "LARGEST_HEAD", "bytes", "431"),
    Bound("a line between a chunked body's data (size, extensions)", server, "LARGEST_HEAD", "bytes", "431"),
    Bound("headers", server, "MOST_HEADERS", "", "431"),
    Bound("body", endpoint, "LARGEST_BODY", "bytes", "413"),
    Bound("time until a body is complete", bodies, "BODY_PATIENCE", "s", "408"),
    Bound("parameters in the query, and in the body", parameters, "MOST_PARAMETERS", "", _REFUSED),
    Bound("a parameter's name", parameters, "LONGEST_NAME", "characters", _REFUSED),
    Bound("a parameter's value, and a list or object as one JSON text", gathering, "LONGEST", "characters", _REFUSED),
    Bound("number in a list parameter (`Tag.1000.Key`)", gathering, "HIGHEST_INDEX", "", _REFUSED),
    Bound("objects around a value that is given dotted", gathering, "DEEPEST", "", _REFUSED),
    Bound("what a wrong signature's answer echoes", errors, "LONGEST_ECHO", "characters", "is cut"),
    Bound("a request's time off the server's clock", authentication, "WINDOW", "ms", "`InvalidTimeStamp.Expired`"),
)
VALUES = (
    Bound("tags of a resource, or of a filter", tags, "MOST_TAGS", "", "`SizeLimitExceeded.TagNum`"),
    Bound("a tag's key or value", tags, "LONGEST_TAG", "characters", "`InvalidParameter.TagKey`, `.TagValue`"),
    Bound(
        "events of an account that are kept", events, "MOST_KEPT", "", "the oldest ones are forgotten within a minute"
    ),
    Bound(
        "diagnoses of an account's gateways that are kept", diagnoses, "MOST_KEPT", "", "the oldest ones are forgotten"
    ),
    Bound("lines of a connection's log that are kept", tunnel_logs, "MOST_KEPT", "", "the oldest ones are forgotten"),
    Bound(
        "instances whose traffic metrics tell",
        figures,
        "MOST_INSTANCES",
        "",
        "those with the greatest ids are left out",
    ),
    Bound(
        "routes taken of what a customer announces by BGP in one tunnel",
        bird_config,
        "MOST_LEARNED",
        "",
        "those after them are left out",
    ),
    Bound(
        "routes that a VPC's router takes of one of a gateway's instances",
        bird_config,
        "MOST_OFFERED",
        "",
        "those after them are left out",
    ),
    Bound("how long a client token counts", execution, "TOKEN_LIFETIME", "ms", "the same token is a new order"),
)
#: What agents of other hosts may do at the link's endpoint.
LINK = (
    Bound("connections of all hosts", https_server, "MOST_CONNECTIONS", "", _HANGS_UP),
    Bound("connections of one host", https_server, "MOST_OF_A_HOST", "", "503, with a line that says so"),
    Bound(
        "connections that have shown no host's certificate yet",
        https_server,
        "MOST_NEWCOMERS",
        "",
        "the oldest of them is hung up on",
    ),
    Bound("time for a handshake", https_server, "HANDSHAKE_PATIENCE", "s", _HANGS_UP),
    Bound("an idle connection, and the time until a head is complete", https_server, "IDLE_PATIENCE", "s", _HANGS_UP),
    Bound("time until a body is complete, or an answer read", https_server, "REQUEST_PATIENCE", "s", _HANGS_UP),
    Bound("head", https_server, "LARGEST_HEAD", "bytes", _HANGS_UP),
    Bound("body, either way", frames, "LARGEST", "bytes", "413"),
    Bound(
        "routes of a tunnel that a customer announces and are told of",
        tunnel_states,
        "MOST_LEARNED_TOLD",
        "",
        "those with greater destinations are left out",
    ),
    Bound("states, lines and secrets of tunnels in a message", frames, "MOST_OF_TUNNELS", "", "400"),
    Bound(
        "lines of a tunnel that wait on its host to be told", tunnel_reports, "MOST_LINES", "", "the oldest are dropped"
    ),
    Bound("a line of a tunnel's log", tunnel_reports, "LONGEST_LINE", "characters", "is cut"),
)


def _table(bounds: tuple[Bound, ...]) -> Iterator[str]:
    yield "| what | bound | beyond it | set in |"
    yield "|---|---|---|---|"
    for bound in bounds:
        yield f"| {bound.what} | {bound.shown} | {bound.beyond} | {bound.place} |"


def _settings() -> Iterator[str]:
    defaults = settings.load({"data": "/"}, {}, None)
    yield "| setting | default | what |"
    yield "|---|---|---|"
    for option in settings.OPTIONS:
        if option.name == "connections" or option.name.startswith("quota_"):
            what = option.help.partition(" (default")[0]
            yield f"| `--{option.name.replace('_', '-')}` | {getattr(defaults, option.name):,} | {what} |"


def _rates() -> Iterator[str]:
    limits = call_limits()
    served = sorted(operation.name for operation in registry.ALL if operation.product == VPC)
    yield "| operation | calls in 60 s | where from |"
    yield "|---|---|---|"
    for name in served:
        limit = limits.of(name)
        if limit is None:
            yield f"| `{name}` | no limit | nothing is published of it or of its kind |"
        else:
            origin = "published" if name in limits.listed else "assumed, as others of its kind"
            yield f"| `{name}` | {limit} | {origin} |"


def limits_page(notice: str) -> str:
    """The whole page."""
    tables = {
        "settings": _settings(),
        "connections": _table(CONNECTIONS),
        "requests": _table(REQUESTS),
        "values": _table(VALUES),
        "link": _table(LINK),
        "rates": _rates(),
    }
    filled = {name: "\n".join(lines) for name, lines in tables.items()}
    return _PAGE.format(notice=notice, source=call_limits().source, **filled)


_PAGE = """{notice}

# Limits

What a client may send, how much of what there may be, and how often an operation may be called. What is beyond a bound
is refused.

## Settings

{settings}

One connection more than are served gets 503 `ServiceUnavailable` with `Retry-After`. When the system allows the process
fewer open files than the connections need (`ulimit -n`), fewer are served, and a line in the log says how many.

## Connections

{connections}

## Requests

{requests}

A refusal of a whole request (408, 413, 431) has no body, and the connection ends. A request that is refused while
earlier ones of its connection are under way does not overtake their answers.

## Values

{values}

What an operation's own documentation limits (names, descriptions, page sizes, CIDR masks) is declared with the
operation and named in the `Detail` of its refusal.

## Agents of other hosts

{link}

## Rates

With `--throttling exact` a call is refused with `Throttling.User` when as many calls of the same operation, by the
same account, for the same region were let through within the last 60 seconds. The answer's `x-acs-retry-after` says
in how many milliseconds one will be let through again. Calls that name no region count in the default one. Refused
calls do not count (*assumed*); calls that are refused later, for a missing parameter say, do. Operations of other
products are not limited (*assumed*). Counts are kept by the process that serves the API, and a restart forgets them.
By default (`off`) no call comes too often.

Source: {source}.

{rates}
"""
