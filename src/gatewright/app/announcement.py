"""What a person sees when the service has started: what runs, whose key it is, and what to do next, on one screen."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from gatewright import __version__
from gatewright.access.keyring import AccessKey
from gatewright.app.program import named_in, program
from gatewright.app.running import Running
from gatewright.settings import Settings

_BOLD, _FAINT, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"
#: How wide the names of what is told are, characters.
_NAMES = 18


@dataclass(frozen=True)
class Served:
    """A service that has started, as it is told of."""

    plane: str
    region: str
    database: str
    endpoint: str
    #: Every key with its account.
    keys: tuple[tuple[str, str], ...]
    #: The data directory, as a shell in the folder that the service was started in names it.
    data: str
    #: How that shell calls this program.
    program: str
    #: The secret of a key that was made up just now: this is the only time that it is told.
    secret: str | None = None
    #: Where the control API and the other hosts' agents call.
    control: str | None = None
    agents: str | None = None
    #: The authority of an ``https`` endpoint, to be trusted by clients.
    ca: str | None = None
    #: What else there is to tell of this start: a name of up to 18 characters, and a value.
    also: tuple[tuple[str, str], ...] = ()


def served(
    settings: Settings,
    running: Running,
    keys: Iterable[AccessKey],
    made_up: AccessKey | None,
    also: Iterable[tuple[str, str]] = (),
) -> Served:
    """What there is to tell of a service; ``also`` is as in :class:`Served`."""
    database = urlsplit(settings.database)
    where = database.path[1:] if database.scheme == "sqlite" else f"{database.hostname or ''}{database.path}"
    folder = _folder(settings)
    return Served(
        plane=settings.plane,
        region=settings.region,
        database=f"{database.scheme} {where}",
        endpoint=running.endpoint,
        keys=tuple((key.principal.account_id, key.id) for key in keys),
        data=named_in(folder, settings.data),
        program=program(folder),
        secret=None if made_up is None else made_up.secret,
        control=running.control,
        agents=f"https://{settings.link_host}:{settings.link_port}" if settings.link_host else None,
        ca=running.ca,
        also=tuple(also),
    )


def announce(
    told: Served, stream: TextIO | None = None, environment: Mapping[str, str] = os.environ, *, again: bool = False
) -> None:
    """Print it, on a terminal with emphasis unless ``NO_COLOR`` is set; in a line if it has been printed before."""
    stream = stream or sys.stdout
    styled = stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM", "dumb") != "dumb"
    lines = [f"Gatewright's API serves again at {told.endpoint}"] if again else screen(told, styled=styled)
    print(*lines, sep="\n", file=stream, flush=True)


def screen(told: Served, *, styled: bool = False) -> Iterator[str]:
    """The lines."""
    bold, faint, plain = (_BOLD, _FAINT, _PLAIN) if styled else ("", "", "")
    yield f"{bold}Gatewright {__version__}: {told.plane} plane, region {told.region}{plain}"
    for name, value in _facts(told):
        yield f"  {name:{_NAMES}} {value}"
    if told.secret is not None:
        yield f"  {'access key secret':{_NAMES}} {bold}{told.secret}{plain}   (shown this once)"
    yield ""
    yield f"{bold}Next, {_where(told)}:{plain}"
    for purpose, commands in _steps(told):
        yield f"  {faint}# {purpose}{plain}"
        yield from (f"  {command}" for command in commands)
    yield ""
    rest = "what goes on here, and how it is removed" if told.plane == "linux" else "what is left of it"
    yield f"Ctrl-C ends it, and says {rest}."


def _where(told: Served) -> str:
    """Where the commands work as they stand."""
    root = "as root, " if told.plane == "linux" else ""
    relative = not told.data.startswith("/") or told.program.find("/") > 0
    return f"{root}in another terminal{' in this folder' if relative else ''}"


def _facts(told: Served) -> Iterator[tuple[str, str]]:
    yield "endpoint", told.endpoint
    if told.ca is not None:
        yield "authority", told.ca
    yield "database", told.database
    if told.control is not None:
        yield "control", told.control
    if told.agents is not None:
        yield "hosts' agents", told.agents
    yield from told.also
    for account, key in told.keys:
        yield "account", account
        yield "access key id", key


def _steps(told: Served) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What to do next: a purpose, and commands that work as they stand whatever service the usual one is."""

    def command(*words: str) -> str:
        return shlex.join((told.program, *words, "--data", told.data))

    yield "a VPN gateway, with a network that is made for it", (command("gateways", "create"),)
    yield "any operation of the API", (command("call", "DescribeVpnGateways"),)
    yield (
        "the key for other clients, as variables of that terminal's shell",
        (f'eval "$({command("snippets", "env")})"',),
    )
    yield (
        "another gateway, with the Python SDK (pip install alibabacloud_vpc20160428)",
        (f"{command('snippets', 'python')} > try.py", "python3 try.py"),
    )
    yield (
        "one with Terraform; what to type for the aliyun CLI",
        (
            f"{command('snippets', 'terraform')} > main.tf",
            command("snippets", "aliyun"),
        ),
    )


def _folder(settings: Settings) -> Path:
    """Where the shell is that started the service. The linux plane's API has left it, and is told by its supervisor."""
    return Path(os.environ.get("PWD", "/")) if settings.plane == "linux" else Path.cwd()
