"""Which service to call and as whom: the command line, the environment, profiles, the local service.

Where the endpoint comes from, the first that names one; and the key, the first that has one:

======================================  ===========================================================================
the command line                        ``--endpoint``, ``--region``, ``--ca``; keys never: others can read a
                                        command line
``--profile NAME`` or ``--data DIR``    a profile of our own, else one of the aliyun CLI's; the service of that folder
the environment                         ``GATEWRIGHT_ENDPOINT``, ``GATEWRIGHT_ACCESS_KEY_ID``, ``..._SECRET``,
                                        ``GATEWRIGHT_REGION``; ``ALIBABA_CLOUD_ACCESS_KEY_ID``, ``..._SECRET`` and
                                        ``ALIBABA_CLOUD_SECURITY_TOKEN`` where an endpoint is named, too: who has the
                                        real service's key in the environment does not mean it for the local service
the current profile                     of :mod:`gatewright.client.profile_file`
the local service                       through what the caller hands in
======================================  ===========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gatewright.client import aliyun_profiles, profile_file
from gatewright.client.profile import Profile
from gatewright.errors import ConfigurationError

DEFAULT_ENDPOINT = "http://127.0.0.1:8080"


@dataclass(frozen=True)
class Asked:
    """What the command line says; None where it says nothing."""

    profile: str | None = None
    endpoint: str | None = None
    region: str | None = None
    ca: Path | None = None
    data: Path | None = None


@dataclass(frozen=True)
class Places:
    """The files that profiles are in."""

    own: Path
    aliyun: Path


def places(environment: Mapping[str, str]) -> Places:
    """Where this user's profiles are: ``XDG_CONFIG_HOME``, else ``~/.config``; the aliyun CLI's beside."""
    home = Path(environment["HOME"]) if environment.get("HOME") else Path.home()
    config = environment.get("XDG_CONFIG_HOME", "")
    base = Path(config) if config.startswith("/") else home / ".config"
    return Places(base / "gatewright" / "profiles.toml", home / ".aliyun" / "config.json")


def find_profile(
    asked: Asked, environment: Mapping[str, str], local: Callable[[Path | None], Profile | None]
) -> Profile:
    """The profile to call with. Raises ConfigurationError with what to do.

    ``local`` gives the profile of the service whose data directory it is given; with None that of the usual places, or
    None if there is no service. It raises ConfigurationError when a service is there and cannot be used.
    """
    if asked.profile is not None and asked.data is not None:
        raise ConfigurationError("--profile and --data both say which service to call: give one of them")
    named_endpoint = asked.endpoint or environment.get("GATEWRIGHT_ENDPOINT", "")
    if asked.profile is not None:
        found = _named(asked.profile, places(environment), named_endpoint)
    elif asked.data is not None:
        there = local(asked.data)
        if there is None:
            raise ConfigurationError(f"no service runs on {asked.data}: start `gatewright serve --data {asked.data}`")
        found = there
    else:
        found = _unnamed(environment, named_endpoint, local)
    return replace(
        found,
        endpoint=asked.endpoint or found.endpoint,
        region=asked.region or found.region,
        ca=asked.ca or found.ca,
    )


def _named(name: str, where: Places, endpoint: str) -> Profile:
    own = profile_file.read(where.own)
    if name in own.profiles:
        return own.profiles[name]
    theirs = [entry.name for entry in aliyun_profiles.entries(where.aliyun)]
    if name in theirs:
        return aliyun_profiles.profile(where.aliyun, name, endpoint)
    known = [*own.profiles, *theirs]
    have = f"there are {', '.join(known)}" if known else "there are none yet"
    raise ConfigurationError(f"there is no profile {name!r} in {where.own} or {where.aliyun}; {have}")


def _unnamed(
    environment: Mapping[str, str], named_endpoint: str, local: Callable[[Path | None], Profile | None]
) -> Profile:
    """The profile of who says neither --profile nor --data."""
    keyed = _of_environment(environment, named_endpoint)
    region = environment.get("GATEWRIGHT_REGION", "")
    if keyed is not None and named_endpoint:
        return keyed
    own = profile_file.read(places(environment).own)
    base = own.profiles[own.current] if own.current else local(None)
    if keyed is not None:
        return replace(keyed, endpoint=base.endpoint, region=region or base.region, ca=base.ca) if base else keyed
    if base is None:
        raise ConfigurationError(
            "no access key: start `gatewright serve` here, say --data DIR of one that runs, add a profile with "
            "`gatewright profiles add NAME`, or set GATEWRIGHT_ACCESS_KEY_ID and GATEWRIGHT_ACCESS_KEY_SECRET"
        )
    return replace(base, endpoint=named_endpoint or base.endpoint, region=region or base.region)


def _of_environment(environment: Mapping[str, str], endpoint: str) -> Profile | None:
    """What the environment says, if it has a key."""
    for prefix, wanted in (("GATEWRIGHT", True), ("ALIBABA_CLOUD", bool(endpoint))):
        key, secret = (environment.get(f"{prefix}_ACCESS_KEY_{name}", "") for name in ("ID", "SECRET"))
        if not wanted or not (key or secret):
            continue
        if not (key and secret):
            missing = "ID" if secret else "SECRET"
            raise ConfigurationError(f"the environment has half a key: set {prefix}_ACCESS_KEY_{missing} too")
        token = environment.get("ALIBABA_CLOUD_SECURITY_TOKEN") if prefix == "ALIBABA_CLOUD" else None
        region = environment.get("GATEWRIGHT_REGION") or environment.get("ALIBABA_CLOUD_REGION_ID") or Profile.region
        return Profile(
            endpoint or DEFAULT_ENDPOINT,
            key,
            secret,
            region=region,
            security_token=token or None,
            source=f"{prefix}_ACCESS_KEY_ID of the environment",
        )
    return None
