"""The two databases that are spoken."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Literal

from sqlalchemy.engine import Dialect

#: Which database a connection is to. Plain text, because it is looked up for every statement that runs.
Flavour = Literal["sqlite", "postgresql"]
SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"


@cache
def dialect_of(flavour: Flavour) -> Dialect:
    """SQLAlchemy's dialect, for compiling. Loads no driver."""
    if flavour == SQLITE:
        from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

        return SQLiteDialect_pysqlite(paramstyle="qmark")
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

    untyped: Any = PGDialect_psycopg
    dialect: Dialect = untyped(paramstyle="pyformat")
    return dialect
