"""What every operation on a connection needs: finding it, and telling how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.customer_gateways.facts import opened_key
from gatewright.operations.vpn_connections.parts import (
    ChangedBgpPart,
    ChangedTunnelPart,
    IkePart,
    IpsecPart,
    SeenHealthPart,
    SeenTunnelBgpPart,
    SeenTunnelList,
    SeenTunnelPart,
    TunnelBgpPart,
)
from gatewright.operations.vpn_connections.wishes import local_asn, opened
from gatewright.resources import bgp_addresses
from gatewright.resources.addresses import dotted
from gatewright.resources.connection_status import ConnectionState, TunnelWord, connection_state, connection_status
from gatewright.resources.statuses import Seen
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, TunnelStatus
from gatewright.store import connections, placements
from gatewright.store.connections import ConnectionView
from gatewright.store.tunnels import TunnelView

#: ``TunnelBandwidth`` of an attachment, Mbit/s.
TUNNEL_BANDWIDTHS = {"Standard": 1000, "Large": 3000}

NOT_FOUND = ErrorRow(
    404,
    "InvalidVpnConnectionInstanceId.NotFound",
    "The specified vpn connection instance id does not exist.",
    "DescribeVpnConnections lists the connections of a region.",
)


def find_connection(call: Call, connection_id: str, parameter: str = "VpnConnectionId") -> ConnectionView:
    """The account's connection in the request's region. Raises InvalidVpnConnectionInstanceId.NotFound."""
    row = connections.view(call.transaction, call.account_id, connection_id)
    if row is None or not call.here(row.region_id):
        raise NOT_FOUND(parameter, connection_id, f"names no IPsec connection of this account {call.where}")
    return row


def find_of_a_gateway(call: Call, connection_id: str) -> ConnectionView:
    """The account's connection of a VPN gateway. Raises InvalidVpnConnectionInstanceId.NotFound."""
    row = find_connection(call, connection_id)
    if row.gateway_id is None:
        rule = "is an attachment: ModifyVpnAttachmentAttribute and DeleteVpnAttachment are for it"
        raise NOT_FOUND("VpnConnectionId", connection_id, rule)
    return row


def find_attachment(call: Call, connection_id: str, parameter: str = "VpnConnectionId") -> ConnectionView:
    """The account's attachment in the request's region. Raises InvalidVpnConnectionInstanceId.NotFound."""
    row = find_connection(call, connection_id, parameter)
    if row.gateway_id is not None:
        raise NOT_FOUND(parameter, connection_id, f"is no attachment, but a connection of {row.gateway_id}")
    return row


def states_of(call: Call, rows: Sequence[ConnectionView]) -> dict[str, ConnectionState]:
    """``State`` of connections, by their ids: all of a gateway's have the same. Nothing is ever attached here."""
    gateway_ids = list(dict.fromkeys(row.gateway_id for row in rows if row.gateway_id is not None))
    placed: dict[str, list[Seen]] = {gateway_id: [] for gateway_id in gateway_ids}
    for row in placements.of_resources(call.transaction, gateway_ids):
        placed[row.resource_id].append(row.seen)
    states = {gateway_id: connection_state(seen) for gateway_id, seen in placed.items()}
    return {row.id: ConnectionState.INIT if row.gateway_id is None else states[row.gateway_id] for row in rows}


def status_of(ends: Sequence[TunnelView]) -> TunnelStatus:
    """``Status`` of a connection with these tunnels."""
    return connection_status(
        TunnelWord(TunnelStatus(each.status), BgpStatus(each.bgp_status), HealthStatus(each.health_status))
        for each in ends
    ).status


def own_address(tunnel: TunnelView) -> str:
    """Where IKE of a tunnel answers: the instance's public address, or a private gateway's private one."""
    address = tunnel.private_address if tunnel.public_address is None else tunnel.public_address
    return "" if address is None else dotted(address)


def ike_part(call: Call, tunnel: TunnelView) -> IkePart:
    """A tunnel's phase 1, with the identities that are really in force."""
    return IkePart(
        psk=opened(call, tunnel),
        ike_version=tunnel.ike_version,
        ike_mode=tunnel.ike_mode,
        ike_enc_alg=tunnel.ike_encryption,
        ike_auth_alg=tunnel.ike_authentication,
        ike_pfs=tunnel.ike_group,
        ike_lifetime=tunnel.ike_lifetime,
        local_id=tunnel.local_id or own_address(tunnel),
        remote_id=tunnel.remote_id or tunnel.peer_address,
    )


def ipsec_part(tunnel: TunnelView) -> IpsecPart:
    """A tunnel's phase 2."""
    return IpsecPart(
        ipsec_enc_alg=tunnel.ipsec_encryption,
        ipsec_auth_alg=tunnel.ipsec_authentication,
        ipsec_pfs=tunnel.ipsec_group,
        ipsec_lifetime=tunnel.ipsec_lifetime,
    )


def bgp_facts(tunnel: TunnelView) -> dict[str, Any]:
    """The two ends of BGP in a tunnel; nothing where none was given."""
    if not tunnel.bgp_network:
        return {} if tunnel.bgp_local_asn is None else {"local_asn": tunnel.bgp_local_asn}
    return {
        "local_asn": local_asn(tunnel),
        "tunnel_cidr": tunnel.bgp_network,
        "local_bgp_ip": tunnel.bgp_local_address,
        "peer_asn": tunnel.peer_asn,
        "peer_bgp_ip": bgp_addresses.other_end(tunnel.bgp_network, tunnel.bgp_local_address),
    }


def tunnel_facts(call: Call, tunnel: TunnelView, state: ConnectionState) -> dict[str, Any]:
    """What every answer tells of one of two tunnels."""
    return {
        "tunnel_id": tunnel.id,
        "role": tunnel.role,
        "zone_no": tunnel.zone_id,
        "customer_gateway_id": tunnel.customer_gateway_id,
        "internet_ip": own_address(tunnel),
        "enable_dpd": tunnel.enable_dpd,
        "enable_nat_traversal": tunnel.enable_nat_traversal,
        # of an attachment nothing is to be brought about, so its tunnels are as they are wanted
        "state": (ConnectionState.ACTIVE if state is ConnectionState.INIT else state).value,
        "tunnel_ike_config": ike_part(call, tunnel),
        "tunnel_ipsec_config": ipsec_part(tunnel),
    }


def _seen(call: Call, tunnel: TunnelView, state: ConnectionState) -> SeenTunnelPart:
    bgp = None
    if tunnel.bgp_network:
        bgp = SeenTunnelBgpPart(**bgp_facts(tunnel), bgp_status=tunnel.bgp_status)
    index = tunnel.number if tunnel.gateway_id is None else None
    facts = tunnel_facts(call, tunnel, state)
    return SeenTunnelPart(**facts, status=tunnel.status, tunnel_bgp_config=bgp, tunnel_index=index)


def changed_tunnel(call: Call, tunnel: TunnelView, state: ConnectionState) -> ChangedTunnelPart:
    """One of two tunnels, as the answer to a change of their connection tells it."""
    bgp = TunnelBgpPart(**bgp_facts(tunnel)) if tunnel.bgp_network else None
    return ChangedTunnelPart(**tunnel_facts(call, tunnel, state), tunnel_bgp_config=bgp)


def facts_of(call: Call, row: ConnectionView, ends: Sequence[TunnelView], state: ConnectionState) -> dict[str, Any]:
    """What both descriptions tell of a connection alike; ``ends`` are its tunnels."""
    facts = {
        "vpn_connection_id": row.id,
        "vpn_gateway_id": row.gateway_id or "",
        "name": row.name,
        "attach_type": row.attach_type,
        "network_type": row.gateway_network_type or row.network_type,
        "spec": spec_of(row),
        "resource_group_id": row.gateway_group_id or row.resource_group_id,
        "create_time": row.created_at,
        "state": state.value,
        "status": status_of(ends).value,
        "local_subnet": row.local_subnets,
        "remote_subnet": row.remote_subnets,
        "effect_immediately": row.effect_immediately,
        "enable_tunnels_bgp": row.enable_tunnels_bgp,
        "tunnel_options_specification": SeenTunnelList(
            tunnel_options=[_seen(call, tunnel, state) for tunnel in ends] if row.dual_tunnel else []
        ),
    }
    if row.gateway_id is None:
        facts |= {"tunnel_bandwidth": row.tunnel_bandwidth, "cross_account_authorized": False}
    return facts if row.dual_tunnel else facts | _of_the_only(call, row, ends[0])


def changed_facts(call: Call, row: ConnectionView, ends: Sequence[TunnelView]) -> dict[str, Any]:
    """What the answers to changes of connections and of attachments tell alike; ``ends`` are its tunnels."""
    facts = {
        "vpn_connection_id": row.id,
        "vpn_gateway_id": row.gateway_id or "",
        "name": row.name,
        "resource_group_id": row.gateway_group_id or row.resource_group_id,
        "create_time": row.created_at,
        "local_subnet": row.local_subnets,
        "remote_subnet": row.remote_subnets,
        "effect_immediately": row.effect_immediately,
        "enable_tunnels_bgp": row.enable_tunnels_bgp,
    }
    if row.dual_tunnel:
        return facts
    (only,) = ends
    return facts | {
        "customer_gateway_id": only.customer_gateway_id,
        "enable_dpd": only.enable_dpd,
        "enable_nat_traversal": only.enable_nat_traversal,
        "ike_config": ike_part(call, only),
        "ipsec_config": ipsec_part(only),
        "vpn_bgp_config": ChangedBgpPart(
            **bgp_facts(only), status=only.bgp_status, enable_bgp=wire_bool(only.bgp_enabled)
        ),
    }


def spec_of(row: ConnectionView) -> str:
    """``Spec``: the bandwidth of a connection's gateway, or of one tunnel of an attachment, Mbit/s."""
    return f"{row.gateway_bandwidth or TUNNEL_BANDWIDTHS[row.tunnel_bandwidth]}M"


def _of_the_only(call: Call, row: ConnectionView, tunnel: TunnelView) -> dict[str, Any]:
    return {
        "customer_gateway_id": tunnel.customer_gateway_id,
        "internet_ip": own_address(tunnel),
        "enable_dpd": tunnel.enable_dpd,
        "enable_nat_traversal": tunnel.enable_nat_traversal,
        "ike_config": ike_part(call, tunnel),
        "ipsec_config": ipsec_part(tunnel),
        "vco_health_check": SeenHealthPart(**health_facts(row), policy=row.health_policy, status=tunnel.health_status),
    }


def health_facts(row: ConnectionView) -> dict[str, Any]:
    """A single-tunnel connection's health check."""
    return {
        "enable": wire_bool(row.health_enabled),
        "dip": row.health_destination,
        "sip": row.health_source,
        "interval": row.health_interval,
        "retry": row.health_retry,
    }


def session_facts(call: Call, tunnel: TunnelView) -> dict[str, Any]:
    """BGP of a single-tunnel connection, as both descriptions tell it."""
    key = opened_key(call, tunnel.customer_gateway_id, tunnel.peer_key) if tunnel.bgp_enabled else None
    return {**bgp_facts(tunnel), "status": tunnel.bgp_status, "auth_key": key}


def wire_bool(value: bool) -> str:
    """A boolean that the API tells as a text."""
    return "true" if value else "false"
