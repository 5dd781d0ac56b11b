"""Nonces of the last minutes: no signed request is served twice.

Kept in memory for all requests; a write's nonce is stored in the write's transaction besides, which covers restarts
and other API processes where a repetition would do harm.
"""

from __future__ import annotations

import hashlib

_MINUTE = 60_000


class Nonces:
    """Which nonces were used, forgotten a minute's worth at a time once their requests are too old anyway."""

    def __init__(self) -> None:
        self._by_minute: dict[int, set[bytes]] = {}

    def use(self, digest: bytes, expires_at: int, now: int) -> bool:
        """Note a nonce that is of use until ``expires_at``. False when it was used before. Milliseconds."""
        this_minute = now // _MINUTE
        for minute in [minute for minute in self._by_minute if minute < this_minute]:
            del self._by_minute[minute]
        if any(digest in used for used in self._by_minute.values()):
            return False
        self._by_minute.setdefault(expires_at // _MINUTE, set()).add(digest)
        return True


def nonce_digest(key_id: str, nonce: str) -> bytes:
    """Twelve bytes that stand for a nonce of a key."""
    return hashlib.sha256(f"{key_id}\0{nonce}".encode()).digest()[:12]
