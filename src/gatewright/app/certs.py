"""A local authority and the API's certificate: what `gatewright certs` makes, and renews."""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from gatewright.app.certificate_files import AUTHORITY
from gatewright.errors import ConfigurationError
from gatewright.secrets.certificates import Authority, Unusable
from gatewright.secrets.server_certificates import issued_by, names_of
from gatewright.state_files import replace_file, told

#: How long a server's certificate may be good for, days: Apple's clients take none of more than 825.
LONGEST = 820
#: What this machine calls itself.
_LOCAL = ("localhost", "127.0.0.1", "::1")
_DNS_NAME = re.compile(
    r"(?=.{1,253}\Z)(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
)


class Paths(NamedTuple):
    """Where everything is."""

    authority: Path
    authority_key: Path
    certificate: Path
    key: Path


class Made(NamedTuple):
    """What there is now."""

    paths: Paths
    #: Whether the authority is as new as the certificate.
    new_authority: bool
    #: Whether there was a certificate before.
    renewed: bool
    names: tuple[str, ...]
    until: datetime
    authority_until: datetime


def make(folder: Path, names: Iterable[str], days: int) -> Made:
    """Make a certificate for this machine and these names, and an authority for it if the folder has none.

    Without names it is for those that the certificate before it was for. Raises ConfigurationError.
    """
    wanted = [_checked(name) for name in names]
    if not 1 <= days <= LONGEST:
        raise ConfigurationError(f"--days is {days}: it must be 1 to {LONGEST}, because some clients take no more")
    folder = folder.absolute()
    paths = Paths(folder / AUTHORITY, folder / "ca.key", folder / "server.crt", folder / "server.key")
    with told(f"making {folder}"):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    authority = _existing(paths)
    before = _before(paths, authority)
    new_authority = authority is None
    if authority is None:
        authority = Authority.make(_host_name() or "local", "Gatewright local CA")
        with told(f"writing {paths.authority_key}"):
            replace_file(paths.authority_key, authority.private_key, only_new=True)
        with told(f"writing {paths.authority}"):
            replace_file(paths.authority, authority.certificate, only_new=True, mode=0o644)
    life = timedelta(days=days)
    if datetime.now(UTC) + life > authority.until:
        raise ConfigurationError(
            f"{paths.authority} is valid until {authority.until:%Y-%m-%d} only: say fewer --days, or move it and its "
            "key away, and clients have to be told of the new one"
        )
    names = _names(wanted or before or ())
    issued = authority.issue_server("Gatewright", names, life)
    # the key first: a service that reads both in between says that they do not match, and keeps what it has
    with told(f"writing {paths.key}"):
        replace_file(paths.key, issued.private_key)
    with told(f"writing {paths.certificate}"):
        replace_file(paths.certificate, issued.certificate, mode=0o644)
    return Made(paths, new_authority, before is not None, names, datetime.now(UTC) + life, authority.until)


def _names(wanted: Iterable[str]) -> tuple[str, ...]:
    """This machine's names and those that are wanted, each once."""
    return tuple(dict.fromkeys((*_LOCAL, *filter(None, (_host_name(),)), *wanted)))


def _host_name() -> str:
    """What the machine is called; empty if that is no name."""
    name = socket.gethostname().lower()
    return name if _DNS_NAME.fullmatch(name) and len(name) <= 64 else ""


def _checked(name: str) -> str:
    try:
        return str(ip_address(name.strip("[]")))
    except ValueError:
        pass
    # all digits and dots would be an address
    if not _DNS_NAME.fullmatch(name.lower()) or name.replace(".", "").isdigit():
        raise ConfigurationError(
            f"--name is {name!r}: write a host name in ASCII such as gw.example.com or *.example.com, or an address"
        )
    return name.lower()


def _existing(paths: Paths) -> Authority | None:
    """The authority that is there. Raises ConfigurationError for half of one, and for a key that others can read."""
    there = [os.path.lexists(path) for path in (paths.authority, paths.authority_key)]
    if not any(there):
        return None
    if not all(there):
        found, missing = (paths.authority, paths.authority_key) if there[0] else (paths.authority_key, paths.authority)
        raise ConfigurationError(
            f"{found} is there and {missing} is not: put it back, or move {found.name} away for a new authority, of "
            "which clients have to be told"
        )
    with told(f"reading {paths.authority_key}"):
        mode = stat.S_IMODE(paths.authority_key.stat().st_mode)
        if mode & 0o077:
            raise ConfigurationError(
                f"others can read {paths.authority_key}, and whoever has it can be anybody to your clients: make a new "
                f"authority in another folder, or chmod 600 {paths.authority_key} if nobody has"
            )
        key = paths.authority_key.read_text("ascii", "replace")
    with told(f"reading {paths.authority}"):
        certificate = paths.authority.read_text("ascii", "replace")
    try:
        return Authority.load(certificate, key)
    except Unusable as error:
        raise ConfigurationError(f"the authority in {paths.authority} cannot be used: {error}") from error


def _before(paths: Paths, authority: Authority | None) -> tuple[str, ...] | None:
    """The names of the certificate that is to be renewed; None if there is none. Raises ConfigurationError."""
    if not any(map(os.path.lexists, (paths.certificate, paths.key))):
        return None
    if not os.path.lexists(paths.certificate):
        raise ConfigurationError(f"{paths.key} is there without {paths.certificate.name}: move it away, or say --out")
    with told(f"reading {paths.certificate}"):
        certificate = paths.certificate.read_text("ascii", "replace")
    if authority is None or not issued_by(certificate, authority.certificate):
        raise ConfigurationError(
            f"{paths.certificate} was not issued by {paths.authority}, so it is not renewed: move it away, or say --out"
        )
    return names_of(certificate)
