"""The pages as a site, and the picture of a session."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from scripts.session_picture import PICTURE, session

from tests.docs.blocks import commands, read
from tests.docs.places import ROOT


def test_every_link_leads_somewhere_every_page_is_in_the_menu_and_nothing_is_loaded_from_elsewhere(
    tmp_path: Path,
) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, f"a new page belongs into `nav` of mkdocs.yml:\n{built.stderr}"
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"?([^\s\">]+)", page.read_text())
        assert [each for each in loaded if each.startswith(("http:", "https:", "//"))] == [], page.name
    index = (tmp_path / "index.html").read_text()
    assert 'src="images/session.svg"' in index
    assert "<!-- run" not in index


def test_the_picture_is_of_the_readmes_session() -> None:
    shown = [
        command
        for block in read("README.md", session())
        if block.language == "console"
        for command, _ in commands(block)
    ]
    drawn = ElementTree.parse(PICTURE).getroot()  # noqa: S314 - it is ours
    told = drawn.find("{http://www.w3.org/2000/svg}desc")
    assert told is not None
    assert told.text == "\n".join(shown), "draw it anew: python scripts/session_picture.py"
    assert str(ROOT) not in PICTURE.read_text()
    assert "http" not in "".join(re.findall(r"url\((.*?)\)", PICTURE.read_text())), "it loads a font from elsewhere"
