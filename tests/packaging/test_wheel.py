"""The wheel and the sdist: what is in them, and that the wheel serves the simulated plane with nothing else.

It is installed into a virtual environment of its own that has what the wheel's metadata ask for and no more: linked
from the environment of the tests, so that nothing is downloaded.
"""

from __future__ import annotations

import email.policy
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from gatewright import __version__

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/gatewright"
NAME = f"gatewright-{__version__}"


def built(source: Path, out: Path, *targets: str) -> None:
    """Build as any front end does, with what is installed here."""
    options = [word for target in targets for word in ("-t", target)]
    ran = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", out, *options],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    built(ROOT, folder, "sdist", "wheel")
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return dist / f"{NAME}-py3-none-any.whl"


@pytest.fixture(scope="module")
def about(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"{NAME}.dist-info/METADATA")
    return email.message_from_bytes(text, policy=email.policy.default)


def test_the_wheel_has_the_package_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    wanted = {
        str(path.relative_to(SOURCE.parent))
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == wanted
    for name in ("cli/catalogue.json", "cli/shells/completion.zsh", "py.typed", "store/migrations/env.py"):
        assert f"gatewright/{name}" in names
    assert {name.partition(".dist-info/")[2] for name in names} - {""} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_the_sdist_has_what_people_read_and_build_with_and_makes_the_same_wheel(
    dist: Path, wheel: Path, tmp_path: Path
) -> None:
    with tarfile.open(dist / f"{NAME}.tar.gz") as archive:
        top = {name.split("/")[1] for name in archive.getnames()}
        assert {name.split("/")[0] for name in archive.getnames()} == {NAME}
        archive.extractall(tmp_path, filter="data")
    assert top == {
        *("src", "docs", "examples", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "README.md"),
        *("PKG-INFO", "pyproject.toml", ".gitignore"),
    }
    built(tmp_path / NAME, tmp_path / "again", "wheel")
    again = tmp_path / "again" / wheel.name
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()


def test_the_metadata_say_what_it_is(about: Message) -> None:
    assert (about["Name"], about["Version"]) == ("gatewright", __version__)
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Description-Content-Type"] == "text/markdown"
    assert str(about.get_payload()).startswith("# Gatewright\n")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(about.get_all("Provides-Extra", [])) == set(extras) > {"linux", "postgresql"}
    assert about["Requires-Python"] == ">=3.11"
    # no address is known yet, and none is made up
    assert about.get_all("Project-URL") is None


def needed(*texts: str) -> set[str]:
    """The names of what these requirements lead to, as it is installed here."""
    found: set[str] = set()
    waiting = [Requirement(text) for text in texts]
    while waiting:
        requirement = waiting.pop()
        extras = requirement.extras or {""}
        if requirement.marker is not None and not any(requirement.marker.evaluate({"extra": each}) for each in extras):
            continue
        if requirement.name in found:
            continue
        found.add(requirement.name)
        for text in metadata.requires(requirement.name) or []:
            inner = Requirement(text)
            if inner.marker is None or any(inner.marker.evaluate({"extra": each}) for each in extras):
                inner.marker = None
                waiting.append(inner)
    return found


def link(names: set[str], site: Path) -> None:
    """Put installed distributions into another environment, as links."""
    for name in names:
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            target = Path(str(distribution.locate_file(top)))
            if target.exists() and not (site / top).exists():
                (site / top).symlink_to(target)


class Environment:
    """A virtual environment, an empty folder beside it, and an ordinary user in it."""

    def __init__(self, folder: Path) -> None:
        self.venv, self.home = folder / "venv", folder / "home"
        self.home.mkdir()
        self.python = self.venv / "bin/python"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.venv], check=True)
        (self.site,) = self.venv.glob("lib/python*/site-packages")
        self.variables = {"PATH": f"{self.venv}/bin:/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8"}

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command as somebody who is not root."""
        # in a user namespace: the files of the checkout stay readable, wherever it is
        ordinary = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
        return subprocess.Popen(
            [*ordinary, *command],
            cwd=self.home,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str) -> str:
        with self.start(*command) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
        return out


@pytest.fixture(scope="module")
def installed(wheel: Path, about: Message, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("installed"))
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv is not None
    options = ("--quiet", "--no-deps", "--no-cache", "--offline", "--python", str(environment.python))
    subprocess.run([uv, "pip", "install", *options, str(wheel)], check=True)
    link(needed(*about.get_all("Requires-Dist", [])), environment.site)
    return environment


def test_it_serves_the_simulated_plane_to_an_ordinary_user_from_an_empty_folder(installed: Environment) -> None:
    with installed.start("gatewright", "serve", "--data", "data", "--listen", "127.0.0.1:0") as service:
        try:
            assert service.stdout is not None
            first = service.stdout.readline()
            assert first == f"Gatewright {__version__}: simulated plane, region cn-hangzhou\n", service.stderr
            # it is the last of what the call needs
            assert any("(shown this once)" in line for line in service.stdout)
            made = installed.run("gatewright", "call", "CreateVpc", "--cidr-block", "10.0.0.0/8", "--output", "json")
            assert json.loads(made)["VpcId"].startswith("vpc-")
        finally:
            service.send_signal(signal.SIGTERM)
        _, err = service.communicate(timeout=30)
    assert (service.returncode, err) == (0, "")
    assert [path.name for path in installed.home.iterdir()] == ["data"]


def test_pytest_finds_the_fixtures_by_itself(installed: Environment) -> None:
    link(needed("pytest"), installed.site)
    listed = installed.run("python", "-m", "pytest", "--fixtures", "-q", "-p", "no:cacheprovider")
    assert "\ngatewright -- " in listed
    assert "\ngatewright_server [session scope] -- " in listed
