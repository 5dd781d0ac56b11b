"""The tables: what migrations lead to, what a new database gets, and what store.schema says are one."""

from __future__ import annotations

from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from gatewright.errors import ConfigurationError
from gatewright.store.backends import backend_of
from gatewright.store.schema import metadata
from gatewright.store.upgrade import HEAD, MIGRATIONS, prepare


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    return empty_database_url


def config(url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return made


def differences(url: str) -> list[Any]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = list(compare_metadata(MigrationContext.configure(connection), metadata))
        primary = {
            table: inspect(connection).get_pk_constraint(table)["constrained_columns"] for table in metadata.tables
        }
    engine.dispose()
    wanted = {name: [column.name for column in table.primary_key] for name, table in metadata.tables.items()}
    assert primary == wanted
    return found


def test_a_new_database_has_the_schema(database_url: str) -> None:
    backend = backend_of(database_url)
    prepare(backend)
    prepare(backend)
    assert differences(backend.url) == []


def test_the_migrations_lead_to_the_schema(database_url: str) -> None:
    backend = backend_of(database_url)
    command.upgrade(config(backend.url), "head")
    assert differences(backend.url) == []
    prepare(backend)


def test_the_newest_migration_is_the_head_that_is_stamped() -> None:
    assert ScriptDirectory.from_config(config("sqlite://")).get_current_head() == HEAD


def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    backend = backend_of(database_url)
    prepare(backend)
    connection: Any = backend.connect(read_only=False)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(ConfigurationError, match="newer version"):
        prepare(backend)


@pytest.mark.parametrize("url", ["mysql://h/x", "sqlite://", "nonsense"])
def test_an_unknown_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        backend_of(url)
