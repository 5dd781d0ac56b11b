"""Completion: what is proposed, and that real shells put it on the command line."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatewright.cli import main
from gatewright.cli.candidates import FILES, candidates
from gatewright.cli.completion import SHELLS, rejoined
from gatewright.client import Profile, profile_file
from gatewright.client.profile_file import ProfileFile
from gatewright.operations import registry


def _proposed(*words: str) -> list[str]:
    return [each.word for each in candidates(words, main._parser())]


def test_commands_and_their_options_are_proposed() -> None:
    assert {"call", "serve", "hosts", "profiles"} <= set(_proposed(""))
    assert _proposed("prof") == ["profiles"]
    assert _proposed("profiles", "") == ["list", "add", "use", "remove"]
    assert "--plane" in _proposed("serve", "--")
    assert _proposed("serve", "--plane", "") == ["simulated", "linux"]
    assert _proposed("serve", "--plane=l") == ["--plane=linux"]
    assert _proposed("completion", "") == list(SHELLS)
    assert _proposed("nonsense", "") == []
    assert candidates(["serve", "--config", ""], main._parser()) == [FILES]


def test_operations_are_proposed() -> None:
    vpc = [operation.name for operation in registry.ALL if operation.product.code == "Vpc"]
    assert set(vpc) < set(_proposed("call", ""))
    assert _proposed("call", "CreateVpnG") == ["CreateVpnGateway"]
    assert _proposed("call", "create-vpn-g") == ["create-vpn-gateway"]
    assert _proposed("call", "Ec") == ["Ecs"]
    assert _proposed("call", "ecs", "DescribeZ") == ["DescribeZones"]
    assert _proposed("call", "--output", "json", "CreateVpc") == ["CreateVpc"]


def test_parameters_are_proposed_once_and_lists_go_on() -> None:
    for operation in registry.ALL:
        proposed = _proposed("call", operation.product.code, operation.name, "--")
        for field in operation.fields:
            begin = f"--{field.name}.1." if field.many else f"--{field.name}."
            assert any(word == f"--{field.name}" or word.startswith(begin) for word in proposed)
    assert _proposed("call", "CreateVpc", "--VpcN") == ["--VpcName"]
    assert _proposed("call", "CreateVpc", "--vpc-n") == ["--vpc-name"]
    assert _proposed("call", "CreateVpc", "--VpcName", "x", "--VpcN") == []
    assert _proposed("call", "CreateVpc", "--Tag") == ["--Tag.1.Key", "--Tag.1.Value"]
    assert _proposed("call", "CreateVpc", "--Tag.1.Key", "a", "--Tag") == ["--Tag.1.Value"]
    both = ("--Tag.1.Key", "a", "--tag.1.value", "b")
    assert _proposed("call", "CreateVpc", *both, "--Tag") == ["--Tag.2.Key", "--Tag.2.Value"]
    assert _proposed("call", "CreateVpc", "--wa") == ["--wait"]
    tunnel = "--TunnelOptionsSpecification.1.TunnelBgpConfig."
    fields = [f"{tunnel}LocalAsn", f"{tunnel}TunnelCidr", f"{tunnel}LocalBgpIp"]
    assert _proposed("call", "CreateVpnConnection", tunnel) == fields
    assert _proposed("call", "CreateVpnConnection", f"{tunnel}LocalAsn", "1", tunnel) == fields[1:]
    assert _proposed("call", "CreateVpnConnection", "--ike-config.p") == ["--ike-config.psk"]


def test_values_are_proposed_where_rules_name_them() -> None:
    assert _proposed("call", "CreateVpnGateway", "--NetworkType", "") == ["public", "private"]
    assert _proposed("call", "CreateVpnGateway", "--network-type=pr") == ["--network-type=private"]
    assert _proposed("call", "CreateVpnGateway", "--EnableSsl", "") == ["true", "false"]
    assert _proposed("call", "CreateVpnGateway", "--Name", "") == []
    assert _proposed("call", "CreateVpc", "--output", "") == ["table", "json", "yaml", "text"]


def test_profiles_are_proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    profile = Profile("http://e", "a", "s")
    path = tmp_path / ".config/gatewright/profiles.toml"
    profile_file.write(path, ProfileFile("dev", {"dev": profile, "prod": profile}))
    assert _proposed("call", "DescribeVpcs", "--profile", "") == ["dev", "prod"]
    path.chmod(0o644)
    assert _proposed("call", "DescribeVpcs", "--profile", "") == []


@pytest.mark.parametrize(
    ("split", "typed"),
    [
        (["--output", "=", "js"], ["--output=js"]),
        (["--endpoint", "http", ":", "//h", ":", "1", "x"], ["--endpoint", "http://h:1", "x"]),
        (["--output", "="], ["--output="]),
        (["a", ""], ["a", ""]),
    ],
)
def test_what_bash_splits_is_joined_again(split: list[str], typed: list[str]) -> None:
    assert rejoined(split) == typed


def test_completing_loads_neither_the_server_nor_what_draws() -> None:
    code = (
        "import sys; from gatewright.cli import main; "
        "main.main(['complete-words', 'bash', 'call', 'CreateVpc', '--']); print(*sorted(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ran.stdout.splitlines()[-1].split()
    heavy = {"sqlalchemy", "uvicorn", "rich", "yaml", "jmespath", "cryptography", "ssl"}
    assert not heavy & {name.partition(".")[0] for name in loaded}
    assert not any(name.startswith(("gatewright.operations", "gatewright.wire")) for name in loaded)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a program ``gatewright``, as an installation has it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "gatewright"
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m gatewright "$@"\n')
    path.chmod(0o755)
    return folder


def _environment(program: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("ZDOTDIR", "PS1", "PROMPT_COMMAND")}
    home = {"HOME": str(program.parent), "PATH": f"{program}:{os.environ['PATH']}", "TERM": "xterm", "COLUMNS": "200"}
    return kept | home


class Terminal:
    """A shell on a terminal, as a person has it."""

    def __init__(self, words: list[str], program: Path) -> None:
        self._ours, theirs = pty.openpty()
        self.seen = b""
        self._process = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs, env=_environment(program), start_new_session=True
        )
        os.close(theirs)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def until(self, text: str) -> None:
        """Read until the shell has shown this."""
        deadline = time.monotonic() + 60
        while text.encode() not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, self.seen.decode(errors="replace")
            if select.select([self._ours], [], [], left)[0]:
                self.seen += os.read(self._ours, 4096)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


def _needs(shell: str) -> str:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed: apt-get install {shell}")
    return path


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("gatewright call CreateVpnG\t", "CreateVpnGateway "),
        ("gatewright call CreateVpnGateway --NetworkType pr\t", "--NetworkType private "),
        ("gatewright call CreateVpnGateway --network-type=pr\t", "--network-type=private "),
        ("gatewright call CreateVpc --Tag.1.Key=a --Tag.1.\t", "--Tag.1.Value "),
        ("gatewright prof\tli\t", "profiles list "),
    ],
)
def test_bash_completes_on_a_terminal(program: Path, typed: str, shown: str) -> None:
    terminal = Terminal([_needs("bash"), "--norc", "--noprofile", "-i"], program)
    try:
        terminal.type('bind "set enable-bracketed-paste off"; eval "$(gatewright completion bash)"; echo re""ady\n')
        terminal.until("ready")
        terminal.type(typed)
        terminal.until(shown)
    finally:
        terminal.close()


def test_bash_completes_paths_where_options_take_them(program: Path) -> None:
    (program.parent / "authority.pem").touch()
    terminal = Terminal([_needs("bash"), "--norc", "--noprofile", "-i"], program)
    try:
        terminal.type('cd; eval "$(gatewright completion bash)"; echo re""ady\n')
        terminal.until("ready")
        terminal.type("gatewright call DescribeVpcs --ca auth\t")
        terminal.until("authority.pem")
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("gatewright call CreateVpnG\t", "ateway"),
        ("gatewright call CreateVpnGateway --NetworkType pr\t", "ivate"),
        ("gatewright prof\t", "iles"),
    ],
)
def test_zsh_completes_on_a_terminal(program: Path, typed: str, shown: str) -> None:
    terminal = Terminal([_needs("zsh"), "-f", "-i"], program)
    try:
        terminal.type(
            'PS1="$ "; autoload -Uz compinit; compinit -u -D; eval "$(gatewright completion zsh)"; echo re""ady\n'
        )
        terminal.until("ready")
        terminal.type(typed)
        terminal.until(shown)
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gatewright call CreateVpnG", "CreateVpnGateway"),
        ("gatewright call CreateVpnGateway --NetworkType pr", "private"),
        ("gatewright call CreateVpnGateway --network-type=pr", "--network-type=private"),
        ("gatewright prof", "profiles"),
    ],
)
def test_fish_completes(program: Path, line: str, expected: str) -> None:
    ran = subprocess.run(
        [_needs("fish"), "--no-config", "-c", f"gatewright completion fish | source; complete -C {shlex.quote(line)}"],
        capture_output=True,
        text=True,
        env=_environment(program),
        timeout=120,
    )
    assert [each.partition("\t")[0] for each in ran.stdout.splitlines()] == [expected], ran.stderr
