"""Keys from files and from standard input: whose they are, and how much is read."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from gatewright.cli.asking import LONGEST_SECRET
from gatewright.cli.friendly.keys import key_of
from gatewright.errors import ConfigurationError


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_text("secret\n")
    file.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"others can read the key in {file}: chmod 600 {file}"):
        key_of(str(file), "Key")
    file.chmod(0o600)
    assert key_of(str(file), "Key") == "secret"


def test_a_file_that_goes_on_and_on_is_not_read_to_its_end(tmp_path: Path) -> None:
    pipe, chunk = tmp_path / "pipe", b"x" * 4096
    os.mkfifo(pipe, 0o600)
    taken = 0

    def write() -> None:
        nonlocal taken
        with pipe.open("wb", buffering=0) as file:
            try:
                while taken < 100 * LONGEST_SECRET:
                    taken += file.write(chunk) or 0
            except BrokenPipeError:
                pass

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(ConfigurationError, match=f"{pipe} has more than 65536 bytes: that is no key"):
            key_of(str(pipe), "Key")
    finally:
        writer.join(10)
    assert taken < 10 * LONGEST_SECRET


def test_what_fits_is_read_from_a_pipe_too(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    writer = threading.Thread(target=pipe.write_text, args=("secret\n",))
    writer.start()
    try:
        assert key_of(str(pipe), "Key") == "secret"
    finally:
        writer.join(10)


def test_a_line_of_standard_input_that_goes_on_and_on_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.StringIO("x" * 10 * LONGEST_SECRET)
    monkeypatch.setattr("sys.stdin", given)
    with pytest.raises(ConfigurationError, match="standard input has a line of more than 65536 characters"):
        key_of("-", "Key")
    assert given.tell() <= 2 * LONGEST_SECRET


@pytest.mark.parametrize(("content", "said"), [(b"\xff\xfe", "it is no text"), (b" \n", "has no key in it")])
def test_what_is_no_key_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said):
        key_of(str(file), "Key")
