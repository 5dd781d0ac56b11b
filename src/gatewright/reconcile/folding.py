"""Folding what agents saw into the statuses that the API tells, and letting go of what is gone."""

from __future__ import annotations

from collections.abc import Sequence

from gatewright.resources.specs import Kind, Observation, Phase
from gatewright.resources.statuses import GatewayStatus, PlainStatus, gateway_status, vswitch_status
from gatewright.store import accounts, gateways, ledgers, placements, pools, vswitches
from gatewright.store.transaction import Transaction


def fold(transaction: Transaction, host_id: str, observations: Sequence[Observation]) -> None:
    """Note a host's observations, and settle the statuses of the resources that they concern.

    Takes the accounts' locks in the order of their ids. An observation of something that is not placed on the host is
    old news and changes nothing.
    """
    known = {seen.key: placements.find(transaction, seen.key, host_id) for seen in observations}
    for account_id in sorted({row.account_id for row in known.values() if row is not None}):
        accounts.lock(transaction, account_id)
    concerned: dict[tuple[str, str], None] = {}
    for observation in observations:
        # Read again behind the lock: a write may have come in between.
        row = placements.find(transaction, observation.key, host_id)
        if row is None:
            continue
        if row.tombstone and observation.phase is Phase.REMOVED:
            placements.drop(transaction, row)
        elif row.tells(observation):
            continue
        else:
            placements.observe(transaction, row, observation)
        concerned[row.kind, row.resource_id] = None
    for kind, resource_id in concerned:
        if kind == Kind.INSTANCE:
            _settle_gateway(transaction, resource_id)
        else:
            _settle_vswitch(transaction, resource_id)


def _settle_gateway(transaction: Transaction, gateway_id: str) -> None:
    gateway = gateways.find_any(transaction, gateway_id)
    if gateway is None:
        return
    placed = placements.of_resource(transaction, gateway_id)
    if gateway.status == GatewayStatus.DELETING and not placed:
        for instance in gateways.instances_of(transaction, gateway_id):
            pools.release_all(transaction, instance.id)
            gateways.drop_instance(transaction, instance.id)
        gateways.drop(transaction, gateway_id)
        ledgers.adjust(transaction, gateway.account_id, ledgers.VPN_GATEWAYS, gateway.region_id, -1)
        return
    status = gateway_status(GatewayStatus(gateway.status), [row.seen for row in placed])
    if status != gateway.status:
        gateways.set_status(transaction, gateway_id, status.value)


def _settle_vswitch(transaction: Transaction, vswitch_id: str) -> None:
    vswitch = vswitches.find_any(transaction, vswitch_id)
    if vswitch is None:
        return
    placed = placements.of_resource(transaction, vswitch_id)
    status = vswitch_status(PlainStatus(vswitch.status), [row.seen for row in placed])
    if status != vswitch.status:
        vswitches.set_status(transaction, vswitch_id, status.value)
