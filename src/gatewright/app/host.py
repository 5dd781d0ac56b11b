"""What a person does with a host: look at what is on it, and remove what nobody wants, or all of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from gatewright.agent.local import AgentStatus, NoAgent, Wish, ask_removal, ask_status, removal_order
from gatewright.app.data_directory import find_installation_id
from gatewright.app.host_lock import RUNTIME, HostLock, local_socket
from gatewright.errors import ConfigurationError
from gatewright.plane.contract import PlaneError
from gatewright.resources.specs import ItemKey, Kind
from gatewright.settings import Settings


class HostItem(msgspec.Struct, frozen=True):
    """One item, as its agent wants it and as the host has it."""

    kind: Kind
    id: str
    #: None while no agent can say.
    wish: Wish | None
    #: ``stands``, ``half made`` or ``absent``.
    found: str

    @property
    def key(self) -> ItemKey:
        return ItemKey(self.kind, self.id)


class HostStatus(msgspec.Struct, frozen=True):
    """What is of an installation on this host."""

    installation: str
    #: None if none answers; then ``no_agent`` says why.
    agent: AgentStatus | None
    no_agent: str
    items: tuple[HostItem, ...]
    #: Every namespace, link, process and file.
    things: tuple[str, ...]

    @property
    def orphans(self) -> list[ItemKey]:
        return [item.key for item in self.items if item.wish is Wish.ORPHAN]


def installation_on(settings: Settings, given: str | None) -> str:
    """The installation that is meant: the given one, else the data directory's. Raises ConfigurationError."""
    _need_root()
    if given is not None:
        if not re.fullmatch(r"[0-9a-z]{8}", given):
            raise ConfigurationError(
                f"--installation is {given!r}: an installation's id is 8 characters of 0-9 and a-z"
            )
        return given
    found = find_installation_id(settings)
    if found is None:
        raise ConfigurationError(
            f"{settings.data} is not the data directory of a service on the linux plane: say which one with --data, or "
            f"with --installation ID if it is lost ({_hint()})"
        )
    return found


def installations(runtime: Path = RUNTIME) -> list[str]:
    """Ids of installations that have something in the runtime folder, or a namespace."""
    names: list[str] = []
    for folder, pattern in (
        (runtime, r"([0-9a-z]{8})(?:\.lock|\.sock)?"),
        (Path("/run/netns"), r"gw-([0-9a-z]{8})-.+"),
    ):
        if folder.is_dir():
            names += [found[1] for path in folder.iterdir() if (found := re.fullmatch(pattern, path.name))]
    return sorted(set(names))


def status(installation: str, runtime: Path = RUNTIME) -> HostStatus:
    """Look at an installation, and ask its agent. Raises ConfigurationError."""
    _need_root()
    from gatewright.plane.linux import leftovers
    from gatewright.plane.linux.cleaning import standing

    agent, why = None, ""
    try:
        agent = ask_status(local_socket(installation, runtime))
    except NoAgent as error:
        why = str(error)
    try:
        found = standing(installation, runtime)
        things = tuple(leftovers(installation, runtime))
    except PlaneError as error:
        raise ConfigurationError(f"this host cannot be looked at: {error}") from error
    wishes = {item.key: item.wish for item in agent.items} if agent is not None else {}
    items = tuple(
        HostItem(
            key.kind,
            key.id,
            wishes.get(key) or (Wish.ORPHAN if agent is not None and agent.heard else None),
            "absent" if key not in found else "stands" if found[key] else "half made",
        )
        for key in sorted({*found, *wishes})
    )
    return HostStatus(installation, agent, why, items, things)


def clean(installation: str, told: Callable[[str], None], runtime: Path = RUNTIME) -> list[str]:
    """Remove all that an installation has on this host, and keep its agent from starting meanwhile.

    Gives a line for each thing that could not be removed. Raises ConfigurationError, AgentRuns if its agent runs.
    """
    _need_root()
    from gatewright.plane.linux import leftovers
    from gatewright.plane.linux.cleaning import remove

    lock = HostLock(installation, runtime)
    try:
        failures = remove(installation, runtime, _in_order, told)
        left = leftovers(installation, runtime)
        local_socket(installation, runtime).unlink(missing_ok=True)
    except PlaneError as error:
        raise ConfigurationError(f"this host cannot be cleaned: {error}") from error
    finally:
        lock.release()
    return [*failures, *(f"still there: {line}" for line in left)]


def clean_orphans(installation: str, keys: Sequence[ItemKey], told: Callable[[str], None]) -> list[str]:
    """Have the running agent remove orphans. Gives a line for each failure. Raises ConfigurationError."""
    try:
        outcomes = ask_removal(local_socket(installation), list(keys))
    except NoAgent as error:
        raise ConfigurationError(f"the orphans cannot be removed: {error}") from error
    for outcome in outcomes:
        if not outcome.failure:
            told(f"removed {ItemKey(outcome.kind, outcome.id)}")
    return [f"{ItemKey(each.kind, each.id)}: {each.failure}" for each in outcomes if each.failure]


def need_to_know_orphans(seen: HostStatus) -> None:
    """Raises ConfigurationError unless a running agent knows what is wanted."""
    if seen.agent is None:
        raise ConfigurationError(
            f"what nobody wants is known to a running agent only, and {seen.no_agent}: start the service, or remove "
            "all of the installation with `gatewright host clean`"
        )
    if not seen.agent.heard:
        raise ConfigurationError(
            "the agent has not heard yet all that the control plane wants, so that it knows no orphans: "
            + (seen.agent.trouble or "try again in a moment")
        )


def _in_order(keys: Iterable[ItemKey]) -> list[ItemKey]:
    return sorted(keys, key=removal_order)


def _need_root() -> None:
    if os.geteuid() != 0:
        raise ConfigurationError("only root can look at and change what is on a host: run this as root")


def _hint() -> str:
    found = installations()
    return f"on this host there are traces of {', '.join(found)}" if found else "this host has no traces of any"
