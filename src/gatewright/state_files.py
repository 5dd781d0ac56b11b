"""Small files that a service keeps: written whole or not at all, and what is wrong with them in words."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from gatewright.errors import ConfigurationError

_REMEDIES = {
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "make room in its owner's quota",
    errno.EROFS: "its disk is read-only: look at the system's log why, and mount it writable",
    errno.EACCES: "it belongs to another user, or its mode forbids it: chown or chmod it",
    errno.EPERM: "it belongs to another user, or its mode forbids it: chown or chmod it",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.EIO: "its disk fails: look at the system's log",
}


def replace_file(path: Path, text: str, *, only_new: bool = False, mode: int = 0o600) -> None:
    """Write a file, for its owner alone unless ``mode`` says otherwise, so that it is there whole, or as it was before.

    One that is there is left as it is if it is to be ``only_new``: FileExistsError. Raises OSError.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        if only_new:
            path.hardlink_to(part)
        else:
            part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


@contextlib.contextmanager
def told(doing: str) -> Iterator[None]:
    """Raises ConfigurationError that says ``doing``, what is wrong, and what to do, for an OSError inside the block."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "see that it is a file or folder of this service, and can be used")
        raise ConfigurationError(f"{doing}: {error.strerror or error}; {remedy}") from error
