"""The profiles of the aliyun CLI, ``~/.aliyun/config.json``: those that are a key, which is all this service knows.

The file is ``{"current": NAME, "profiles": [{"name", "mode", "access_key_id", "access_key_secret", "sts_token",
"region_id", "endpoint", ...}]}`` (config/profile.go of the aliyun CLI). It is read, never written.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from gatewright.client.profile import Profile
from gatewright.errors import ConfigurationError

#: Modes, as the CLI spells them in any case, that are served: a key, and a temporary key with its token.
_KEY, _TEMPORARY = "ak", "ststoken"


class Entry(NamedTuple):
    """A profile as it is listed."""

    name: str
    mode: str
    endpoint: str
    region: str
    access_key_id: str

    @property
    def served(self) -> bool:
        """Whether it holds a key that can be used here."""
        return self.mode.lower() in (_KEY, _TEMPORARY)


def entries(path: Path) -> list[Entry]:
    """The profiles; none when there is no file. Raises ConfigurationError for a file that is not the CLI's."""
    fields = ("name", "mode", "endpoint", "region_id", "access_key_id")
    return [Entry(*(str(entry.get(field, "")) for field in fields)) for entry in _entries(path)]


def profile(path: Path, name: str, endpoint: str) -> Profile:
    """The profile of this name. Its endpoint is that of the profile, else the one given. Raises ConfigurationError."""
    where = f"profile {name} of {path}"
    entry = next((entry for entry in _entries(path) if entry.get("name") == name), None)
    if entry is None:
        raise ConfigurationError(f"there is no {where}")

    def text(key: str) -> str:
        value = entry.get(key, "")
        return value if isinstance(value, str) else ""

    mode = text("mode")
    if mode.lower() not in (_KEY, _TEMPORARY):
        raise ConfigurationError(
            f"{where} has the mode {mode or 'of no name'}, for which the aliyun CLI asks Alibaba Cloud for a key; "
            "only the modes AK and StsToken hold one that can be used here"
        )
    if not text("access_key_id") or not text("access_key_secret"):
        raise ConfigurationError(f"{where} has no access key: run `aliyun configure --profile {name}`")
    temporary = mode.lower() == _TEMPORARY
    if temporary and not text("sts_token"):
        raise ConfigurationError(f"{where} is of the mode StsToken and has no sts_token")
    return Profile(
        _url(text("endpoint") or endpoint, where),
        text("access_key_id"),
        text("access_key_secret"),
        region=text("region_id") or Profile.region,
        security_token=text("sts_token") if temporary else None,
        source=where,
    )


def _url(endpoint: str, where: str) -> str:
    """The CLI writes HOST:PORT; it takes HTTPS where it is not told otherwise, and so is it done here."""
    if not endpoint:
        raise ConfigurationError(f"{where} names no endpoint: say --endpoint, or set GATEWRIGHT_ENDPOINT")
    return endpoint if "://" in endpoint else f"https://{endpoint}"


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigurationError(f"cannot read the aliyun CLI's profiles in {path}: {reason}") from error
    try:
        document = json.loads(text)
    except ValueError:
        # what the decoder says may show a secret
        raise ConfigurationError(f"{path} is no JSON file: run `aliyun configure` anew") from None
    entries = document.get("profiles") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigurationError(f'{path} has no "profiles" as the aliyun CLI writes them')
    return entries
