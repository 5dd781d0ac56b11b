"""What the pages for people say is so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatewright.settings import OPTIONS, PREFIX
from tests.support.service import Service

ROOT = Path(__file__).parents[2]
PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))


def test_the_readmes_python_runs_as_it_stands(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 1
    with Service(tmp_path / "data") as service:
        code = blocks[0].replace('access_key_id="..."', 'access_key_id="test"')
        code = code.replace('access_key_secret="..."', 'access_key_secret="secret"')
        code = code.replace("127.0.0.1:8080", f"127.0.0.1:{service.port}")
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert re.fullmatch(r"(init|provisioning|active) 240\.\d+\.\d+\.\d+\n", ran.stdout)


def test_what_the_readme_steers_with_does_that(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text().replace("\\\n", " ")
    asked = re.findall(r"curl -s -X POST localhost:8081(\S+) -H content-type:application/json +-d '(.*)'", text)
    assert len(asked) == 3
    with Service(tmp_path / "data", arguments=("--control",)) as service:
        for target, body in asked:
            service.control("POST", target, json.loads(body))
        assert service.control("GET", "/v1/delays")["provisioning"] == 300
        assert service.control("GET", "/v1/clock")["ahead"] == 300
        (fault,) = service.control("GET", "/v1/faults")
        assert (fault["status"], fault["message"]) == (400, "The inventory is not enough.")


def test_every_setting_is_on_its_page() -> None:
    page = (ROOT / "docs/settings.md").read_text()
    for option in OPTIONS:
        row = next(line for line in page.splitlines() if f"| `{option.name}` |" in line)
        assert "--" + option.name.replace("_", "-") in row
        assert PREFIX + option.name.upper() in row


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", *PAGES])
def test_links_and_paths_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in link:
            assert ((ROOT / page).parent / link).exists(), link
    for path in re.findall(r"`((?:tests|docs|src|scripts|bench)/[\w./-]+?)(?:::\w+)?`", text):
        assert (ROOT / path).exists(), path
    for path, test in re.findall(r"`(tests/[\w./-]+)::(\w+)`", text):
        assert f"def {test}(" in (ROOT / path).read_text(), test


def test_the_architecture_page_names_every_package() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    packages = [path.name for path in (ROOT / "src/gatewright").iterdir() if (path / "__init__.py").exists()]
    assert [name for name in packages if f"`{name}`" not in page] == []
