"""What requests say of a connection's tunnels: phase 1, phase 2, BGP, health checks.

A single-tunnel connection is told flat, in JSON texts (``IkeConfig``); the tunnels of a dual-tunnel one are objects
(``TunnelOptionsSpecification.1.TunnelIkeConfig``) with the same fields. What is not given has its documented value when
a connection is made, and stays as it is when one is changed.
"""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.declaration import Between, Item, Matches, OneOf, Parameter, Satisfies
from gatewright.resources import algorithms, bgp_addresses
from gatewright.resources.addresses import is_address, is_hosts_address

#: A pre-shared key that was left out is made up, of so many letters and digits.
RANDOM_PSK = 16
_VISIBLE = Matches(r"[!-~]{1,100}", "must be 1 to 100 ASCII characters without blanks")
_LIFETIME = Between(0, algorithms.LONGEST_LIFETIME)
_ADDRESS = Satisfies(is_address, "must be an IPv4 address such as 10.0.0.5")
_HOST = Satisfies(is_hosts_address, "must be an IPv4 address that a host can have, such as 10.0.0.5")

Encryption = Annotated[str | None, Parameter(OneOf(*algorithms.ENCRYPTION))]
Authentication = Annotated[str | None, Parameter(OneOf(*algorithms.AUTHENTICATION))]
Lifetime = Annotated[int | None, Parameter(_LIFETIME)]
#: Who one end says that it is.
Identity = Annotated[str | None, Parameter(_VISIBLE)]


class IkeConfig(Item, kw_only=True, frozen=True):
    """Phase 1."""

    psk: Annotated[str | None, Parameter(_VISIBLE, secret=True)] = None
    ike_version: Annotated[str | None, Parameter(OneOf(*algorithms.IKE_VERSIONS))] = None
    ike_mode: Annotated[str | None, Parameter(OneOf(*algorithms.IKE_MODES))] = None
    ike_enc_alg: Encryption = None
    ike_auth_alg: Authentication = None
    ike_pfs: Annotated[str | None, Parameter(OneOf(*algorithms.GROUPS))] = None
    #: Seconds; 0 for no end.
    ike_lifetime: Lifetime = None
    local_id: Identity = None
    remote_id: Identity = None


class IpsecConfig(Item, kw_only=True, frozen=True):
    """Phase 2."""

    ipsec_enc_alg: Encryption = None
    ipsec_auth_alg: Authentication = None
    ipsec_pfs: Annotated[str | None, Parameter(OneOf(*algorithms.PFS_GROUPS))] = None
    ipsec_lifetime: Lifetime = None


class TunnelBgpConfig(Item, kw_only=True, frozen=True):
    """The gateway's end of BGP in one tunnel."""

    local_asn: Annotated[int | None, Parameter(Between(1, 2**32 - 1))] = None
    tunnel_cidr: Annotated[
        str | None, Parameter(Satisfies(bgp_addresses.is_tunnel_network, bgp_addresses.TUNNEL_NETWORK_RULE))
    ] = None
    local_bgp_ip: Annotated[str | None, Parameter(_ADDRESS)] = None


class BgpConfig(TunnelBgpConfig, kw_only=True, frozen=True):
    """The same of a single-tunnel connection, which says here whether there is BGP."""

    enable_bgp: Annotated[bool | None, Parameter()] = None


class HealthCheckConfig(Item, kw_only=True, frozen=True):
    """Probes through the tunnel."""

    enable: Annotated[bool | None, Parameter()] = None
    dip: Annotated[str | None, Parameter(_HOST)] = None
    sip: Annotated[str | None, Parameter(_HOST)] = None
    #: Seconds.
    interval: Annotated[int | None, Parameter(Between(1, 600))] = None
    retry: Annotated[int | None, Parameter(Between(1, 100))] = None
    policy: Annotated[str | None, Parameter(OneOf("revoke_route", "reserve_route"))] = None


class TunnelOptions(Item, kw_only=True, frozen=True):
    """What can be said of one of two tunnels, whether it is made or changed."""

    customer_gateway_id: Annotated[str | None, Parameter()] = None
    enable_dpd: Annotated[bool | None, Parameter()] = None
    enable_nat_traversal: Annotated[bool | None, Parameter()] = None
    tunnel_ike_config: Annotated[IkeConfig, Parameter()] = IkeConfig()
    tunnel_ipsec_config: Annotated[IpsecConfig, Parameter()] = IpsecConfig()
    tunnel_bgp_config: Annotated[TunnelBgpConfig, Parameter()] = TunnelBgpConfig()


class GatewayTunnelOptions(TunnelOptions, kw_only=True, frozen=True):
    """The same of a VPN gateway's connection."""

    remote_ca_certificate: Annotated[str | None, Parameter()] = None


Role = Annotated[str | None, Parameter(OneOf("master", "slave"))]
