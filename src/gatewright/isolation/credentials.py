"""Giving up root for good: user, groups, every capability, and the way to get any of it back."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

from gatewright.isolation.view import User

_PR_CAPBSET_READ, _PR_CAPBSET_DROP = 23, 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION = 0x20080522
_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")

_libc = ctypes.CDLL(None, use_errno=True)


def give_up_everything(user: User) -> None:
    """Become the user, with no capability and no new privileges, and make sure of it. Raises OSError."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    number = 0
    while _libc.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) >= 0:
        _prctl(_PR_CAPBSET_DROP, number)
        number += 1
    os.setgroups([])
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    _check(_libc.capset(struct.pack("Ii", _CAPABILITY_VERSION, 0), bytes(24)), "capset")
    left = shortcomings(Path("/proc/self/status").read_text(), user)
    if left:
        raise PermissionError(f"privileges could not be given up: {', '.join(left)}")


def shortcomings(status: str, user: User) -> list[str]:
    """What a process of that /proc/PID/status still has that one who gave up everything has not."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    wanted = {name: [f"{0:016x}"] for name in _CAPABILITIES}
    wanted |= {"Uid": [str(user.uid)] * 4, "Gid": [str(user.gid)] * 4, "Groups": [], "NoNewPrivs": ["1"]}
    return [
        f"{name} is {' '.join(fields.get(name, 'missing').split())}"
        for name, value in wanted.items()
        if fields.get(name, "missing").split() != value
    ]


def _prctl(option: int, argument: int) -> None:
    _check(_libc.prctl(option, argument, 0, 0, 0), f"prctl({option}, {argument})")


def _check(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")
