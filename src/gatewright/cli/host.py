"""``gatewright host``: what an installation has on this host, and removing it on a person's word."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from gatewright import settings as settings_module
from gatewright.cli.asking import agreed
from gatewright.errors import ConfigurationError
from gatewright.settings import Settings

if TYPE_CHECKING:
    from gatewright.app.host import HostStatus

_CLEAN = """
Remove, after asking, what an installation has on this host: namespaces, links, processes and files. Without --orphans
all of it, while its agent does not run; the data directory stays, and a service that is started on it makes its
gateways anew. With --orphans, by the running agent, only what the control plane neither wants nor has deleted.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    host = commands.add_parser(
        "host", help="look at this host, or clean it", description="Look at this host, or clean it."
    )
    verbs = host.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    status = verbs.add_parser("status", help="what is on this host, item by item, and who wants it")
    _add_which(status)
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(run=_status)
    clean = verbs.add_parser("clean", help="remove it", description=_CLEAN)
    _add_which(clean)
    clean.add_argument("--orphans", action="store_true", help="only what nobody wants")
    clean.add_argument("--yes", action="store_true", help="do not ask")
    clean.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    clean.set_defaults(run=_clean)


def _add_which(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--data", metavar="DIR", help="the service's data directory (default: as for serve)")
    which.add_argument("--installation", metavar="ID", help="the id of one whose data directory is lost")


def _settings(parsed: argparse.Namespace) -> Settings:
    environment = {name: value for name, value in os.environ.items() if name == f"{settings_module.PREFIX}DATA"}
    return settings_module.load({"data": parsed.data, "plane": "linux"}, environment, None)


def _status(parsed: argparse.Namespace) -> int:
    from gatewright.app import host

    seen = host.status(host.installation_on(_settings(parsed), parsed.installation))
    if parsed.json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(seen)).decode())
    else:
        print("\n".join(lines(seen)))
    return 0


def lines(seen: HostStatus) -> list[str]:
    """A screen for people."""
    head = f"Installation {seen.installation} on this host: "
    if seen.agent is None:
        head += f"{seen.no_agent}, so nobody here knows what is wanted."
    elif not seen.agent.heard:
        head += f"its agent (process {seen.agent.pid}) has not heard yet all that is wanted."
    else:
        head += f"its agent (process {seen.agent.pid}) follows revision {seen.agent.revision}."
    shown = [head]
    if seen.agent is not None and seen.agent.trouble:
        shown.append(seen.agent.trouble)
    if not seen.items:
        return [*shown, *_strays(seen), "Nothing of it is here." if not seen.things else ""]
    width = max(len(str(item.key)) for item in seen.items)
    shown += ["", f"  {'item':{width}}  {'wanted?':8}  here"]
    shown += [
        f"  {item.key!s:{width}}  {item.wish.value if item.wish else 'unknown':8}  {item.found}" for item in seen.items
    ]
    half = sum(item.found == "half made" for item in seen.items)
    counts = [f"{len(seen.items)} items", f"{len(seen.orphans)} orphans", f"{half} half made"]
    counts.append(f"{len(seen.things)} namespaces, links, processes and files")
    shown += ["", ", ".join(counts)]
    if seen.orphans:
        shown += [
            "Orphans are neither wanted nor deleted, and left alone. `gatewright host clean --orphans` removes them."
        ]
    return shown


def _strays(seen: HostStatus) -> list[str]:
    return [f"  {thing}" for thing in seen.things]


def _clean(parsed: argparse.Namespace) -> int:
    from gatewright.app import host

    installation = host.installation_on(_settings(parsed), parsed.installation)
    seen = host.status(installation)
    if parsed.orphans:
        host.need_to_know_orphans(seen)
        if not seen.orphans:
            print(f"There are no orphans of installation {installation} on this host.")
            return 0
        orphans = seen.orphans
        print(f"These {len(orphans)} items of installation {installation} nobody wants:")
        print(*(f"  {key}" for key in orphans), sep="\n")
        return _carry_out(parsed, lambda: host.clean_orphans(installation, orphans, print))
    if not seen.things:
        print(f"There is nothing of installation {installation} on this host.")
        return 0
    if seen.agent is not None and not parsed.dry_run:
        raise ConfigurationError(
            f"the agent of installation {installation} runs (process {seen.agent.pid}): end its service first. "
            "To remove gateways from a running service, delete them through the API; to remove what nobody wants, say "
            "--orphans"
        )
    print(f"All of installation {installation} on this host:")
    print(*(f"  {thing}" for thing in seen.things), sep="\n")
    print("The data directory stays, and a service that is started on it makes its gateways anew.")
    return _carry_out(parsed, lambda: host.clean(installation, print))


def _carry_out(parsed: argparse.Namespace, removal: Callable[[], list[str]]) -> int:
    """Ask, and remove. Gives the exit status: 1 when something could not be removed, or was not to be."""
    if parsed.dry_run:
        print("Nothing was removed: this was a dry run.")
        return 0
    if not parsed.yes and not agreed("Remove it?", otherwise="say --yes to remove this, or --dry-run to look only"):
        print("Nothing was removed.")
        return 1
    failures = removal()
    for failure in failures:
        print(f"gatewright: not removed: {failure}", file=sys.stderr)
    return 1 if failures else 0
