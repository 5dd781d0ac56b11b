"""The linux plane's `serve`: two halves, each restarted when it dies.

The halves are the API and the agent, which is root; the API gives up everything when it starts
(:mod:`gatewright.app.privileges`). The supervisor holds the socket that the API listens on, so that while the API is
being restarted its callers wait rather than being refused. The agent is in the supervisor's process group. The API has
a session of its own and of a terminal the writing end alone: in the session of root's shell it could type into it. The
kernel ends it with the supervisor all the same. The gateways' daemons belong to neither half: they have sessions of
their own and outlive everything here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import gatewright
from gatewright.app import bytecode, privileges
from gatewright.app.handover import CertificateKeeper
from gatewright.app.listening import listening_socket
from gatewright.app.processes import PREDECESSOR, on_hangup, stop_event
from gatewright.errors import MISCONFIGURED, TEMPORARY, ConfigurationError
from gatewright.isolation.view import User
from gatewright.settings import SECRETS, Settings
from gatewright.telemetry.logs import set_up_logging

_log = logging.getLogger(__name__)
_RETRY_FIRST = 0.2
_RETRY_LAST = 5.0
#: A half that lived this long, seconds, is restarted at once.
_LONG_ENOUGH = 5.0
#: How long the halves have to end after SIGTERM, seconds.
_PATIENCE = 20.0


def run(settings: Settings, arguments: Sequence[str]) -> bool:
    """Serve until SIGTERM or SIGINT; ``arguments`` are the command line's, for the halves.

    Returns whether a person ended it: SIGINT. Raises ConfigurationError.
    """
    set_up_logging(settings.log_level, settings.log_format, "supervisor")
    with listening_socket(settings.host, settings.port, PREDECESSOR) as listener:
        user = privileges.prepare(settings)
        environment = _environment()
        with contextlib.closing(CertificateKeeper(settings)) as keeper:
            bytecode.refresh(environment)
            return asyncio.run(_run(arguments, environment, listener, user, keeper))


def _environment() -> dict[str, str]:
    """The halves' environment. They do not load from the working directory (-P), so if we do, they are told of it.

    PWD is where a person's shell is, in whose terms the API, which leaves that folder, says what to do next.
    """
    package = str(Path(gatewright.__file__).resolve().parent.parent)
    path = os.environ.get("PYTHONPATH")
    here = {"PYTHONPATH": os.pathsep.join(filter(None, (package, path)))} if package == str(Path.cwd()) else {}
    return {**os.environ, "PWD": str(Path.cwd()), **here}


async def _run(
    arguments: Sequence[str],
    environment: dict[str, str],
    listener: socket.socket,
    user: User,
    keeper: CertificateKeeper,
) -> bool:
    stop = stop_event()
    on_hangup(keeper.reload, stop)
    without_secrets = {name: value for name, value in environment.items() if name not in SECRETS}
    halves = [
        asyncio.create_task(_keep("api", tuple(map(str, user)), arguments, environment, stop, listener, keeper)),
        asyncio.create_task(_keep("agent", (str(user.uid),), _without_database(arguments), without_secrets, stop)),
    ]
    done, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.wait(halves)
    for half in done:
        half.result()
    return stop.interrupted


def _without_database(arguments: Sequence[str]) -> list[str]:
    """The command line without the database's URL, which is none of an agent's business."""
    kept: list[str] = []
    skip = False
    for word in arguments:
        if not skip and word != "--database" and not word.startswith("--database="):
            kept.append(word)
        skip = word == "--database"
    return kept


async def _keep(
    half: str,
    told: Sequence[str],
    arguments: Sequence[str],
    environment: dict[str, str],
    stop: asyncio.Event,
    listener: socket.socket | None = None,
    keeper: CertificateKeeper | None = None,
) -> None:
    """Run one half until it is to stop: what it is told stands before the command line, the socket is left to it.

    From the keeper it gets the certificate.

    Raises ConfigurationError when it cannot be served.
    """
    loop = asyncio.get_running_loop()
    delay, served = _RETRY_FIRST / 2, False
    while not stop.is_set():
        started = loop.time()
        with contextlib.ExitStack() as stack:
            # the API alone listens
            given = [] if listener is None else [listener.fileno()]
            theirs = keeper.begin() if keeper is not None else None
            if theirs is not None:
                given.append(stack.enter_context(theirs).fileno())
            process = await asyncio.create_subprocess_exec(
                # -P: what lies in the working directory is no part of a process that starts as root
                *(sys.executable, "-P", "-m", "gatewright", f"half-{half}", str(os.getpid())),
                *told,
                *([] if listener is None else [",".join(map(str, given))]),
                *arguments,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=given,
                start_new_session=listener is not None,
            )
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            await _end(process, ended)
            return
        if stop.is_set():
            return
        status = ended.result()
        lived = loop.time() - started
        if status in (MISCONFIGURED, TEMPORARY):
            # what has served with the same settings will serve again: meanwhile the other half carries on
            if not served:
                raise ConfigurationError(f"the {half} said why")
        else:
            served = served or lived > _LONG_ENOUGH
        delay = next_delay(delay, lived)
        _log.error("the %s ended with status %d and is started again in %.1f s", half, status, delay)
        try:
            async with asyncio.timeout(delay):
                await stop.wait()
        except TimeoutError:
            continue


def next_delay(delay: float, lived: float) -> float:
    """How long to wait before a half that lived so long is started again, after the last wait; seconds."""
    return _RETRY_FIRST if lived > _LONG_ENOUGH else min(delay * 2, _RETRY_LAST)


async def _end(process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
    process.send_signal(signal.SIGTERM)
    done, _ = await asyncio.wait((ended,), timeout=_PATIENCE)
    if not done:
        _log.error("process %d did not end within %.0f s and is killed", process.pid, _PATIENCE)
        process.kill()
        await ended
