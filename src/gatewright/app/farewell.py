"""What a person is told who ended the service with Ctrl-C: what goes on, and how to see, keep or remove it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from gatewright.app.data_directory import find_installation_id
from gatewright.app.program import named_in, program
from gatewright.errors import ConfigurationError
from gatewright.resources.specs import Kind
from gatewright.settings import Settings

#: Where network namespaces with names are.
_NAMESPACES = Path("/run/netns")


def say_goodbye(settings: Settings, arguments: Sequence[str]) -> None:
    """Print it; ``arguments`` are what `gatewright` was started with."""
    try:
        print(*farewell(settings, arguments), sep="\n", flush=True)
    except BrokenPipeError:
        # the same Ctrl-C has ended who read it; nothing must be written at the end either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def farewell(settings: Settings, arguments: Sequence[str], namespaces: Path = _NAMESPACES) -> Iterator[str]:
    """The lines. What is to be done is in commands that work as they stand in this folder."""
    folder = Path.cwd()
    data = named_in(folder, settings.data)
    command = program(folder)
    again = shlex.join((command, *arguments))
    yield ""
    if settings.plane == "linux":
        found = _instances(settings, namespaces)
        yield f"Gatewright has ended. {_count(found)}"
        yield "  # what it has on this host"
        yield f"  {shlex.join((command, 'host', 'status', '--data', data))}"
        yield "  # start it again: what is there is found and goes on"
        yield f"  {again}"
        yield "  # remove all that it has on this host, after asking"
        yield f"  {shlex.join((command, 'host', 'clean', '--data', data))}"
    else:
        yield "Gatewright has ended, and nothing of it runs any more."
        own = settings.database_file is not None and settings.database_file.is_relative_to(settings.data)
        yield f"  # start it again: it goes on with what is in {data if own else 'its database'}"
        yield f"  {again}"
        # gateways of a linux plane that was served from there would be lost
        if own and not settings.agent_folder.exists():
            yield "  # forget everything"
            yield f"  {shlex.join(('rm', '-r', data))}"


def _count(instances: int | None) -> str:
    if instances is None:
        return "What it has on this host goes on."
    if not instances:
        return "None of its VPN gateways runs here."
    them = "1 instance of a VPN gateway" if instances == 1 else f"{instances} instances of VPN gateways"
    goes, it = ("goes", "it") if instances == 1 else ("go", "them")
    return f"{them} {goes} on running here,\nand nobody changes or mends {it} until it is started again."


def _instances(settings: Settings, namespaces: Path) -> int | None:
    """How many instances of gateways the installation has here, by their namespaces; None where it cannot be told."""
    from gatewright.plane.linux.names import Names

    try:
        installation = find_installation_id(settings)
        names = [path.name for path in namespaces.iterdir()] if namespaces.exists() else []
    except (ConfigurationError, OSError):
        return None
    if installation is None:
        return None
    owners = [Names(installation).owner_of(name) for name in names]
    return sum(owner is not None and owner.kind is Kind.INSTANCE for owner in owners)
