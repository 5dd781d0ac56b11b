"""What a database holds when everything was deleted."""

from __future__ import annotations

from sqlalchemy import create_engine, func, select

from gatewright.store.pools import VNIS
from gatewright.store.schema import counters, freed_addresses, metadata, pools

#: Belongs to the installation, or is kept on purpose: orders for ever, tokens and nonces for their time, events.
_KEPT = {"accounts", "access_keys", "hosts", "resource_groups", "orders", "client_tokens", "nonces", "events"}
#: Looked at more closely.
_BOOKS = {"pools", "freed_addresses", "counters"}


def rows(url: str) -> list[str]:
    """One line for each row that should not be there any more, and for each book that does not come out at 0."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    found = []
    try:
        with engine.connect() as connection:
            for table in metadata.sorted_tables:
                if table.name not in _KEPT | _BOOKS:
                    found += [f"row of {table.name}: {tuple(row)}" for row in connection.execute(select(table))]
            for row in connection.execute(select(counters).where(counters.c.count != 0)):
                found.append(f"counter {tuple(row)}")
            count = select(func.count()).select_from(freed_addresses)
            for pool in connection.execute(select(pools)):
                freed = connection.execute(count.where(freed_addresses.c.pool_id == pool.id)).scalar_one()
                if pool.used != 0 or freed != pool.next - pool.first or not pool.id.startswith(("public:", VNIS)):
                    found.append(f"pool {tuple(pool)} with {freed} freed addresses")
    finally:
        engine.dispose()
    return found
