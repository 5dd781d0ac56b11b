"""The kernel's calls on mounts, as far as views need them: open_tree(2), move_mount(2), mount_setattr(2).

Everything here raises OSError and needs CAP_SYS_ADMIN.
"""

from __future__ import annotations

import ctypes
import enum
import errno
import os
import struct
from pathlib import Path

#: The same numbers on every architecture but Alpha.
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_CLONE_NEWNS = 0x00020000
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MS_NOSUID, _MS_NOEXEC, _MS_REC, _MS_SLAVE = 2, 8, 16384, 1 << 19
_MNT_DETACH = 2
#: A layer holds folders and one device; its size is what somebody could fill it with.
_LAYER = "mode=755,size=256k"

_libc = ctypes.CDLL(None, use_errno=True)


class Attribute(enum.IntFlag):
    """MOUNT_ATTR_* of mount_setattr(2)."""

    READ_ONLY = 1
    NO_SETUID = 2
    NO_DEVICES = 4
    NO_PROGRAMS = 8


def unshare() -> None:
    """Put the calling thread into a mount namespace of its own, a copy that follows what the old one goes on to do.

    A slave: what is mounted or unmounted outside is so here too, so that nothing is kept alive by the copy, and
    nothing that is done here is seen outside.
    """
    _check(_libc.unshare(_CLONE_NEWNS), "unshare(CLONE_NEWNS)")
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None), "making / a slave")


def namespace() -> int:
    """A descriptor of the process's mount namespace, to :func:`enter` again."""
    return os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)


def enter(descriptor: int) -> None:
    """Put the calling thread, which must have been in :func:`unshare`, into a mount namespace."""
    _check(_libc.setns(descriptor, _CLONE_NEWNS), "setns(CLONE_NEWNS)")


def is_here(descriptor: int) -> bool:
    """Whether the calling thread is in a mount namespace."""
    return os.path.samestat(os.fstat(descriptor), Path("/proc/thread-self/ns/mnt").stat())


def everything_read_only() -> bool:
    """Make every mount read-only and deaf to set-user-id; False where the kernel, older than 5.12, cannot."""
    try:
        _set_attributes(_AT_FDCWD, "/", _AT_RECURSIVE, Attribute.READ_ONLY | Attribute.NO_SETUID, Attribute(0))
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return False
    return True


def clone(path: Path, *, recursive: bool = False) -> int:
    """A descriptor of a mount of a folder or file that is attached nowhere yet."""
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | (_AT_RECURSIVE if recursive else 0)
    return _call(
        f"open_tree {path}",
        _SYS_OPEN_TREE,
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(os.fsencode(path)),
        ctypes.c_uint(flags),
    )


def make_writable(tree: int) -> None:
    """Let a clone be written: files only, that is, neither programs nor devices."""
    added = Attribute.NO_SETUID | Attribute.NO_DEVICES | Attribute.NO_PROGRAMS
    try:
        _set_attributes(tree, "", _AT_EMPTY_PATH, added, Attribute.READ_ONLY)
    except OSError as error:
        # then nothing was made read-only either
        if error.errno != errno.ENOSYS:
            raise


def attach(tree: int, path: Path) -> None:
    """Put a clone over a folder or file, and close its descriptor."""
    try:
        _call(
            f"move_mount to {path}",
            _SYS_MOVE_MOUNT,
            ctypes.c_int(tree),
            ctypes.c_char_p(b""),
            ctypes.c_int(_AT_FDCWD),
            ctypes.c_char_p(os.fsencode(path)),
            ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH),
        )
    finally:
        os.close(tree)


def cover(path: Path) -> None:
    """Put an empty layer over a folder: what was in it is out of sight."""
    flags = _MS_NOSUID | _MS_NOEXEC
    _check(_libc.mount(b"none", os.fsencode(path), b"tmpfs", flags, _LAYER.encode()), f"covering {path}")


def seal(path: Path) -> None:
    """Make a layer read-only once everything is in it."""
    try:
        _set_attributes(_AT_FDCWD, str(path), 0, Attribute.READ_ONLY, Attribute(0))
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise


def detach(path: Path) -> None:
    """Take away every mount at a path; none is fine."""
    while _libc.umount2(os.fsencode(path), _MNT_DETACH) == 0:
        pass
    if (code := ctypes.get_errno()) not in (errno.EINVAL, errno.ENOENT):
        raise OSError(code, f"umount {path}: {os.strerror(code)}")


def _set_attributes(folder: int, path: str, flags: int, added: Attribute, removed: Attribute) -> None:
    attributes = struct.pack("QQQQ", added, removed, 0, 0)
    _call(
        f"mount_setattr {path}",
        _SYS_MOUNT_SETATTR,
        ctypes.c_int(folder),
        ctypes.c_char_p(os.fsencode(path)),
        ctypes.c_uint(flags),
        ctypes.create_string_buffer(attributes, len(attributes)),
        ctypes.c_size_t(len(attributes)),
    )


def _call(what: str, number: int, *arguments: object) -> int:
    result: int = _libc.syscall(ctypes.c_long(number), *arguments)
    _check(min(result, 0), what)
    return result


def _check(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")
