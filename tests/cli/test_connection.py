"""Where a service of this machine is looked for, and what becomes of what the options say."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from gatewright.app import local_profile
from gatewright.cli.connection import add_connection, caller_of, profile_of
from gatewright.client import Profile
from gatewright.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "DATA", "REGION"):
        monkeypatch.delenv(f"GATEWRIGHT_{name}", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    # tests/app/test_running.py shows what it reads; here it tells which directory it was asked for
    monkeypatch.setattr(
        local_profile, "local_profile", lambda data: Profile("http://127.0.0.1:1", "id", "secret", source=str(data))
    )


def _parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_connection(parser)
    return parser.parse_args(words)


def test_the_local_service_is_looked_for_where_it_is_said_else_where_it_usually_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="no access key"):
        profile_of(_parsed())
    (tmp_path / "data" / "api").mkdir(parents=True)
    assert profile_of(_parsed()).source == "data"
    monkeypatch.setenv("GATEWRIGHT_DATA", "/var/lib/there")
    assert profile_of(_parsed()).source == "/var/lib/there"
    assert profile_of(_parsed("--data", "here")).source == "here"


def test_options_say_how_to_call_it(tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    words = ("--data", "d", "--endpoint", "https://h:1", "--region", "cn-beijing", "--ca", str(ca))
    with pytest.raises(ConfigurationError, match=f"{ca} .* cannot be read"):
        caller_of(_parsed(*words))
    ca.touch()
    profile = caller_of(_parsed(*words, "--signature", "V1")).profile
    assert (profile.endpoint, profile.region, profile.ca) == ("https://h:1", "cn-beijing", ca)
