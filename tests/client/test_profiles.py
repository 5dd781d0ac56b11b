"""Which service is called and as whom: what wins, what is refused, and that no secret is told."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from gatewright.client import Profile, profile_file
from gatewright.client.profile_file import ProfileFile
from gatewright.client.profiles import Asked, find_profile, places
from gatewright.errors import ConfigurationError

LOCAL = Profile("http://127.0.0.1:18080", "local-id", "local-secret", "cn-beijing", source="the service on ./data")
DEV = Profile("http://dev.example:1", "dev-id", 'dev "secret" \\ ü\x7f😀', "eu-central-1", Path("/ca.crt"))
OTHER = Profile("https://other.example", "other-id", "other-secret", security_token="token")
OURS = {"GATEWRIGHT_ACCESS_KEY_ID": "env-id", "GATEWRIGHT_ACCESS_KEY_SECRET": "env-secret"}
THEIRS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "cloud-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "cloud-secret"}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose home has two profiles of ours."""
    environment = {"HOME": str(tmp_path)}
    profile_file.write(places(environment).own, ProfileFile("dev", {"dev": DEV, "other": OTHER}))
    return environment


def _nowhere(data: Path | None) -> Profile | None:
    return None


def _here(data: Path | None) -> Profile | None:
    return LOCAL


def _aliyun(environment: dict[str, str], *entries: dict[str, Any]) -> Path:
    path = places(environment).aliyun
    path.parent.mkdir()
    path.write_text(json.dumps({"current": "default", "profiles": entries, "meta_path": ""}))
    return path


def test_what_is_written_is_read_again_and_is_for_its_owner_only(home: dict[str, str]) -> None:
    path = places(home).own
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    found = profile_file.read(path)
    assert found.current == "dev"
    assert found.profiles["dev"].access_key_secret == DEV.access_key_secret
    assert (found.profiles["dev"].ca, found.profiles["dev"].region) == (Path("/ca.crt"), "eu-central-1")
    assert found.profiles["other"].security_token == "token"


def test_the_config_home_is_the_systems(tmp_path: Path) -> None:
    assert places({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}).own == Path("/x/gatewright/profiles.toml")
    assert places({"HOME": "/h", "XDG_CONFIG_HOME": "relative"}).own == Path("/h/.config/gatewright/profiles.toml")


@pytest.mark.parametrize(
    ("asked", "environment", "expected"),
    [
        # endpoint, key, region
        (Asked(), {}, (DEV.endpoint, "dev-id", "eu-central-1")),
        (Asked(profile="other"), OURS, (OTHER.endpoint, "other-id", "cn-hangzhou")),
        (Asked(endpoint="http://e", region="r"), {}, ("http://e", "dev-id", "r")),
        (Asked(), {"GATEWRIGHT_ENDPOINT": "http://e"}, ("http://e", "dev-id", "eu-central-1")),
        (Asked(endpoint="http://f"), {"GATEWRIGHT_ENDPOINT": "http://e"}, ("http://f", "dev-id", "eu-central-1")),
        (Asked(), OURS, (DEV.endpoint, "env-id", "eu-central-1")),
        (Asked(), OURS | {"GATEWRIGHT_ENDPOINT": "http://e"}, ("http://e", "env-id", "cn-hangzhou")),
        (Asked(endpoint="http://e"), OURS | {"GATEWRIGHT_REGION": "r"}, ("http://e", "env-id", "r")),
        (Asked(), THEIRS, (DEV.endpoint, "dev-id", "eu-central-1")),
        (Asked(endpoint="http://e"), THEIRS, ("http://e", "cloud-id", "cn-hangzhou")),
        (Asked(endpoint="http://e"), THEIRS | OURS, ("http://e", "env-id", "cn-hangzhou")),
        (Asked(data=Path("there")), OURS, (LOCAL.endpoint, "local-id", "cn-beijing")),
    ],
)
def test_what_says_more_exactly_wins(
    home: dict[str, str], asked: Asked, environment: dict[str, str], expected: tuple[str, str, str]
) -> None:
    found = find_profile(asked, home | environment, _here)
    assert (found.endpoint, found.access_key_id, found.region) == expected


def test_without_profiles_it_is_the_local_service(tmp_path: Path) -> None:
    bare = {"HOME": str(tmp_path)}
    assert find_profile(Asked(), bare, _here) == LOCAL
    found = find_profile(Asked(), bare | OURS, _here)
    assert (found.endpoint, found.access_key_id) == (LOCAL.endpoint, "env-id")
    found = find_profile(Asked(), bare | OURS, _nowhere)
    assert (found.endpoint, found.access_key_id) == ("http://127.0.0.1:8080", "env-id")
    with pytest.raises(ConfigurationError, match=r"no access key: start `gatewright serve`"):
        find_profile(Asked(), bare | THEIRS, _nowhere)


@pytest.mark.parametrize(
    ("asked", "environment", "told"),
    [
        (Asked(profile="nobody"), {}, "there are dev, other, default"),
        (Asked(profile="dev", data=Path("d")), {}, "give one of them"),
        (Asked(data=Path("d")), {}, "gatewright serve --data d"),
        (Asked(), {"GATEWRIGHT_ACCESS_KEY_ID": "a"}, "GATEWRIGHT_ACCESS_KEY_SECRET too"),
        (Asked(endpoint="http://e"), {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "hush"}, "ALIBABA_CLOUD_ACCESS_KEY_ID too"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    home: dict[str, str], asked: Asked, environment: dict[str, str], told: str
) -> None:
    _aliyun(home, {"name": "default", "mode": "AK"})
    with pytest.raises(ConfigurationError, match=told) as caught:
        find_profile(asked, home | environment, _nowhere)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_secrets_that_others_can_read_are_refused(home: dict[str, str], mode: int) -> None:
    path = places(home).own
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"chmod 600 {path}"):
        find_profile(Asked(), home, _here)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = ", "is no TOML"),
        ("profiles = 1", "must be tables"),
        ("[profiles]\na = 1", "must be a table"),
        ('current = "gone"', "names no profile"),
        ('[profiles.a]\nendpoint = "http://e"\naccess_key_secret = "hush"', "lacks access_key_id"),
        ('[profiles.a]\naccess_key_secert = "hush"', "'access_key_secert', which is none of"),
        ("[profiles.a]\nregion = 7", "region must be a text"),
        ('[profiles.a]\naccess_key_secret = "hush', "is no TOML"),
        (b"\xff", "no UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_words_and_without_secrets(
    home: dict[str, str], text: str | bytes, told: str
) -> None:
    path = places(home).own
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError, match=told) as caught:
        find_profile(Asked(), home, _here)
    assert str(path) in str(caught.value)
    assert "hush" not in str(caught.value)


def test_profiles_of_the_aliyun_cli_are_used_when_named(home: dict[str, str]) -> None:
    key = {"access_key_id": "a", "access_key_secret": "s", "region_id": "cn-shanghai", "output_format": "json"}
    _aliyun(
        home,
        {"name": "plain", "mode": "AK", "endpoint": "127.0.0.1:8443", **key},
        {"name": "brief", "mode": "StsToken", "sts_token": "t", **key},
        {"name": "dev", "mode": "AK", **key},
    )
    plain = find_profile(Asked(profile="plain"), home, _nowhere)
    assert (plain.endpoint, plain.access_key_id, plain.region) == ("https://127.0.0.1:8443", "a", "cn-shanghai")
    brief = find_profile(Asked(profile="brief", endpoint="http://e"), home, _nowhere)
    assert (brief.endpoint, brief.security_token) == ("http://e", "t")
    assert find_profile(Asked(profile="dev"), home, _nowhere).access_key_id == "dev-id"
    with pytest.raises(ConfigurationError, match=r"profile brief .* names no endpoint: say --endpoint"):
        find_profile(Asked(profile="brief"), home, _nowhere)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"mode": "RamRoleArn", "access_key_secret": "hush"}, "the mode RamRoleArn"),
        ({"mode": "EcsRamRole"}, "only the modes AK and StsToken"),
        ({}, "of no name"),
        ({"mode": "AK"}, "has no access key"),
        ({"mode": "StsToken", "access_key_id": "a", "access_key_secret": "hush"}, "no sts_token"),
    ],
)
def test_other_profiles_of_the_aliyun_cli_are_refused_with_the_reason(
    home: dict[str, str], entry: dict[str, str], told: str
) -> None:
    _aliyun(home, {"name": "it", "endpoint": "e", **entry})
    with pytest.raises(ConfigurationError, match=told) as caught:
        find_profile(Asked(profile="it"), home, _nowhere)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "hush", "[]", '{"profiles": {}}', '{"profiles": ["hush"]}'])
def test_a_configuration_that_is_none_is_told(home: dict[str, str], text: str) -> None:
    path = _aliyun(home)
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=str(path)) as caught:
        find_profile(Asked(profile="default"), home, _nowhere)
    assert "hush" not in str(caught.value)


def test_no_profile_shows_its_secrets(home: dict[str, str]) -> None:
    shown = repr(profile_file.read(places(home).own))
    assert "dev-id" in shown
    assert "other-secret" not in shown
    assert "token" not in shown.replace("security_token", "")
