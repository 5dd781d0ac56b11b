"""Who listens on this host's own ports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LISTENING = {"tcp": "0A", "udp": "07"}


def listeners(protocol: str, port: int) -> list[str]:
    """What listens on a port of the calling process's namespace, such as ``charon (process 12)``.

    One that we may not look at is ``somebody``.
    """
    sockets = set(_sockets(protocol, port))
    if not sockets:
        return []
    found = sorted(_owners(sockets))
    return found or ["somebody"]


def _sockets(protocol: str, port: int) -> Iterator[str]:
    for table in (protocol, f"{protocol}6"):
        with suppress(FileNotFoundError):
            for line in Path(f"/proc/self/net/{table}").read_text("ascii").splitlines()[1:]:
                words = line.split()
                if words[1].rpartition(":")[2] == f"{port:04X}" and words[3] == _LISTENING[protocol]:
                    yield f"socket:[{words[9]}]"


def _owners(sockets: set[str]) -> set[str]:
    found = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):  # it ended, or is not ours to look at
            for descriptor in (folder / "fd").iterdir():
                with suppress(FileNotFoundError):
                    if os.readlink(descriptor) in sockets:  # noqa: PTH115 - for every descriptor of the host
                        found.add(f"{(folder / 'comm').read_text().strip()} (process {folder.name})")
    return found
