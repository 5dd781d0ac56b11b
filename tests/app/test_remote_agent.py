"""``gatewright agent``: what it is started with, and whose host it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewright.app.remote_agent import _pin
from gatewright.cli.main import main
from gatewright.errors import ConfigurationError
from gatewright.secrets.certificates import Authority

OURS = Authority.make("0123abcd")


def files(folder: Path, certificate: str | None = None) -> list[str]:
    issued = OURS.issue_host("edge-1", "10.200.0.11")
    for name, text in (
        ("ca", OURS.certificate),
        ("crt", certificate or issued.certificate),
        ("key", issued.private_key),
    ):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)
    return ["--ca", str(folder / "ca"), "--cert", str(folder / "crt"), "--key", str(folder / "key")]


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["agent", *arguments]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return told


def test_what_it_cannot_start_with_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = files(tmp_path)
    data = ("--data", str(tmp_path / "data"))
    assert "write https://HOST:PORT" in refusal(capsys, "--control-plane", "192.0.2.1:1", *given, *data)
    assert "--public-pool" in refusal(
        capsys, "--control-plane", "https://192.0.2.1:1", *given, *data, "--uplink", "eth0"
    )
    (tmp_path / "key").chmod(0o640)
    assert "chmod 600" in refusal(capsys, "--control-plane", "https://192.0.2.1:1", *given, *data)
    (tmp_path / "ca").unlink()
    assert "cannot be read" in refusal(capsys, "--control-plane", "https://192.0.2.1:1", *given, *data)
    assert not (tmp_path / "data").exists()


def test_a_certificate_of_no_host_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issued = OURS.issue_endpoint("192.0.2.1")
    given = files(tmp_path, issued.certificate)
    (tmp_path / "key").write_text(issued.private_key)
    told = refusal(capsys, "--control-plane", "https://192.0.2.1:1", *given, "--data", str(tmp_path / "data"))
    assert "it is no certificate of a host" in told


def test_a_host_stays_with_the_installation_that_it_was_first(tmp_path: Path) -> None:
    path = tmp_path / "data" / "agent" / "installation"
    path.parent.mkdir(parents=True)
    _pin(path, "0123abcd", tmp_path / "crt")
    _pin(path, "0123abcd", tmp_path / "crt")
    with pytest.raises(ConfigurationError, match="belongs to the installation 0123abcd"):
        _pin(path, "zzzzzzzz", tmp_path / "crt")
    assert path.read_text() == "0123abcd\n"
