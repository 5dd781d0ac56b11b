"""Storing a new VPC: the same for one that is ordered and for a region's default one."""

from __future__ import annotations

from gatewright import ids
from gatewright.operations.call import Call
from gatewright.reconcile.telling import of_vpc
from gatewright.resources.statuses import vpc_status
from gatewright.store import events, route_tables, vpcs
from gatewright.store.route_tables import RouteTableRow
from gatewright.store.vpcs import VpcRow


def new_vpc(
    call: Call,
    *,
    cidr_block: str,
    resource_group_id: str,
    name: str = "",
    description: str = "",
    user_cidrs: str = "",
    is_default: bool = False,
) -> VpcRow:
    """A new VPC in the request's region, stored with its system route table."""
    vpc_id = ids.resource_id("vpc", call.region.id)
    delay = call.installation.vpc_delay()
    row = VpcRow(
        id=vpc_id,
        account_id=call.account_id,
        region_id=call.region.id,
        cidr_block=cidr_block,
        name=name,
        description=description,
        user_cidrs=user_cidrs,
        secondary_cidrs="",
        is_default=is_default,
        resource_group_id=resource_group_id,
        vrouter_id=ids.derived_id("vrt", vpc_id),
        vrouter_name="",
        vrouter_description="",
        route_table_id=ids.derived_id("vtb", vpc_id),
        # without a delay not even a clock that is set back makes it wait
        available_at=call.now + delay if delay else 0,
        created_at=call.now,
    )
    vpcs.add(call.transaction, row)
    status = vpc_status(row.available_at, call.now)
    events.add(call.transaction, [of_vpc(row, None, status, call.now, "created")])
    route_tables.add(
        call.transaction,
        RouteTableRow(
            id=row.route_table_id,
            account_id=row.account_id,
            region_id=row.region_id,
            vpc_id=row.id,
            type=route_tables.SYSTEM,
            name="",
            description="",
            propagation=True,
            created_at=row.created_at,
        ),
    )
    return row
