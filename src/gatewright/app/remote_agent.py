"""The agent of a host that is not the control plane's: the linux plane, driven over HTTPS.

Everything that it needs to know of the installation stands in its certificate.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gatewright.app.agent import check_requirements, follow, health_seconds, open_cache_keeper
from gatewright.app.data_directory import Lock, open_data_directory, open_folder
from gatewright.app.host_lock import HostLock
from gatewright.errors import ConfigurationError
from gatewright.settings import health_interval, trace_endpoint
from gatewright.state_files import replace_file, told
from gatewright.telemetry import tracing
from gatewright.telemetry.logs import set_up_logging

if TYPE_CHECKING:
    from gatewright.secrets.certificates import HostIdentity


class RemoteAgent(NamedTuple):
    """What it is started with."""

    control_plane: str
    authority: Path
    certificate: Path
    key: Path
    data: Path
    cache: bool
    #: The interface that the public pool is reached by, and how, as of `serve`; None: the pool leads nowhere.
    uplink: str | None
    uplink_mode: str
    public_pool: str | None
    log_level: str
    log_format: str
    #: Where traces are sent; empty: none are recorded.
    trace_endpoint: str
    #: Milliseconds, as of `serve`.
    health_interval: int | None = None


def run(options: RemoteAgent) -> None:
    """Run this host's gateways until SIGTERM or SIGINT; they carry on afterwards. Raises ConfigurationError."""
    from gatewright.link.https import HttpsLink, client_context
    from gatewright.secrets.certificates import Unusable, read_host

    set_up_logging(options.log_level, options.log_format, "agent")
    context = client_context(options.authority, options.certificate, options.key)
    HttpsLink(options.control_plane, context)  # refuses what is no address
    try:
        identity = read_host(options.certificate.read_text("ascii"))
    except (Unusable, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{options.certificate}: {error}") from error
    if options.uplink is not None and options.public_pool is None:
        raise ConfigurationError("with --uplink the agent must know the control plane's --public-pool")
    check_requirements()
    tracing.start(trace_endpoint(options.trace_endpoint), "agent")
    open_data_directory(options.data)
    # as `gatewright host` looks for it
    folder = options.data / "agent"
    open_folder(folder)
    lock = Lock(folder / "agent.lock", "another agent")
    _pin(folder / "installation", identity.installation, options.certificate)
    host_lock = HostLock(identity.installation)
    try:
        asyncio.run(_run(options, identity, context))
    finally:
        tracing.stop()
        host_lock.release()
        lock.release()


async def _run(options: RemoteAgent, identity: HostIdentity, context: ssl.SSLContext) -> None:
    from gatewright.link.https import HttpsLink
    from gatewright.plane.linux import HostOptions, LinuxPlane, UplinkMode, UplinkOptions

    installation = identity.installation
    uplink = None
    if options.uplink is not None:
        try:
            pool = ipaddress.IPv4Network(options.public_pool or "")
        except ValueError as error:
            raise ConfigurationError(f"--public-pool is {options.public_pool!r}: {error}") from None
        uplink = UplinkOptions(options.uplink, UplinkMode(options.uplink_mode), pool)
    interval = health_seconds(health_interval(options.health_interval))
    host_options = HostOptions(uplink, underlay=identity.address, health_interval=interval)
    cache = open_cache_keeper(options.data / "agent", installation, identity.name, wanted=options.cache)
    await follow(
        LinuxPlane(installation, options=host_options),
        HttpsLink(options.control_plane, context),
        options.data / "agent" / "agent.revision",
        installation,
        cache,
    )


def _pin(path: Path, installation: str, certificate: Path) -> None:
    """Remember whose host this is: with another installation's certificate nothing that runs here would be found."""
    with told(f"reading or making {path}"):
        if not path.exists():
            replace_file(path, installation + "\n")
        pinned = path.read_text("ascii", "replace").strip()
    if pinned != installation:
        raise ConfigurationError(
            f"{path.parent.parent} belongs to the installation {pinned}, and {certificate} is of {installation}: "
            "choose another --data for another installation"
        )
