"""Working on a service's database from the command line of root: as the API's user, and with its view.

What lies in ``DATA/api`` is the API's to choose. One that was taken over may have put a link there that leads root to
another file; its user meets what the API meets. A PostgreSQL server that asks the kernel who calls is told the same
user, too.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

import msgspec

from gatewright.errors import ConfigurationError, DatabaseAway
from gatewright.isolation.view import User
from gatewright.settings import Settings
from gatewright.state_files import told

Result = TypeVar("Result")


class _Answer(msgspec.Struct):
    """What the child tells: a result, or why there is none."""

    result: msgspec.Raw = msgspec.Raw(b"\xc0")
    refused: str | None = None
    away: bool = False


def owner(settings: Settings) -> User:
    """Whose the API's folder is. Raises ConfigurationError."""
    with told(f"looking at {settings.api_folder}"):
        try:
            found = settings.api_folder.lstat()
        except FileNotFoundError:
            raise ConfigurationError(
                f"there is no {settings.api_folder}: start `gatewright serve` once, or say --data"
            ) from None
    return User(found.st_uid, found.st_gid)


def as_the_api(settings: Settings, work: Callable[[], Result], kind: type[Result]) -> Result:
    """Do something as the API does it; root in a child that gives everything up first. Raises ConfigurationError.

    ``kind`` is the type of what ``work`` returns, one that MessagePack can carry.
    """
    user = owner(settings)
    if os.geteuid() != 0 or user.uid == 0:
        return work()
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _be_the_child(settings, user, work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told_by_child = pipe.read()
    _, ended = os.waitpid(child, 0)
    status = os.waitstatus_to_exitcode(ended)
    if status != 0:
        raise ConfigurationError(
            f"working on the database as user {user.uid}, the API's, ended with status {status}: see what it said above"
        )
    answer = msgspec.msgpack.decode(told_by_child, type=_Answer)
    if answer.refused is not None:
        raise (DatabaseAway if answer.away else ConfigurationError)(answer.refused)
    return msgspec.msgpack.decode(answer.result, type=kind)


def _be_the_child(settings: Settings, user: User, work: Callable[[], Result], writing: int) -> None:
    """Never returns."""
    status = 1
    try:
        from gatewright.app.privileges import confine_api

        # nothing of root's terminal
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        try:
            confine_api(settings, user)
            answer = _Answer(msgspec.Raw(msgspec.msgpack.encode(work())))
        except ConfigurationError as error:
            answer = _Answer(refused=str(error), away=isinstance(error, DatabaseAway))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(msgspec.msgpack.encode(answer))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
