"""What was wanted of a host last, on its own disk: after a reboot its items come back before the control plane does.

Sealed with a key of the host and bound to installation, host and format: a cache that was changed, or is another
host's, is not acted on. It holds specs, which have no secrets in them.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec

from gatewright.errors import ConfigurationError
from gatewright.resources.specs import Spec
from gatewright.secrets import Place, Sealer, SealError, load_key

_log = logging.getLogger(__name__)
_MAGIC = b"gatewright agent cache"
#: Raised when an older agent would misread what is in the file.
VERSION = 1
_decoder: msgspec.json.Decoder[tuple[Spec, ...]] = msgspec.json.Decoder(tuple[Spec, ...])


class CacheUnusable(Exception):
    """A cache that cannot be opened or must not be acted on. The text says why, for people."""


class Cache:
    """The file. Methods block; ``store`` may be called in any thread."""

    def __init__(self, path: Path, key: bytes, installation: str, host_id: str) -> None:
        """Raises ValueError when the key is not 32 bytes."""
        self.path = path
        self._sealer = Sealer(key)
        self._owner = f"{installation} {host_id}".encode()
        self._place = Place(f"agent cache {VERSION}", f"{installation} {host_id}", "specs")
        self._turn = threading.Lock()

    def load(self) -> tuple[Spec, ...]:
        """What was stored last; nothing if nothing was. Raises CacheUnusable."""
        try:
            head, _, sealed = self.path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise CacheUnusable(f"{self.path} cannot be read: {error.strerror}") from error
        if not head.startswith(_MAGIC + b" "):
            raise CacheUnusable(f"{self.path} is no cache, or was damaged")
        version, _, owner = head.removeprefix(_MAGIC + b" ").partition(b" ")
        if version != str(VERSION).encode():
            raise CacheUnusable(f"{self.path} is of format {_shown(version)}, and this version reads {VERSION}")
        if owner != self._owner:
            raise CacheUnusable(
                f"{self.path} is of installation and host {_shown(owner)}, and this is {_shown(self._owner)}"
            )
        try:
            return _decoder.decode(self._sealer.open(sealed, self._place))
        except SealError as error:
            raise CacheUnusable(
                f"{self.path} does not open with this host's key: it was changed, damaged, or sealed with another key"
            ) from error
        except msgspec.MsgspecError as error:
            raise CacheUnusable(f"{self.path} holds what this version cannot read: {error}") from error

    def store(self, specs: Iterable[Spec]) -> None:
        """Replace what is stored, atomically, and have it on the disk on return. Raises OSError."""
        sealed = self._sealer.seal(msgspec.json.encode(tuple(specs)).decode(), self._place)
        head = b"%s %d %s\n" % (_MAGIC, VERSION, self._owner)
        part = self.path.with_suffix(".part")
        with self._turn:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(head + sealed)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
            _sync_folder(self.path)

    def discard(self) -> None:
        """Have no cache, and have that on the disk on return. Raises OSError."""
        with self._turn:
            self.path.unlink(missing_ok=True)
            _sync_folder(self.path)


def open_cache(path: Path, key_path: Path, installation: str, host_id: str) -> Cache | None:
    """The cache at a path, with the host's key, which is made on first use.

    None, said in the log, when the key cannot be used.
    """
    try:
        key = load_key(key_path, None)
        if key_path.stat().st_uid != os.geteuid():
            raise ConfigurationError(f"{key_path} belongs to another user: chown {os.geteuid()} {key_path}")
    except (ConfigurationError, OSError, UnicodeDecodeError) as error:
        _log.error(
            "the agent runs without its cache, because the host's key cannot be used: %s. Mend or remove %s and start "
            "the agent again; until then instances do not come back from a reboot before the control plane does",
            error,
            key_path,
        )
        return None
    return Cache(path, key, installation, host_id)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _shown(text: bytes) -> str:
    return repr(text[:100].decode("ascii", "replace"))
