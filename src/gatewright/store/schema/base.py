"""What all tables have in common."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

#: Of a column that holds a secret: it is sealed (gatewright.secrets), bound to this table, its primary key and column.
SEALED = {"sealed": True}
