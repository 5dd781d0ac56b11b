"""What the items of a gateway's diagnosis are made of, read from the rows."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

from gatewright.operations.call import Call
from gatewright.operations.diagnosis.situations import Diagnosed, Places, places_of, situations
from gatewright.operations.vpn_connections.facts import own_address
from gatewright.reconcile.vpn_routing import learning
from gatewright.resources import gateway_diagnosis as diagnosis
from gatewright.resources.diagnosis import diagnose
from gatewright.resources.gateway_diagnosis import Ends, Entry, Instance, Item, Pair
from gatewright.resources.troubles import spelled
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.resources.tunnels import EVERYWHERE
from gatewright.store import connections, gateways, route_tables, vpcs, vpn_policies, vpn_routes
from gatewright.store.connections import ConnectionView
from gatewright.store.gateways import GatewayView


def items_of(call: Call, gateway: GatewayView, connection: ConnectionView, pair: Pair | None) -> list[Item]:
    """All items of the diagnosis of a gateway and one of its connections; ``pair`` only if it is asked about."""
    transaction, quotas = call.transaction, call.installation.quotas
    diagnosed = situations(call, [connection])
    ends = [_ends(each) for each in diagnosed]
    routes = vpn_routes.of_gateways(transaction, [gateway.id])
    policies = vpn_policies.of_gateways(transaction, [gateway.id])
    through = {each.destination for each in routes if each.connection_id == connection.id}
    through |= {each.destination for each in policies if each.connection_id == connection.id}
    networks = () if _routed(connection) else tuple(connection.remote_subnets.split(","))
    tables = [row.id for row in route_tables.of_vpcs(transaction, [gateway.vpc_id])]
    entries = [
        Entry(row.route_table_id, row.destination, row.next_hop_id) for row in route_tables.entries(transaction, tables)
    ]
    inside = vpcs.networks(transaction, [gateway.vpc_id])[gateway.vpc_id]
    leading = {each.destination for each in entries if each.next_hop == gateway.id}
    known = sorted(each for each in {*through, *networks} if _within(each, leading))
    bgp = any(each.tunnel.bgp_enabled for each in diagnosed)
    propagated = bgp and bool(learning(transaction, [gateway.vpc_id])[gateway.vpc_id].tables)
    found = [
        diagnosis.conflicts(gateway.id, {*through, *networks}, inside, entries),
        diagnosis.quota("VpnRouteQuota", "quota_vpn_routes", quotas.vpn_routes, len(routes)),
        diagnosis.quota("VpnPbrRouteQuota", "quota_vpn_routes", quotas.vpn_routes, len(policies)),
        diagnosis.quota(
            "VpnIPsecQuota",
            "quota_vpn_connections",
            quotas.vpn_connections,
            connections.count(transaction, gateway.id),
        ),
        diagnosis.consistency(ends),
        diagnosis.reachability(ends),
        diagnosis.instances(gateway.status, _instances(call, gateway)),
        diagnosis.negotiation(ends),
        diagnosis.routes(known, sorted({*through, *networks} - set(known)), propagated),
    ]
    if pair is not None:
        hindrances = _hindrances(pair, ends, inside, leading, {*through, *networks}, bgp=bgp, propagated=propagated)
        found.insert(6, diagnosis.private(pair, hindrances))
    return found


def _ends(diagnosed: Diagnosed) -> Ends:
    tunnel, dual = diagnosed.tunnel, diagnosed.connection.dual_tunnel
    told = {
        "IkeConfig.IkeVersion": tunnel.ike_version,
        "IkeConfig.IkeMode": tunnel.ike_mode,
        "IkeConfig.IkeEncAlg": tunnel.ike_encryption,
        "IkeConfig.IkeAuthAlg": tunnel.ike_authentication,
        "IkeConfig.IkePfs": tunnel.ike_group,
        "IkeConfig.LocalId": tunnel.local_id or own_address(tunnel),
        "IkeConfig.RemoteId": tunnel.remote_id or tunnel.peer_address,
        "IpsecConfig.IpsecEncAlg": tunnel.ipsec_encryption,
        "IpsecConfig.IpsecAuthAlg": tunnel.ipsec_authentication,
        "IpsecConfig.IpsecPfs": tunnel.ipsec_group,
    }
    return Ends(
        tunnel_id=tunnel.id,
        role=tunnel.role,
        peer=tunnel.peer_address,
        status=TunnelStatus(tunnel.status),
        configured={spelled(name, dual=dual): value for name, value in told.items()},
        findings=diagnose(diagnosed.situation),
    )


def _instances(call: Call, gateway: GatewayView) -> list[Instance]:
    places: Places = places_of(call, [gateway.id])
    return [
        Instance(row.id, row.zone_id, place.current, place.away, place.detail)
        for row in gateways.instances_of(call.transaction, [gateway.id])
        if (place := places.get(row.id)) is not None
    ]


def _routed(connection: ConnectionView) -> bool:
    return connection.local_subnets == connection.remote_subnets == EVERYWHERE


def _within(destination: str, leading: set[str]) -> bool:
    """Whether some of a destination is led to the gateway."""
    return any(IPv4Network(destination).overlaps(IPv4Network(each)) for each in leading)


def _hindrances(
    pair: Pair,
    ends: Sequence[Ends],
    inside: Sequence[str],
    leading: set[str],
    behind: set[str],
    *,
    bgp: bool,
    propagated: bool,
) -> list[str]:
    """What keeps packets from one address to the other, as far as it is configured here."""

    def among(address: str, networks: Sequence[str] | set[str]) -> bool:
        return any(IPv4Address(address) in IPv4Network(each) for each in networks)

    found = []
    if not among(pair.source, inside):
        found.append(f"PrivateSourceIp {pair.source} is in no network of the VPC")
    if not among(pair.destination, leading) and not propagated:
        found.append(f"no route of the VPC leads to the gateway for {pair.destination}: PublishVpnRouteEntry")
    if not among(pair.destination, behind) and not bgp:
        found.append(
            f"nothing leads {pair.destination} into the connection: RemoteSubnet, CreateVpnRouteEntry or "
            "CreateVpnPbrRouteEntry"
        )
    if not any(end.status is TunnelStatus.IPSEC_SA_ESTABLISHED for end in ends):
        found.append("no tunnel of the connection is up: DiagnoseVpnConnections says why")
    return found
