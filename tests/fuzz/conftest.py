"""One furnished world a database for all generated requests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.world import World
from tests.support.cell import sqlite_url
from tests.support.postgresql import PostgresqlServer


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    server: PostgresqlServer | None = None
    if request.param == "sqlite":
        url = sqlite_url(tmp_path_factory.mktemp("fuzz"))
    else:
        server = request.getfixturevalue("postgresql_server")
        url = server.create()
    made = World(url)
    yield made
    made.close()
    if server is not None:
        server.drop(url)
