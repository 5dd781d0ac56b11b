"""Alembic's environment: how a migration reaches the database."""

from alembic import context
from sqlalchemy import create_engine

from gatewright.store.schema import metadata

engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
