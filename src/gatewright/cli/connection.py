"""The options of every command that calls the service: which one, as whom, signed how."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewright.client import Caller, Profile

_OPTIONS = """
Without these the service is that of the environment (GATEWRIGHT_ENDPOINT, GATEWRIGHT_ACCESS_KEY_ID and
GATEWRIGHT_ACCESS_KEY_SECRET), else that of the current profile (`gatewright profiles`), else the one that runs on
GATEWRIGHT_DATA or ./data here.
"""


def add_connection(parser: argparse.ArgumentParser, *, calls: bool = True) -> None:
    """Declare the options; those of a command that ``calls`` nothing say no signature."""
    group = parser.add_argument_group("which service, and as whom", _OPTIONS.strip())
    group.add_argument("--profile", metavar="NAME", help="a profile of `gatewright profiles`, or of the aliyun CLI")
    group.add_argument("--data", type=Path, metavar="DIR", help="the service that runs on this data directory here")
    group.add_argument("--endpoint", metavar="URL", help="where it is: http://HOST:PORT or https://HOST:PORT")
    group.add_argument("--region", metavar="ID", help="the region of requests that name none")
    group.add_argument("--ca", type=Path, metavar="FILE", help="the authorities to trust for https, PEM")
    if calls:
        group.add_argument("--signature", choices=("V1", "V3"), default="V3", help="how to sign (default: V3)")


def profile_of(parsed: argparse.Namespace) -> Profile:
    """Whom the options say to call. Raises ConfigurationError."""
    from gatewright.client.profiles import Asked, find_profile

    asked = Asked(parsed.profile, parsed.endpoint, parsed.region, parsed.ca, parsed.data)
    return find_profile(asked, os.environ, _local)


def caller_of(parsed: argparse.Namespace, timeout: float = 30.0) -> Caller:
    """What calls the service of the options; ``timeout`` in seconds.

    Raises ConfigurationError, or Unreachable for no URL.
    """
    from gatewright.client import Caller
    from gatewright.errors import ConfigurationError

    profile = profile_of(parsed)
    if profile.ca is not None and not os.access(profile.ca, os.R_OK):
        raise ConfigurationError(f"the authorities to trust, {profile.ca} ({profile.source}), cannot be read")
    return Caller(profile, signature=parsed.signature, timeout=timeout)


def options_of(parsed: argparse.Namespace, profile: Profile) -> tuple[str, ...]:
    """The options that say the same service from any folder."""
    words: list[str] = []
    if parsed.profile is not None:
        words += ["--profile", parsed.profile]
    elif profile.data is not None:
        words += ["--data", str(profile.data)]
    for name in ("endpoint", "region"):
        if getattr(parsed, name) is not None:
            words += [f"--{name}", getattr(parsed, name)]
    if parsed.ca is not None:
        words += ["--ca", str(parsed.ca.absolute())]
    return tuple(words)


def _local(data: Path | None) -> Profile | None:
    """The service that runs on a data directory of this machine."""
    found = data or _usual_data()
    if found is None:
        return None
    from gatewright.app import local_profile

    return local_profile.local_profile(found)


def _usual_data() -> Path | None:
    """Where a service is looked for when nobody says: GATEWRIGHT_DATA, else ./data if one has been started there."""
    if os.environ.get("GATEWRIGHT_DATA"):
        return Path(os.environ["GATEWRIGHT_DATA"])
    return Path("data") if Path("data/api").is_dir() else None
