"""Faults are tried on whole services, in folders and with daemons of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.linux import clean, unmet
from tests.support.service import Service


@pytest.fixture
def linux(tmp_path: Path) -> Iterator[Service]:
    """A service on the linux plane, not started yet; what it leaves on the host is removed."""
    if unmet():
        pytest.skip(unmet())
    service = Service(tmp_path / "data", plane="linux")
    with service:
        yield service
    clean((service.data / "agent" / "installation").read_text().strip())
