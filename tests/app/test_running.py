"""The note of where a service serves, and calling it with what its data directory holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatewright.app import running
from gatewright.app.local_profile import local_profile
from gatewright.client import Caller
from gatewright.errors import ConfigurationError
from gatewright.settings import load
from tests.support.linux import clean, unmet
from tests.support.service import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("running") / "data", arguments=("--control",)) as started:
        yield started


def note_of(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "api" / "running.json").read_text())
    return found


def changed(data: Path, tmp_path: Path, **fields: Any) -> Path:
    """A data directory with a note that differs from the one of another."""
    (tmp_path / "api").mkdir(exist_ok=True)
    (tmp_path / "api" / "running.json").write_text(json.dumps({**note_of(data), **fields}))
    return tmp_path


def refusal(data: Path) -> str:
    with pytest.raises(ConfigurationError) as refused:
        running.find(data)
    return str(refused.value)


def test_the_note_says_where_and_holds_no_secret(service: Service) -> None:
    found = running.find(service.data)
    assert found.endpoint == f"http://127.0.0.1:{service.port}"
    assert found.control == f"http://127.0.0.1:{service.control_port}"
    assert (found.plane, found.region) == ("simulated", "cn-hangzhou")
    assert service.process is not None
    assert found.process.pid == service.process.pid
    path = service.data / "api" / "running.json"
    assert path.stat().st_mode & 0o077 == 0
    assert "secret" not in path.read_text()


def test_the_services_own_key_calls_it(service: Service) -> None:
    profile = local_profile(service.data)
    assert (profile.access_key_id, profile.access_key_secret, profile.region) == ("test", "secret", "cn-hangzhou")
    with Caller(profile) as caller:
        assert caller.call("DescribeVpcs")["TotalCount"] == 0


def test_a_clean_end_takes_the_note_along_and_a_killed_service_is_known(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Service(data) as service:
        service.kill()
        assert "has ended without saying so" in refusal(data)
        service.start()
        assert running.find(data).endpoint == f"http://127.0.0.1:{service.port}"
        assert service.stop() == 0
    assert f"no service runs on {data}: start one with `gatewright serve --data {data}`" in refusal(data)


def test_a_service_knows_a_note_of_its_own_from_any_other(service: Service, tmp_path: Path) -> None:
    settings = load({"data": str(tmp_path)}, {}, None)
    mine = running.note(settings, "http://127.0.0.1:8080")
    assert not running.resumes(settings, mine)
    changed(service.data, tmp_path)
    assert not running.resumes(settings, mine)
    changed(service.data, tmp_path, process=msgspec.to_builtins(mine.process))
    assert running.resumes(settings, mine)


def test_a_database_of_ones_own_is_found(tmp_path: Path, database_url: str) -> None:
    with Service(tmp_path / "data", database=database_url) as service:
        assert local_profile(service.data).access_key_secret == "secret"
        service.stop()


def test_another_process_with_the_same_number_is_not_the_service(service: Service, tmp_path: Path) -> None:
    process = note_of(service.data)["process"]
    data = changed(service.data, tmp_path, process={**process, "started": process["started"] + 1})
    assert "has ended without saying so" in refusal(data)


def test_a_note_from_before_a_reboot_is_stale(service: Service, tmp_path: Path) -> None:
    process = note_of(service.data)["process"]
    assert "has ended" in refusal(changed(service.data, tmp_path, process={**process, "boot": "another"}))


def test_a_service_in_a_container_is_asked_whether_it_answers(service: Service, tmp_path: Path) -> None:
    elsewhere = {"pid": 1, "started": 1, "boot": "", "namespace": "pid:[1]"}
    data = changed(service.data, tmp_path, process=elsewhere)
    assert running.find(data).endpoint == f"http://127.0.0.1:{service.port}"
    # port 1 of loopback: nobody is there
    note = {**note_of(data), "endpoint": "http://127.0.0.1:1"}
    (data / "api" / "running.json").write_text(json.dumps(note))
    assert "has ended" in refusal(data)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"endpoint": "http://h:1"}', "\xff" * 100_000])
def test_what_is_no_note_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "api").mkdir(exist_ok=True)
    (tmp_path / "api" / "running.json").write_text(text, "latin-1")
    assert "is not as `gatewright serve` writes it" in refusal(tmp_path)


@pytest.mark.parametrize("endpoint", ["file:///etc/passwd", "http://u:p@h:1", "http://h:1/\x1b[2J", "http://"])
def test_an_endpoint_is_an_address_and_nothing_else(service: Service, tmp_path: Path, endpoint: str) -> None:
    assert "is not as" in refusal(changed(service.data, tmp_path, endpoint=endpoint))


def test_the_apis_folder_leads_a_reader_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    path = tmp_path / "api" / "running.json"
    path.symlink_to("/etc/passwd")
    assert "reading" in refusal(tmp_path)
    path.unlink()
    os.mkfifo(path)
    assert "is not as" in refusal(tmp_path)


def test_a_password_is_not_noted_but_asked_for(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://gw:Plant3d@127.0.0.1:1/x"
    settings = load({"data": str(tmp_path)}, {"GATEWRIGHT_DATABASE": url}, None)
    note = running.note(settings, "http://127.0.0.1:1")
    assert note.database is None
    data = changed(service.data, tmp_path, database=None)
    monkeypatch.delenv("GATEWRIGHT_DATABASE", raising=False)
    with pytest.raises(ConfigurationError, match="set GATEWRIGHT_DATABASE"):
        local_profile(data)
    monkeypatch.setenv("GATEWRIGHT_DATABASE", note_of(service.data)["database"])
    (data / "api" / "secret.key").write_bytes((service.data / "api" / "secret.key").read_bytes())
    (data / "api" / "secret.key").chmod(0o600)
    assert local_profile(data).access_key_secret == "secret"


def test_a_note_that_cannot_be_written_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = load({"data": str(tmp_path / "nowhere")}, {}, None)
    with running.noted(settings, running.note(settings, "http://127.0.0.1:1")):
        assert "running.json cannot be written" in caplog.text


def test_a_user_who_may_not_read_is_told_whom_to_be(service: Service) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, who can be somebody else")
    code = f"""
import os, pathlib
from gatewright.app import running
from gatewright.errors import ConfigurationError
os.setgid(65534); os.setuid(65534)
try: running.find(pathlib.Path({str(service.data)!r}))
except ConfigurationError as error: print(error)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "may not be read by user 65534: be root, or the user that the service runs as" in told


@pytest.mark.skipif(bool(unmet()), reason=unmet() or "the linux plane can run")
def test_on_the_linux_plane_root_reads_it_as_the_apis_user(tmp_path: Path) -> None:
    service = Service(tmp_path / "data", plane="linux")
    try:
        with service:
            assert (service.data / "api").stat().st_uid != 0
            found = running.find(service.data)
            assert service.process is not None
            assert (found.plane, found.process.pid) == ("linux", service.process.pid)
            with Caller(local_profile(service.data)) as caller:
                assert caller.call("DescribeVpcs")["TotalCount"] == 0
            assert service.stop() == 0
            assert "no service runs" in refusal(service.data)
    finally:
        clean(service.installation)
