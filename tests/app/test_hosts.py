"""``gatewright hosts``: on a service's database, while no service or one of ours runs."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatewright.app import hosts as app
from gatewright.cli.main import main
from gatewright.errors import ConfigurationError, DatabaseAway
from gatewright.secrets.certificates import read_host
from gatewright.settings import Settings, load
from gatewright.store import hosts
from gatewright.store.backends import SqliteBackend, backend_of
from gatewright.store.upgrade import HEAD, prepare
from tests.app.test_serve import run
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


def test_the_settings_of_a_service_with_an_uplink_are_fit_for_hosts(desk: Desk, tmp_path: Path) -> None:
    config = tmp_path / "gatewright.toml"
    config.write_text('uplink = "eth1"\npublic_pool = "203.0.113.0/24"\nlink_listen = "192.0.2.1:9443"\n')
    told = desk.run(
        "add", "a", "--zone", K, *("--address", "10.1.1.1", "--out", str(desk.out), "--config", str(config))
    )
    assert "--control-plane https://192.0.2.1:9443" in told


@pytest.mark.parametrize("planted", ["ca.crt", "a.key", "a.key.part", "a.crt.part"])
def test_files_that_are_there_are_left_alone_and_nothing_is_changed(desk: Desk, planted: str, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("somebody's")
    (desk.out / planted).symlink_to(victim)
    assert str(desk.out / planted) in desk.add("a", K, address="10.200.0.11", status=2)
    (desk.out / planted).unlink()
    (desk.out / planted).write_text("somebody else's")
    assert str(desk.out / planted) in desk.add("a", K, address="10.200.0.11", status=2)
    assert {path.name: path.read_text() for path in desk.out.iterdir()} == {planted: "somebody else's"}
    assert victim.read_text() == "somebody's"
    assert {state.row.id for state in app.listing(desk.settings)} == {hosts.LOCAL}


def test_a_disk_without_room_for_the_key_leaves_no_host(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _text: bytes, _offset: int) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("gatewright.app.host_files.os.pwrite", full)
        assert "make room on its disk" in desk.add("a", K, address="10.200.0.11", status=2)
    assert list(desk.out.iterdir()) == []
    assert {state.row.id for state in app.listing(desk.settings)} == {hosts.LOCAL}
    desk.add("a", K, address="10.200.0.11")
    assert {path.name for path in desk.out.iterdir()} == {"ca.crt", "a.crt", "a.key"}


def test_a_database_of_another_version_is_not_touched(desk: Desk) -> None:
    def stand_at(version: str) -> None:
        connection: Any = backend_of(desk.url).connect(read_only=False)
        connection.execute(f"UPDATE alembic_version SET version_num = '{version}'")
        connection.close()

    stand_at("0001")
    for _ in range(2):
        assert "is at migration 0001, and this `gatewright` at" in desk.run("list", status=2)
    stand_at(HEAD)
    desk.run("list")


USER = 61190


def test_root_works_on_the_database_as_the_apis_user(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    data, out = tmp_path / "data", tmp_path / "out"
    for folder in (data, data / "api", data / "agent", out):
        folder.mkdir(mode=0o700)
    (data / "agent" / "installation").write_text("0123abcd\n")
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\n")
    database = data / "api" / "gatewright.db"
    prepare(SqliteBackend(database))
    # what an API that was taken over would like root to read for it
    (data / "api" / "secret.key").symlink_to(key)
    for path in (data / "api", *(data / "api").iterdir()):
        os.chown(path, USER, USER, follow_symlinks=False)

    def hosts_command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run("hosts", *arguments, "--data", str(data))

    adding = ("add", "a", "--zone", K, "--address", "10.1.1.1", "--out", str(out))
    refused = hosts_command(*adding)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert f"{data}/api/secret.key" in refused.stderr
    assert list(out.iterdir()) == []
    (data / "api" / "secret.key").unlink()
    key.rename(data / "api" / "secret.key")
    os.chown(data / "api" / "secret.key", USER, USER)
    added = hosts_command(*adding)
    assert added.returncode == 0, added.stderr
    listed = hosts_command("list")
    assert listed.stdout.splitlines()[1].split()[:3] == ["a", K, "10.1.1.1"], listed.stderr
    assert {path.lstat().st_uid for path in (data / "api").iterdir()} == {USER}
    assert {path.lstat().st_uid for path in out.iterdir()} == {0}
    assert read_host((out / "a.crt").read_text()).name == "a"


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
    (tmp_path / "api").mkdir()
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
