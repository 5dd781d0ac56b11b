"""``gatewright``: reads the command line and starts what it says.

Only argparse is loaded here: `serve` starts in a fraction of a second, and what it does not need it does not import.
"""

from __future__ import annotations

import argparse
import gc
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from gatewright import __version__
from gatewright import settings as settings_module
from gatewright.cli import (
    call,
    certs,
    completion,
    doctor,
    events,
    host,
    hosts,
    output,
    peer_config,
    profiles,
    snippets,
    top,
    units,
)
from gatewright.cli.friendly import connections, customer_gateways, gateways, vpcs, vswitches
from gatewright.cli.parsing import Parser
from gatewright.errors import MISCONFIGURED, TEMPORARY, ConfigurationError, DatabaseAway
from gatewright.settings import OPTIONS, Settings

#: What shells take for a command that Ctrl-C ended.
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit status: 0, 1 for a command that says no, 2 for wrong settings, 75 for a database
    that cannot be reached, 130 at Ctrl-C where a command does not end better by itself."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and given[0] in ("half-api", "half-agent"):
            _run_half(given[0], given[1:])
        elif given and given[0] == "call":
            return call.main(given[1:])
        elif len(given) > 1 and given[0] == "complete-words":
            return completion.answer(given[1], given[2:], _parser())
        else:
            return _run_command(given)
    except ConfigurationError as error:
        print(f"gatewright: {error}", file=sys.stderr)
        return TEMPORARY if isinstance(error, DatabaseAway) else MISCONFIGURED
    except KeyboardInterrupt:
        # before it could be met with more grace
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gatewright", description="A self-hosted VPN gateway service with the Alibaba Cloud VPC OpenAPI."
    )
    parser.add_argument("--version", action="version", version=f"gatewright {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    # the supervisor looks for whole words: an agent is not told of --database
    _add_settings(commands.add_parser("serve", help="serve the API", description="Serve the API.", allow_abbrev=False))
    friendly = (gateways, vpcs, vswitches, customer_gateways, connections, peer_config)
    service = (*friendly, call, events, top, snippets, profiles)
    for command in (*service, certs, host, hosts, doctor, units, completion):
        command.add(commands)
    return parser


def _run_command(given: list[str]) -> int:
    parsed = _parser().parse_args(given)
    if hasattr(parsed, "run"):
        if parsed.command == "agent":
            # it serves: what it prints is not what it is for
            status: int = parsed.run(parsed)
            return status
        return output.printing(lambda: parsed.run(parsed))
    settings = _settings(parsed)
    if settings.plane == "linux":
        from gatewright.app import supervisor

        interrupted = supervisor.run(settings, given[1:])
    else:
        _collect_nothing_yet()
        from gatewright.app import api
        from gatewright.app.data_directory import open_data_directory

        open_data_directory(settings.data)
        interrupted = api.run(settings)
    if interrupted:
        from gatewright.app.farewell import say_goodbye

        say_goodbye(settings, given)
    return 0


def _run_half(command: str, given: list[str]) -> None:
    """One half of a linux plane's `serve`, as its supervisor starts it.

    Before the settings stand the supervisor's process id and the number of the API's user; for the API also the
    number of its group and the descriptors of its listening socket and, with TLS, of where it gets the certificate.
    Nothing of the API is loaded before it has given up its privileges.
    """
    from gatewright.app.processes import die_with_parent

    parent, user = int(given.pop(0)), int(given.pop(0))
    die_with_parent(parent)
    group = int(given.pop(0)) if command == "half-api" else None
    sockets = [socket.socket(fileno=int(each)) for each in given.pop(0).split(",")] if group is not None else []
    parser = argparse.ArgumentParser(prog=f"gatewright {command}", allow_abbrev=False)
    _add_settings(parser)
    settings = _settings(parser.parse_args(given))
    if group is not None:
        from gatewright.app import privileges
        from gatewright.isolation.view import User

        privileges.confine_api(settings, User(user, group))
        # the kernel forgets it when the user changes
        die_with_parent(parent)
        _collect_nothing_yet()
        from gatewright.app import api as api_half

        api_half.run(settings, *sockets)
    else:
        from gatewright.app import agent

        agent.run(settings, user)


def _collect_nothing_yet() -> None:
    """Leave the collector off while modules load: what they make stays. An API that serves has it on again.

    It looked at the same things again and again, for a sixth of a start's processor time (measured).
    """
    gc.disable()


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with these settings")
    for option in OPTIONS:
        flag = "--" + option.name.replace("_", "-")
        if option.type is bool:
            parser.add_argument(flag, dest=option.name, action="store_true", default=None, help=option.help)
        else:
            parser.add_argument(
                flag,
                dest=option.name,
                type=option.type,
                metavar=option.metavar,
                choices=option.choices or None,
                help=option.help,
            )


def _settings(parsed: argparse.Namespace) -> Settings:
    command_line = {option.name: getattr(parsed, option.name) for option in OPTIONS}
    return settings_module.load(command_line, os.environ, parsed.config)
