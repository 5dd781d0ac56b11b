"""What belongs to an installation: accounts and keys, hosts, books of addresses and capacities."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from gatewright.store.schema.base import metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("account_id", String(32), nullable=False),
    #: Sealed (gatewright.secrets), bound to this table, id and column.
    Column("secret", LargeBinary, nullable=False),
    #: The first administrator's key, which the environment may replace at a start.
    Column("first_administrator", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

hosts = Table(
    "hosts",
    metadata,
    Column("id", String(64), primary_key=True),
    #: Raised in the transaction of every write that concerns the host; the row's lock orders it by commit.
    Column("revision", BigInteger, nullable=False),
    #: Comma-separated zones whose items it takes; empty for the local host, which stands in where a zone has none.
    Column("zones", Text, nullable=False),
    #: Its IPv4 address in the network between the hosts; empty while it has none.
    Column("address", String(15), nullable=False),
    #: SHA-256 of the certificate that its agent shows, in hexadecimal; null for the local host.
    Column("fingerprint", String(64)),
    #: It takes nothing new, and what it has is moved away.
    Column("draining", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    #: When its agent last asked or told something, to within some seconds; null if it never did.
    Column("seen_at", BigInteger),
    #: The version of specs that its agent said it knows.
    Column("agent_version", Integer),
    UniqueConstraint("fingerprint"),
)

authorities = Table(
    "authorities",
    metadata,
    #: ``hosts``: what issues the certificates of hosts and of the endpoint that their agents call.
    Column("id", String(16), primary_key=True),
    #: PEM.
    Column("certificate", Text, nullable=False),
    #: Sealed (gatewright.secrets), bound to this table, id and column.
    Column("private_key", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

pools = Table(
    "pools",
    metadata,
    #: A vSwitch's id, ``public:`` and a network, or ``vnis``.
    Column("id", String(64), primary_key=True),
    Column("network", String(18), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    #: The first address that was never handed out; beyond ``last`` when all were.
    Column("next", BigInteger, nullable=False),
    Column("used", Integer, nullable=False),
)

freed_addresses = Table(
    "freed_addresses",
    metadata,
    #: Handed out once and taken back: used again when a pool has no fresh ones.
    Column("pool_id", String(64), nullable=False),
    Column("address", BigInteger, nullable=False),
    PrimaryKeyConstraint("pool_id", "address"),
)

zone_capacities = Table(
    "zone_capacities",
    metadata,
    #: How many instances a zone takes; a zone without a row takes any number.
    Column("region_id", String(64), nullable=False),
    Column("zone_id", String(64), nullable=False),
    Column("instances", Integer, nullable=False),
    #: How many are in it.
    Column("used", Integer, nullable=False),
    PrimaryKeyConstraint("region_id", "zone_id"),
)

counters = Table(
    "counters",
    metadata,
    Column("account_id", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("account_id", "kind", "region_id"),
)
