"""Choosing a new vSwitch's network, and storing it: the same for one that is ordered and for a zone's default one."""

from __future__ import annotations

from ipaddress import IPv4Network

from gatewright import ids
from gatewright.operations.call import Call
from gatewright.operations.route_tables.dependencies import custom_entries
from gatewright.operations.vpcs.facts import networks_of
from gatewright.reconcile import placement
from gatewright.reconcile.telling import of_vswitch
from gatewright.resources.addresses import RESERVED_NETWORKS, first_free, vswitch_range
from gatewright.resources.statuses import PlainStatus
from gatewright.store import events, pools, vswitches
from gatewright.store.vpcs import VpcRow
from gatewright.store.vswitches import VSwitchRow


def free_network(call: Call, vpc: VpcRow, mask: int) -> IPv4Network | None:
    """The first network of a mask in a VPC that no vSwitch and no route entry's destination is in; None for none."""
    destinations = [IPv4Network(entry.destination) for entry in custom_entries(call, vpc.id)]
    taken = [
        *RESERVED_NETWORKS,
        *(IPv4Network(vswitch.cidr_block) for vswitch in vswitches.of_vpcs(call.transaction, [vpc.id])),
        # A vSwitch may be a part of what a route entry leads to, but not contain it.
        *(destination for destination in destinations if destination.prefixlen >= mask),
    ]
    return first_free(networks_of(vpc), taken, mask)


def new_vswitch(
    call: Call,
    vpc: VpcRow,
    zone_id: str,
    network: IPv4Network,
    *,
    name: str = "",
    description: str = "",
    is_default: bool = False,
) -> VSwitchRow:
    """A new vSwitch, stored with its addresses and wanted on its zone's host."""
    row = VSwitchRow(
        id=ids.resource_id("vsw", vpc.region_id),
        account_id=call.account_id,
        region_id=vpc.region_id,
        vpc_id=vpc.id,
        zone_id=zone_id,
        cidr_block=str(network),
        name=name,
        description=description,
        is_default=is_default,
        route_table_id=vpc.route_table_id,
        status=PlainStatus.PENDING.value,
        deleting=False,
        vni=_vni(call),
        created_at=call.now,
    )
    vswitches.add(call.transaction, row)
    events.add(call.transaction, [of_vswitch(row, row.status, call.now, "ordered", new=True)])
    pools.create(call.transaction, row.id, network, vswitch_range(network))
    placement.place_vswitch(call.transaction, row)
    return row


def _vni(call: Call) -> int:
    """A number for the new vSwitch's VXLAN."""
    number = pools.take(call.transaction, pools.VNIS)
    if number is None:
        raise RuntimeError("all 16,777,215 VXLAN numbers are taken")
    return number
