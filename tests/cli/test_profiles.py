"""`gatewright profiles`: adding, using and removing them, and that secrets stay where they belong."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import Command, Ran

NO_ENVIRONMENT = {"GATEWRIGHT_ENDPOINT": "", "GATEWRIGHT_ACCESS_KEY_ID": "", "GATEWRIGHT_ACCESS_KEY_SECRET": ""}


@pytest.fixture
def bare(command: Command, tmp_path: Path) -> Command:
    """A command with an empty home."""
    return Command(tmp_path, command.endpoint)


def _run(command: Command, *words: str, stdin: str | None = None, **environment: str) -> Ran:
    return command.run(*words, stdin=stdin, **NO_ENVIRONMENT | environment)


def test_a_profile_is_added_used_and_removed(bare: Command) -> None:
    add = ("profiles", "add", "dev", "--endpoint", bare.endpoint, "--access-key-id", "test")
    ran = _run(bare, *add, stdin="secret\n")
    assert (ran.status, ran.err) == (0, "")
    assert "is the current profile" in ran.out
    path = bare.home / ".config/gatewright/profiles.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    called = _run(bare, "call", "GetCallerIdentity", "--query", "AccountId")
    assert (called.out, called.err) == ('"1234567890123456"\n', "")

    ran = _run(bare, "profiles", "add", "wrong", "--endpoint", bare.endpoint, "--access-key-id", "test", stdin="hush\n")
    assert "is the current" not in ran.out
    ran = _run(bare, "call", "DescribeVpcs", "--profile", "wrong")
    assert f"profile wrong of {path}, is another one" in ran.err
    assert _run(bare, "profiles", "use", "wrong").out == "wrong is the current profile\n"
    listed = _run(bare, "profiles", "list")
    assert [line.split()[:2] for line in listed.out.splitlines()[1:]] == [["dev", bare.endpoint], ["wrong", "*"]]
    assert "hush" not in listed.out + ran.err
    assert _run(bare, "profiles", "remove", "wrong").out == "wrong is removed; no profile is current now\n"
    assert "hush" not in path.read_text()
    ran = _run(bare, "call", "DescribeVpcs")
    assert (ran.status, "no access key" in ran.err) == (2, True)


def test_the_secret_comes_from_the_environment_too(bare: Command) -> None:
    words = ("profiles", "add", "dev", "--endpoint", bare.endpoint, "--access-key-id", "test")
    assert _run(bare, *words, GATEWRIGHT_ACCESS_KEY_SECRET="secret").status == 0
    assert _run(bare, "call", "DescribeVpcs").status == 0


def test_a_person_types_the_secret_unseen(bare: Command) -> None:
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in bare.environment.items() if not name.startswith("GATEWRIGHT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "gatewright", "profiles", "add", "dev", "--access-key-id", "test"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    for question, answer in ((b"Endpoint", bare.endpoint), (b"not shown", "typed-secret")):
        while question not in seen:
            seen += os.read(ours, 1000)
        os.write(ours, f"{answer}\n".encode())
    while b"profiles.toml" not in seen:
        seen += os.read(ours, 1000)
    assert process.wait(60) == 0
    os.close(ours)
    assert b"typed-secret" not in seen
    assert "typed-secret" in (bare.home / ".config/gatewright/profiles.toml").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "dev", "--endpoint", "http://e", "--access-key-id", "a"), "no secret was given"),
        (("add", "dev", "--access-key-id", "a"), "say --endpoint"),
        (("add", "dev", "--endpoint", "http://e"), "say --access-key-id"),
        (("add", "dev", "--endpoint", "e:1", "--access-key-id", "a"), "not of the form http://HOST:PORT"),
        (("add", "a b", "--endpoint", "http://e", "--access-key-id", "a"), "is no name"),
        (("use", "gone"), "there is no profile 'gone'"),
        (("remove", "gone"), "there are none"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(bare: Command, words: tuple[str, ...], told: str) -> None:
    ran = _run(bare, "profiles", *words, stdin="")
    assert (ran.status, ran.out) == (2, "")
    assert told in ran.err
    assert not (bare.home / ".config").exists()


def test_profiles_of_the_aliyun_cli_are_listed_and_called_with(bare: Command) -> None:
    assert "gatewright profiles add NAME" in _run(bare, "profiles", "list").out
    folder = bare.home / ".aliyun"
    folder.mkdir()
    key = {"access_key_id": "test", "access_key_secret": "secret", "region_id": "cn-hangzhou"}
    entries = [{"name": "default", "mode": "AK", **key}, {"name": "role", "mode": "RamRoleArn", **key}]
    (folder / "config.json").write_text(json.dumps({"current": "default", "profiles": entries}))
    listed = _run(bare, "profiles", "list").out
    assert "aliyun CLI, mode AK\n" in listed
    assert "aliyun CLI, mode RamRoleArn: not usable here" in listed
    assert "secret" not in listed
    assert _run(bare, "call", "DescribeVpcs", "--profile", "default", "--endpoint", bare.endpoint).status == 0
    ran = _run(bare, "call", "DescribeVpcs", "--profile", "role", "--endpoint", bare.endpoint)
    assert (ran.status, "only the modes AK and StsToken" in ran.err) == (2, True)


def test_others_must_not_read_the_secrets(bare: Command) -> None:
    path = bare.home / ".config/gatewright/profiles.toml"
    path.parent.mkdir(parents=True)
    path.write_text("")
    path.chmod(0o644)
    for words in (("call", "DescribeVpcs"), ("profiles", "list"), ("profiles", "use", "x")):
        ran = _run(bare, *words)
        assert (ran.status, f"chmod 600 {path}" in ran.err) == (2, True)
