"""One simulated service a module, and the command that calls it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
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
