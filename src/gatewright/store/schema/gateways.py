"""VPN gateways and their instances."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from gatewright.store.schema.base import metadata

vpn_gateways = Table(
    "vpn_gateways",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    #: ``Traditional`` or ``Enhanced.SiteToSite``.
    Column("gateway_type", String(32), nullable=False),
    Column("vpc_id", String(64), nullable=False),
    Column("vswitch_id", String(64), nullable=False),
    #: Null in a single-tunnel region.
    Column("disaster_recovery_vswitch_id", String(64)),
    Column("resource_group_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("bandwidth", Integer, nullable=False),
    Column("network_type", String(16), nullable=False),
    Column("vpn_type", String(32), nullable=False),
    Column("enable_ipsec", Boolean, nullable=False),
    Column("enable_ssl", Boolean, nullable=False),
    Column("ssl_connections", Integer, nullable=False),
    #: The address of SSL-VPN on a dual-tunnel public gateway, which has one of its own.
    Column("ssl_address", BigInteger),
    Column("auto_propagate", Boolean, nullable=False),
    Column("charge_type", String(16), nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    #: Null without a term: pay-as-you-go.
    Column("ends_at", BigInteger),
    Index(None, "account_id", "region_id", "created_at", "id"),
    Index(None, "vpc_id"),
)

instances = Table(
    "instances",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("gateway_id", String(64), nullable=False),
    Column("role", String(8), nullable=False),
    Column("zone_id", String(64), nullable=False),
    Column("vswitch_id", String(64), nullable=False),
    Column("private_address", BigInteger, nullable=False),
    #: Null for a private gateway.
    Column("public_address", BigInteger),
    Index(None, "gateway_id"),
    Index(None, "vswitch_id"),
)
