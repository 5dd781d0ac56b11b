"""What is remembered of requests."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table

from gatewright.store.schema.base import SEALED, metadata

orders = Table(
    "orders",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", String(32), nullable=False),
    Column("resource_id", String(64), nullable=False),
    Column("charge_type", String(16), nullable=False),
    #: Months; null for pay-as-you-go.
    Column("period", Integer),
    Column("status", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

client_tokens = Table(
    "client_tokens",
    metadata,
    Column("account_id", String(32), nullable=False),
    Column("action", String(128), nullable=False),
    Column("token", String(64), nullable=False),
    #: Request and answer may have secrets in them, which can be guessed from a digest.
    Column("digest", LargeBinary, nullable=False, info=SEALED),
    Column("response", LargeBinary, nullable=False, info=SEALED),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "action", "token"),
    Index(None, "created_at"),
)

nonces = Table(
    "nonces",
    metadata,
    #: A repeated request has the same time and so the same expiry: it comes first, to keep what is written together.
    Column("expires_at", BigInteger, nullable=False),
    #: Stands for the key and the nonce, so that its length and characters do not matter.
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("expires_at", "digest"),
)
