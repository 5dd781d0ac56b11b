"""The Containerfile, which no engine builds here: what it copies, its scripts, and what it starts."""

from __future__ import annotations

import ast
import fnmatch
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from gatewright import settings
from gatewright.cli.main import _parser
from gatewright.settings import OPTIONS

ROOT = Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """Every instruction with what follows it, of all stages."""
    lines = [line for line in (ROOT / "Containerfile").read_text().splitlines() if not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in whole.splitlines() if line.strip()]


FINAL = instructions()[max(i for i, (name, _) in enumerate(instructions()) if name == "FROM") :]


def last(name: str) -> str:
    return [rest for each, rest in FINAL if each == name][-1]


def test_what_is_copied_is_there_and_sent_to_the_build() -> None:
    ignored = [line for line in (ROOT / ".containerignore").read_text().splitlines() if line[:1] not in ("", "#")]
    sent = [line[1:] for line in ignored if line.startswith("!")]
    assert ignored[0] == "*"
    copied = []
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            copied += shlex.split(rest)[:-1]
    assert "src" in copied
    for path in copied:
        assert (ROOT / path).exists(), path
        assert any(fnmatch.fnmatch(path, f"{each}*") for each in sent), path


def test_its_scripts_are_sound_and_packages_are_those_of_the_clone() -> None:
    scripts = [rest for name, rest in instructions() if name == "RUN"]
    for script in scripts:
        checked = subprocess.run(["sh", "-n", "-c", script], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
    (installing,) = [script for script in scripts if "apt-get install" in script]
    packages = installing.partition("--no-install-recommends ")[2].partition("&&")[0].split()
    known = (ROOT / "scripts/system-packages.sh").read_text()
    assert [each for each in packages if f"={each}\n" not in known] == ["util-linux"]


def test_it_serves_the_simulated_plane_as_nobody_in_particular() -> None:
    assert last("USER") not in ("root", "0")
    program, *words = json.loads(last("ENTRYPOINT")) + json.loads(last("CMD"))
    parsed = _parser().parse_args(words)
    assert (program, parsed.command) == ("gatewright", "serve")
    environment = dict(pair.split("=", 1) for pair in shlex.split(last("ENV")))
    given = {option.name: getattr(parsed, option.name) for option in OPTIONS}
    chosen = settings.load(given, environment, None)
    assert (chosen.plane, chosen.port) == ("simulated", int(last("EXPOSE")))
    assert str(chosen.data) == last("VOLUME")


def test_its_health_is_asked_at_its_port() -> None:
    command = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    code = ast.unparse(ast.parse(command[-1]))
    assert f"http://127.0.0.1:{last('EXPOSE')}/healthz" in code


@pytest.mark.parametrize("name", ["ARG", "ENV"])
def test_no_secret_is_in_it(name: str) -> None:
    for each, rest in instructions():
        assert each != name or not re.search("SECRET|PASSWORD|KEY", rest)
