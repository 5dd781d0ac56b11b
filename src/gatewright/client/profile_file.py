"""Our own profiles: ``profiles.toml``, which holds secrets and is for its owner's eyes only.

::

    current = "dev"

    [profiles.dev]
    endpoint = "http://127.0.0.1:8080"
    region = "cn-hangzhou"
    access_key_id = "..."
    access_key_secret = "..."
    ca = "/etc/gatewright/ca.crt"
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatewright.client.profile import Profile
from gatewright.errors import ConfigurationError
from gatewright.state_files import replace_file, told

#: What a profile may be called.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_REQUIRED = ("endpoint", "access_key_id", "access_key_secret")
_KNOWN = (*_REQUIRED, "region", "ca", "security_token")


@dataclass(frozen=True)
class ProfileFile:
    """What is in the file. A file that is not there has no profiles."""

    #: The one that is used when none is named; empty when there is none.
    current: str = ""
    profiles: Mapping[str, Profile] = field(default_factory=dict)


def read(path: Path) -> ProfileFile:
    """The profiles. Raises ConfigurationError, also when others than the owner can read the secrets."""
    try:
        with path.open("rb") as file:
            _guard(path, os.fstat(file.fileno()))
            text = file.read().decode()
    except FileNotFoundError:
        return ProfileFile()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigurationError(f"cannot read the profiles in {path}: {reason}") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # its cause would show the line, which may be a secret's
        raise ConfigurationError(f"{path} is no TOML file: {error}") from None
    tables = document.get("profiles", {})
    if not isinstance(tables, dict):
        raise ConfigurationError(f"{path}: profiles must be tables, [profiles.NAME]")
    profiles = {str(name): _profile(path, str(name), table) for name, table in tables.items()}
    current = document.get("current", "")
    if current and current not in profiles:
        raise ConfigurationError(f"{path}: current = {current!r} names no profile that is there")
    return ProfileFile(str(current), profiles)


def write(path: Path, content: ProfileFile) -> None:
    """Write the file whole, mode 0600, in a folder that only its owner enters. Raises ConfigurationError."""
    lines = [f"current = {_quoted(content.current)}"] if content.current else []
    for name, profile in content.profiles.items():
        lines += ["", f"[profiles.{_quoted(name)}]"]
        values = {
            "endpoint": profile.endpoint,
            "region": profile.region,
            "access_key_id": profile.access_key_id,
            "access_key_secret": profile.access_key_secret,
            "security_token": profile.security_token or "",
            "ca": str(profile.ca) if profile.ca is not None else "",
        }
        lines += [f"{key} = {_quoted(value)}" for key, value in values.items() if value]
    with told(f"cannot write the profiles to {path}"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, "\n".join(lines).lstrip("\n") + "\n")


def _guard(path: Path, status: os.stat_result) -> None:
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigurationError(f"others can read the secrets in {path}: chmod 600 {path}, and replace the keys")


def _profile(path: Path, name: str, table: Any) -> Profile:
    where = f"{path}: profile {name}"
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where} must be a table, [profiles.{name}]")
    for key, value in table.items():
        if key not in _KNOWN:
            raise ConfigurationError(f"{where} has {key!r}, which is none of {', '.join(_KNOWN)}")
        if not isinstance(value, str):
            raise ConfigurationError(f"{where}: {key} must be a text")
    missing = [key for key in _REQUIRED if not table.get(key)]
    if missing:
        raise ConfigurationError(f"{where} lacks {', '.join(missing)}")
    return Profile(
        table["endpoint"],
        table["access_key_id"],
        table["access_key_secret"],
        region=table.get("region") or Profile.region,
        ca=Path(table["ca"]).expanduser() if table.get("ca") else None,
        security_token=table.get("security_token") or None,
        source=f"profile {name} of {path}",
    )


def _quoted(text: str) -> str:
    """A basic string of TOML, in ASCII."""
    plain = (c if " " <= c <= "~" and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)
    return f'"{"".join(plain)}"'
