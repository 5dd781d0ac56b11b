"""One simulated service a module, and the command that calls it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.command import Command
from tests.support.service import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("cli") / "data", arguments=("--control",)) as running:
        yield running


@pytest.fixture(scope="module")
def command(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(tmp_path_factory.mktemp("home"), f"http://127.0.0.1:{service.port}")
