"""An address that a killed service still holds is waited for; one that stays in use is told."""

from __future__ import annotations

import logging
import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatewright.app.listening import listening_socket
from gatewright.errors import ConfigurationError


def test_an_address_is_taken_as_soon_as_it_is_free() -> None:
    """What the API of a killed supervisor holds until it has ended."""
    before = listening_socket("127.0.0.1", 0)
    port: int = before.getsockname()[1]
    waiting = _Waiting(before)
    logging.getLogger("gatewright.app.listening").addHandler(waiting)
    try:
        with ThreadPoolExecutor(1) as pool, pool.submit(listening_socket, "127.0.0.1", port, 20.0).result(20) as after:
            assert after.getsockname()[1] == port
    finally:
        logging.getLogger("gatewright.app.listening").removeHandler(waiting)
        before.close()
    assert waiting.told == [f"127.0.0.1:{port} is in use: waiting up to 20 s for it to become free"]


def test_an_address_that_stays_in_use_is_told() -> None:
    with listening_socket("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        for patience in (0.0, 0.1):
            with pytest.raises(ConfigurationError) as told:
                listening_socket("127.0.0.1", port, patience)
            in_use = rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use"
            who = rf".+ \(process {os.getpid()}\)"
            assert re.fullmatch(f"{in_use} by {who}; choose another port, or end what is there", str(told.value))


class _Waiting(logging.Handler):
    """Lets go of the address when it is waited for."""

    def __init__(self, holder: socket.socket) -> None:
        super().__init__()
        self.told: list[str] = []
        self._holder = holder

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())
        self._holder.close()
