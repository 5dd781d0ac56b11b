"""VPCs, vSwitches and routes of VPCs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from gatewright.store.schema.base import metadata

vpcs = Table(
    "vpcs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("cidr_block", String(18), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("user_cidrs", Text, nullable=False),
    #: Comma-separated networks beside ``cidr_block``.
    Column("secondary_cidrs", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("resource_group_id", String(64), nullable=False),
    Column("vrouter_id", String(64), nullable=False),
    Column("vrouter_name", Text, nullable=False),
    Column("vrouter_description", Text, nullable=False),
    #: The system route table.
    Column("route_table_id", String(64), nullable=False),
    #: When it is ``Available``: at once, unless somebody steers the simulated plane otherwise.
    Column("available_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "account_id", "region_id", "created_at", "id"),
)

vswitches = Table(
    "vswitches",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("vpc_id", String(64), nullable=False),
    Column("zone_id", String(64), nullable=False),
    Column("cidr_block", String(18), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    #: The route table that it is associated with: the VPC's system one, or a custom one.
    Column("route_table_id", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    #: Deleted, and not yet confirmed to be gone by its hosts.
    Column("deleting", Boolean, nullable=False),
    #: The number of its VXLAN, which tells its frames from another's between hosts.
    Column("vni", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("vni"),
    Index(None, "account_id", "region_id", "created_at", "id"),
    Index(None, "vpc_id"),
)

route_tables = Table(
    "route_tables",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("vpc_id", String(64), nullable=False),
    #: ``System`` or ``Custom``.
    Column("type", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    #: Whether routes that are learnt by themselves (from gateways) enter the table.
    Column("propagation", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "account_id", "region_id", "created_at", "id"),
    Index(None, "vpc_id"),
)

route_entries = Table(
    "route_entries",
    metadata,
    #: Custom entries; what a table says of its VPC's own networks follows from the vSwitches.
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("route_table_id", String(64), nullable=False),
    Column("destination", String(18), nullable=False),
    Column("next_hop_type", String(32), nullable=False),
    Column("next_hop_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    UniqueConstraint("route_table_id", "destination"),
    Index(None, "next_hop_id"),
)
