"""A database that is full, held by another process, stopped or hanging: callers are told, and it passes by itself."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatewright.store import backends, deadlines, inline, lanes
from gatewright.store.backends import SqliteBackend
from gatewright.store.causes import DAMAGED, FULL, HELD, READ_ONLY, cause_of
from tests.support.cell import Cell, sqlite_url
from tests.support.client import Refused
from tests.support.postgresql import PostgresqlServer, binaries


def vpcs(cell: Cell) -> int:
    return int(cell.call("DescribeVpcs")["TotalCount"])


def make_vpc(cell: Cell) -> None:
    cell.call("CreateVpc", CidrBlock="10.0.0.0/8")


def until_served(cell: Cell, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            make_vpc(cell)
        except Refused:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


def refused(cell: Cell, sentence: str, *hidden: str) -> None:
    error = cell.refusal("CreateVpc", CidrBlock="10.0.0.0/8")
    assert (error.status, error.code) == (503, "ServiceUnavailable")
    assert error.body["Detail"] == sentence
    assert not any(text in str(error.body) for text in hidden)


def fill(disk: Path) -> None:
    """Write until there is no room, to the last page."""
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        for _ in range(10_000):
            filler.write(bytes(4096))


def test_a_full_disk_refuses_writes_loses_nothing_and_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=False).returncode != 0:
        pytest.skip("mounting needs root")
    try:
        with Cell(sqlite_url(disk)) as cell:
            network = cell.network()
            gateway = cell.gateway(network)
            cell.until_status(gateway, "active")
            fill(disk)
            acknowledged = vpcs(cell)
            for _ in range(10_000):  # until what the log has room for is used up
                try:
                    make_vpc(cell)
                except Refused as error:
                    assert (error.status, error.code) == (503, "ServiceUnavailable")
                    break
                acknowledged += 1
            refused(cell, "The disk of the database is full; make room on it and try again.", str(disk))
            assert vpcs(cell) == acknowledged
            assert cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active"
            (disk / "filler").unlink()
            until_served(cell)
            assert vpcs(cell) == acknowledged + 1
            cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
            cell.until_gone(gateway)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_database_that_another_process_holds_is_waited_for_and_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inline, "_PATIENCE", 100)
    with Cell(sqlite_url(tmp_path)) as cell:
        make_vpc(cell)
        other = sqlite3.connect(tmp_path / "gatewright.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        refused(
            cell, "Another process holds the database; end that process, or try again when it is done.", "gatewright.db"
        )
        assert vpcs(cell) == 1
        other.execute("ROLLBACK")
        other.close()
        make_vpc(cell)
        assert vpcs(cell) == 2


def test_what_has_waited_for_too_long_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Cell(sqlite_url(tmp_path), with_agent=False) as cell:
        monkeypatch.setattr(lanes, "WAITING", -1.0)
        refused(cell, "The database has not answered for too long; try again.")
        monkeypatch.setattr(lanes, "WAITING", 30.0)
        make_vpc(cell)
        assert vpcs(cell) == 1


def test_sqlite_s_errors_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.db"

    def cause(work: Callable[[sqlite3.Connection], object], name: str = f"file:{path}") -> object:
        connection = sqlite3.connect(name, uri=True, timeout=0)
        try:
            with pytest.raises(sqlite3.Error) as told:
                work(connection)
            assert SqliteBackend(path).unavailable(told.value)
            return cause_of(told.value)
        finally:
            connection.close()

    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE t (x)")
        made.execute("PRAGMA max_page_count = 2")
    made.close()
    assert cause(lambda c: c.execute("INSERT INTO t VALUES (1)"), f"file:{path}?mode=ro") is READ_ONLY
    assert (
        cause(lambda c: (c.execute("PRAGMA max_page_count=2"), c.execute("INSERT INTO t VALUES (zeroblob(99999))")))
        is FULL
    )
    with sqlite3.connect(path) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert cause(lambda c: c.execute("INSERT INTO t VALUES (1)")) is HELD
    holder.close()
    path.write_bytes(b"x" * 8192)
    assert cause(lambda c: c.execute("SELECT * FROM t")) is DAMAGED


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    """A server that tests may stop."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    server = PostgresqlServer(programs)
    yield server
    server.stop()


def test_a_postgresql_that_is_stopped_and_started_again_is_used_again(server: PostgresqlServer) -> None:
    with Cell(server.create()) as cell:
        network = cell.network()
        gateway = cell.gateway(network)
        cell.until_status(gateway, "active")
        server.halt()
        refused(cell, "The database does not answer; try again.", "gw-pg-")
        with pytest.raises(Refused):
            cell.call("DescribeVpcs")
        server.begin()
        until_served(cell)
        assert vpcs(cell) == 2
        # the agent carries on where it was
        second = cell.gateway(network)
        cell.until_status(second, "active")
        cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
        cell.until_gone(gateway)


def test_a_postgresql_that_hangs_is_given_up_in_time_and_used_again(
    server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "PATIENCE", 2.0)
    monkeypatch.setitem(backends._PATIENCE, "connect_timeout", 2)
    with Cell(server.create()) as cell:
        make_vpc(cell)
        with server.hanging():
            began = time.monotonic()
            # one for each thread: some have a connection that hangs, others find that they get none
            asked = [cell.submit(cell.acall("CreateVpc", CidrBlock="10.0.0.0/8")) for _ in range(4)]
            told = {asked_for.exception(timeout=20).body["Detail"] for asked_for in asked}
            assert time.monotonic() - began < 15
        assert "The database has not answered for too long; try again." in told
        assert told <= {
            "The database has not answered for too long; try again.",
            "The database does not answer; try again.",
        }
        until_served(cell)
        # none that was refused had been committed when the server hung
        assert vpcs(cell) == 2


def wait_in_vain(ends: deadlines.Deadlines, near: socket.socket) -> None:
    with ends.within(near.fileno()):
        assert near.recv(1) == b""
        raise OSError("the end")


def test_deadlines_of_what_ends_in_time_cut_nothing() -> None:
    near, far = socket.socketpair()
    ends = deadlines.Deadlines(0.1)
    with near, far:
        for _ in range(3):
            with ends.within(near.fileno()):
                far.send(b"x")
                assert near.recv(1) == b"x"
        with pytest.raises(TimeoutError, match="no answer within"):
            wait_in_vain(ends, near)
    ends.close()
