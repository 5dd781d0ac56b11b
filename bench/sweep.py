"""Removes what an installation left on this host, by its id: after a run nothing of it may stay, however it ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

_RUNTIME = Path("/run/gatewright")


def sweep(data: Path) -> None:
    """Remove everything of the installation whose data directory this is. Its service has ended."""
    for file in data.rglob("installation"):
        installation = file.read_text("ascii").strip()
        if installation:
            _sweep(installation)


def _sweep(installation: str) -> None:
    for namespace in _namespaces(installation):
        for pid in _ip("netns", "pids", namespace).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        _ip("netns", "delete", namespace)
    for link in json.loads(_ip("-j", "link", "show") or "[]"):
        if link.get("ifalias", "").startswith(f"gatewright:{installation}:"):
            _ip("link", "delete", link["ifname"])
    for table in json.loads(_run("nft", "-j", "list", "tables") or '{"nftables": []}')["nftables"]:
        told = table.get("table", {})
        if installation in told.get("name", ""):
            _run("nft", "delete", "table", told["family"], told["name"])
    shutil.rmtree(_RUNTIME / installation, ignore_errors=True)


def _namespaces(installation: str) -> list[str]:
    names = [line.split()[0] for line in _ip("netns", "list").splitlines()]
    return [name for name in names if name.startswith(f"gw-{installation}-")]


def _ip(*arguments: str) -> str:
    return _run("ip", *arguments)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
