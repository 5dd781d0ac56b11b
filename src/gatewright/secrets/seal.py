"""AES-256-GCM sealing of single values, and where its key comes from."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gatewright.errors import ConfigurationError
from gatewright.state_files import replace_file, told

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_KEY_BYTES = 32


class Place(NamedTuple):
    """Where a secret is stored; part of what is authenticated."""

    table: str
    row: str
    column: str

    def encode(self) -> bytes:
        """The place as associated data. The separator cannot stand in ids."""
        return "\x1f".join(self).encode()


class SealError(Exception):
    """A stored secret does not open: another key, another place, or a changed byte."""


class Sealer:
    """Seals and opens secrets with one key.

    Raises ValueError when the key is not 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ValueError(f"a sealing key has {_KEY_BYTES} bytes, this one {len(key)}")
        self._cipher = AESGCM(key)
        self._key_id = hashlib.sha256(b"gatewright key id\0" + key).digest()[:_KEY_ID_BYTES]

    def seal(self, plaintext: str, place: Place) -> bytes:
        """Version, key id, nonce, ciphertext and tag in one value."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + self._key_id + nonce + self._cipher.encrypt(nonce, plaintext.encode(), place.encode())

    def open(self, sealed: bytes, place: Place) -> str:
        """The plaintext. Raises SealError."""
        head = len(_VERSION) + _KEY_ID_BYTES
        if not sealed.startswith(_VERSION) or len(sealed) < head + _NONCE_BYTES:
            raise SealError(f"the secret at {place.table}.{place.column} is not in a form this version reads")
        if sealed[len(_VERSION) : head] != self._key_id:
            raise SealError(f"the secret at {place.table}.{place.column} was sealed with another key")
        nonce = sealed[head : head + _NONCE_BYTES]
        try:
            return self._cipher.decrypt(nonce, sealed[head + _NONCE_BYTES :], place.encode()).decode()
        except InvalidTag:
            raise SealError(f"the secret at {place.table}.{place.column} was changed or moved") from None


def load_key(path: Path, environment_value: str | None, *, make: bool = True) -> bytes:
    """The sealing key: from the environment (base64 of 32 bytes), else from a 0600 file.

    A file that is not there is made, or refused when it is not to be: then something was sealed with a key that has
    gone. Raises ConfigurationError.
    """
    if environment_value is not None:
        return _decode(environment_value, "GATEWRIGHT_SECRET_KEY")
    with told(f"reading or making {path}"):
        if not path.exists():
            if not make:
                raise ConfigurationError(
                    f"{path} is missing, and the database holds secrets that were sealed with it: put it back from a "
                    "backup, or set GATEWRIGHT_SECRET_KEY to what it held"
                )
            replace_file(path, base64.b64encode(os.urandom(_KEY_BYTES)).decode() + "\n", only_new=True)
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path} can be read by others: chmod 600 {path}")
        return _decode(path.read_bytes().decode("ascii", "replace"), str(path))


def _decode(text: str, origin: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raise ConfigurationError(f"{origin} is not base64") from None
    if len(key) != _KEY_BYTES:
        raise ConfigurationError(f"{origin} holds {len(key)} bytes, a key has {_KEY_BYTES}")
    return key
