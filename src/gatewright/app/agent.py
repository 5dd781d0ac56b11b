"""The agent process of a host: the linux plane, driven over the link."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from gatewright.agent.local import LocalServer
from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.app.data_directory import Lock, installation_id, open_folder
from gatewright.app.host_lock import HostLock, local_socket
from gatewright.app.processes import INSTEAD_OF_LINUX, PREDECESSOR, open_many_files, pass_over_hangup, stop_event
from gatewright.errors import ConfigurationError
from gatewright.link.unix import UnixLink
from gatewright.plane.contract import Plane
from gatewright.settings import Settings
from gatewright.telemetry import tracing
from gatewright.telemetry.logs import set_up_logging

if TYPE_CHECKING:
    from gatewright.agent.cache_keeper import CacheKeeper
    from gatewright.link.https import HttpsLink
    from gatewright.plane.linux import HostOptions

#: What the control plane calls the machine that it runs on itself; its own name for it is in the store.
LOCAL = "local"


def run(settings: Settings, api_user: int) -> None:
    """Run this host's gateways until SIGTERM or SIGINT; they carry on afterwards.

    ``api_user`` is whom the control plane runs as: nobody else is listened to. Raises ConfigurationError.
    """
    set_up_logging(settings.log_level, settings.log_format, "agent")
    check_requirements()
    tracing.start(settings.trace_endpoint, "agent")
    open_folder(settings.agent_folder)
    lock = Lock(settings.agent_folder / "agent.lock", "another agent", PREDECESSOR)
    installation = installation_id(settings.agent_folder)
    # a copied data directory has a lock of its own, and the same items
    host_lock = HostLock(installation, patience=PREDECESSOR)
    try:
        asyncio.run(_run(settings, installation, api_user))
    finally:
        tracing.stop()
        host_lock.release()
        lock.release()


def check_requirements() -> None:
    """Raises ConfigurationError unless the linux plane can run here."""
    try:
        from gatewright.plane.linux import requirements
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the linux plane needs libraries that are not installed ({error.name}): pip install 'gatewright[linux]'"
        ) from error
    open_many_files()
    missing = requirements()
    if missing:
        raise ConfigurationError("the linux plane cannot run here: " + " ".join([*missing, INSTEAD_OF_LINUX]))


async def _run(settings: Settings, installation: str, api_user: int) -> None:
    from gatewright.plane.linux import LinuxPlane

    pass_over_hangup()
    cache = open_cache_keeper(settings.agent_folder, installation, LOCAL, wanted=settings.cache)
    await follow(
        LinuxPlane(installation, options=_options(settings)),
        UnixLink(settings.agent_socket, api_user),
        settings.agent_folder / "agent.revision",
        installation,
        cache,
    )


async def follow(
    plane: Plane, link: UnixLink | HttpsLink, memory: Path, installation: str, cache: CacheKeeper | None
) -> None:
    """Run a plane's items as the control plane at the other end of the link wants them, until SIGTERM or SIGINT."""
    agent = Agent(plane, link, RevisionMemory(memory), cache)
    local = LocalServer(agent, local_socket(installation))
    await local.start()
    running = asyncio.create_task(agent.run())
    stopping = asyncio.create_task(stop_event().wait())
    await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    running.cancel()
    try:
        await running
    except asyncio.CancelledError:
        pass
    finally:
        await local.close()
        await link.close()


def _options(settings: Settings) -> HostOptions:
    from gatewright.plane.linux import HostOptions, UplinkMode, UplinkOptions

    uplink = None
    if settings.uplink is not None:
        uplink = UplinkOptions(settings.uplink, UplinkMode(settings.uplink_mode), settings.public_pool)
    return HostOptions(
        uplink, settings.bridges, settings.underlay, health_interval=health_seconds(settings.health_interval)
    )


def health_seconds(milliseconds: int | None) -> float | None:
    """A setting of milliseconds as the plane takes it."""
    return None if milliseconds is None else milliseconds / 1000


def open_cache_keeper(folder: Path, installation: str, host: str, *, wanted: bool) -> CacheKeeper | None:
    """A host's cache in a folder of the agent's own, if there is to be one. Raises ConfigurationError."""
    path = folder / "cache"
    if wanted:
        from gatewright.agent.cache import open_cache
        from gatewright.agent.cache_keeper import CacheKeeper

        cache = open_cache(path, folder / "host.key", installation, host)
        if cache is not None:
            return CacheKeeper(cache)
    try:
        # nothing would take out of it what is deleted from now on
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the agent keeps no cache, and cannot remove {path}: {error.strerror}") from error
    return None
