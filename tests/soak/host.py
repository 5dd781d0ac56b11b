"""Everything that an installation has on this host, found without its own code: by what carries a mark of it.

Marks are its id, its data directory, and the namespaces and links that were once seen to be its own, so that a link
that has lost its alias and a namespace that has lost its name are found as well. Others may use the host meanwhile.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_FOLDERS = (Path("/run"), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - looked at, not written to
_DEPTH = 4
#: The device of everything that is a namespace.
_NAMESPACES = Path("/proc/self/ns/net").stat().st_dev
_NETWORK = 0x40000000  # CLONE_NEWNET
_SO_NETNS_COOKIE = 71
_libc = ctypes.CDLL(None, use_errno=True)
_NAMESPACE = re.compile(r"net:\[(\d+)\]")


class Host:
    """One installation on this host. Needs root."""

    def __init__(self, installation: str, data: Path) -> None:
        self._installation = installation
        self._data = data
        self._texts = (installation, str(data))
        #: Their numbers, and the cookies of those that have had them: the kernel gives a number again.
        self._namespaces: dict[int, set[int]] = {}
        self._links: set[str] = set()
        #: Names and numbers whose cookies are noted.
        self._seen: set[tuple[str, int]] = set()

    def observe(self) -> None:
        """Note which namespaces and links are the installation's now, to know them later without their names."""
        self._look_at_names()
        self._links.update(link["ifname"] for link in _ip("link", "show") if self._marked(link.get("ifalias", "")))

    def daemons(self) -> list[int]:
        """The numbers of all processes in namespaces that are the installation's by their names, now."""
        named = self._look_at_names()
        return [pid for pid, namespaces in _namespaces_of_processes() if namespaces.keys() & named]

    def leftovers(self) -> list[str]:
        """One line for each thing that is there of it, besides its data directory."""
        self.observe()
        return sorted({*self._files(), *self._processes(), *self._kernel()})

    def leftovers_beside(self, service: Iterable[int]) -> list[str]:
        """As `leftovers`, without what a living service has itself; its processes are given."""
        runtime = f"/run/gatewright/{self._installation}"
        its_own = (
            f"socket {self._data}/",
            *(f"{kind} {runtime}{ending}" for kind in ("file", "socket") for ending in (".lock", ".sock")),
            *(f"process {pid} " for pid in service),
        )
        return [line for line in self.leftovers() if not line.startswith(its_own)]

    def _look_at_names(self) -> set[int]:
        """The numbers of the installation's namespaces that have names; they are noted."""
        ours: set[int] = set()
        for path in Path("/run/netns").iterdir():
            if self._installation not in path.name:
                continue
            with suppress(OSError):
                found = path.stat()
                # a name that has no namespace yet is a file on /run
                if found.st_dev == _NAMESPACES:
                    ours.add(found.st_ino)
                    if (path.name, found.st_ino) not in self._seen:
                        self._namespaces.setdefault(found.st_ino, set()).add(_cookie(path))
                        self._seen.add((path.name, found.st_ino))
        return ours

    def _is_ours(self, number: int, path: Path) -> bool:
        """Whether the namespace at a path, of this number, is one that was noted."""
        try:
            return number in self._namespaces and _cookie(path) in self._namespaces[number]
        except OSError:
            return False  # its process has ended

    def _marked(self, text: str) -> bool:
        return any(mark in text for mark in self._texts)

    def _files(self) -> Iterator[str]:
        for top in _FOLDERS:
            for folder, folders, files in os.walk(top):
                here = Path(folder)
                yield from (f"file {here / name}" for name in (*folders, *files) if self._ours(here / name))
                if len(here.relative_to(top).parts) >= _DEPTH - 1 or here == self._data:
                    folders.clear()
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            if self._marked(line):
                yield f"mount {line.split()[4]}"
        for line in Path("/proc/net/unix").read_text().splitlines():
            if self._marked(line):
                yield f"socket {line.split()[-1]}"

    def _ours(self, path: Path) -> bool:
        return self._installation in str(path) and not path.is_relative_to(self._data)

    def _processes(self) -> Iterator[str]:
        for pid, namespaces in _namespaces_of_processes():
            inside = any(self._is_ours(number, path) for number, path in namespaces.items())
            named = self._marked(_text(f"/proc/{pid}/environ")) or self._marked(_text(f"/proc/{pid}/cmdline"))
            if inside or (named and pid not in (os.getpid(), os.getppid())):
                yield f"process {pid} {_text(f'/proc/{pid}/cmdline')!r}" + (", holds a namespace" if inside else "")
        yield from self._mounts_in_views()

    def _mounts_in_views(self) -> Iterator[str]:
        """What processes see of it that have mounts of their own."""
        home = _link("/proc/self/ns/mnt")
        looked_at = {home}
        for pid in _pids():
            view = _link(f"/proc/{pid}/ns/mnt")
            if view and view not in looked_at:
                looked_at.add(view)
                for line in _text(f"/proc/{pid}/mountinfo").splitlines():
                    if self._marked(line):
                        yield f"process {pid} sees a mount at {line.split()[4]}"

    def _kernel(self) -> Iterator[str]:
        links = [one for one in _ip("link", "show") if one["ifname"] in self._links or self._marked(str(one))]
        names = {str(link["ifname"]) for link in links}
        yield from (f"link {link['ifname']} {link.get('ifalias', '(no alias)')}" for link in links)
        for address in _ip("address", "show"):
            if address.get("ifname") in names:
                yield from (f"address {one['local']} on {address['ifname']}" for one in address["addr_info"])
        yield from (
            f"route {one['dst']} on {one['dev']}"
            for one in _ip("route", "show", "table", "all")
            if one.get("dev") in self._links
        )
        for kind in ("rule", "neighbor"):
            yield from (f"{kind} {one}" for one in _ip(kind, "show") if self._mentions(str(one)))
        for line in _output("tc", "qdisc", "show").splitlines():
            if self._mentions(line) and "noqueue" not in line:
                yield f"qdisc {line}"
        for line in _output("nft", "list", "ruleset").splitlines():
            if self._mentions(line):
                yield f"nft {line.strip()}"

    def _mentions(self, text: str) -> bool:
        return self._marked(text) or any(word in self._links for word in re.findall(r"[\w-]+", text))


def zombies_of(parents: set[int]) -> list[str]:
    """Processes that have ended and that their parent, one of these, has not looked after."""
    found = []
    for pid in _pids():
        fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if fields and fields[0] == "Z" and int(fields[1]) in parents:
            found.append(f"zombie {pid} of {fields[1]}")
    return found


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _namespaces_of_processes() -> Iterator[tuple[int, dict[int, Path]]]:
    """Every process with the network namespaces that it is in or has open, the host's own left out: number and path."""
    home = Path("/proc/self/ns/net").stat().st_ino
    for pid in _pids():
        held: dict[int, Path] = {}
        with suppress(OSError):
            # a thread may be elsewhere than its process
            for task in Path(f"/proc/{pid}/task").iterdir():
                held[(task / "ns/net").stat().st_ino] = task / "ns/net"
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                found = _NAMESPACE.fullmatch(str(descriptor.readlink()))
                if found is not None:
                    held[int(found[1])] = descriptor
        held.pop(home, None)
        yield pid, held


def _cookie(path: Path) -> int:
    """What tells a network namespace from all others that there were since the host has started. Raises OSError."""
    there = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    found: list[int | OSError] = []

    def look() -> None:
        # a thread alone can be elsewhere than its process
        try:
            if _libc.setns(there, _NETWORK) != 0:
                raise OSError(ctypes.get_errno(), f"setns {path}")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asked:
                found.append(int.from_bytes(asked.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8), sys.byteorder))
        except OSError as error:
            found.append(error)

    try:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    finally:
        os.close(there)
    [answer] = found
    if isinstance(answer, OSError):
        raise answer
    return answer


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        return Path(path).read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _ip(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_output("ip", "-j", *arguments) or "[]")
    return found


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout
