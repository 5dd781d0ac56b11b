"""`gatewright certs`: an authority, a certificate, renewal, and what it does not touch."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatewright.app import certs
from gatewright.cli.main import main
from gatewright.errors import ConfigurationError
from gatewright.secrets.certificates import Authority
from gatewright.secrets.server_certificates import examine, issued_by


def refusal(folder: Path, *names: str, days: int = 30) -> str:
    with pytest.raises(ConfigurationError) as refused:
        certs.make(folder, names, days)
    return str(refused.value)


def test_what_is_made_can_be_served_with_and_is_for_this_machine(tmp_path: Path) -> None:
    made = certs.make(tmp_path / "a" / "tls", ["GW.example.com", "2001:db8:0::1", "gw.example.com"], 30)
    assert made.new_authority
    assert not made.renewed
    paths = made.paths
    modes = {path.name: path.stat().st_mode & 0o777 for path in paths}
    assert modes == {"ca.crt": 0o644, "ca.key": 0o600, "server.crt": 0o644, "server.key": 0o600}
    found = examine(paths.certificate.read_text(), paths.key.read_text(), datetime.now(UTC))
    assert {"localhost", "127.0.0.1", "::1", "gw.example.com", "2001:db8::1"} <= set(found.names)
    assert sorted(found.names) == sorted(made.names)
    assert abs(found.until - made.until) < timedelta(minutes=1)
    assert issued_by(paths.certificate.read_text(), paths.authority.read_text())
    # clients take the authority for one
    (authority,) = ssl.create_default_context(cafile=paths.authority).get_ca_certs()
    assert "Gatewright local CA" in str(authority["subject"])


def test_run_again_it_renews_with_the_same_authority_and_names(tmp_path: Path) -> None:
    first = certs.make(tmp_path, ["gw.example.com"], 30)
    before = {path.name: path.read_text() for path in first.paths}
    second = certs.make(tmp_path, [], 60)
    after = {path.name: path.read_text() for path in second.paths}
    assert (second.renewed, second.new_authority) == (True, False)
    assert {name for name in after if after[name] == before[name]} == {"ca.crt", "ca.key"}
    assert sorted(second.names) == sorted(first.names)
    assert second.until - first.until > timedelta(days=29)
    # names that are given take the place of those that were given before
    third = certs.make(tmp_path, ["other.example.com"], 30)
    assert set(first.names) - set(third.names) == {"gw.example.com"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.crt", "ca.key", "server.crt", "server.key"]


def test_what_is_not_its_own_is_left_alone(tmp_path: Path) -> None:
    stranger = Authority.make("x", "x").issue_server("y", ["a"], timedelta(days=1))
    paths = certs.Paths(*(tmp_path / name for name in ("ca.crt", "ca.key", "server.crt", "server.key")))
    paths.certificate.write_text(stranger.certificate)
    assert "was not issued by" in refusal(tmp_path)
    paths.certificate.unlink()
    paths.key.write_text(stranger.private_key)
    assert f"{paths.key} is there without server.crt" in refusal(tmp_path)
    assert paths.key.read_text() == stranger.private_key
    paths.key.unlink()
    certs.make(tmp_path, [], 30)
    paths.certificate.write_text(stranger.certificate)
    assert "was not issued by" in refusal(tmp_path)


def test_half_an_authority_or_one_that_others_can_read_is_refused(tmp_path: Path) -> None:
    paths = certs.make(tmp_path, [], 30).paths
    paths.authority_key.chmod(0o640)
    assert "others can read" in refusal(tmp_path)
    paths.authority_key.chmod(0o600)
    other = Authority.make("x", "x")
    kept = paths.authority_key.read_text()
    paths.authority_key.write_text(other.private_key)
    assert "its key is another certificate's" in refusal(tmp_path)
    paths.authority_key.unlink()
    assert f"{paths.authority} is there and {paths.authority_key} is not" in refusal(tmp_path)
    paths.authority_key.write_text(kept)
    paths.authority_key.chmod(0o600)
    paths.authority.unlink()
    assert f"{paths.authority_key} is there and {paths.authority} is not" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["", "a b", "münchen.example", "-a", "1.2.3", "a.", "a..b", "*", "x" * 64])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    assert "write a host name" in refusal(tmp_path, name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("days", [0, -1, 821])
def test_a_time_that_clients_refuse_is_refused(days: int, tmp_path: Path) -> None:
    assert "1 to 820" in refusal(tmp_path, days=days)


def test_the_command_says_what_to_do_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certs", "--out", str(tmp_path / "my tls"), "--name", "gw.example.com"]) == 0
    said = capsys.readouterr().out
    authority = f"'{tmp_path}/my tls/ca.crt'"
    for how in (
        f"curl --cacert {authority}",
        f"SSL_CERT_FILE={authority}",
        f"NODE_EXTRA_CA_CERTS={authority}",
        f"REQUESTS_CA_BUNDLE={authority}",
        f"--tls-cert '{tmp_path}/my tls/server.crt' --tls-key '{tmp_path}/my tls/server.key'",
        "  gw.example.com\n",
    ):
        assert how in said
    assert "PRIVATE" not in said
    assert main(["certs", "--out", str(tmp_path / "my tls")]) == 0
    assert "SIGHUP" in capsys.readouterr().out
