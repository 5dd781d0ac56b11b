"""The API process: store, control plane, endpoint. With the simulated plane the agent runs here too."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
from collections.abc import Awaitable
from contextlib import AsyncExitStack

from gatewright import settings as settings_module
from gatewright.access import keyring
from gatewright.access.keyring import AccessKey, Administrator
from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.app.announcement import announce
from gatewright.app.data_directory import Lock, open_data_directory
from gatewright.app.listening import listening_socket
from gatewright.app.processes import room_for, set_up_logging, stop_event
from gatewright.app.rates import published_rates
from gatewright.clock import SystemClock
from gatewright.errors import ConfigurationError
from gatewright.link.direct import DirectLink
from gatewright.link.unix import UnixLinkServer
from gatewright.operations.call import Installation, Quotas
from gatewright.operations.execution import TOKEN_LIFETIME, Executor
from gatewright.operations.registry import registry
from gatewright.plane.simulated import SimulatedPlane
from gatewright.reconcile.control_plane import ControlPlane
from gatewright.reconcile.timers import expire_for_ever
from gatewright.resources.regions import regions
from gatewright.secrets import Sealer, load_key
from gatewright.settings import Settings
from gatewright.store import hosts, pools
from gatewright.store.backends import backend_of
from gatewright.store.database import Database
from gatewright.store.transaction import Transaction
from gatewright.store.upgrade import prepare
from gatewright.wire.authentication import Authenticator
from gatewright.wire.endpoint import Endpoint
from gatewright.wire.server import server_for

_log = logging.getLogger(__name__)
#: Requests make few cycles; collecting a tenth as often as by default is a few per cent of a create (measured).
_COLLECT = (7000, 10, 10)


def run(settings: Settings, listener: socket.socket | None = None) -> None:
    """Serve until SIGTERM or SIGINT, on a socket that listens already or else on one of our own.

    Raises ConfigurationError.
    """
    import uvloop

    set_up_logging(settings.log_level)
    if settings.region not in regions():
        raise ConfigurationError(f"region is {settings.region!r}: the catalogue has {', '.join(regions())}")
    open_data_directory(settings.data)
    lock = Lock(settings.data / "api.lock", "another gatewright serve")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, listener or listening_socket(settings)))
    lock.release()


async def _serve(settings: Settings, listener: socket.socket) -> None:
    backend = backend_of(settings.database)
    prepare(backend)
    database = Database(backend)
    try:
        await _serve_from(settings, listener, database)
    finally:
        await database.aclose()


async def _serve_from(settings: Settings, listener: socket.socket, database: Database) -> None:
    clock = SystemClock()
    sealer = Sealer(load_key(settings.data / "secret.key", os.environ.get("GATEWRIGHT_SECRET_KEY")))
    wanted = Administrator(*settings_module.administrator(os.environ))

    def set_up(transaction: Transaction) -> tuple[AccessKey | None, keyring.Keyring]:
        hosts.ensure(transaction, hosts.LOCAL)
        pools.ensure_public(transaction, settings.public_pool)
        made_up = keyring.settle_first_administrator(transaction, sealer, wanted, clock.now())
        return made_up, keyring.load(transaction, sealer)

    try:
        made_up, keys = await database.write(set_up)
    except pools.PoolOverlap as error:
        raise ConfigurationError(f"{error}: keep the pool, or choose one apart from it") from error
    installation = Installation(
        default_region=settings.region,
        regions=regions(),
        quotas=Quotas(
            vpn_gateways=settings.quota_vpn_gateways,
            public_addresses=settings.quota_public_addresses,
            vswitches=settings.quota_vswitches,
        ),
        public_pool=pools.public_pool(settings.public_pool),
        plane=settings.plane,
    )
    endpoint = Endpoint(
        registry(),
        Authenticator(keys, clock),
        Executor(database, clock, installation),
        published_rates(clock, installation) if settings.throttling == "exact" else None,
    )
    control_plane = ControlPlane(database)
    stop = stop_event()
    server = server_for(endpoint, room_for(settings.connections))
    async with AsyncExitStack() as stack:
        background = [_background(expire_for_ever(database, clock, TOKEN_LIFETIME), "timers")]
        if settings.plane == "simulated":
            agent = Agent(SimulatedPlane(), DirectLink(control_plane, hosts.LOCAL), RevisionMemory())
            background.append(_background(agent.run(), "agent"))
        else:
            link = UnixLinkServer(control_plane, hosts.LOCAL, settings.agent_socket)
            await link.start()
            stack.push_async_callback(link.close)
        # What is loaded by now stays: the collector need not look at it again and again.
        gc.freeze()
        gc.set_threshold(*_COLLECT)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        announce(settings, listener.getsockname()[1], made_up, keys)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping, *background}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        stopping.cancel()
        for task in background:
            task.cancel()
        for outcome in await asyncio.gather(*background, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


def _background(work: Awaitable[None], name: str) -> asyncio.Task[None]:
    return asyncio.ensure_future(_named(work, name))


async def _named(work: Awaitable[None], name: str) -> None:
    try:
        await work
    except asyncio.CancelledError:
        raise
    except Exception:
        _log.exception("%s failed: the service stops", name)
        raise
