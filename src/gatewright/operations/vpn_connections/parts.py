"""Connections and tunnels as answers tell them."""

from __future__ import annotations

from gatewright.operations.declaration import Part
from gatewright.operations.tags import TagList


class IkePart(Part, kw_only=True):
    psk: str
    ike_version: str
    ike_mode: str
    ike_enc_alg: str
    ike_auth_alg: str
    ike_pfs: str
    ike_lifetime: int
    local_id: str
    remote_id: str


class IpsecPart(Part, kw_only=True):
    ipsec_enc_alg: str
    ipsec_auth_alg: str
    ipsec_pfs: str
    ipsec_lifetime: int


class TunnelBgpPart(Part, kw_only=True):
    local_asn: int
    tunnel_cidr: str
    local_bgp_ip: str
    peer_asn: int | None = None
    peer_bgp_ip: str


class SeenTunnelBgpPart(TunnelBgpPart, kw_only=True):
    bgp_status: str


class _BgpPart(Part, kw_only=True):
    """What is told of BGP whether it is configured or not."""

    local_asn: int | None = None
    tunnel_cidr: str | None = None
    local_bgp_ip: str | None = None
    peer_asn: int | None = None
    peer_bgp_ip: str | None = None


class ChangedOneBgpPart(_BgpPart, kw_only=True):
    enable_bgp: bool


class ConnectionBgpPart(_BgpPart, kw_only=True):
    status: str


class ChangedBgpPart(ConnectionBgpPart, kw_only=True):
    #: ``true`` or ``false``.
    enable_bgp: str


class DescribedBgpPart(ConnectionBgpPart, kw_only=True):
    #: ``true`` or ``false``.
    enable_bgp: str
    auth_key: str | None = None


class ListedBgpPart(ConnectionBgpPart, kw_only=True):
    auth_key: str | None = None


class HealthPart(Part, kw_only=True):
    #: ``true`` or ``false``.
    enable: str
    dip: str
    sip: str
    interval: int
    retry: int


class SeenHealthPart(HealthPart, kw_only=True):
    policy: str
    status: str


class TunnelPart(Part, kw_only=True):
    """What every answer tells of one of two tunnels."""

    tunnel_id: str
    role: str
    zone_no: str | None = None
    customer_gateway_id: str
    internet_ip: str | None = None
    enable_dpd: bool
    enable_nat_traversal: bool
    state: str
    tunnel_ike_config: IkePart
    tunnel_ipsec_config: IpsecPart


class ChangedTunnelPart(TunnelPart, kw_only=True):
    tunnel_bgp_config: TunnelBgpPart | None = None


class SeenTunnelPart(TunnelPart, kw_only=True):
    status: str
    #: Of an attachment.
    tunnel_index: int | None = None
    tunnel_bgp_config: SeenTunnelBgpPart | None = None


class SeenTunnelList(Part, kw_only=True):
    tunnel_options: list[SeenTunnelPart]


class ChangedTunnelList(Part, kw_only=True):
    tunnel_options: list[ChangedTunnelPart]


class ConnectionPart(Part, kw_only=True):
    """What both descriptions tell of a connection. What is one tunnel's is told here of a single-tunnel one only."""

    vpn_connection_id: str
    vpn_gateway_id: str
    name: str
    attach_type: str
    network_type: str
    spec: str
    resource_group_id: str
    create_time: int
    state: str
    status: str
    local_subnet: str
    remote_subnet: str
    effect_immediately: bool
    enable_tunnels_bgp: bool
    #: Of an attachment, as is the next one.
    tunnel_bandwidth: str | None = None
    cross_account_authorized: bool | None = None
    customer_gateway_id: str | None = None
    internet_ip: str | None = None
    enable_dpd: bool | None = None
    enable_nat_traversal: bool | None = None
    ike_config: IkePart | None = None
    ipsec_config: IpsecPart | None = None
    vco_health_check: SeenHealthPart | None = None
    tunnel_options_specification: SeenTunnelList


class DescribedConnection(ConnectionPart, kw_only=True):
    zone_no: str | None = None
    vpn_bgp_config: DescribedBgpPart | None = None
    tags: TagList


class ListedConnection(ConnectionPart, kw_only=True):
    vpn_bgp_config: ListedBgpPart | None = None
    tag: TagList
