"""The note of where a service serves: ``DATA/api/running.json``, for commands on the same machine.

It is written when calls are answered and removed at a clean end, and holds no secret. One that was left behind by a
service that was killed is known by its process: number, start time and boot. Where the process cannot be looked up,
because it is in a container of its own, the endpoint is asked.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gatewright.errors import ConfigurationError
from gatewright.settings import Settings, has_password
from gatewright.state_files import replace_file, told

_log = logging.getLogger(__name__)
_NAME = "running.json"
#: What a note is never longer than, bytes.
_LONGEST = 64 * 1024
_ENDPOINT = re.compile(r"https?://[^\s/?#@]+")
#: How long an endpoint has to answer, seconds.
_PATIENCE = 5.0


class Process(msgspec.Struct, frozen=True):
    """A process of a machine, told from all that have had or will have its number."""

    pid: int
    #: Clock ticks from boot to its start; 0 where the system does not tell.
    started: int
    boot: str
    #: The namespace that the number counts in; empty where the system does not tell.
    namespace: str


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service serves."""

    #: ``http://HOST:PORT`` or ``https://HOST:PORT``, as this machine calls it.
    endpoint: str
    plane: str
    region: str
    #: Its database's URL; None where a password is in it.
    database: str | None
    #: Where the control API is, with ``--control``.
    control: str | None = None
    #: A file with the certificate authority of an ``https`` endpoint.
    ca: str | None = None
    #: The process that lasts as long as the service: on the linux plane its supervisor.
    process: Process


def note(settings: Settings, endpoint: str, control: str | None = None, ca: Path | None = None) -> Running:
    """What there is to say of the service that this process serves."""
    return Running(
        endpoint=endpoint,
        control=control,
        plane=settings.plane,
        region=settings.region,
        database=None if has_password(settings.database) else settings.database,
        ca=None if ca is None else str(ca),
        process=_process(os.getppid() if settings.plane == "linux" else os.getpid()),
    )


@contextlib.contextmanager
def noted(settings: Settings, running: Running) -> Iterator[None]:
    """While the block runs the note is there. Serving goes on without one that cannot be written."""
    path = settings.api_folder / _NAME
    try:
        replace_file(path, json.dumps(msgspec.to_builtins(running), indent=2) + "\n")
    except OSError as error:
        _log.warning("%s cannot be written (%s): commands have to be told the endpoint", path, error.strerror)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def resumes(settings: Settings, running: Running) -> bool:
    """Whether the same service has noted itself before: on the linux plane an API that died and is started again."""
    try:
        left = msgspec.convert(json.loads(_read(settings.api_folder / _NAME, "")), Running)
    except (ConfigurationError, ValueError, msgspec.ValidationError):
        return False
    return left.process == running.process


def find(data: Path) -> Running:
    """The service that runs on a data directory. Raises ConfigurationError that says how to start one."""
    path = data / "api" / _NAME
    start = f"start one with `gatewright serve --data {data}`"
    text = _read(path, f"no service runs on {data}: {start}, or say --data with another directory")
    try:
        running = msgspec.convert(json.loads(text), Running)
    except (ValueError, msgspec.ValidationError):
        running = None
    if running is None or not _ENDPOINT.fullmatch(running.endpoint):
        raise ConfigurationError(f"{path} is not as `gatewright serve` writes it: start the service anew")
    if not _runs(running):
        raise ConfigurationError(f"the service that ran on {data} has ended without saying so: {start}")
    return running


def _read(path: Path, missing: str) -> str:
    """A note's text. It lies in a folder of the API's user, who may have put anything there: it is a plain file."""
    with told(f"reading {path}"):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ConfigurationError(missing) from None
        except PermissionError:
            raise ConfigurationError(
                f"{path} may not be read by user {os.geteuid()}: be root, or the user that the service runs as"
            ) from None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return ""
            return file.read(_LONGEST).decode("ascii", "replace")


def _runs(running: Running) -> bool:
    """Whether a note's service runs still."""
    noted_as, here = running.process, _process(os.getpid())
    if noted_as.namespace != here.namespace:
        return _answers(running)
    if noted_as.boot != here.boot:
        return False
    if noted_as.started:
        return _process(noted_as.pid).started == noted_as.started
    try:
        os.kill(noted_as.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _answers(running: Running) -> bool:
    """Whether somebody answers at a note's endpoint as a service does."""
    import http.client  # `serve` has no use for these
    import ssl

    parts = urlsplit(running.endpoint)
    try:
        if parts.scheme == "http":
            connection = http.client.HTTPConnection(parts.netloc, timeout=_PATIENCE)
        else:
            context = ssl.create_default_context(cafile=running.ca)
            connection = http.client.HTTPSConnection(parts.netloc, timeout=_PATIENCE, context=context)
        with contextlib.closing(connection):
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


def _process(pid: int) -> Process:
    """A process as it is known later; all but its number is empty where the system does not tell."""
    boot = namespace = ""
    started = 0
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    with contextlib.suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    with contextlib.suppress(OSError):
        # the name of the program stands in parentheses and may have some in it: field 22 is the 20th after it
        after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2]
        started = int(after_name.split()[19])
    return Process(pid, started, boot, namespace)
