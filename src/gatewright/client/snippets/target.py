"""A service, as the snippets that drive it say it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gatewright.client.profile import Profile
from gatewright.errors import ConfigurationError
from gatewright.resources.regions import Region, regions


@dataclass(frozen=True)
class Target:
    """A service as a snippet says it."""

    #: ``HOST:PORT``.
    address: str
    secure: bool
    region: Region
    #: A file with the authorities to trust for HTTPS, PEM; None where the system's are enough.
    ca: Path | None
    #: How a shell calls this program, and the options that tell it this service from any folder.
    program: str
    options: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The line of a shell that takes the key into its environment."""
        return f'eval "$({shlex.join((self.program, "snippets", "env", *self.options))})"'

    @property
    def zones(self) -> tuple[str, ...]:
        """Where a gateway's vSwitches are to be: where gateways have two instances two zones, or twice the only one."""
        zones = self.region.gateway_zones or self.region.zones
        return (zones[0], zones[min(1, len(zones) - 1)]) if self.region.dual_tunnel else zones[:1]

    @property
    def bandwidth(self) -> int:
        """The least that a public gateway is offered with there, Mbit/s."""
        return min(self.region.public_bandwidths)


def target(profile: Profile, program: str, options: tuple[str, ...] = ()) -> Target:
    """The service of a profile. Raises ConfigurationError for an endpoint or a region that there cannot be."""
    parts = urlsplit(profile.endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"the endpoint {profile.endpoint!r} is not of the form http://HOST:PORT")
    region = regions().get(profile.region)
    if region is None:
        raise ConfigurationError(f"region is {profile.region!r}: the catalogue has {', '.join(regions())}")
    address = parts.netloc.rpartition("@")[2]
    return Target(address, parts.scheme == "https", region, profile.ca, program, options)


def quoted(text: str) -> str:
    """A text as Python, JavaScript and Terraform read it."""
    return json.dumps(text, ensure_ascii=False)
