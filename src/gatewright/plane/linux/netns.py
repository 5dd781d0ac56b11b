"""Named network namespaces, made and entered within this process.

They are the ones of ``ip netns``: files in /run/netns with a namespace mounted on each (ip-netns(8)). A
thread enters one in microseconds, where the tool takes milliseconds.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

FOLDER = Path("/run/netns")

_CLONE_NEWNET = 0x40000000
_MS_BIND, _MS_REC, _MS_SHARED = 4096, 16384, 1 << 20
_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


class Identity(NamedTuple):
    """What makes a namespace the same as another: the device and inode of its file."""

    device: int
    inode: int


def path(name: str) -> Path:
    return FOLDER / name


def home() -> Identity:
    """The namespace of this process: the host's."""
    return _identity("/proc/self/ns/net")


def identity(name: str) -> Identity | None:
    """Which namespace carries the name; None if there is none, or only a file on which none was mounted.

    The host's own namespace counts as none: whatever name it was given, it is not an instance's.
    """
    try:
        return _if_apart(_identity(path(name)), home())
    except FileNotFoundError:
        return None


def listing() -> dict[str, Identity | None]:
    """All names in use, ours and others', as in :func:`identity`."""
    host = home()
    found: dict[str, Identity | None] = {}
    with suppress(FileNotFoundError), os.scandir(FOLDER) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                found[entry.name] = _if_apart(_identity(entry.path), host)
    return found


def ensure(name: str) -> bool:
    """Make the namespace if it is not there; True if this call made it. Raises OSError."""
    if identity(name) is not None:
        return False
    _share_folder()
    target = path(name)
    # an earlier run may have been killed before it mounted, or the file outlived a reboot
    os.close(os.open(target, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o444))
    with temporary():
        _mount("/proc/thread-self/ns/net", str(target), _MS_BIND)
    return True


def delete(name: str) -> None:
    """Take the name away; the kernel frees the namespace with its last process and socket. Raises OSError."""
    target = path(name)
    while target.exists() and _identity(target).device == home().device:
        _check(_libc.umount2(str(target).encode(), _MNT_DETACH), f"umount {target}")
    target.unlink(missing_ok=True)


@contextmanager
def temporary() -> Iterator[None]:
    """The calling thread is in a new, nameless namespace, which vanishes at the end. Raises OSError."""
    with _coming_home():
        _check(_libc.unshare(_CLONE_NEWNET), "unshare(CLONE_NEWNET)")
        yield


@contextmanager
def opened(name: str) -> Iterator[int]:
    """A descriptor of the namespace. Raises OSError."""
    descriptor = os.open(path(name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def entered(name: str) -> Iterator[None]:
    """The calling thread is in the namespace, and what it opens or starts belongs there.

    Other threads stay where they are. Raises OSError.
    """
    with opened(name) as descriptor, _coming_home():
        _check(_libc.setns(descriptor, _CLONE_NEWNET), f"setns {name}")
        yield


@contextmanager
def _coming_home() -> Iterator[None]:
    way_back = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            yield
        finally:
            _check(_libc.setns(way_back, _CLONE_NEWNET), "setns back to the host's namespace")
    finally:
        os.close(way_back)


def _share_folder() -> None:
    """Make the folder a shared mount, as iproute2 does: every mount namespace sees names come and go."""
    FOLDER.mkdir(mode=0o755, exist_ok=True)
    folder = os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        try:
            _mount("", str(FOLDER), _MS_SHARED | _MS_REC)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            _mount(str(FOLDER), str(FOLDER), _MS_BIND | _MS_REC)
            _mount("", str(FOLDER), _MS_SHARED | _MS_REC)
    finally:
        os.close(folder)


def _if_apart(found: Identity, host: Identity) -> Identity | None:
    return found if found.device == host.device and found != host else None


def _identity(file: str | Path) -> Identity:
    found = os.stat(file)  # noqa: PTH116 - a Path per process of the host would be slow
    return Identity(found.st_dev, found.st_ino)


def _mount(source: str, target: str, flags: int) -> None:
    _check(_libc.mount(source.encode(), target.encode(), b"none", flags, None), f"mount {target}")


def _check(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")
