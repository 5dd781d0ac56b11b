"""A state directory that is damaged, incomplete, full or read-only: one clear line, and nothing in it is touched."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatewright.agent.memory import RevisionMemory
from gatewright.app.data_directory import Lock, installation_id
from gatewright.cli.main import main
from gatewright.errors import ConfigurationError
from gatewright.secrets import load_key
from tests.support.service import Service

Start = Callable[[], tuple[int, str]]


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A data directory that was served from."""
    data = tmp_path / "data"
    with Service(data) as service:
        service.client().call("CreateVpc", CidrBlock="10.0.0.0/8")
        assert service.stop() == 0
    return data


@pytest.fixture
def start(used: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Start:
    """A start on it that has to fail: its exit status, and what it printed."""
    for name, value in (("ACCOUNT_ID", "1234567890123456"), ("ACCESS_KEY_ID", "test"), ("ACCESS_KEY_SECRET", "secret")):
        monkeypatch.setenv(f"GATEWRIGHT_{name}", value)

    def failing() -> tuple[int, str]:
        before = contents(used)
        capsys.readouterr()
        status = main(["serve", "--plane", "simulated", "--data", str(used), "--listen", "127.0.0.1:0"])
        assert contents(used) == before
        return status, capsys.readouterr().err

    return failing


def contents(data: Path) -> dict[str, bytes]:
    # sqlite makes and removes its two files beside the database whenever that is opened
    files = (path for path in data.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal")))
    return {str(path.relative_to(data)): path.read_bytes() for path in files}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A full disk."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"mounting needs root: {mounted.stderr.decode()}")
    try:
        (disk / "filler").write_bytes(b"")
        with pytest.raises(OSError, match="No space"):
            (disk / "filler").write_bytes(b"x" * 100_000)
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_file_that_is_no_database_is_named_and_left_alone(used: Path, start: Start) -> None:
    (used / "api" / "gatewright.db").write_bytes(b"garbage " * 1000)
    status, said = start()
    assert status == 2
    assert (
        f"the database {used / 'api' / 'gatewright.db'}: The database is damaged; put a backup of it in its place."
        in said
    )
    assert "Traceback" not in said


def test_a_missing_key_is_not_made_up(used: Path, start: Start) -> None:
    (used / "api" / "secret.key").unlink()
    status, said = start()
    assert status == 2
    assert f"{used / 'api' / 'secret.key'} is missing, and the database holds secrets that were sealed with it" in said
    assert not (used / "api" / "secret.key").exists()


def test_a_wrong_key_is_refused_before_anything_is_written(used: Path, start: Start) -> None:
    (used / "api" / "secret.key").write_bytes(base64.b64encode(b"k" * 32))
    status, said = start()
    assert status == 2
    assert "was sealed with another key: start with the secret.key that belongs to this database" in said


@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe", b"short"])
def test_a_garbage_key_is_named(used: Path, start: Start, garbage: bytes) -> None:
    (used / "api" / "secret.key").write_bytes(garbage)
    status, said = start()
    assert status == 2
    assert str(used / "api" / "secret.key") in said


def test_a_truncated_log_of_the_database_loses_no_more_than_itself(used: Path) -> None:
    with Service(used) as service:
        client = service.client()
        before = client.call("DescribeVpcs")["TotalCount"]
        client.call("CreateVpc", CidrBlock="10.0.0.0/8")
        service.kill()
        log = used / "api" / "gatewright.db-wal"
        log.write_bytes(log.read_bytes()[:-100])
        service.start()
        assert service.client().call("DescribeVpcs")["TotalCount"] in (before, before + 1)
        service.client().call("CreateVpc", CidrBlock="10.0.0.0/8")


def test_a_read_only_directory_is_named(used: Path, start: Start) -> None:
    if subprocess.run(["mount", "--bind", used, used], check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting needs root")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", used], check=True)
        status, said = start()
        assert status == 2
        assert str(used) in said
        assert "Traceback" not in said
    finally:
        subprocess.run(["umount", "-l", used], check=True)


def test_a_full_disk_at_the_start_is_named_and_leaves_nothing_half_written(small_disk: Path) -> None:
    for make in (lambda: load_key(small_disk / "secret.key", None), lambda: installation_id(small_disk)):
        with pytest.raises(ConfigurationError, match="No space left on device; make room on its disk"):
            make()
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
    (small_disk / "filler").unlink()
    assert load_key(small_disk / "secret.key", None) == load_key(small_disk / "secret.key", None)
    assert installation_id(small_disk) == installation_id(small_disk)


def test_an_agent_whose_disk_is_full_goes_on_and_says_so_once(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory = RevisionMemory(small_disk / "agent.revision")
    for revision in (5, 6, 7):
        memory.note(revision)
    assert memory.highest == 7
    assert len(caplog.records) == 1
    assert "No space left on device. Until it can, an old database would not be noticed" in caplog.text
    (small_disk / "filler").unlink()
    memory.note(8)
    assert RevisionMemory(small_disk / "agent.revision").highest == 8


@pytest.mark.parametrize("garbage", [b"", b"12345", b"ABCDEFGH", b"\xff" * 8, b"../../.."])
def test_a_garbage_installation_id_is_named_and_left_alone(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "installation").write_bytes(garbage)
    with pytest.raises(ConfigurationError, match="does not hold an installation's id"):
        installation_id(tmp_path)
    assert (tmp_path / "installation").read_bytes() == garbage


@pytest.mark.parametrize("garbage", [b"", b"-1", b"\xff", b"1 2"])
def test_a_garbage_revision_is_named_and_left_alone(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "agent.revision"
    path.write_bytes(garbage)
    with pytest.raises(ConfigurationError, match="does not hold a revision"):
        RevisionMemory(path)
    assert path.read_bytes() == garbage


def test_a_file_that_is_a_folder_is_named(tmp_path: Path) -> None:
    for name in ("agent.revision", "installation", "secret.key", "api.lock"):
        (tmp_path / name).mkdir(mode=0o700)
    for use in (
        lambda: RevisionMemory(tmp_path / "agent.revision"),
        lambda: installation_id(tmp_path),
        lambda: load_key(tmp_path / "secret.key", None),
        lambda: Lock(tmp_path / "api.lock", "another"),
    ):
        with pytest.raises(ConfigurationError, match="Is a directory"):
            use()
