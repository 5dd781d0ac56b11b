"""Changing a connection or an attachment, and their tunnels: the same for all operations that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol

import msgspec

from gatewright.operations.call import Call
from gatewright.operations.vpn_connections import forms, health
from gatewright.operations.vpn_connections.configs import TunnelOptions
from gatewright.operations.vpn_connections.facts import own_address
from gatewright.operations.vpn_connections.subnets import joined
from gatewright.operations.vpn_connections.wishes import (
    Peer,
    Wish,
    changed,
    check_algorithms,
    check_apart,
    check_bgp,
    peer_of,
)
from gatewright.operations.vpn_gateways.updating import check_changeable, want_anew
from gatewright.operations.vpn_routes.automatic import NOTHING_SETTLED, settle_policies
from gatewright.reconcile.tunnels import forget_changed
from gatewright.resources.compile_tunnels import compile_tunnel
from gatewright.resources.tunnels import TunnelSpec
from gatewright.store import connections, gateways, tunnels
from gatewright.store.connections import ConnectionView
from gatewright.store.transaction import Transaction
from gatewright.store.tunnels import TunnelView


class Changed(NamedTuple):
    """A connection and its tunnels as they are now."""

    row: ConnectionView
    ends: list[TunnelView]


class Asked(forms.Flat, Protocol):
    """A request to change a connection or an attachment."""

    @property
    def name(self) -> str | None: ...
    @property
    def local_subnet(self) -> str | None: ...
    @property
    def remote_subnet(self) -> str | None: ...
    @property
    def auto_config_route(self) -> bool | None: ...
    @property
    def effect_immediately(self) -> bool | None: ...
    @property
    def enable_tunnels_bgp(self) -> bool | None: ...
    @property
    def tunnel_options_specification(self) -> Sequence[TunnelOptions]: ...


def change_as_asked(
    call: Call,
    row: ConnectionView,
    request: Asked,
    *,
    customer_gateway_id: str | None = None,
    network_type: str | None = None,
) -> Changed:
    """Change a connection as a request says, of one tunnel or of two. What is besides is of attachments.

    Raises ApiError.
    """
    ends = tunnels.of_connections(call.transaction, [row.id])[row.id]
    fields: dict[str, Any] = {
        "name": request.name,
        "network_type": network_type,
        "local_subnets": None if request.local_subnet is None else joined(request.local_subnet),
        "remote_subnets": None if request.remote_subnet is None else joined(request.remote_subnet),
        "auto_config_route": request.auto_config_route,
        "effect_immediately": request.effect_immediately,
    }
    if row.dual_tunnel:
        forms.refuse_flat(request, row.id)
        wishes = forms.named(request.tunnel_options_specification, row.id, ends)
        return change(call, row, ends, wishes, fields, bgp=request.enable_tunnels_bgp)
    forms.refuse_options(request.tunnel_options_specification, request.enable_tunnels_bgp, row.id)
    wishes = {ends[0].id: forms.flat(request, customer_gateway_id)}
    checked = health.fields(request.health_check_config, health.fields_of(row))
    now = {name: fields[name] or getattr(row, name) for name in ("local_subnets", "remote_subnets")}
    health.check(checked, now["local_subnets"], now["remote_subnets"])
    bgp = None if request.bgp_config is None else request.bgp_config.enable_bgp
    return change(call, row, ends, wishes, fields | checked, bgp=bgp)


def change(
    call: Call,
    row: ConnectionView,
    ends: Sequence[TunnelView],
    wishes: Mapping[str, Wish],
    fields: Mapping[str, Any],
    *,
    bgp: bool | None,
) -> Changed:
    """Change a connection or an attachment.

    ``wishes`` are what is said of tunnels, by their ids; ``fields`` the connection's columns that are given; ``bgp`` is
    whether its tunnels are to have BGP. What is None stays. Its gateway is ``updating`` if anything changes that its
    hosts must know. Raises ApiError.
    """
    transaction = call.transaction
    gateway = None if row.gateway_id is None else gateways.find_all(transaction, [row.gateway_id])[0]
    told = [wishes.get(each.id) or forms.of_tunnel(each.position + 1, TunnelOptions(), each.role) for each in ends]
    peers = [
        Peer(each.customer_gateway_id, each.peer_address, each.peer_asn, each.peer_key)
        if wish.options.customer_gateway_id is None
        else peer_of(call, wish)
        for each, wish in zip(ends, told, strict=True)
    ]
    if gateway is not None:
        check_changeable(call, gateway)
    after = msgspec.structs.replace(row, **{name: value for name, value in fields.items() if value is not None})
    if bgp is not None and row.dual_tunnel:
        after = msgspec.structs.replace(after, enable_tunnels_bgp=bgp)
    tunnels_after = [_changed(call, each, wish, peer, bgp) for each, wish, peer in zip(ends, told, peers, strict=True)]
    differing = [(wish, now) for wish, before, now in zip(told, ends, tunnels_after, strict=True) if now != before]
    new = [now for _, now in differing]
    # what was taken before the installation began to refuse it stays until it is changed
    check_algorithms(call, [wish for wish, _ in differing], new)
    check_bgp(told, tunnels_after, peers)
    if gateway is not None:
        check_apart(told, tunnels_after, peers, tunnels.beside(transaction, gateway.id))
    # nothing runs an attachment, so nothing was seen of it
    specs = {} if gateway is None else _specs(transaction, gateway.id, ends)
    connections.change(transaction, after)
    for each in new:
        tunnels.change(transaction, each)
    if gateway is None:
        return Changed(after, tunnels.of_connections(transaction, [row.id])[row.id])
    rebuilt = msgspec.structs.replace(after, name=row.name, auto_config_route=row.auto_config_route) != row
    settled = settle_policies(call, gateway, after) if _joins_others(row, after) else NOTHING_SETTLED
    forget_changed(transaction, specs, _specs(transaction, gateway.id, ends), call.now)
    if new or rebuilt or settled.policies:
        # the VPC's router learns of customers that speak BGP
        speaking = any(now.bgp_enabled != before.bgp_enabled for before, now in zip(ends, tunnels_after, strict=True))
        vpc_ids = [gateway.vpc_id] if speaking else settled.vpc_ids
        want_anew(call, [gateway], f"connection {row.id} changes", vpc_ids)
    return Changed(after, tunnels.of_connections(transaction, [row.id])[row.id])


def _specs(transaction: Transaction, gateway_id: str, ends: Sequence[TunnelView]) -> dict[str, TunnelSpec]:
    """What the hosts of a gateway are told of some of its tunnels as their rows are now, by their ids."""
    addresses = {each.id: own_address(each) for each in ends}
    facts = chain.from_iterable(tunnels.facts(transaction, [gateway_id]).values())
    return {each.id: compile_tunnel(each, addresses[each.id]) for each in facts if each.id in addresses}


def _joins_others(row: ConnectionView, after: ConnectionView) -> bool:
    """Whether a connection joins other networks than before, or has policies made by itself now and had not before."""
    names = ("local_subnets", "remote_subnets", "auto_config_route")
    return any(getattr(row, name) != getattr(after, name) for name in names)


def _changed(call: Call, row: TunnelView, wish: Wish, peer: Peer, bgp: bool | None) -> TunnelView:
    after = changed(call, row, wish.options)
    # who says what was told says nothing: it follows the ends' addresses as before
    theirs = (peer.address, row.peer_address) if not row.remote_id else (peer.address,)
    return msgspec.structs.replace(
        after,
        local_id="" if after.local_id == own_address(row) else after.local_id,
        remote_id="" if after.remote_id in theirs else after.remote_id,
        bgp_enabled=after.bgp_enabled if bgp is None else bgp,
        peer_address=peer.address,
        peer_asn=peer.asn,
        peer_key=peer.key,
    )
