"""What hosts need to carry a VPC's packets: a router an existing VPC, a VXLAN number a vSwitch; and several hosts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    no = "0" if op.get_bind().dialect.name == "sqlite" else "false"
    with op.batch_alter_table("hosts") as batch:
        batch.add_column(sa.Column("zones", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("address", sa.String(15), nullable=False, server_default=""))
        batch.add_column(sa.Column("fingerprint", sa.String(64), nullable=True))
        batch.add_column(sa.Column("draining", sa.Boolean(), nullable=False, server_default=sa.text(no)))
        batch.add_column(sa.Column("created_at", sa.BigInteger(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("seen_at", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("agent_version", sa.Integer(), nullable=True))
    with op.batch_alter_table("hosts") as batch:
        for name in ("zones", "address", "draining", "created_at"):
            batch.alter_column(name, server_default=None)
        batch.create_unique_constraint(op.f("uq_hosts_fingerprint"), ["fingerprint"])
    op.create_table(
        "authorities",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorities")),
    )
    with op.batch_alter_table("vswitches") as batch:
        batch.add_column(sa.Column("vni", sa.Integer(), nullable=True))
    op.execute("UPDATE vswitches SET vni = (SELECT count(*) FROM vswitches AS other WHERE other.id <= vswitches.id)")
    with op.batch_alter_table("vswitches") as batch:
        batch.alter_column("vni", existing_type=sa.Integer(), nullable=False)
        batch.create_unique_constraint(op.f("uq_vswitches_vni"), ["vni"])
    op.execute(
        "INSERT INTO pools (id, network, first, last, next, used)"
        " SELECT 'vnis', '', 1, 16777215, count(*) + 1, count(*) FROM vswitches"
    )
    # The local host ran everything until now.
    op.execute("UPDATE hosts SET revision = revision + 1 WHERE id = 'local'")
    op.execute(
        "INSERT INTO placements (kind, item_id, host_id, account_id, resource_id, revision, wanted, tombstone,"
        " observed, phase, detail)"
        f" SELECT 'router', id, 'local', account_id, id, (SELECT revision FROM hosts WHERE id = 'local'), 1, {no},"
        f" 0, NULL, '' FROM vpcs WHERE id IN (SELECT vpc_id FROM vswitches WHERE deleting = {no})"
    )
