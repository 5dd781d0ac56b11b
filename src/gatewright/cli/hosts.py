"""``gatewright hosts`` and ``gatewright agent``: the machines that gateways run on."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gatewright import settings as settings_module
from gatewright.settings import Settings

if TYPE_CHECKING:
    from gatewright.app.host_files import Files
    from gatewright.app.hosts import HostState

Commands = argparse._SubParsersAction  # argparse has no public name for it


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add the commands, each with what runs it as ``run``."""
    hosts = commands.add_parser("hosts", help="the machines that gateways run on", description=_HOSTS)
    actions = hosts.add_subparsers(dest="action", required=True, metavar="ACTION")
    parser = _action(actions, "add", _add, "add a machine, and issue a certificate for its agent")
    parser.add_argument("name", metavar="NAME", help="what it is called here")
    parser.add_argument("--zone", action="append", required=True, metavar="ID", help="a zone that it serves; repeat it")
    parser.add_argument("--address", required=True, help="its IPv4 address in the network between the hosts")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where its files go (default: here)")
    _action(actions, "list", _list, "list the machines")
    parser = _action(actions, "drain", _drain, "move everything away that other machines can take")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--undo", action="store_true", help="let it take gateways again")
    parser = _action(actions, "renew", _renew, "issue another certificate; the one before is refused")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where its files go (default: here)")
    parser = _action(actions, "remove", _remove, "forget a machine; its certificate is refused")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--fenced", action="store_true", help="it is dead and cannot come back by itself: I say so")

    agent = commands.add_parser("agent", help="run the gateways of this machine", description=_AGENT)
    agent.set_defaults(run=_agent)
    agent.add_argument("--control-plane", required=True, metavar="URL", help="https://HOST:PORT, its link_listen")
    agent.add_argument("--ca", type=Path, required=True, metavar="FILE", help="ca.crt of `gatewright hosts add`")
    agent.add_argument("--cert", type=Path, required=True, metavar="FILE", help="NAME.crt")
    agent.add_argument("--key", type=Path, required=True, metavar="FILE", help="NAME.key")
    agent.add_argument("--data", type=Path, default=Path("/var/lib/gatewright"), metavar="DIR", help="its own state")
    agent.add_argument(
        "--cache", action="store_true", help="bring gateways back after a reboot before the control plane is back"
    )
    agent.add_argument("--uplink", metavar="INTERFACE", help="the interface that the public pool is reached by")
    agent.add_argument("--uplink-mode", default="routed", choices=("routed", "proxy-arp"), help="as of `serve`")
    agent.add_argument("--public-pool", metavar="NETWORK", help="the service's public pool; needed with --uplink")
    agent.add_argument("--health-interval", type=int, metavar="MS", help="as of `serve`")
    agent.add_argument("--log-level", default="WARNING", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    agent.add_argument("--trace-endpoint", default="", metavar="URL", help="as of `serve`")
    agent.add_argument("--log-format", default="auto", choices=("auto", "text", "json"), help="as of `serve`")


_HOSTS = "The machines that gateways run on. Works on the service's database, also while it runs."
_AGENT = "Run the gateways of this machine, for a control plane on another. They carry on when this ends."


def _action(
    actions: Commands[argparse.ArgumentParser], name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.set_defaults(run=run)
    parser.add_argument("--data", metavar="DIR", help="the service's state")
    parser.add_argument("--database", metavar="URL", help="the service's database (default: in --data)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the service's TOML file")
    return parser


def _settings(parsed: argparse.Namespace) -> Settings:
    # hosts are the linux plane's, also where the file and the environment leave that to the service's command line
    given = {"data": parsed.data, "database": parsed.database, "plane": "linux"}
    return settings_module.load(given, os.environ, parsed.config)


def _add(parsed: argparse.Namespace) -> int:
    from gatewright.app import hosts

    settings = _settings(parsed)
    files = hosts.add(settings, parsed.name, parsed.zone, parsed.address, parsed.out)
    print(f"{parsed.name} serves {', '.join(parsed.zone)}.")
    _tell_files(settings, files)
    for line in hosts.warnings(settings):
        print(f"Note: {line}.")
    return 0


def _renew(parsed: argparse.Namespace) -> int:
    from gatewright.app import hosts

    settings = _settings(parsed)
    _tell_files(settings, hosts.renew(settings, parsed.name, parsed.out))
    return 0


def _tell_files(settings: Settings, files: Files) -> None:
    where = f"{settings.link_host}:{settings.link_port}" if settings.link_host else "HOST:PORT"
    print(f"Take {files.authority}, {files.certificate} and {files.key} there, and start on it as root:")
    print(
        f"  gatewright agent --control-plane https://{where} --ca {files.authority.name}"
        f" --cert {files.certificate.name} --key {files.key.name}"
    )
    if not settings.link_host:
        print("HOST:PORT is the link_listen that `gatewright serve` is started with.")


def _list(parsed: argparse.Namespace) -> int:
    from gatewright.app import hosts

    rows: list[tuple[str, ...]] = [("NAME", "ZONES", "ADDRESS", "INSTANCES", "LAST SEEN", "VERSION", "STATE")]
    rows += [_columns(state) for state in hosts.listing(_settings(parsed))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _columns(state: HostState) -> tuple[str, ...]:
    row = state.row
    seen = "-" if row.seen_at is None else f"{datetime.fromtimestamp(row.seen_at / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
    version = "-" if row.agent_version is None else str(row.agent_version)
    zones = row.zones or "(those without a host)"
    return (row.id, zones, row.address or "-", str(state.instances), seen, version, state.state)


def _drain(parsed: argparse.Namespace) -> int:
    from gatewright.app import hosts

    hosts.drain(_settings(parsed), parsed.name, undo=parsed.undo)
    if parsed.undo:
        print(f"{parsed.name} takes gateways again.")
    else:
        print(f"{parsed.name} is being drained: `gatewright hosts list` tells how far.")
    return 0


def _remove(parsed: argparse.Namespace) -> int:
    from gatewright.app import hosts

    moved = hosts.remove(_settings(parsed), parsed.name, fenced=parsed.fenced)
    print(f"{parsed.name} is removed, and its certificate refused." + (f" {moved} items were on it." if moved else ""))
    return 0


def _agent(parsed: argparse.Namespace) -> int:
    from gatewright.app import remote_agent

    remote_agent.run(
        remote_agent.RemoteAgent(
            parsed.control_plane,
            parsed.ca.absolute(),
            parsed.cert.absolute(),
            parsed.key.absolute(),
            parsed.data.absolute(),
            parsed.cache,
            parsed.uplink,
            parsed.uplink_mode,
            parsed.public_pool,
            parsed.log_level,
            parsed.log_format,
            parsed.trace_endpoint,
            parsed.health_interval,
        )
    )
    return 0
