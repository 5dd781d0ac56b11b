"""A view: what of the machine's files one process sees, and the few folders that it may write.

Everything is read-only but those. Where a folder that the process needs lies below one that its user may not pass (a
clone in a home of mode 0700, say), the topmost of these is covered with an empty layer in which only what is needed is
put back, at the same path: paths go on to be right, and the rest of that home is not even visible.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gatewright.isolation import mounts

#: Namespaces that are mounted there are nobody's business who lives in a view, and each costs every view a copy.
_NETNS = Path("/run/netns")


class User(NamedTuple):
    """Whom a process runs as, by number. It has no further groups."""

    uid: int
    gid: int


class Shown(NamedTuple):
    """A folder that is to be there, under a cover or because it is to be writable."""

    path: Path
    writable: bool


class Layout(NamedTuple):
    """What to cover, and what to put back after that, outer folders first."""

    covers: tuple[Path, ...]
    shown: tuple[Shown, ...]

    def before_covers(self, shown: Shown) -> bool:
        """Whether a folder has to be put back before the covers are laid: one of them lies within it."""
        return any(cover.is_relative_to(shown.path) for cover in self.covers)


class Device(NamedTuple):
    """A character device that the user is to have for its own."""

    path: Path
    major: int
    minor: int


TUN = Device(Path("/dev/net/tun"), 10, 200)


def may_pass(mode: int, owner: User, user: User) -> bool:
    """Whether a user may look up names in a folder of that mode and owner; access control lists are not looked at."""
    if user.uid == owner.uid:
        return bool(mode & stat.S_IXUSR)
    return bool(mode & (stat.S_IXGRP if user.gid == owner.gid else stat.S_IXOTH))


def passable(user: User) -> Callable[[Path], bool]:
    """A question to ask of folders: :func:`may_pass`. Raises OSError."""

    def ask(folder: Path) -> bool:
        found = folder.stat()
        return may_pass(found.st_mode, User(found.st_uid, found.st_gid), user)

    return ask


def layout(readable: Iterable[Path], writable: Iterable[Path], passes: Callable[[Path], bool]) -> Layout:
    """What has to be covered and shown, so that these absolute paths are there. ``passes`` is asked about folders."""
    wanted = dict.fromkeys(readable, False) | dict.fromkeys(writable, True)
    covers: dict[Path, None] = {}
    shown: list[Shown] = []
    for path in sorted(wanted, key=lambda path: len(path.parts)):
        barred = next((folder for folder in reversed(path.parents) if not passes(folder)), None)
        if barred is not None:
            covers[barred] = None
        inside_shown = any(path.is_relative_to(outer.path) for outer in shown)
        if wanted[path] or (barred is not None and not inside_shown):
            shown.append(Shown(path, wanted[path]))
    return Layout(tuple(covers), tuple(shown))


def adopt(readable: Iterable[Path], writable: Iterable[Path], user: User, devices: Iterable[Device] = ()) -> bool:
    """Put the calling thread into a view of its own. All the folders must be there. Raises OSError.

    False if the kernel is too old to make the rest read-only: then the user's rights alone protect it.
    """
    plan = layout(readable, writable, passable(user))
    # two paths may lead to one folder, which is covered once
    covers = dict.fromkeys(folder.resolve() for folder in plan.covers)
    resolved = Layout(tuple(covers), ())
    mounts.unshare()
    mounts.detach(_NETNS)
    read_only = mounts.everything_read_only()
    first: list[tuple[int, Path]] = []
    trees: list[tuple[int, Path]] = []
    for path, may_write in plan.shown:
        tree = mounts.clone(path, recursive=not may_write)
        if may_write:
            mounts.make_writable(tree)
        early = resolved.before_covers(Shown(path.resolve(), may_write))
        (first if early else trees).append((tree, path))
    before = os.umask(0o022)
    try:
        for tree, path in first:
            mounts.attach(tree, path)
        for cover in covers:
            mounts.cover(cover)
        for tree, path in trees:
            path.mkdir(parents=True, exist_ok=True)
            mounts.attach(tree, path)
        for cover in covers:
            mounts.seal(cover)
        for device in devices:
            _give(device, user)
    finally:
        os.umask(before)
    return read_only


@contextmanager
def lived_in(
    readable: Iterable[Path], writable: Iterable[Path], user: User, devices: Iterable[Device] = ()
) -> Iterator[None]:
    """The calling thread, and what it starts, is in a view; then back where the process is. Raises OSError."""
    way_back = mounts.namespace()
    try:
        try:
            adopt(readable, writable, user, devices)
            yield
        finally:
            # one that was not let into a namespace of its own cannot, and need not, go back
            if not mounts.is_here(way_back):
                mounts.enter(way_back)
    finally:
        os.close(way_back)


def _give(device: Device, user: User) -> None:
    """Put a node of the user's own in the place of a device that it could not open."""
    found = device.path.stat()
    if found.st_mode & 0o006 == 0o006:
        return
    folder = device.path.parent
    mounts.cover(folder)
    try:
        os.mknod(device.path, stat.S_IFCHR | 0o600, os.makedev(device.major, device.minor))
    except PermissionError as error:
        mode = stat.S_IMODE(found.st_mode)
        why = f"{device.path} has mode {mode:04o}, and without CAP_MKNOD no other can be made: chmod 0666 {device.path}"
        raise PermissionError(error.errno, why) from error
    os.chown(device.path, user.uid, user.gid)
    mounts.seal(folder)
