"""Instances with their gateway and how they stand on their hosts: what somebody who watches a service looks at."""

from __future__ import annotations

from functools import cache

import msgspec
from sqlalchemy import and_, bindparam, select, tuple_

from gatewright.resources.specs import Kind
from gatewright.store.schema import instances, placements, vpn_gateways
from gatewright.store.statement import Query
from gatewright.store.transaction import Transaction


class Place(msgspec.Struct, frozen=True):
    """A gateway's place among an account's, the newest first."""

    created_at: int
    gateway_id: str


#: Before all gateways.
FIRST = Place(2**62, "")


class InstanceOverview(msgspec.Struct, frozen=True):
    """One instance on one host; one that moves is on two, and one that is about to be placed on none."""

    gateway_id: str
    gateway_name: str
    gateway_status: str
    region_id: str
    created_at: int
    bandwidth: int
    id: str
    role: str
    zone_id: str
    private_address: int
    public_address: int | None
    host_id: str | None
    wanted: int | None
    tombstone: bool | None
    observed: int | None
    phase: str | None
    detail: str | None


_g, _i, _p = vpn_gateways.c, instances.c, placements.c


@cache
def _page(*, of_region: bool, of_gateway: bool) -> Query[InstanceOverview]:
    chosen = select(_g.id).where(_g.account_id == bindparam("account_id"))
    if of_region:
        chosen = chosen.where(_g.region_id == bindparam("region_id"))
    if of_gateway:
        chosen = chosen.where(_g.id == bindparam("gateway_id"))
    chosen = chosen.where(
        tuple_(_g.created_at, _g.id)
        < tuple_(bindparam("created_at", type_=_g.created_at.type), bindparam("behind", type_=_g.id.type))
    )
    newest_first = _g.created_at.desc(), _g.id.desc()
    on_page = chosen.order_by(*newest_first).limit(bindparam("most"))
    return Query(
        select(
            _g.id,
            _g.name,
            _g.status,
            _g.region_id,
            _g.created_at,
            _g.bandwidth,
            _i.id,
            _i.role,
            _i.zone_id,
            _i.private_address,
            _i.public_address,
            _p.host_id,
            _p.wanted,
            _p.tombstone,
            _p.observed,
            _p.phase,
            _p.detail,
        )
        .select_from(vpn_gateways)
        .join(instances, _i.gateway_id == _g.id)
        .outerjoin(placements, and_(_p.resource_id == _g.id, _p.item_id == _i.id, _p.kind == Kind.INSTANCE.value))
        .where(_g.id.in_(on_page))
        .order_by(*newest_first, _i.role, _p.host_id),
        InstanceOverview,
    )


def page(
    transaction: Transaction, account_id: str, behind: Place, most: int, *, region_id: str = "", gateway_id: str = ""
) -> list[InstanceOverview]:
    """The instances of the next ``most`` gateways, the newest gateway first; of a region and a gateway if named."""
    return transaction.all(
        _page(of_region=bool(region_id), of_gateway=bool(gateway_id)),
        account_id=account_id,
        region_id=region_id,
        gateway_id=gateway_id,
        created_at=behind.created_at,
        behind=behind.gateway_id,
        most=most,
    )
