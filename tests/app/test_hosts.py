"""``gatewright hosts``: on a service's database, while no service or one of ours runs."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gatewright.app import hosts as app
from gatewright.cli.main import main
from gatewright.errors import ConfigurationError, DatabaseAway
from gatewright.secrets.certificates import read_host
from gatewright.settings import Settings, load
from gatewright.store import hosts
from tests.support.cell import Cell
from tests.support.hosts import Fleet
from tests.support.locking import Holder

K, J = "cn-hangzhou-k", "cn-hangzhou-j"


class Desk:
    """Where an operator sits: a data directory, a database, and what a command prints."""

    def __init__(self, data: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self.url, self._capsys = data, url, capsys
        self.out = data / "out"
        data.mkdir(mode=0o700)
        self.out.mkdir()
        for half in ("api", "agent"):
            (data / half).mkdir(mode=0o700)
        (data / "agent" / "installation").write_text("0123abcd\n")
        key = data / "api" / "secret.key"
        key.touch(mode=0o600)
        key.write_text("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\n")

    @property
    def settings(self) -> Settings:
        return load({"data": str(self.data), "database": self.url}, {}, None)

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run a command. Returns what it prints, where it must end with this status."""
        self._capsys.readouterr()
        assert main(["hosts", *arguments, "--data", str(self.data), "--database", self.url]) == status
        told = self._capsys.readouterr()
        return told.err if status else told.out

    def add(self, name: str, *zones: str, address: str, status: int = 0) -> str:
        flags = [word for zone in zones for word in ("--zone", zone)]
        return self.run("add", name, *flags, "--address", address, "--out", str(self.out), status=status)


@pytest.fixture
def cell(make_cell: Callable[..., Cell]) -> Cell:
    return make_cell(with_agent=False)


@pytest.fixture
def desk(cell: Cell, tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path / "data", database_url, capsys)


def test_a_host_is_added_listed_drained_and_removed(desk: Desk, cell: Cell) -> None:
    told = desk.add("edge-1", K, J, address="10.200.0.11")
    assert "gatewright agent --control-plane https://HOST:PORT --ca ca.crt --cert edge-1.crt --key edge-1.key" in told
    assert "local has no address in the network between the hosts" in told
    row = Fleet(cell).row("edge-1")
    assert (row.zone_ids, row.address, row.draining) == ((K, J), "10.200.0.11", False)
    assert stat.S_IMODE((desk.out / "edge-1.key").stat().st_mode) == 0o600
    identity = read_host((desk.out / "edge-1.crt").read_text())
    assert (identity.name, identity.address) == ("edge-1", "10.200.0.11")
    assert identity.installation == "0123abcd"
    network = cell.network()
    gateway = cell.gateway(network)
    lines = desk.run("list").splitlines()
    assert lines[0].split() == ["NAME", "ZONES", "ADDRESS", "INSTANCES", "LAST", "SEEN", "VERSION", "STATE"]
    assert lines[1].split() == ["edge-1", f"{K},{J}", "10.200.0.11", "2", "-", "-", "never", "seen"]
    assert lines[2].split()[0] == "local"
    assert "drain edge-1` first" in desk.run("remove", "edge-1", status=2)
    desk.run("drain", "edge-1")
    assert Fleet(cell).row("edge-1").draining
    assert f"draining, 5 items left; no other host that is up serves {J}, {K}" in desk.run("list")
    desk.run("drain", "edge-1", "--undo")
    assert not Fleet(cell).row("edge-1").draining
    desk.run("remove", "edge-1", "--fenced")
    assert "edge-1" not in desk.run("list")
    assert Fleet(cell).where(gateway) == {f"{gateway}-1": [hosts.LOCAL], f"{gateway}-2": [hosts.LOCAL]}


def test_the_authority_is_made_once_and_its_key_is_sealed(desk: Desk, cell: Cell, database_url: str) -> None:
    desk.add("a", K, address="10.200.0.11")
    first = (desk.out / "ca.crt").read_text()
    desk.add("b", J, address="10.200.0.12")
    assert (desk.out / "ca.crt").read_text() == first
    rows = Path(database_url.removeprefix("sqlite:///"))
    if rows.exists():
        assert b"BEGIN PRIVATE KEY" not in rows.read_bytes() + Path(f"{rows}-wal").read_bytes()
    (desk.data / "api" / "secret.key").write_text("aGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg=\n")
    assert "is this the secret key that belongs to the database" in desk.add("c", J, address="10.200.0.13", status=2)
    assert "c" not in {state.row.id for state in app.listing(desk.settings)}


def test_another_certificate_ends_the_one_before(desk: Desk, cell: Cell, tmp_path: Path) -> None:
    desk.add("a", K, address="10.200.0.11")
    before = Fleet(cell).row("a").fingerprint
    assert "is there already" in desk.run("renew", "a", "--out", str(desk.out), status=2)
    assert Fleet(cell).row("a").fingerprint == before
    desk.run("renew", "a", "--out", str(tmp_path))
    after = Fleet(cell).row("a").fingerprint
    assert before is not None
    assert after is not None
    assert cell.run(cell.control_plane.host_of(before)) is None
    assert cell.run(cell.control_plane.host_of(after)) == "a"
    desk.run("remove", "a")
    assert cell.run(cell.control_plane.host_of(after)) is None


@pytest.mark.parametrize("undo", [False, True])
def test_draining_does_not_bring_a_revoked_certificate_back(
    desk: Desk, cell: Cell, database_url: str, undo: bool
) -> None:
    if not database_url.startswith("postgresql"):
        pytest.skip("SQLite has one writer at a time: nothing can come in between")
    desk.add("a", K, address="10.200.0.11")
    renewing = Holder(database_url, "UPDATE hosts SET fingerprint = 'new' WHERE id = 'a'")
    renewing.during(lambda: app.drain(desk.settings, "a", undo=undo))
    row = Fleet(cell).row("a")
    assert (row.fingerprint, row.draining) == ("new", not undo)


def test_a_host_of_the_same_name_goes_on_where_the_one_before_ended(desk: Desk, cell: Cell) -> None:
    desk.add("a", K, address="10.200.0.11")
    cell.network()
    before = Fleet(cell).row("a").revision
    desk.run("remove", "a", "--fenced")
    for file in desk.out.iterdir():
        file.unlink()
    desk.add("a", K, address="10.200.0.11")
    assert Fleet(cell).row("a").revision > before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "UPPER", "--zone", K, "--address", "10.1.1.1"), "small letters"),
        (("add", "local", "--zone", K, "--address", "10.1.1.1"), "not 'local'"),
        (("add", "a", "--zone", "cn-nowhere-a", "--address", "10.1.1.1"), "there is no zone 'cn-nowhere-a'"),
        (("add", "a", "--zone", K, "--address", "10.1.1"), "--address is '10.1.1'"),
        (("add", "a", "--zone", K, "--address", "10.1.1.1", "--out", "/nowhere"), "no folder that can be written"),
        (("renew", "a"), "there is no host 'a'"),
        (("renew", "local"), "the local host has no certificate"),
        (("drain", "a"), "there is no host 'a'"),
        (("remove", "a"), "there is no host 'a'"),
        (("remove", "local"), "cannot be removed"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(desk: Desk, arguments: tuple[str, ...], told: str) -> None:
    said = desk.run(*arguments, status=2)
    assert told in said
    assert said.count("\n") == 1
    assert {state.row.id for state in app.listing(desk.settings)} == {hosts.LOCAL}


def test_an_address_and_a_name_are_one_hosts(desk: Desk) -> None:
    desk.add("a", K, address="10.200.0.11")
    assert "the host a has the address" in desk.add("b", J, address="10.200.0.11", status=2)
    for file in desk.out.iterdir():
        file.unlink()
    assert "hosts renew a" in desk.add("a", J, address="10.200.0.12", status=2)


def test_without_a_service_that_ever_ran_there_is_nothing_to_add_to(tmp_path: Path) -> None:
    settings = load({"data": str(tmp_path)}, {}, None)
    with pytest.raises(ConfigurationError, match="start `gatewright serve` once"):
        app.add(settings, "a", [K], "10.1.1.1", tmp_path)
    with pytest.raises(ConfigurationError, match="start `gatewright serve` once"):
        app.listing(settings)


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    settings = load({"data": str(tmp_path), "database": "postgresql://127.0.0.1:1/none"}, {}, None)
    with pytest.raises(DatabaseAway):
        app.listing(settings)


def test_who_was_heard_of_a_minute_ago_is_up_and_then_away(desk: Desk, cell: Cell) -> None:
    desk.add("a", K, address="10.200.0.11")
    cell.run(cell.control_plane.met("a", 2))
    row = Fleet(cell).row("a")
    assert row.agent_version == 2
    assert row.seen_at is not None
    seen_at = row.seen_at

    def state(now: int) -> str:
        found = cell.run(cell.database.read(lambda transaction: app.states(transaction, now)))
        return next(each.state for each in found if each.row.id == "a")

    assert state(seen_at + 59_000) == "up"
    assert state(seen_at + 61_000) == "away"
    Fleet(cell).change(msgspec.structs.replace(row, draining=True))
    assert state(seen_at) == "up; drained"
