"""The linux plane's API runs without privileges: as whom, and how it gives them up.

Before anything of the API is even loaded, its process sees the machine read-only but for its own folder, of the folders
that its user may not pass (a clone and a virtual environment in a home of mode 0700, say) just the code, and of the
data directory just its part; it is a user that owns nothing else, has no capability and can get none.
"""

from __future__ import annotations

import logging
import os
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import gatewright
from gatewright.app.data_directory import give_folder, open_data_directory, open_folder
from gatewright.app.processes import INSTEAD_OF_LINUX
from gatewright.errors import ConfigurationError
from gatewright.isolation import credentials, users, view
from gatewright.isolation.view import User
from gatewright.settings import Settings

_log = logging.getLogger(__name__)
#: The account that the API runs as where the machine has it.
ACCOUNT = "gatewright"
#: The lane of :mod:`gatewright.isolation.users` for APIs; daemons have the other.
_LANE = 0


def prepare(settings: Settings) -> User:
    """Make the data directory with a folder for each half. Gives whom the API runs as. Raises ConfigurationError."""
    open_data_directory(settings.data)
    if os.geteuid() != 0:
        open_folder(settings.api_folder)
        return User(os.geteuid(), os.getegid())
    user = api_user(settings)
    give_folder(settings.api_folder, user)
    open_folder(settings.agent_folder)
    return user


def api_user(settings: Settings) -> User:
    """Whom the API runs as: once chosen it stays, as the owner of ``DATA/api``. Raises ConfigurationError."""
    if settings.api_user:
        return _named(settings.api_user)
    account = _account(ACCOUNT)
    try:
        found = settings.api_folder.lstat()
    except FileNotFoundError:
        found = None
    if found is not None and found.st_uid in range(users.FIRST, users.LAST + 1) and not users.has_account(found.st_uid):
        return User(found.st_uid, found.st_gid)
    try:
        return account or users.without_account(str(settings.data), _LANE)
    except LookupError as error:
        raise ConfigurationError(f"there is no user that the API could run as: {error}; set api_user") from error


def confine_api(settings: Settings, user: User) -> None:
    """Give up everything but what the API needs, for good. Raises ConfigurationError."""
    if os.geteuid() != 0:
        return
    code = list(_code())
    database = settings.database_file
    folders = {settings.api_folder, database.parent if database is not None else settings.api_folder}
    for folder in folders:
        if not folder.is_dir():
            raise ConfigurationError(f"the database is to be in {folder}, which is no folder: make it")
    # libpq looks there for .pgpass and certificates, and gives up where it may not look
    os.environ["HOME"] = str(settings.api_folder)
    try:
        only_write_to_terminals(1, 2)
        read_only = view.adopt([*code, *_sockets(settings.database)], folders, user)
        os.chdir("/")
        credentials.give_up_everything(user)
    except OSError as error:
        raise ConfigurationError(
            f"the linux plane cannot run here: the API cannot give up its privileges ({error}); the linux plane needs"
            f" root with CAP_NET_ADMIN and CAP_SYS_ADMIN. {INSTEAD_OF_LINUX}"
        ) from error
    if not read_only:
        _log.warning("this kernel, older than 5.12, cannot make the API's view read-only: its user's rights protect it")
    for folder in folders:
        _check_writable(folder, database, user)
    _check_code(code, user)


def only_write_to_terminals(*descriptors: int) -> None:
    """Have those that are open on a terminal write to it and not read from it, which is what its user types."""
    for descriptor in descriptors:
        if os.isatty(descriptor):
            writing = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
            os.dup2(writing, descriptor)
            os.close(writing)


def _named(text: str) -> User:
    """The user of a name or number. Raises ConfigurationError."""
    user: User | None
    if text.isascii() and text.isdecimal() and int(text) < 2**32 - 1:
        user = _account(int(text)) or User(int(text), int(text))
    else:
        user = _account(text)
    if user is None:
        raise ConfigurationError(f"api_user is {text!r}, and this machine has no such user")
    if user.uid == 0:
        raise ConfigurationError(f"api_user is {text!r}: the API has no need to be root; leave it out, or name another")
    return user


def _account(which: str | int) -> User | None:
    try:
        found = pwd.getpwuid(which) if isinstance(which, int) else pwd.getpwnam(which)
    except KeyError:
        return None
    return User(found.pw_uid, found.pw_gid)


def _code() -> Iterator[Path]:
    """Folders that Python loads from, as it names them and as they really are."""
    package = Path(gatewright.__file__).parent.parent
    names = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, *sys.path]
    if sys.pycache_prefix:
        names.append(sys.pycache_prefix)
    for path in dict.fromkeys([package, *(Path(name) for name in names if name)]):
        if path.is_dir():
            yield from dict.fromkeys((path.absolute(), path.resolve()))


def _sockets(database: str) -> Iterator[Path]:
    """The folders of a PostgreSQL server's socket."""
    for host in [*parse_qs(urlsplit(database).query).get("host", []), os.environ.get("PGHOST", "")]:
        if host.startswith("/") and Path(host).is_dir():
            yield Path(host)


def _check_writable(folder: Path, database: Path | None, user: User) -> None:
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"the database is to be in {folder}, where user {user.uid}, whom the API runs as, cannot write: "
            f"chown {user.uid}:{user.gid} {folder}, or leave it in the data directory"
        )
    if database is None or database.parent != folder:
        return
    for path in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            raise ConfigurationError(
                f"user {user.uid}, whom the API runs as, cannot write {path}: chown {user.uid}:{user.gid} {path}"
            )


def _check_code(code: list[Path], user: User) -> None:
    package = Path(gatewright.__file__)
    for path in (*code, package.parent, package):
        if not os.access(path, os.R_OK | (os.X_OK if path != package else 0)):
            raise ConfigurationError(
                f"user {user.uid}, whom the API runs as, cannot read {path}, where its code is: chmod -R go+rX {path}"
            )
