"""Resource groups and tags, of resources of any kind."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, String, Table, Text, UniqueConstraint

from gatewright.store.schema.base import metadata

resource_groups = Table(
    "resource_groups",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    #: The identifier that a person chose, unique in the account.
    Column("name", String(64), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("account_id", "name"),
)

tags = Table(
    "tags",
    metadata,
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    #: As ``gatewright.operations.tags.ResourceType`` spells it.
    Column("resource_type", String(32), nullable=False),
    Column("resource_id", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("resource_id", "key"),
    #: For what is in use in a region, and for filters, which need no region.
    Index(None, "account_id", "region_id", "key", "value"),
    Index(None, "account_id", "key", "value", "resource_id"),
)
