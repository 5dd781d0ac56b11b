"""The two databases that are spoken."""

from __future__ import annotations

import enum
from functools import cache
from typing import Any

from sqlalchemy.engine import Dialect


class Flavour(enum.Enum):
    """Which database a connection is to."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@cache
def dialect_of(flavour: Flavour) -> Dialect:
    """SQLAlchemy's dialect, for compiling. Loads no driver."""
    if flavour is Flavour.SQLITE:
        from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

        return SQLiteDialect_pysqlite(paramstyle="qmark")
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

    untyped: Any = PGDialect_psycopg
    dialect: Dialect = untyped(paramstyle="pyformat")
    return dialect
