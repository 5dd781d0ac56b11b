"""Folding what agents saw into the statuses that the API tells, and letting go of what is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from gatewright.reconcile import placement
from gatewright.reconcile.telling import of_gateway, of_vswitch, trouble
from gatewright.reconcile.tunnels import forget_placed
from gatewright.resources.events import GONE, Event
from gatewright.resources.specs import Kind, Observation, Phase
from gatewright.resources.statuses import GatewayStatus, PlainStatus, gateway_status, vswitch_status
from gatewright.store import (
    accounts,
    capacities,
    diagnoses,
    events,
    gateways,
    ledgers,
    placements,
    pools,
    route_tables,
    tags,
    vswitches,
)
from gatewright.store.gateways import GatewayRow, InstanceView
from gatewright.store.placements import PlacementRow
from gatewright.store.transaction import Transaction


def fold(transaction: Transaction, host_id: str, observations: Sequence[Observation], now: int) -> None:
    """Note a host's observations, and settle the statuses of the resources that they concern, with an event each.

    Takes the accounts' locks in the order of their ids, and then, as orders do, zones' and pools' before hosts': what
    is gone is let go of first, then what is wanted elsewhere is placed there. An observation of something that is not
    placed on the host is old news and changes nothing. ``now``: milliseconds since the epoch.
    """
    keys = [observation.key for observation in observations]
    known = placements.find_all(transaction, keys, host_id)
    for account_id in sorted({row.account_id for row in known.values()}):
        accounts.lock(transaction, account_id)
    if not transaction.alone:
        # Read again behind the locks: a write may have come in between.
        known = placements.find_all(transaction, keys, host_id)
    concerned: dict[str, dict[str, None]] = {kind: {} for kind in Kind}
    news = []
    dropped: dict[str, list[PlacementRow]] = {kind: [] for kind in Kind}
    for observation in observations:
        row = known.get(observation.key)
        if row is None:
            continue
        if row.tombstone and observation.phase is Phase.REMOVED:
            placements.drop(transaction, row)
            dropped[row.kind].append(row)
        elif row.tells(observation):
            continue
        else:
            news.append(observation)
        concerned[row.kind][row.resource_id] = None
    placements.observe(transaction, host_id, news)
    forget_placed(transaction, dropped[Kind.INSTANCE], now)
    told: list[Event] = []
    rerouted = _let_gateways_go(transaction, _resources(dropped[Kind.INSTANCE]), now, told)
    homeless = _let_vswitches_go(transaction, _resources(dropped[Kind.VSWITCH]), now, told)
    _place_again(transaction, dropped[Kind.INSTANCE], dropped[Kind.ROUTER])
    if homeless:
        placed = _by_resource(transaction, homeless)
        placement.carry(transaction, [vswitch_id for vswitch_id in homeless if not placed[vswitch_id]])
    # Last: the ones before lock all hosts, and this the routers' only.
    if rerouted:
        placement.reroute(transaction, rerouted)
    _settle_gateways(transaction, tuple(concerned[Kind.INSTANCE]), now, told)
    _settle_vswitches(transaction, tuple(concerned[Kind.VSWITCH]), now, told)
    events.add(transaction, told)


def _resources(rows: Sequence[PlacementRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.resource_id for row in rows))


def _place_again(transaction: Transaction, instances: Sequence[PlacementRow], routers: Sequence[PlacementRow]) -> None:
    """What left its host and is still wanted comes to another, now that the first one has let go of it.

    In the transaction that notes the first one's word: at no time is it wanted nowhere.
    """
    left = {row.item_id for row in instances}
    living = {
        gateway.id: gateway
        for gateway in gateways.find_all(transaction, list(dict.fromkeys(row.resource_id for row in instances)))
        if gateway.status != GatewayStatus.DELETING
    }
    moved = [
        (living[instance.gateway_id], instance)
        for instance in gateways.instances_of(transaction, list(living))
        if instance.id in left
    ]
    vpc_ids = list(
        dict.fromkeys(
            vswitch.vpc_id for vswitch in vswitches.of_vpcs(transaction, [row.resource_id for row in routers])
        )
    )
    if moved or vpc_ids:
        placement.place_again(transaction, moved, vpc_ids)


def _settle_gateways(transaction: Transaction, gateway_ids: Sequence[str], now: int, told: list[Event]) -> None:
    placed = _by_resource(transaction, gateway_ids)
    changed: dict[GatewayStatus, list[str]] = defaultdict(list)
    for gateway in gateways.find_all(transaction, gateway_ids):
        before = GatewayStatus(gateway.status)
        status = gateway_status(before, [row.seen for row in placed[gateway.id]])
        reason = trouble(placed[gateway.id])
        if status is not before:
            changed[status].append(gateway.id)
            told.append(of_gateway(gateway, status, now, reason))
        elif reason and reason != events.last_text(transaction, gateway.account_id, gateway.id):
            told.append(of_gateway(gateway, status, now, reason))
    for status, ids in changed.items():
        gateways.set_status(transaction, ids, status.value)


def _let_gateways_go(transaction: Transaction, gateway_ids: Sequence[str], now: int, told: list[Event]) -> list[str]:
    """Let go of those of the gateways that are gone. Returns the VPCs that routes to them were in."""
    if not gateway_ids:
        return []
    placed = _by_resource(transaction, gateway_ids)
    gone = [
        gateway
        for gateway in gateways.find_all(transaction, gateway_ids)
        if gateway.status == GatewayStatus.DELETING and not placed[gateway.id]
    ]
    inside: dict[str, list[InstanceView]] = defaultdict(list)
    for instance in gateways.instances_of(transaction, [gateway.id for gateway in gone]):
        inside[instance.gateway_id].append(instance)
    zones = [(gateway.region_id, each.zone_id) for gateway in gone for each in inside[gateway.id]]
    capacities.count(transaction, zones, -1)
    for gateway in gone:
        _let_go(transaction, gateway, inside[gateway.id])
        told.append(of_gateway(gateway, GONE, now))
    routed = route_tables.lead_to(transaction, [gateway.id for gateway in gone])
    for gateway_id in routed:
        route_tables.drop_entries_to(transaction, gateway_id)
    return [gateway.vpc_id for gateway in gone if gateway.id in routed]


def _let_go(transaction: Transaction, gateway: GatewayRow, instances: Sequence[InstanceView]) -> None:
    """Every host has confirmed that nothing of the gateway is left: its rows, addresses and the routes to it go."""
    for instance in instances:
        pools.release(transaction, instance.vswitch_id, instance.private_address)
        if instance.public_address is not None:
            pools.release_public(transaction, instance.public_address)
        gateways.drop_instance(transaction, instance.id)
    if gateway.ssl_address is not None:
        pools.release_public(transaction, gateway.ssl_address)
    tags.drop(transaction, [gateway.id])
    gateways.drop(transaction, gateway.id)
    diagnoses.drop_of(transaction, gateway.id)
    ledgers.adjust(transaction, gateway.account_id, ledgers.VPN_GATEWAYS, gateway.region_id, -1)


def _let_vswitches_go(transaction: Transaction, vswitch_ids: Sequence[str], now: int, told: list[Event]) -> list[str]:
    """Let go of those of the vSwitches that are gone. Returns those that are wanted, and on no host any more."""
    if not vswitch_ids:
        return []
    placed = _by_resource(transaction, vswitch_ids)
    homeless = []
    for vswitch in vswitches.find_all(transaction, vswitch_ids):
        if placed[vswitch.id]:
            continue
        if not vswitch.deleting:
            homeless.append(vswitch.id)
            continue
        tags.drop(transaction, [vswitch.id])
        vswitches.drop(transaction, vswitch.id)
        pools.drop(transaction, vswitch.id)
        pools.release(transaction, pools.VNIS, vswitch.vni)
        told.append(of_vswitch(vswitch, GONE, now))
    return homeless


def _settle_vswitches(transaction: Transaction, vswitch_ids: Sequence[str], now: int, told: list[Event]) -> None:
    placed = _by_resource(transaction, vswitch_ids)
    for vswitch in vswitches.find_all(transaction, vswitch_ids):
        if vswitch.deleting:
            continue
        before = PlainStatus(vswitch.status)
        status = vswitch_status(before, [row.seen for row in placed[vswitch.id]])
        reason = trouble(placed[vswitch.id])
        if status is not before:
            vswitches.set_status(transaction, vswitch.id, status.value)
            told.append(of_vswitch(vswitch, status, now, reason))
        elif reason and reason != events.last_text(transaction, vswitch.account_id, vswitch.id):
            told.append(of_vswitch(vswitch, status, now, reason))


def _by_resource(transaction: Transaction, resource_ids: Sequence[str]) -> dict[str, list[PlacementRow]]:
    """What is placed of each resource, on whatever host."""
    found: dict[str, list[PlacementRow]] = {resource_id: [] for resource_id in resource_ids}
    for row in placements.of_resources(transaction, resource_ids):
        found[row.resource_id].append(row)
    return found
