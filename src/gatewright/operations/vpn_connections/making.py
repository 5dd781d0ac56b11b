"""The rows of a new connection or attachment, from what a request says."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from typing import Protocol

import msgspec

from gatewright import ids
from gatewright.operations.call import Call
from gatewright.operations.vpn_connections import forms, health
from gatewright.operations.vpn_connections.configs import RANDOM_PSK
from gatewright.operations.vpn_connections.subnets import joined
from gatewright.operations.vpn_connections.wishes import Wish, changed
from gatewright.resources.connection_status import UNSEEN
from gatewright.store import tunnel_states
from gatewright.store.connections import ConnectionRow
from gatewright.store.tunnels import TunnelRow

_LETTERS = string.ascii_letters + string.digits


class Asked(forms.Flat, Protocol):
    """A request for a connection or an attachment."""

    @property
    def name(self) -> str | None: ...
    @property
    def local_subnet(self) -> str: ...
    @property
    def remote_subnet(self) -> str: ...
    @property
    def auto_config_route(self) -> bool: ...
    @property
    def effect_immediately(self) -> bool: ...
    @property
    def enable_tunnels_bgp(self) -> bool: ...


def new_connection(
    call: Call,
    request: Asked,
    *,
    region_id: str,
    resource_group_id: str,
    gateway_id: str | None,
    attach_type: str,
    network_type: str,
    tunnel_bandwidth: str,
    dual: bool,
) -> ConnectionRow:
    """The connection that a request asks for, of one tunnel or of two."""
    return ConnectionRow(
        id=ids.resource_id("vco", region_id),
        account_id=call.account_id,
        region_id=region_id,
        resource_group_id=resource_group_id,
        gateway_id=gateway_id,
        attach_type=attach_type,
        network_type=network_type,
        tunnel_bandwidth=tunnel_bandwidth,
        name=request.name or "",
        local_subnets=joined(request.local_subnet),
        remote_subnets=joined(request.remote_subnet),
        auto_config_route=request.auto_config_route,
        effect_immediately=request.effect_immediately,
        dual_tunnel=dual,
        enable_tunnels_bgp=dual and request.enable_tunnels_bgp,
        created_at=call.now,
        # two tunnels have none
        **health.fields(None if dual else request.health_check_config, health.OFF),
    )


def new_tunnels(
    call: Call, request: Asked, connection: ConnectionRow, wishes: Sequence[Wish], instance_ids: Sequence[str | None]
) -> list[TunnelRow]:
    """The tunnels of a new connection, their numbers not chosen; each ends at its instance, or nowhere."""
    one_has_bgp = bool(request.bgp_config and request.bgp_config.enable_bgp)
    bgp = connection.enable_tunnels_bgp if connection.dual_tunnel else one_has_bgp
    plain = [
        TunnelRow(
            id=ids.resource_id("tun", connection.region_id),
            connection_id=connection.id,
            gateway_id=connection.gateway_id,
            instance_id=instance_id,
            role=wish.role,
            position=position,
            number=0,
            customer_gateway_id=wish.options.customer_gateway_id or "",
            psk=b"",
            psk_version=0,
            ike_version="ikev1",
            ike_mode="main",
            ike_encryption="aes",
            ike_authentication="md5",
            ike_group="group2",
            ike_lifetime=86_400,
            local_id="",
            remote_id="",
            ipsec_encryption="aes",
            ipsec_authentication="md5",
            ipsec_group="group2",
            ipsec_lifetime=86_400,
            enable_dpd=True,
            enable_nat_traversal=True,
            bgp_enabled=bgp,
            bgp_local_asn=None,
            bgp_network="",
            bgp_local_address="",
            status=UNSEEN.status.value,
            bgp_status=UNSEEN.bgp.value,
            health_status=UNSEEN.health.value,
            detail="",
            troubles=tunnel_states.NOTHING,
            learned=tunnel_states.NOTHING,
            learned_count=0,
            clock_ahead=None,
            seen_at=None,
        )
        for position, (wish, instance_id) in enumerate(zip(wishes, instance_ids, strict=True))
    ]
    return [changed(call, row, _with_key(wish).options) for row, wish in zip(plain, wishes, strict=True)]


def _with_key(wish: Wish) -> Wish:
    """The wish with a pre-shared key that is made up, if it has none."""
    ike = wish.options.tunnel_ike_config
    if ike.psk is not None:
        return wish
    made_up = "".join(secrets.choice(_LETTERS) for _ in range(RANDOM_PSK))
    with_key = msgspec.structs.replace(ike, psk=made_up)
    return wish._replace(options=msgspec.structs.replace(wish.options, tunnel_ike_config=with_key))
