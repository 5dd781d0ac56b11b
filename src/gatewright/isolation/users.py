"""Which number a process runs as that needs no account: one that nobody else has, and always the same."""

from __future__ import annotations

import grp
import hashlib
import pwd
from collections.abc import Callable

from gatewright.isolation.view import User

#: Numbers that no account gets: systemd's for dynamic users (systemd.exec(5), uids-gids of systemd.io).
FIRST, LAST = 61184, 65519


def numbered(seed: str, lane: int, taken: Callable[[int], bool]) -> int:
    """The number for a seed, from one of two lanes (0, 1) that have none in common. Raises LookupError."""
    size = (LAST - FIRST + 1) // 2
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") % size
    for step in range(size):
        number = FIRST + 2 * ((start + step) % size) + lane
        if not taken(number):
            return number
    raise LookupError(f"every number from {FIRST} to {LAST} belongs to somebody")


def has_account(number: int) -> bool:
    """Whether the number is a user's or a group's in this machine's databases."""
    for look_up in (pwd.getpwuid, grp.getgrgid):
        try:
            look_up(number)
        except KeyError:
            continue
        return True
    return False


def without_account(seed: str, lane: int) -> User:
    """User and group for a seed that this machine's databases know nothing of. Raises LookupError."""
    number = numbered(seed, lane, has_account)
    return User(number, number)
