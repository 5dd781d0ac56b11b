"""Fixtures of the whole suite: both databases, and a service inside the process."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# What fixtures need is loaded by them: the machine of `make test-kernel` needs none of it, and would take a minute.
if TYPE_CHECKING:
    from tests.fuzz.world import World
    from tests.support.cell import Cell
    from tests.support.databases import Lender, PostgresqlLender, SqliteLender
    from tests.support.postgresql import PostgresqlServer
    from tests.support.service import Service


def pytest_configure(config: pytest.Config) -> None:
    """Make what the tests start independent of how they were started themselves.

    Signals: a shell's `&` and `nohup` have SIGINT and SIGHUP ignored, and every process would go on ignoring them.

    Modules are found compiled, also where the environment forbids to write them beside. Else each of some hundred
    processes compiles all of them: most of what a start costs.
    """
    for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, default)
    if sys.dont_write_bytecode:
        folder = Path(tempfile.mkdtemp(prefix="gw-bytecode-"))
        # the linux plane's API is not root
        folder.chmod(0o755)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
        config.add_cleanup(lambda: shutil.rmtree(folder))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`make test-kernel` looks for its tests in one folder: the machine would take minutes to read all."""
    folder = Path(__file__).parent / "plane/linux"
    for item in items:
        if item.get_closest_marker("kernel_esp") and not item.path.is_relative_to(folder):
            raise pytest.UsageError(f"{item.nodeid} is marked kernel_esp: such tests belong into {folder}")


@pytest.fixture
def linux(tmp_path: Path) -> Iterator[Service]:
    """A service on the linux plane; what it leaves on the host is removed."""
    from tests.support.linux import clean, unmet
    from tests.support.service import Service

    if unmet():
        pytest.skip(unmet())
    with Service(tmp_path / "data", plane="linux") as service:
        yield service
    clean(service.installation)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A server, for as long as the session needs one."""
    from tests.support.postgresql import PostgresqlServer, binaries

    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # no pauses of its own: databases that are lent again are vacuumed in between
    server = PostgresqlServer(programs, "autovacuum=off")
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, for tests of what makes them."""
    from tests.support.cell import sqlite_url

    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture(scope="session")
def sqlite_lender(tmp_path_factory: pytest.TempPathFactory) -> SqliteLender:
    from tests.support.databases import SqliteLender

    return SqliteLender(tmp_path_factory.mktemp("lender"))


@pytest.fixture(scope="session")
def postgresql_lender(postgresql_server: PostgresqlServer) -> Iterator[PostgresqlLender]:
    from tests.support.databases import PostgresqlLender

    lender = PostgresqlLender(postgresql_server)
    yield lender
    lender.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with tables and no rows: every test that asks for one runs on both kinds."""
    lender: Lender = request.getfixturevalue(f"{request.param}_lender")
    url = lender.lend(tmp_path)
    yield url
    lender.take_back(url)


@pytest.fixture
def make_cell(database_url: str) -> Iterator[Callable[..., Cell]]:
    """Makes cells on one database, and closes what is open at the end."""
    from tests.support.cell import Cell

    made: list[Cell] = []

    def make(**options: object) -> Cell:
        made.append(Cell(database_url, **options))  # type: ignore[arg-type]  # the cell's own options
        return made[-1]

    yield make
    for cell in made:
        if not cell.closed:
            cell.close()


@pytest.fixture
def cell(make_cell: Callable[..., Cell]) -> Cell:
    """A service with its defaults."""
    return make_cell()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A furnished service for all generated requests of a module."""
    from tests.fuzz.world import World
    from tests.support.cell import sqlite_url

    server: PostgresqlServer | None = None
    if request.param == "sqlite":
        url = sqlite_url(tmp_path_factory.mktemp("world"))
    else:
        server = request.getfixturevalue("postgresql_server")
        url = server.create()
    made = World(url)
    yield made
    made.close()
    if server is not None:
        server.drop(url)
