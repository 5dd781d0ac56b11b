"""What ``gatewright hosts`` does: on the database itself, also while the service runs, which looks every second."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from types import NoneType
from typing import NamedTuple

import msgspec

from gatewright.app import stored
from gatewright.app.as_the_api import owner
from gatewright.app.data_directory import find_installation_id
from gatewright.app.host_authority import ensure_authority
from gatewright.app.host_files import Drafts, Files
from gatewright.clock import SystemClock
from gatewright.errors import ConfigurationError
from gatewright.reconcile import draining, removal
from gatewright.resources.regions import regions
from gatewright.secrets.certificates import HOST_NAME
from gatewright.settings import Settings
from gatewright.store import hosts, placements
from gatewright.store.hosts import HostRow
from gatewright.store.transaction import Transaction


class HostState(NamedTuple):
    """One host, as people are told of it."""

    row: HostRow
    instances: int
    items: int
    #: In words.
    state: str


def add(settings: Settings, name: str, zones: Sequence[str], address: str, folder: Path) -> Files:
    """Add a host and write its certificate and key into a folder. Raises ConfigurationError."""
    zones = tuple(dict.fromkeys(zones))
    _check(name, zones, address)
    installation = _installation(settings)

    def work(transaction: Transaction) -> None:
        for row in hosts.lock_all(transaction):
            if row.id == name:
                raise ConfigurationError(
                    f"there is a host {name}: `gatewright hosts renew {name}` issues another certificate"
                )
            if address and row.address == address:
                raise ConfigurationError(f"the host {row.id} has the address {address} already")
        now = SystemClock().now()
        authority = ensure_authority(transaction, stored.sealer_of(settings), installation, now)
        issued = authority.issue_host(name, address)
        # Beyond any revision that a host of this name ever had: an agent follows no lower one.
        row = HostRow(name, now, ",".join(zones), address, issued.fingerprint, False, now, None, None)
        hosts.add(transaction, row)
        drafts.write(authority.certificate, issued)

    with Drafts(folder, name) as drafts:
        stored.write(settings, work, NoneType)
        return drafts.publish()


def renew(settings: Settings, name: str, folder: Path) -> Files:
    """Issue another certificate for a host; the one before is refused from now on. Raises ConfigurationError."""
    installation = _installation(settings)

    def work(transaction: Transaction) -> None:
        row = _lock(transaction, name)
        if row.id == hosts.LOCAL:
            raise ConfigurationError("the local host has no certificate: its agent is a part of `gatewright serve`")
        authority = ensure_authority(transaction, stored.sealer_of(settings), installation, SystemClock().now())
        issued = authority.issue_host(name, row.address)
        hosts.change(transaction, msgspec.structs.replace(row, fingerprint=issued.fingerprint))
        drafts.write(authority.certificate, issued)

    with Drafts(folder, name) as drafts:
        stored.write(settings, work, NoneType)
        return drafts.publish()


def listing(settings: Settings) -> list[HostState]:
    """All hosts, with how they are. Raises ConfigurationError."""
    return stored.write(settings, lambda transaction: states(transaction, SystemClock().now()), list[HostState])


def states(transaction: Transaction, now: int) -> list[HostState]:
    """How all hosts are at a time, milliseconds since the epoch."""
    counts = placements.count_instances(transaction)
    found = []
    for row in hosts.every(transaction):
        items = len(placements.of_host(transaction, row.id))
        words = [_presence(row, now)]
        if row.draining:
            words.append(f"draining, {items} items left" if items else "drained")
            stuck = sorted(draining.stuck(transaction, row))
            if stuck:
                words.append(f"no other host that is up serves {', '.join(stuck)}")
        found.append(HostState(row, counts.get(row.id, 0), items, "; ".join(words)))
    return found


def drain(settings: Settings, name: str, *, undo: bool) -> None:
    """Have everything that other hosts can take moved away from a host, or no longer. Raises ConfigurationError."""

    def work(transaction: Transaction) -> None:
        hosts.change(transaction, msgspec.structs.replace(_lock(transaction, name), draining=not undo))

    stored.write(settings, work, NoneType)


def remove(settings: Settings, name: str, *, fenced: bool) -> int:
    """Forget a host. Returns how many items were on it. Raises ConfigurationError."""
    if name == hosts.LOCAL:
        raise ConfigurationError("the local host is the service's own and cannot be removed; it can be drained")

    def work(transaction: Transaction) -> int:
        try:
            return removal.remove(transaction, name, fenced=fenced, now=SystemClock().now())
        except KeyError:
            raise _unknown(name) from None
        except removal.Occupied as occupied:
            raise ConfigurationError(
                f"{occupied.count} items are on {name}: `gatewright hosts drain {name}` first. If it is dead and "
                "cannot come back by itself (switched off, or cut off from the network), say --fenced: what it had is "
                "then built on other hosts"
            ) from None

    return stored.write(settings, work, int)


def _presence(row: HostRow, now: int) -> str:
    if row.seen_at is None:
        return "part of serve" if row.id == hosts.LOCAL else "never seen"
    return "up" if now - row.seen_at <= hosts.AWAY_AFTER else "away"


def _lock(transaction: Transaction, name: str) -> HostRow:
    """The host, which nobody else changes until the commit. Raises ConfigurationError."""
    row = hosts.lock(transaction, name)
    if row is None:
        raise _unknown(name)
    return row


def _unknown(name: str) -> ConfigurationError:
    return ConfigurationError(f"there is no host {name!r}: `gatewright hosts list` has them")


def _check(name: str, zones: Sequence[str], address: str) -> None:
    if not HOST_NAME.fullmatch(name) or name == hosts.LOCAL:
        raise ConfigurationError(
            f"a host's name is up to 63 small letters, digits and hyphens, and not {hosts.LOCAL!r}: {name!r} is none"
        )
    known = {zone for region in regions().values() for zone in region.zones}
    for zone in zones:
        if zone not in known:
            raise ConfigurationError(f"there is no zone {zone!r}: DescribeZones lists a region's")
    if not zones:
        raise ConfigurationError("a host serves at least one zone: say --zone")
    try:
        ipaddress.IPv4Address(address)
    except ValueError as error:
        raise ConfigurationError(f"--address is {address!r}: {error}") from None


def _installation(settings: Settings) -> str:
    """The installation's id, as the agent of its own machine has it: root's to read. Raises ConfigurationError."""
    owner(settings)  # is there a service at all?
    found = find_installation_id(settings)
    if found is None:
        raise ConfigurationError(
            f"{settings.agent_folder} has no installation's id: start `gatewright serve --plane linux` once, or say "
            "--data"
        )
    return found


def warnings(settings: Settings) -> list[str]:
    """What stands in the way of vSwitches that span hosts, a line each."""
    return [
        f"{state.row.id} has no address in the network between the hosts, and vSwitches do not span to it: "
        + ("start `gatewright serve` with --underlay" if state.row.id == hosts.LOCAL else "add it anew with --address")
        for state in listing(settings)
        if not state.row.address
    ]
