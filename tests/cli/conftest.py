"""One simulated service a module, and the command that calls it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewright.cli import main
from tests.cli.command import Command, Friendly, Ran
from tests.support.service import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    # what it says is to be typed works in any folder then
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    data = tmp_path_factory.mktemp("cli") / "data"
    with Service(data, arguments=("--control",), environment=path) as running:
        yield running


@pytest.fixture(scope="module")
def command(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(tmp_path_factory.mktemp("home"), f"http://127.0.0.1:{service.port}")


@pytest.fixture
def friendly(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Friendly]:
    """Runs a command in this process, as somebody without a terminal, on a service that is empty before and after."""
    for name, value in {
        "GATEWRIGHT_ENDPOINT": service.endpoint,
        "GATEWRIGHT_ACCESS_KEY_ID": "test",
        "GATEWRIGHT_ACCESS_KEY_SECRET": "secret",
        "HOME": str(tmp_path),
        "COLUMNS": "80",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("GATEWRIGHT_OUTPUT", "GATEWRIGHT_REGION", "GATEWRIGHT_DATA", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> Ran:
        capsys.readouterr()
        status = main.main(words)
        return Ran(status, *capsys.readouterr())

    yield run
    service.control("POST", "/v1/reset")
