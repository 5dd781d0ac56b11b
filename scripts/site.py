"""What mkdocs is told besides ``mkdocs.yml``: pages and files outside ``docs`` that pages lead to, and links to these.

README, architecture and changelog stay at the checkout's root, where people look for them, and are pages of the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
_PAGES = {"README.md": "index.md", "ARCHITECTURE.md": "architecture.md", "CHANGELOG.md": "changelog.md"}
_LINK = re.compile(r"(\]\()([^)#\s]+)")
#: Marks of what is shown are for the tests.
_COMMENT = re.compile(r"^[ ]*<!--.*?-->\n?", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root, and the files outside ``docs`` that any page leads to."""
    for name, place in _PAGES.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / name)))
    pages = list(files.documentation_pages())
    while pages:
        for target in _targets(pages.pop()):
            place = _place(target)
            if place not in files.src_uris:
                added = File.generated(config, place, abs_src_path=str(ROOT / target))
                files.append(added)
                pages += [added] if added.is_documentation_page() else []
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Leave out the marks, and lead links to where their targets are on the site."""
    here = posixpath.dirname(page.file.src_uri)
    source = _source(page.file)

    def led(found: re.Match[str]) -> str:
        target = _target(source, found[2])
        return found[0] if target is None else found[1] + posixpath.relpath(_place(target), here or ".")

    return _COMMENT.sub("", _LINK.sub(led, markdown))


def _targets(page: File) -> list[str]:
    source = _source(page)
    found = [_target(source, each[2]) for each in _LINK.finditer((ROOT / source).read_text())]
    return [each for each in found if each is not None]


def _target(source: str, link: str) -> str | None:
    """The file of the checkout that a link leads to, if there is one."""
    if "://" in link or link.startswith("mailto:"):
        return None
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    return target if (ROOT / target).is_file() else None


def _source(page: File) -> str:
    """A page's file in the checkout."""
    root = {place: name for name, place in _PAGES.items()}
    inside = f"docs/{page.src_uri}"
    return root.get(page.src_uri) or (inside if (ROOT / inside).is_file() else page.src_uri)


def _place(target: str) -> str:
    """Where a file of the checkout is on the site."""
    return _PAGES.get(target, target.removeprefix("docs/"))
