"""Services whose plane is steered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cell import Cell
from tests.support.databases import SqliteLender


@pytest.fixture
def steered(make_cell: Callable[..., Cell]) -> Cell:
    """A service with the control API, on either database."""
    return make_cell(control=True)


@pytest.fixture
def cell_with_control(tmp_path: Path, sqlite_lender: SqliteLender) -> Iterator[Cell]:
    """The same on SQLite alone, for what has nothing to do with the database."""
    with Cell(sqlite_lender.lend(tmp_path), control=True) as cell:
        yield cell
