"""SQL statements that are written once in SQLAlchemy Core and compiled once a dialect.

Core gives us one definition for both databases; executing through Core costs about five times what SQLite itself
does, so a statement is turned into the driver's text once and run on the driver's cursor from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Boolean
from sqlalchemy.sql import ClauseElement

from gatewright.store.dialects import SQLITE, Flavour, dialect_of

Row = TypeVar("Row")


class Plan(NamedTuple):
    """A statement as one driver takes it."""

    text: str
    #: Parameter names in the order of the text's marks; empty when the driver takes names.
    order: tuple[str, ...]
    #: Values that the statement itself holds.
    constants: Mapping[str, Any]
    #: Which result columns are booleans; SQLite gives those as integers.
    booleans: tuple[int, ...]

    def bind(self, values: Mapping[str, Any]) -> Any:
        """The arguments for the driver. Raises KeyError for a value that is missing."""
        if self.constants:
            values = {**self.constants, **values}
        if self.order:
            return [values[name] for name in self.order]
        return values


class Statement:
    """A statement that returns no rows, or whose rows are not read."""

    def __init__(self, element: ClauseElement) -> None:
        self._element = element
        self._plans: dict[Flavour, Plan] = {}

    def plan(self, flavour: Flavour) -> Plan:
        """The statement for one database, compiled when it is first used there."""
        plan = self._plans.get(flavour)
        if plan is None:
            plan = self._plans[flavour] = self._compile(flavour)
        return plan

    def _compile(self, flavour: Flavour) -> Plan:
        compiled: Any = self._element.compile(dialect=dialect_of(flavour))
        columns = getattr(compiled, "_result_columns", ())
        booleans: tuple[int, ...] = ()
        if flavour == SQLITE:
            booleans = tuple(i for i, column in enumerate(columns) if isinstance(column.type, Boolean))
        constants = {name: bind.value for bind, name in compiled.bind_names.items() if not bind.required}
        order = tuple(compiled.positiontup or ()) if compiled.positional else ()
        return Plan(str(compiled), order, constants, booleans)


class Query(Statement, Generic[Row]):
    """A statement whose rows are read into ``row_type``, column by column in the order of the statement."""

    def __init__(self, element: ClauseElement, row_type: type[Row]) -> None:
        super().__init__(element)
        self._row_type = row_type

    def read(self, plan: Plan, values: tuple[Any, ...]) -> Row:
        """One row of the driver's, as it answered the plan, as ours."""
        if plan.booleans:
            fixed = list(values)
            for index in plan.booleans:
                if fixed[index] is not None:
                    fixed[index] = bool(fixed[index])
            return self._row_type(*fixed)
        return self._row_type(*values)
