"""The agent process of a host: the linux plane, driven over the link."""

from __future__ import annotations

import asyncio

from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.app.data_directory import Lock, installation_id, open_data_directory
from gatewright.app.processes import set_up_logging, stop_event
from gatewright.errors import ConfigurationError
from gatewright.link.unix import UnixLink
from gatewright.settings import Settings


def run(settings: Settings) -> None:
    """Run this host's gateways until SIGTERM or SIGINT; they carry on afterwards. Raises ConfigurationError."""
    from gatewright.plane.linux import requirements

    set_up_logging(settings.log_level)
    missing = requirements()
    if missing:
        raise ConfigurationError("the linux plane cannot run here: " + "; ".join(missing))
    open_data_directory(settings.data)
    lock = Lock(settings.data / "agent.lock", "another agent")
    asyncio.run(_run(settings))
    lock.release()


async def _run(settings: Settings) -> None:
    from gatewright.plane.linux import LinuxPlane

    plane = LinuxPlane(installation_id(settings.data))
    link = UnixLink(settings.agent_socket)
    agent = Agent(plane, link, RevisionMemory(settings.data / "agent.revision"))
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
        await link.close()
