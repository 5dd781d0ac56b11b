"""What runs where, and what happened."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, PrimaryKeyConstraint, String, Table, Text

from gatewright.store.schema.base import metadata

placements = Table(
    "placements",
    metadata,
    Column("kind", String(16), nullable=False),
    Column("item_id", String(64), nullable=False),
    Column("host_id", String(64), nullable=False),
    Column("account_id", String(32), nullable=False),
    #: The resource that the item is part of: a gateway, the vSwitch itself, the VPC whose router it is.
    Column("resource_id", String(64), nullable=False),
    #: The host's revision at the item's last change.
    Column("revision", BigInteger, nullable=False),
    Column("wanted", BigInteger, nullable=False),
    #: To be removed; the row goes when the agent has confirmed that.
    Column("tombstone", Boolean, nullable=False),
    Column("observed", BigInteger, nullable=False),
    #: Null until an agent has said something of the item.
    Column("phase", String(16)),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("host_id", "item_id", "kind"),
    Index(None, "host_id", "revision"),
    Index(None, "resource_id"),
)

events = Table(
    "events",
    metadata,
    Column("account_id", String(32), nullable=False),
    #: Counts the account's events from 1; given behind the account's lock, so it is ordered by commit.
    Column("number", BigInteger, nullable=False),
    Column("happened_at", BigInteger, nullable=False),
    Column("region_id", String(64), nullable=False),
    #: As ``gatewright.resources.events.Subject`` spells it.
    Column("subject", String(32), nullable=False),
    Column("resource_id", String(64), nullable=False),
    #: The status before; null where the resource has come to be.
    Column("before", String(32)),
    #: The status after.
    Column("after", String(32), nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "number"),
)
