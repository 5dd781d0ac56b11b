"""What is around a gateway: route tables, tags, resource groups, capacities, and what VPCs and vSwitches have of them.

What is there already gets what it has meant all along: an account's default resource group, a VPC's system route table.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create()
    op.execute(
        "INSERT INTO resource_groups (id, account_id, name, display_name, created_at)"
        " SELECT 'rg-' || id, id, 'default', 'default resource group', created_at FROM accounts"
    )
    op.execute(
        "INSERT INTO route_tables (id, account_id, region_id, vpc_id, type, name, description, propagation, created_at)"
        f" SELECT route_table_id, account_id, region_id, id, 'System', '', '', {_true()}, created_at FROM vpcs"
    )
    _fill(
        "vpcs",
        {
            "secondary_cidrs": (sa.Text(), "''"),
            "is_default": (sa.Boolean(), _false()),
            "resource_group_id": (sa.String(length=64), "'rg-' || account_id"),
            "vrouter_name": (sa.Text(), "''"),
            "vrouter_description": (sa.Text(), "''"),
            "available_at": (sa.BigInteger(), "created_at"),
        },
        drop="status",
    )
    _fill(
        "vswitches",
        {
            "is_default": (sa.Boolean(), _false()),
            "route_table_id": (
                sa.String(length=64),
                "(SELECT vpcs.route_table_id FROM vpcs WHERE vpcs.id = vswitches.vpc_id)",
            ),
            "deleting": (sa.Boolean(), _false()),
        },
    )
    _fill("vpn_gateways", {"resource_group_id": (sa.String(length=64), "'rg-' || account_id")})


def _true() -> str:
    return "1" if op.get_bind().dialect.name == "sqlite" else "true"


def _false() -> str:
    return "0" if op.get_bind().dialect.name == "sqlite" else "false"


def _fill(table: str, columns: dict[str, tuple[sa.types.TypeEngine[Any], str]], drop: str | None = None) -> None:
    """Add columns that must not be null, with what the rows that are there get (in SQL)."""
    with op.batch_alter_table(table) as batch:
        for name, (type_, _) in columns.items():
            batch.add_column(sa.Column(name, type_, nullable=True))
    op.execute(f"UPDATE {table} SET " + ", ".join(f"{name} = {value}" for name, (_, value) in columns.items()))
    with op.batch_alter_table(table) as batch:
        for name, (type_, _) in columns.items():
            batch.alter_column(name, existing_type=type_, nullable=False)
        if drop is not None:
            batch.drop_column(drop)


def _create() -> None:
    op.create_table(
        "resource_groups",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_groups")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_resource_groups_account_id_name")),
    )
    op.create_table(
        "route_entries",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("route_table_id", sa.String(length=64), nullable=False),
        sa.Column("destination", sa.String(length=18), nullable=False),
        sa.Column("next_hop_type", sa.String(length=32), nullable=False),
        sa.Column("next_hop_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route_entries")),
        sa.UniqueConstraint("route_table_id", "destination", name=op.f("uq_route_entries_route_table_id_destination")),
    )
    op.create_index(op.f("ix_route_entries_next_hop_id"), "route_entries", ["next_hop_id"])
    op.create_table(
        "route_tables",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("region_id", sa.String(length=64), nullable=False),
        sa.Column("vpc_id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("propagation", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route_tables")),
    )
    op.create_index(
        op.f("ix_route_tables_account_id_region_id_created_at_id"),
        "route_tables",
        ["account_id", "region_id", "created_at", "id"],
    )
    op.create_index(op.f("ix_route_tables_vpc_id"), "route_tables", ["vpc_id"])
    op.create_table(
        "tags",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("region_id", sa.String(length=64), nullable=False),
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("resource_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", "key", name=op.f("pk_tags")),
    )
    op.create_index(op.f("ix_tags_account_id_region_id_key_value"), "tags", ["account_id", "region_id", "key", "value"])
    op.create_index(
        op.f("ix_tags_account_id_key_value_resource_id"), "tags", ["account_id", "key", "value", "resource_id"]
    )
    op.create_table(
        "zone_capacities",
        sa.Column("region_id", sa.String(length=64), nullable=False),
        sa.Column("zone_id", sa.String(length=64), nullable=False),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("region_id", "zone_id", name=op.f("pk_zone_capacities")),
    )
