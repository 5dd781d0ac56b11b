"""IPsec-VPN: customer gateways, connections, tunnels and their routes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Sealed from now on; the ones of the last day are not, and can be sent once more.
    op.execute("DELETE FROM client_tokens")
    # the words for a connection's status are longer than others
    with op.batch_alter_table("events") as batch:
        batch.alter_column("before", existing_type=sa.String(16), type_=sa.String(32), existing_nullable=True)
        batch.alter_column("after", existing_type=sa.String(16), type_=sa.String(32), existing_nullable=False)
    with op.batch_alter_table("vpn_gateways") as batch:
        batch.add_column(sa.Column("gateway_type", sa.String(32), nullable=False, server_default="Traditional"))
    with op.batch_alter_table("vpn_gateways") as batch:
        batch.alter_column("gateway_type", server_default=None)
    op.create_table(
        "customer_gateways",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("region_id", sa.String(64), nullable=False),
        sa.Column("resource_group_id", sa.String(64), nullable=False),
        sa.Column("ip_address", sa.String(15), nullable=False),
        sa.Column("asn", sa.BigInteger(), nullable=True),
        sa.Column("auth_key", sa.LargeBinary(), nullable=True),
        sa.Column("auth_key_version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_gateways")),
    )
    op.create_index(
        op.f("ix_customer_gateways_account_id_region_id_created_at_id"),
        "customer_gateways",
        ["account_id", "region_id", "created_at", "id"],
    )
    op.create_table(
        "vpn_connections",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("region_id", sa.String(64), nullable=False),
        sa.Column("resource_group_id", sa.String(64), nullable=False),
        sa.Column("gateway_id", sa.String(64), nullable=True),
        sa.Column("attach_type", sa.String(16), nullable=False),
        sa.Column("network_type", sa.String(16), nullable=False),
        sa.Column("tunnel_bandwidth", sa.String(16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("local_subnets", sa.Text(), nullable=False),
        sa.Column("remote_subnets", sa.Text(), nullable=False),
        sa.Column("auto_config_route", sa.Boolean(), nullable=False),
        sa.Column("effect_immediately", sa.Boolean(), nullable=False),
        sa.Column("dual_tunnel", sa.Boolean(), nullable=False),
        sa.Column("enable_tunnels_bgp", sa.Boolean(), nullable=False),
        sa.Column("health_enabled", sa.Boolean(), nullable=False),
        sa.Column("health_destination", sa.String(15), nullable=False),
        sa.Column("health_source", sa.String(15), nullable=False),
        sa.Column("health_interval", sa.Integer(), nullable=False),
        sa.Column("health_retry", sa.Integer(), nullable=False),
        sa.Column("health_policy", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vpn_connections")),
    )
    op.create_index(
        op.f("ix_vpn_connections_account_id_region_id_created_at_id"),
        "vpn_connections",
        ["account_id", "region_id", "created_at", "id"],
    )
    op.create_index(op.f("ix_vpn_connections_gateway_id"), "vpn_connections", ["gateway_id"])
    op.create_table(
        "tunnels",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("gateway_id", sa.String(64), nullable=True),
        sa.Column("instance_id", sa.String(64), nullable=True),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("customer_gateway_id", sa.String(64), nullable=False),
        sa.Column("psk", sa.LargeBinary(), nullable=False),
        sa.Column("psk_version", sa.Integer(), nullable=False),
        sa.Column("ike_version", sa.String(8), nullable=False),
        sa.Column("ike_mode", sa.String(16), nullable=False),
        sa.Column("ike_encryption", sa.String(32), nullable=False),
        sa.Column("ike_authentication", sa.String(32), nullable=False),
        sa.Column("ike_group", sa.String(16), nullable=False),
        sa.Column("ike_lifetime", sa.Integer(), nullable=False),
        sa.Column("local_id", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("ipsec_encryption", sa.String(32), nullable=False),
        sa.Column("ipsec_authentication", sa.String(32), nullable=False),
        sa.Column("ipsec_group", sa.String(16), nullable=False),
        sa.Column("ipsec_lifetime", sa.Integer(), nullable=False),
        sa.Column("enable_dpd", sa.Boolean(), nullable=False),
        sa.Column("enable_nat_traversal", sa.Boolean(), nullable=False),
        sa.Column("bgp_enabled", sa.Boolean(), nullable=False),
        sa.Column("bgp_local_asn", sa.BigInteger(), nullable=True),
        sa.Column("bgp_network", sa.String(18), nullable=False),
        sa.Column("bgp_local_address", sa.String(15), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("bgp_status", sa.String(16), nullable=False),
        sa.Column("health_status", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("troubles", sa.Text(), nullable=False),
        sa.Column("learned", sa.Text(), nullable=False),
        sa.Column("learned_count", sa.Integer(), nullable=False),
        sa.Column("clock_ahead", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tunnels")),
    )
    op.create_index(op.f("ix_tunnels_connection_id"), "tunnels", ["connection_id"])
    op.create_index(op.f("ix_tunnels_gateway_id"), "tunnels", ["gateway_id"])
    op.create_index(op.f("ix_tunnels_customer_gateway_id"), "tunnels", ["customer_gateway_id"])
    op.create_table(
        "vpn_routes",
        sa.Column("gateway_id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("destination", sa.String(18), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", "destination", "connection_id", "weight", name=op.f("pk_vpn_routes")),
    )
    op.create_index(op.f("ix_vpn_routes_connection_id"), "vpn_routes", ["connection_id"])
    op.create_table(
        "vco_routes",
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("destination", sa.String(18), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "destination", name=op.f("pk_vco_routes")),
    )
    op.create_table(
        "vpn_policies",
        sa.Column("gateway_id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("source", sa.String(18), nullable=False),
        sa.Column("destination", sa.String(18), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "gateway_id", "source", "destination", "connection_id", "weight", "priority", name=op.f("pk_vpn_policies")
        ),
    )
    op.create_index(op.f("ix_vpn_policies_connection_id"), "vpn_policies", ["connection_id"])
    op.create_table(
        "tunnel_logs",
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("tunnel_id", sa.String(64), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "number", name=op.f("pk_tunnel_logs")),
    )
    op.create_index(op.f("ix_tunnel_logs_connection_id_happened_at"), "tunnel_logs", ["connection_id", "happened_at"])
    op.create_table(
        "vpn_diagnoses",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("region_id", sa.String(64), nullable=False),
        sa.Column("gateway_id", sa.String(64), nullable=False),
        sa.Column("resource_type", sa.String(16), nullable=False),
        sa.Column("resource_id", sa.String(64), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vpn_diagnoses")),
    )
    op.create_index(op.f("ix_vpn_diagnoses_account_id_begun_at"), "vpn_diagnoses", ["account_id", "begun_at"])
    op.create_index(op.f("ix_vpn_diagnoses_gateway_id"), "vpn_diagnoses", ["gateway_id"])
