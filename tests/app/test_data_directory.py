"""The lock of a data directory: what a killed supervisor has left is waited for, a living service is told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from gatewright.app.data_directory import Lock
from gatewright.errors import ConfigurationError


def test_a_lock_is_taken_as_soon_as_it_is_free(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = Lock(tmp_path / "lock", "another")

    class Ending(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            before.release()

    ending = Ending()
    log = logging.getLogger("gatewright.app.data_directory")
    log.addHandler(ending)
    try:
        Lock(tmp_path / "lock", "another", 20).release()
    finally:
        log.removeHandler(ending)
    assert caplog.messages == [f"another runs in {tmp_path}: waiting up to 20 s for it to end"]


def test_a_lock_that_stays_held_is_told(tmp_path: Path) -> None:
    held = Lock(tmp_path / "lock", "another")
    for patience in (0.0, 0.1):
        with pytest.raises(ConfigurationError, match=f"another runs already in {tmp_path}"):
            Lock(tmp_path / "lock", "another", patience)
    held.release()
