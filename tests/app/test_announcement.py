"""What a person sees when the service starts and when Ctrl-C ends it. tests/cli/test_snippets.py runs its commands."""

from __future__ import annotations

import io
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gatewright.access.keyring import AccessKey
from gatewright.access.principal import Principal
from gatewright.app.announcement import Served, announce, screen, served
from gatewright.app.farewell import farewell, say_goodbye
from gatewright.app.program import program
from gatewright.app.running import note
from gatewright.cli import main
from gatewright.settings import Settings, load

TOLD = Served(
    plane="simulated",
    region="cn-hangzhou",
    database="sqlite /home/somebody/gatewright/data/api/gatewright.db",
    endpoint="http://127.0.0.1:8080",
    keys=(("6519238860472913", "LTAIu3mS1Qn0xC8vT2rBkd7E"),),
    data="data",
    program=".venv/bin/gatewright",
    secret="hush",
    control="http://127.0.0.1:8081",
    agents="https://vpn.example:8444",
    ca="/etc/gatewright/ca.crt",
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _settings(data: Path, **given: str) -> Settings:
    return load({"data": str(data), **given}, {}, None)


def _printed(stream: io.StringIO, **environment: str) -> str:
    announce(TOLD, stream, environment)
    return stream.getvalue()


@pytest.mark.parametrize("plane", ["simulated", "linux"])
def test_what_there_is_to_tell_fits_a_screen(plane: str) -> None:
    usual = list(screen(replace(TOLD, plane=plane, control=None, agents=None, ca=None, data="/var/lib/gatewright")))
    assert len(usual) < 24
    assert max(map(len, usual)) <= 80
    lines = list(screen(replace(TOLD, plane=plane)))
    assert len(lines) == len(usual) + 3
    assert max(map(len, lines)) <= 80
    assert f"Gatewright 0.1.0: {plane} plane, region cn-hangzhou" in lines
    for name in ("endpoint", "database", "control", "authority"):
        assert any(line.startswith(f"  {name} ") for line in lines)
    assert ("as root" in "\n".join(lines)) == (plane == "linux")


def test_emphasis_is_for_terminals_that_want_it() -> None:
    plain = _printed(io.StringIO(), TERM="xterm")
    assert "\x1b" not in plain
    assert _printed(Terminal(), TERM="xterm", NO_COLOR="1") == plain
    assert _printed(Terminal(), TERM="dumb") == _printed(Terminal()) == plain
    styled = _printed(Terminal(), TERM="xterm")
    assert re.sub("\x1b\\[\\d+m", "", styled) == plain != styled
    assert styled.count("\x1b[0m") == len(re.findall("\x1b\\[[12]m", styled))


def test_a_secret_is_told_when_it_has_been_made_up_and_only_then(tmp_path: Path) -> None:
    key = AccessKey("LTAI1", "hush", Principal("1234567890123456"))
    settings = _settings(tmp_path / "data")
    running = note(settings, "http://127.0.0.1:8080")
    first = "\n".join(screen(served(settings, running, [key], key)))
    assert "  access key secret  hush   (shown this once)\n" in first
    again = "\n".join(screen(served(settings, running, [key], None, [("something", "else")])))
    assert "  something          else\n" in again
    again = again.replace("  something          else\n", "")
    assert again == first.replace("  access key secret  hush   (shown this once)\n", "")
    assert "  access key id      LTAI1\n" in again
    assert "  account            1234567890123456\n" in again


def test_the_folder_is_named_where_the_commands_work_there_only() -> None:
    here = "Next, in another terminal in this folder:"
    assert here in screen(TOLD)
    for script, data in (("venv/bin/gatewright", "/srv/data"), ("/opt/bin/gatewright", "data"), ("gatewright", "data")):
        assert here in screen(replace(TOLD, program=script, data=data))
    assert here not in screen(replace(TOLD, program="/opt/bin/gatewright", data="/srv/data"))
    assert "Next, in another terminal:" in screen(replace(TOLD, program="gatewright", data="/srv/a b"))
    assert "  gatewright gateways create --data '/srv/a b'" in screen(
        replace(TOLD, program="gatewright", data="/srv/a b")
    )


def test_the_api_of_the_linux_plane_has_left_the_folder_that_it_speaks_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(tmp_path / "data", plane="linux")
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.chdir("/")
    assert served(settings, note(settings, "http://127.0.0.1:8080"), [], None).data == "data"
    monkeypatch.setenv("PWD", str(tmp_path / "data"))
    assert served(settings, note(settings, "http://127.0.0.1:8080"), [], None).data == f"{tmp_path}/data"
    monkeypatch.setenv("PWD", "/elsewhere")
    assert served(settings, note(settings, "http://[::1]:80"), [], None).data == f"{tmp_path}/data"


def test_the_program_is_called_as_the_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "venv/bin/gatewright"
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert program(tmp_path) == "gatewright"
    script.parent.mkdir(parents=True)
    script.touch(0o755)
    assert program(tmp_path) == "venv/bin/gatewright"
    assert program(Path("/elsewhere")) == program() == str(script)
    monkeypatch.setenv("PATH", str(script.parent))
    assert program(tmp_path) == "gatewright"


def test_who_ends_the_simulated_plane_is_told_how_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "\n".join(farewell(_settings(tmp_path / "data"), ["serve", "--data", "data"]))
    assert "nothing of it runs any more" in text
    assert re.search(r"^  \S*gatewright serve --data data$", text, re.MULTILINE)
    assert text.endswith("  rm -r data")
    (tmp_path / "data/agent").mkdir(parents=True)
    text = "\n".join(farewell(_settings(tmp_path / "data"), ["serve"]))
    assert "rm -r" not in text
    text = "\n".join(farewell(_settings(tmp_path / "data", database="postgresql://h/d"), ["serve"]))
    assert "its database" in text
    assert "rm -r" not in text


@pytest.mark.parametrize(
    ("instances", "said"),
    [
        ((), "None of its VPN gateways runs here."),
        (("vpn-a-1",), "1 instance of a VPN gateway goes on running here"),
        (("vpn-a-1", "vpn-a-2"), "2 instances of VPN gateways go on running here"),
    ],
)
def test_who_ends_the_linux_plane_is_told_what_runs_on(tmp_path: Path, instances: tuple[str, ...], said: str) -> None:
    settings = _settings(tmp_path / "data", plane="linux")
    namespaces = tmp_path / "netns"
    for name in (*(f"gw-abcdefgh-{each}" for each in instances), "gw-abcdefgh-router.vpc-1", "gw-other123-vpn-b-1"):
        (namespaces / name).mkdir(parents=True)
    settings.agent_folder.mkdir(parents=True)
    (settings.agent_folder / "installation").write_text("abcdefgh\n")
    text = "\n".join(farewell(settings, ["serve"], namespaces))
    assert said in text
    for verb in ("status", "clean"):
        assert re.search(rf"^  \S*gatewright host {verb} --data {tmp_path}/data$", text, re.MULTILINE)


def test_nothing_is_counted_of_an_installation_that_cannot_be_looked_at(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "data", plane="linux")
    assert "What it has on this host goes on." in "\n".join(farewell(settings, ["serve"], tmp_path))
    settings.agent_folder.mkdir(parents=True)
    (settings.agent_folder / "installation").write_text("?\n")
    assert "What it has on this host goes on." in "\n".join(farewell(settings, ["serve"], tmp_path))


def test_ctrl_c_before_it_serves_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "_run_command", interrupted)
    assert main.main(["serve"]) == 130


def test_who_reads_may_be_ended_by_the_same_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        say_goodbye(_settings(tmp_path / "data"), ["serve"])
