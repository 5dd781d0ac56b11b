"""The API process: store, control plane, endpoint. With the simulated plane the agent runs here too."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gatewright import settings as settings_module
from gatewright.access import keyring
from gatewright.access.keyring import AccessKey, Administrator
from gatewright.agent.simulated_host import SimulatedHost
from gatewright.app import running
from gatewright.app.announcement import announce, served
from gatewright.app.data_directory import Lock, open_folder
from gatewright.app.listening import listening_socket, url_of
from gatewright.app.metrics import CONNECTIONS as METRICS_CONNECTIONS
from gatewright.app.metrics import Metrics
from gatewright.app.processes import (
    PREDECESSOR,
    on_hangup,
    pass_over_hangup,
    room_for,
    settle_memory,
    stop_event,
)
from gatewright.app.rates import published_rates
from gatewright.clock import Clock, SystemClock, UnskippingClock
from gatewright.errors import ApiError, ConfigurationError, DatabaseAway
from gatewright.link.unix import UnixLinkServer
from gatewright.operations.call import Installation, Quotas
from gatewright.operations.execution import TOKEN_LIFETIME, Executor
from gatewright.operations.registry import registry
from gatewright.reconcile.control_plane import ControlPlane
from gatewright.reconcile.draining import drain_for_ever
from gatewright.reconcile.placement import own_address
from gatewright.reconcile.timers import expire_for_ever
from gatewright.resources.regions import regions
from gatewright.secrets import Sealer, load_key
from gatewright.settings import Settings
from gatewright.store import accounts, hosts, pools
from gatewright.store.backends import backend_of
from gatewright.store.database import Database
from gatewright.store.transaction import Transaction
from gatewright.store.upgrade import prepare
from gatewright.telemetry import tracing
from gatewright.telemetry.logs import set_up_logging
from gatewright.wire.authentication import Authenticator
from gatewright.wire.endpoint import Endpoint
from gatewright.wire.server import server_for
from gatewright.wire.tls import MOST_HANDSHAKES

if TYPE_CHECKING:
    from gatewright.app.served_certificate import ServedCertificate
    from gatewright.control.steering import Steering

_log = logging.getLogger(__name__)
Result = TypeVar("Result")
#: Simultaneous connections to the control API.
_CONTROL_CONNECTIONS = 64


def run(settings: Settings, listener: socket.socket | None = None, certificates: socket.socket | None = None) -> bool:
    """Serve until SIGTERM or SIGINT, on a socket that listens already or else on one of our own.

    ``certificates`` is where a supervisor hands them over. Returns whether a person ended it: SIGINT. Raises
    ConfigurationError.
    """
    import uvloop

    set_up_logging(settings.log_level, settings.log_format, "api")
    if settings.region not in regions():
        raise ConfigurationError(f"region is {settings.region!r}: the catalogue has {', '.join(regions())}")
    tracing.start(settings.trace_endpoint, "api")
    open_folder(settings.api_folder)
    lock = Lock(settings.api_folder / "api.lock", "another gatewright serve", PREDECESSOR if listener else 0.0)
    with ExitStack() as stack:
        stack.callback(tracing.stop)
        stack.callback(lock.release)
        certificate: ServedCertificate | None = None
        if settings.tls_cert is not None:
            # what it loads costs a twentieth of a start, and most serve without
            from gatewright.app.served_certificate import ServedCertificate

            certificate = ServedCertificate(settings, certificates)
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        listener = stack.enter_context(listener or listening_socket(settings.host, settings.port))
        control = listening_socket(settings.control_host, settings.control_port) if settings.control else None
        if control is not None:
            stack.enter_context(control)
        metrics = listening_socket(settings.metrics_host, settings.metrics_port) if settings.metrics_host else None
        if metrics is not None:
            stack.enter_context(metrics)
        return runner.run(_serve(settings, listener, control, metrics, certificate))


async def _serve(
    settings: Settings,
    listener: socket.socket,
    control_listener: socket.socket | None,
    metrics_listener: socket.socket | None,
    certificate: ServedCertificate | None,
) -> bool:
    backend = backend_of(settings.database)
    prepare(backend)
    database = Database(backend)
    try:
        return await _serve_from(settings, listener, control_listener, metrics_listener, certificate, database)
    finally:
        await database.aclose()


async def _serve_from(
    settings: Settings,
    listener: socket.socket,
    control_listener: socket.socket | None,
    metrics_listener: socket.socket | None,
    certificate: ServedCertificate | None,
    database: Database,
) -> bool:
    machine = SystemClock()
    unskipping = UnskippingClock(machine)
    sealed = bool(await _available(database.read(accounts.access_key_rows)))
    key = load_key(settings.api_folder / "secret.key", os.environ.get("GATEWRIGHT_SECRET_KEY"), make=not sealed)
    sealer = Sealer(key)
    wanted = Administrator(*settings_module.administrator(os.environ))

    def found(transaction: Transaction) -> None:
        hosts.ensure(transaction, hosts.LOCAL)
        pools.ensure_vnis(transaction)
        pools.ensure_public(transaction, settings.public_pool)

    def set_up(transaction: Transaction) -> tuple[AccessKey | None, keyring.Keyring]:
        # every secret opens, before anything is written
        keyring.load(transaction, sealer)
        found(transaction)
        own_address(transaction, settings.underlay)
        made_up = keyring.settle_first_administrator(transaction, sealer, wanted, machine.now())
        return made_up, keyring.load(transaction, sealer)

    try:
        made_up, keys = await _available(database.write(set_up))
    except pools.PoolOverlap as error:
        raise ConfigurationError(f"{error}: keep the pool, or choose one apart from it") from error
    operations = registry()
    installation = Installation(
        default_region=settings.region,
        regions=regions(),
        quotas=Quotas(
            vpn_gateways=settings.quota_vpn_gateways,
            public_addresses=settings.quota_public_addresses,
            vpcs=settings.quota_vpcs,
            vswitches=settings.quota_vswitches,
            customer_gateways=settings.quota_customer_gateways,
            vpn_connections=settings.quota_vpn_connections,
            vpn_attachments=settings.quota_vpn_attachments,
            vpn_routes=settings.quota_vpn_routes,
        ),
        public_pool=pools.public_pool(settings.public_pool),
        plane=settings.plane,
        sealer=sealer,
        charge_types=settings.charge_types,
        busy_gateways=settings.busy_gateways,
        weak_algorithms=settings.weak_algorithms,
        protocol="HTTP" if certificate is None else "HTTPS",
    )
    steering: Steering | None = None
    clock: Clock = machine
    if control_listener is not None:
        from gatewright.control.steering import Steering

        steering = Steering(machine, operations.values())
        clock = steering.clock
        installation = replace(installation, vpc_delay=steering.delays.vpc)
    throttle = published_rates(clock, installation) if settings.throttling == "exact" else None
    control_plane = ControlPlane(database, clock, installation.traffic, sealer)
    metrics = Metrics(database, control_plane, installation.traffic, settings.plane, apart=metrics_listener is not None)
    endpoint = Endpoint(
        operations,
        # Clients sign with the real time, whatever time it is in the service.
        Authenticator(keys, machine, unskipping),
        Executor(database, clock, installation),
        throttle,
        None if steering is None else steering.interception,
        metrics.requests.answered,
        metrics.beside,
    )
    stop = stop_event()
    if settings.plane == "linux":
        pass_over_hangup()
    else:
        on_hangup(certificate.reload if certificate is not None else lambda: None, stop)
    # those whose handshake is under way are not among the connections yet
    newcomers = 0 if certificate is None else MOST_HANDSHAKES
    room = max(1, room_for(settings.connections + newcomers) - newcomers)
    context = None if certificate is None else certificate.context
    api_server = server_for(endpoint, room, droppable=steering is not None, context=context)
    metrics.server = api_server, room
    if certificate is not None:
        metrics.valid_until = lambda: certificate.certificate.until
    servers = [(api_server, listener)]
    if metrics_listener is not None:
        servers.append((server_for(metrics.page, METRICS_CONNECTIONS), metrics_listener))
    async with AsyncExitStack() as stack:
        background = [
            _background(expire_for_ever(database, clock, unskipping, TOKEN_LIFETIME), "timers"),
            _background(drain_for_ever(database, clock), "draining"),
        ]
        if settings.plane == "simulated":
            host = (
                SimulatedHost(control_plane, hosts.LOCAL, stoppable=False)
                if steering is None
                else SimulatedHost(control_plane, hosts.LOCAL, steering.delays, steering.peers)
            )
            background.append(_background(host.run(), "agent"))
            if control_listener is not None and steering is not None:
                from gatewright.control.api import control_endpoint
                from gatewright.control.cell import Cell

                own = {key.principal.account_id for key in keys}
                steered = Cell(database, host, steering, found, own, throttle, sealer)
                control = control_endpoint(steered, settings.control_host)
                servers.append((server_for(control, _CONTROL_CONNECTIONS), control_listener))
        else:
            link = UnixLinkServer(control_plane, hosts.LOCAL, settings.agent_socket)
            await link.start()
            stack.push_async_callback(link.close)
            if settings.link_host:
                from gatewright.app.link_endpoint import link_endpoint

                link_served = link_endpoint(settings, control_plane, database, sealer)
                background.append(await stack.enter_async_context(link_served))
        settle_memory()
        serving = [asyncio.create_task(server.serve(sockets=[socket])) for server, socket in servers]
        if certificate is not None:
            certificate.follow()
        shown = None if certificate is None else certificate.certificate
        endpoint_url = url_of(settings.host, listener, None if shown is None else shown.names)
        authority = None if shown is None or shown.authority is None else Path(shown.authority)
        control_url = None if control_listener is None else url_of(settings.control_host, control_listener)
        noted = running.note(settings, endpoint_url, control_url, authority)
        again = running.resumes(settings, noted)
        stack.enter_context(running.noted(settings, noted))
        also = [] if shown is None else [("certificate", shown.description)]
        if metrics_listener is not None:
            also.append(("metrics", url_of(settings.metrics_host, metrics_listener) + "/metrics"))
        announce(served(settings, noted, keys, made_up, also), again=again)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({*serving, stopping, *background}, return_when=asyncio.FIRST_COMPLETED)
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*serving)
        stopping.cancel()
        for task in background:
            task.cancel()
        for outcome in await asyncio.gather(*background, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
    return stop.interrupted


async def _available(work: Awaitable[Result]) -> Result:
    """What starting needs of the database. Raises DatabaseAway when it cannot be had."""
    try:
        return await work
    except ApiError as error:
        raise DatabaseAway(f"the service cannot start: {error.detail}") from error


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
