"""What the pages for people say is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gatewright.settings import OPTIONS, PREFIX

ROOT = Path(__file__).parents[2]
PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))


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
