"""Which host runs what.

A host serves the zones that it was added with; the local host stands in for every zone that has no host of its own,
which with no other host are all zones of all regions. `serve` always runs an agent for it (*assumed*: whoever wants it
to run nothing gives each zone a host). Where hosts are chosen is here and nowhere else. Writes that concern several
hosts lock them in the order of their ids, after accounts, zones and pools.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from gatewright.clock import SystemClock
from gatewright.resources.specs import ItemKey, Kind
from gatewright.store import hosts, placements, vswitches
from gatewright.store.gateways import GatewayRow, InstanceView
from gatewright.store.hosts import HostRow
from gatewright.store.placements import PlacementRow
from gatewright.store.transaction import Transaction
from gatewright.store.vswitches import VSwitchRow

#: Hosts that need a vSwitch, by its account and id.
Needed = dict[tuple[str, str], set[str]]


class Hosts:
    """The hosts as one transaction sees them, and which of them takes what belongs to a zone."""

    def __init__(self, transaction: Transaction, rows: Sequence[HostRow] | None = None) -> None:
        self._transaction = transaction
        self.rows = hosts.every(transaction) if rows is None else rows
        self._counts: dict[str, int] | None = None
        self._now = SystemClock().now()

    @property
    def alone(self) -> bool:
        """Whether the local host is the only one, and everything is on it."""
        return len(self.rows) == 1

    def candidates(self, zone_id: str) -> list[HostRow]:
        """The zone's own hosts that something new of it may come to.

        Those whose agents were heard of lately, or all while none was. While all hosts of a zone are being drained they
        have to do: nobody else serves it.
        """
        own = [row for row in self.rows if zone_id in row.zone_ids]
        own = [row for row in own if not row.draining] or own
        return [row for row in own if row.up(self._now)] or own

    def of_zone(self, zone_id: str) -> str:
        """The host for one more item of a zone: the one with the fewest instances, of several alike the first by id."""
        candidates = self.candidates(zone_id)
        if len(candidates) < 2:
            return candidates[0].id if candidates else hosts.LOCAL
        counts = self._instances()
        return min(candidates, key=lambda row: (counts.get(row.id, 0), row.id)).id

    def take(self, zone_id: str) -> str:
        """The same for a new instance, which counts from now on."""
        host = self.of_zone(zone_id)
        if self._counts is not None:
            self._counts[host] = self._counts.get(host, 0) + 1
        return host

    def elsewhere(self, host_id: str, zone_id: str) -> bool:
        """Whether what a host that is being drained has of a zone can be on another, whose agent is there."""
        candidates = self.candidates(zone_id)
        if not candidates:
            return host_id != hosts.LOCAL
        return all(row.id != host_id and row.up(self._now) for row in candidates)

    def _instances(self) -> dict[str, int]:
        if self._counts is None:
            self._counts = placements.count_instances(self._transaction)
        return self._counts


def place_vswitch(transaction: Transaction, row: VSwitchRow) -> None:
    """Want a new vSwitch on its zone's host, and its VPC's router plugged into it.

    The router is on the host of the VPC's first vSwitch, and the vSwitch spans both hosts if they are not one. A router
    that is on its way to another host is plugged into the vSwitch where it comes to (``place_again``).
    """
    host = Hosts(transaction).of_zone(row.zone_id)
    known = placements.of_resources(transaction, [row.vpc_id])
    routers = [router for router in known if not router.tombstone]
    at = {host, *(router.host_id for router in routers)}
    revisions = hosts.raise_revisions(transaction, at)
    for each in sorted(at):
        placements.place(
            transaction, [ItemKey(Kind.VSWITCH, row.id)], each, row.account_id, row.id, revision=revisions[each]
        )
    if known:
        placements.want_next(transaction, routers, revisions)
    else:
        placements.place(
            transaction,
            [ItemKey(Kind.ROUTER, row.vpc_id)],
            host,
            row.account_id,
            row.vpc_id,
            revision=revisions[host],
        )


def bury_vswitch(transaction: Transaction, row: VSwitchRow) -> None:
    """Want a vSwitch removed, and its VPC's router unplugged from it."""
    bridges = placements.of_resources(transaction, [row.id])
    routers = _routers(transaction, [row.vpc_id])
    revisions = hosts.raise_revisions(transaction, [item.host_id for item in (*bridges, *routers)])
    placements.bury_these(transaction, bridges, revisions)
    placements.want_next(transaction, routers, revisions)


def reroute(transaction: Transaction, vpc_ids: Iterable[str]) -> None:
    """Have the routers of VPCs know what has changed in the VPCs' route tables."""
    routers = _routers(transaction, list(dict.fromkeys(vpc_ids)))
    revisions = hosts.raise_revisions(transaction, [router.host_id for router in routers])
    placements.want_next(transaction, routers, revisions)


def bury_router(transaction: Transaction, vpc_id: str) -> None:
    """Want a VPC's router removed."""
    placements.bury(transaction, vpc_id)


def place_instances(
    transaction: Transaction, account_id: str, gateway_id: str, instances: Sequence[tuple[str, VSwitchRow]]
) -> None:
    """Want a new gateway's instances, given as id and vSwitch, on their zones' hosts, and their vSwitches there."""
    known = Hosts(transaction)
    chosen: dict[str, list[ItemKey]] = defaultdict(list)
    needed: Needed = defaultdict(set)
    for instance_id, vswitch in instances:
        host = known.take(vswitch.zone_id)
        chosen[host].append(ItemKey(Kind.INSTANCE, instance_id))
        needed[account_id, vswitch.id].add(host)
    # A host that is alone has the vSwitches already.
    revisions = hosts.raise_revisions(transaction, chosen) if known.alone else _spread(transaction, needed, chosen)
    for host in sorted(chosen):
        placements.place(transaction, chosen[host], host, account_id, gateway_id, revision=revisions[host])


def place_again(
    transaction: Transaction, moved: Sequence[tuple[GatewayRow, InstanceView]], vpc_ids: Sequence[str]
) -> None:
    """Want instances, and the routers of VPCs, on other hosts, after the ones that had them have let go of them.

    A VPC without vSwitches needs no router, and one whose router is somewhere else already gets no second one.
    """
    # Where all this will be is not known yet, and hosts are locked in one order.
    known = Hosts(transaction, hosts.lock_all(transaction))
    needed: Needed = defaultdict(set)
    chosen = []
    for gateway, instance in moved:
        host = known.take(instance.zone_id)
        chosen.append((host, gateway, instance))
        needed[gateway.account_id, instance.vswitch_id].add(host)
    routers = []
    inside: dict[str, list[VSwitchRow]] = defaultdict(list)
    for vswitch in vswitches.of_vpcs(transaction, vpc_ids):
        inside[vswitch.vpc_id].append(vswitch)
    routed = {row.item_id for row in placements.of_resources(transaction, list(inside))}
    for vpc_id, plugged in sorted(inside.items()):
        if vpc_id in routed:
            continue
        host = known.of_zone(plugged[0].zone_id)
        routers.append((host, vpc_id, plugged[0].account_id))
        for vswitch in plugged:
            needed[vswitch.account_id, vswitch.id].add(host)
    revisions = _spread(transaction, needed, {host for host, *_ in (*chosen, *routers)})
    for host, gateway, instance in chosen:
        key = ItemKey(Kind.INSTANCE, instance.id)
        placements.place(
            transaction, [key], host, gateway.account_id, gateway.id, revisions[host], generation=gateway.generation
        )
    for host, vpc_id, account_id in routers:
        placements.place(transaction, [ItemKey(Kind.ROUTER, vpc_id)], host, account_id, vpc_id, revisions[host])


def carry(transaction: Transaction, vswitch_ids: Sequence[str]) -> None:
    """Have vSwitches on their zones' hosts, whatever other hosts have them."""
    known = Hosts(transaction, hosts.lock_all(transaction))
    rows = vswitches.find_all(transaction, vswitch_ids)
    needed = {(row.account_id, row.id): {known.of_zone(row.zone_id)} for row in rows if not row.deleting}
    _spread(transaction, needed, ())


def withdraw(transaction: Transaction, rows: Sequence[PlacementRow]) -> None:
    """Want items removed from the hosts that have them, and vSwitches on other hosts told that theirs is gone."""
    leaving = {(row.host_id, row.key) for row in rows}
    vswitch_ids = [row.item_id for row in rows if row.kind == Kind.VSWITCH]
    staying = [
        row
        for row in placements.of_resources(transaction, vswitch_ids)
        if not row.tombstone and (row.host_id, row.key) not in leaving
    ]
    revisions = hosts.raise_revisions(transaction, [row.host_id for row in (*rows, *staying)])
    placements.bury_these(transaction, rows, revisions)
    placements.want_next(transaction, staying, revisions)


def readdress(transaction: Transaction, host_id: str, address: str) -> None:
    """Have a host reached at another address, and tell the hosts whose vSwitches span to it."""
    row = next(row for row in hosts.lock_all(transaction) if row.id == host_id)
    hosts.change(transaction, msgspec.structs.replace(row, address=address))
    here = [each.item_id for each in placements.living(transaction, row.id) if each.kind == Kind.VSWITCH]
    spanning = [each for each in placements.of_resources(transaction, here) if not each.tombstone]
    elsewhere = {each.item_id for each in spanning if each.host_id != row.id}
    # The host itself too: what it must know of itself has changed.
    concerned = [each for each in spanning if each.item_id in elsewhere]
    revisions = hosts.raise_revisions(transaction, [each.host_id for each in concerned])
    placements.want_next(transaction, concerned, revisions)


def own_address(transaction: Transaction, address: str) -> None:
    """Have the local host reached at an address in the network between the hosts; empty for none."""
    local = hosts.find(transaction, hosts.LOCAL)
    if local is not None and local.address != address:
        readdress(transaction, hosts.LOCAL, address)


def _spread(transaction: Transaction, needed: Needed, besides: Iterable[str]) -> dict[str, int]:
    """Have vSwitches on hosts that need them; a vSwitch that comes to a host is told to the others that have it.

    Returns the revisions of all hosts concerned, and of those that are concerned ``besides``.
    """
    carried: dict[str, list[PlacementRow]] = defaultdict(list)
    for row in placements.of_resources(transaction, [vswitch_id for _, vswitch_id in needed]):
        carried[row.item_id].append(row)
    coming: list[tuple[str, str, str]] = []
    changing: list[PlacementRow] = []
    for (account_id, vswitch_id), at in needed.items():
        rows = carried[vswitch_id]
        living = {row.host_id for row in rows if not row.tombstone}
        if at <= living:
            continue
        # One that is being removed where it is needed now is wanted there again.
        changing += [row for row in rows if not row.tombstone or row.host_id in at]
        coming += [(host, account_id, vswitch_id) for host in sorted(at - {row.host_id for row in rows})]
    concerned = {*besides, *(row.host_id for row in changing), *(host for host, _, _ in coming)}
    revisions = hosts.raise_revisions(transaction, concerned)
    placements.want_next(transaction, changing, revisions)
    for host, account_id, vswitch_id in coming:
        key = ItemKey(Kind.VSWITCH, vswitch_id)
        placements.place(transaction, [key], host, account_id, vswitch_id, revisions[host])
    return revisions


def _routers(transaction: Transaction, vpc_ids: list[str]) -> list[PlacementRow]:
    """The routers of VPCs that are not being removed."""
    return [row for row in placements.of_resources(transaction, vpc_ids) if not row.tombstone]
