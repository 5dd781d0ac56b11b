"""The linux plane's API has no privileges, wherever its code and its data lie; and who it runs as."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

import gatewright
from gatewright.app.data_directory import give_folder
from gatewright.app.privileges import api_user, only_write_to_terminals
from gatewright.errors import ConfigurationError
from gatewright.isolation import users
from gatewright.isolation.credentials import shortcomings
from gatewright.isolation.view import User
from gatewright.settings import Settings, load
from tests.support.linux import clean, unmet
from tests.support.service import Service


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder that nobody but root may pass, with a clone and its virtual environment in it."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "diary").write_text("private")
    (home / "diary").chmod(0o644)
    package = Path(gatewright.__file__).parent
    shutil.copytree(package, home / "clone" / "src" / "gatewright", ignore=shutil.ignore_patterns("__pycache__"))
    venv.create(home / "clone" / ".venv", symlinks=True)
    site = next((home / "clone" / ".venv" / "lib").glob("python*/site-packages"))
    libraries = [name for name in sys.path if name.endswith("site-packages")]
    (site / "clone.pth").write_text("\n".join([str(home / "clone" / "src"), *libraries]) + "\n")
    return home


def served_from(home: Path, database: str | None) -> Iterator[Service]:
    """The clone's service, with an empty data directory of root's in the same home."""
    if unmet():
        pytest.skip(unmet())
    data = home / "data"
    data.mkdir(mode=0o700)
    made = Service(
        data,
        plane="linux",
        database=database,
        program=(str(home / "clone" / ".venv" / "bin" / "python"), "-m", "gatewright"),
    )
    made.environment.pop("PYTHONPATH", None)
    with made:
        yield made
        made.stop()
    clean((data / "agent" / "installation").read_text().strip())


@pytest.fixture
def service(home: Path) -> Iterator[Service]:
    yield from served_from(home, None)


@pytest.fixture
def service_on_either(home: Path, database_url: str) -> Iterator[Service]:
    yield from served_from(home, None if database_url.startswith("sqlite") else database_url)


def half(service: Service, which: str) -> int:
    """The number of a half's process."""
    assert service.process is not None
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            words = (path / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue
        if parent == service.process.pid and f"half-{which}".encode() in words:
            return int(path.name)
    raise AssertionError(f"there is no half-{which}")


def as_the_api(pid: int, user: User, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with the same view and rights as the API."""
    become = [f"--reuid={user.uid}", f"--regid={user.gid}", "--clear-groups", "--bounding-set=-all", "--no-new-privs"]
    return subprocess.run(
        ["nsenter", "--mount", f"--target={pid}", "setpriv", *become, "--inh-caps=-all", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def gateway(service: Service) -> str:
    client = service.client()
    vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        client.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in (("cn-hangzhou-k", "10.1.0.0/16"), ("cn-hangzhou-j", "10.2.0.0/16"))
    )
    made: str = client.call(
        "CreateVpnGateway", VpcId=vpc, VSwitchId=first, DisasterRecoveryVSwitchId=second, Bandwidth=10
    )["VpnGatewayId"]
    deadline = time.monotonic() + 15
    while (status := client.call("DescribeVpnGateway", VpnGatewayId=made)["Status"]) != "active":
        assert time.monotonic() < deadline, status
        time.sleep(0.01)
    return made


def test_serving_from_a_clone_in_a_home_of_root(service_on_either: Service, home: Path) -> None:
    service = service_on_either
    gateway(service)
    api, agent = half(service, "api"), half(service, "agent")
    # it keeps no network namespace alive
    assert "/run/netns" not in Path(f"/proc/{api}/mountinfo").read_text()
    owner = (service.data / "api").stat()
    user = User(owner.st_uid, owner.st_gid)
    assert 0 not in user
    assert shortcomings(Path(f"/proc/{api}/status").read_text(), user) == []
    for name, uid in (("", 0), ("api", user.uid), ("agent", 0)):
        found = (service.data / name).stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, uid)
    assert re.search(r"^Uid:\s+0\s", Path(f"/proc/{agent}/status").read_text(), re.MULTILINE)

    # of the home: its own folder, the code, and nothing else
    seen = as_the_api(api, user, f"find {home} -maxdepth 2; ls {service.data}")
    assert set(seen.stdout.split()) == {
        *(str(home / name) for name in ("", "clone", "clone/src", "clone/.venv", "data", "data/api")),
        "api",
    }
    for script in (
        f"cat {home}/diary",
        f"cat {service.data}/agent/installation",
        "ls /run/gatewright/*",
        "touch /tmp/x",
        "touch /var/tmp/x",
        "echo 1 > /dev/shm/x",
        f"touch {home}/x",
        f"touch {home}/clone/src/gatewright/x.py",
        f"cp /bin/true {service.data}/api/program && {service.data}/api/program",
        f"cat /proc/{agent}/environ",
        f"cat /proc/{api}/environ",
        f"kill -0 {agent}",
        "ip link add type veth",
    ):
        assert as_the_api(api, user, script).returncode != 0, script
    assert as_the_api(api, user, f"touch {service.data}/api/x && rm {service.data}/api/x").returncode == 0
    (service.data / "api" / "program").unlink()


def test_the_user_stays_and_what_was_roots_is_handed_over(service: Service) -> None:
    owner = (service.data / "api").stat().st_uid
    service.stop()
    os.chown(service.data / "api" / "gatewright.db", 0, 0)
    os.chown(service.data / "api", 0, 0)
    service.start()
    assert {path.stat().st_uid for path in (service.data / "api").rglob("*")} == {owner}
    service.stop()
    service.arguments += ["--api-user", str(owner + 2)]
    with pytest.raises(AssertionError, match=f'chown -R {owner + 2}:{owner + 2} .*or set api_user = "{owner}"'):
        service.start()
    service.arguments[-2:] = []
    service.start()


def test_a_database_where_the_apis_user_cannot_write(service: Service, home: Path) -> None:
    service.stop()
    service.arguments += ["--database", f"sqlite:///{home / 'elsewhere' / 'x.db'}"]
    with pytest.raises(AssertionError, match=r"which is no folder: make it"):
        service.start()
    (home / "elsewhere").mkdir(mode=0o755)
    with pytest.raises(AssertionError, match=rf"{home}/elsewhere, where user \d+, whom the API runs as, cannot write"):
        service.start()
    owner = (service.data / "api").stat()
    os.chown(home / "elsewhere", owner.st_uid, owner.st_gid)
    service.start()
    service.client().call("CreateVpc")
    assert (home / "elsewhere" / "x.db").exists()


def test_code_that_its_user_cannot_read_is_said(service: Service, home: Path) -> None:
    service.stop()
    package = home / "clone" / "src" / "gatewright"
    package.chmod(0o700)
    with pytest.raises(AssertionError, match=rf"cannot read {package}, where its code is: chmod -R go\+rX {package}"):
        service.start()
    package.chmod(0o755)


def test_of_a_terminal_the_api_has_the_writing_end_alone(tmp_path: Path) -> None:
    keyboard, terminal = os.openpty()
    with (tmp_path / "log").open("w+b") as log:
        try:
            os.write(keyboard, b"typed by root\n")
            only_write_to_terminals(terminal, log.fileno())
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.read(terminal, 100)
            assert os.write(terminal, b"said") == 4
            log.write(b"said")
            log.seek(0)
            assert log.read() == b"said"
        finally:
            os.close(keyboard)
            os.close(terminal)


def settings(tmp_path: Path, **given: str) -> Settings:
    return load({"data": str(tmp_path / "data"), "plane": "linux", **given}, {}, None)


def test_who_the_api_runs_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewright.app.privileges.ACCOUNT", "nobody-of-this-name")
    made_up = api_user(settings(tmp_path))
    assert made_up.uid in range(users.FIRST, users.LAST + 1)
    assert made_up.uid == made_up.gid
    assert api_user(settings(tmp_path)) == made_up
    assert api_user(settings(tmp_path, api_user="61999")) == User(61999, 61999)
    nobody = api_user(settings(tmp_path, api_user="nobody"))
    assert api_user(settings(tmp_path, api_user=str(nobody.uid))) == nobody
    monkeypatch.setattr("gatewright.app.privileges.ACCOUNT", "nobody")
    assert api_user(settings(tmp_path)) == nobody


def test_the_owner_of_the_folder_stays_the_user(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a folder to another user needs root")
    (tmp_path / "data" / "api").mkdir(parents=True)
    os.chown(tmp_path / "data" / "api", users.LAST, users.LAST)
    assert api_user(settings(tmp_path)) == User(users.LAST, users.LAST)
    # an account's folder says nothing: another plane may have been served by that person
    os.chown(tmp_path / "data" / "api", 1, 1)
    assert api_user(settings(tmp_path)) != User(1, 1)


@pytest.mark.parametrize("name", ["root", "0", "no such user"])
def test_users_that_the_api_does_not_run_as(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="api_user is"):
        api_user(settings(tmp_path, api_user=name))


def test_a_folder_of_a_third_user_is_left_alone(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a folder to another user needs root")
    folder = tmp_path / "api"
    folder.mkdir()
    (folder / "file").touch()
    os.chown(folder, 1, 1)
    with pytest.raises(ConfigurationError, match="belongs to user 1, and the API is to run as user 61184"):
        give_folder(folder, User(61184, 61184))
    assert (folder / "file").stat().st_uid == 0


def test_handing_over_follows_no_link(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a folder to another user needs root")
    (tmp_path / "api" / "sub").mkdir(parents=True)
    (tmp_path / "outside").touch()
    (tmp_path / "api" / "sub" / "link").symlink_to(tmp_path / "outside")
    give_folder(tmp_path / "api", User(61184, 61184))
    assert (tmp_path / "outside").stat().st_uid == 0
    assert (tmp_path / "api" / "sub" / "link").lstat().st_uid == 61184


def test_an_older_data_directory_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "gatewright.db").touch()
    done = subprocess.run(
        [sys.executable, "-m", "gatewright", "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2
    assert "mkdir -m 700 api agent" in done.stderr
