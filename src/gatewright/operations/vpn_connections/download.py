"""DownloadVpnConnectionConfig."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, Operation, Parameter, Part, Request, Response
from gatewright.operations.vpn_connections.facts import (
    NOT_FOUND,
    bgp_facts,
    find_connection,
    ike_part,
    ipsec_part,
    own_address,
)
from gatewright.operations.vpn_connections.parts import IkePart, IpsecPart
from gatewright.store import tunnels
from gatewright.store.tunnels import TunnelView


class DownloadVpnConnectionConfigRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_connection_id: Annotated[str, Parameter()]


class TunnelConfigPart(Part, kw_only=True):
    tunnel_id: str
    local: str
    remote: str
    ike_config: IkePart
    ipsec_config: IpsecPart


class TunnelConfigList(Part, kw_only=True):
    tunnel_config: list[TunnelConfigPart]


class PeerBgpPart(Part, kw_only=True):
    tunnel_id: str
    local_asn: str
    local_bgp_ip: str
    peer_asn: str
    peer_bgp_ip: str
    tunnel_cidr: str


class PeerBgpList(Part, kw_only=True):
    bgp_config: list[PeerBgpPart]


class PeerConfigPart(Part, kw_only=True):
    """A connection from the device's side. What is one tunnel's stands here of a single-tunnel one only."""

    local: str | None = None
    local_subnet: str
    remote: str | None = None
    remote_subnet: str
    ike_config: IkePart | None = None
    ipsec_config: IpsecPart | None = None
    tunnels_config: TunnelConfigList
    bgp_configs: PeerBgpList


class DownloadVpnConnectionConfigResponse(Response, kw_only=True):
    vpn_connection_config: PeerConfigPart


class DownloadVpnConnectionConfig(Operation[DownloadVpnConnectionConfigRequest, DownloadVpnConnectionConfigResponse]):
    """Tell what the customer's device has to be configured with, from its side, the pre-shared keys included.

    ``Local``, ``LocalId`` and ``LocalSubnet`` are the device's, as the current documentation has it (older pages have
    them the other way round). Of a dual-tunnel connection everything but the subnets stands in ``TunnelsConfig``, in
    the order in which the tunnels were given (*assumed*). BGP is told where it is enabled.
    """

    access = Access.READ
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: DownloadVpnConnectionConfigRequest) -> DownloadVpnConnectionConfigResponse:
        row = find_connection(call, request.vpn_connection_id)
        ends = tunnels.of_connections(call.transaction, [row.id])[row.id]
        parts = [_tunnel(call, each) for each in ends]
        config = PeerConfigPart(
            local_subnet=row.remote_subnets,
            remote_subnet=row.local_subnets,
            tunnels_config=TunnelConfigList(tunnel_config=parts if row.dual_tunnel else []),
            bgp_configs=PeerBgpList(bgp_config=[_session(each) for each in ends if each.bgp_enabled]),
        )
        if not row.dual_tunnel:
            (only,) = parts
            config.local, config.remote = only.local, only.remote
            config.ike_config, config.ipsec_config = only.ike_config, only.ipsec_config
        return DownloadVpnConnectionConfigResponse(vpn_connection_config=config)


def _tunnel(call: Call, tunnel: TunnelView) -> TunnelConfigPart:
    ike = ike_part(call, tunnel)
    ike.local_id, ike.remote_id = ike.remote_id, ike.local_id
    return TunnelConfigPart(
        tunnel_id=tunnel.id,
        local=tunnel.peer_address,
        remote=own_address(tunnel),
        ike_config=ike,
        ipsec_config=ipsec_part(tunnel),
    )


def _session(tunnel: TunnelView) -> PeerBgpPart:
    facts = bgp_facts(tunnel)
    return PeerBgpPart(
        tunnel_id=tunnel.id,
        local_asn=str(facts["peer_asn"]),
        local_bgp_ip=facts["peer_bgp_ip"],
        peer_asn=str(facts["local_asn"]),
        peer_bgp_ip=facts["local_bgp_ip"],
        tunnel_cidr=facts["tunnel_cidr"],
    )
