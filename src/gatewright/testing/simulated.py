"""A simulated service in a process of its own, for as long as a ``with`` block lasts."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import gatewright
from gatewright.app import running
from gatewright.app.running import Running
from gatewright.client import Caller, Profile
from gatewright.errors import ConfigurationError
from gatewright.settings import OPTIONS, PREFIX
from gatewright.testing.control import Control
from gatewright.testing.environment import environment_for

#: What `server` itself decides.
_OURS = frozenset(
    {"data", "listen", "plane", "region", "control", "control_listen", "allow_plaintext", "tls_cert", "tls_key"}
)
_POLL = 0.005
#: How much of what a service has printed is shown, bytes.
_SHOWN = 16 * 1024
#: -P and this: nothing of the working directory is loaded, and the gatewright that is served is the one that is here.
_PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from gatewright.testing.child import main; sys.exit(main())"


class NotStarted(Exception):
    """The service did not come up; the text has what it printed."""


@dataclass(frozen=True)
class Server:
    """A service that runs, and how it is called."""

    #: ``http://127.0.0.1:PORT``.
    endpoint: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    region: str
    #: The account that the key is of.
    account_id: str
    #: Steers it: the clock, delays, faults, snapshots.
    control: Control = field(repr=False)
    #: Its process.
    pid: int
    _output: IO[bytes] = field(repr=False)

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``: the endpoint as the vendor's SDKs and Terraform want it, beside the protocol HTTP."""
        return self.endpoint.partition("://")[2]

    @property
    def output(self) -> str:
        """What the service has printed, its log included; the end of it if that is long."""
        return _printed(self._output)

    def caller(self) -> Caller:
        """Calls operations without an SDK. Use it as a context manager, or close it."""
        return Caller(Profile(self.endpoint, self.access_key_id, self.access_key_secret, self.region))

    def environment(self) -> dict[str, str]:
        """The variables by which other programs find the service: for ``os.environ | gw.environment()``.

        SDKs and ``aliyun`` take the key from them, Terraform's provider key, region and endpoints, ``gatewright call``
        everything. The protocol is HTTP, for which neither SDKs nor the provider have a variable.
        """
        return environment_for(
            self.address, self.access_key_id, self.access_key_secret, self.region, self.account_id, os.environ
        )


@contextlib.contextmanager
def server(
    *,
    region: str = "cn-hangzhou",
    account_id: str = "1234567890123456",
    settings: Mapping[str, str | int | bool] | None = None,
    patience: float = 60.0,
) -> Iterator[Server]:
    """A simulated service with the control API, on free ports of 127.0.0.1 and with a folder and a key of its own.

    ``settings`` are those of docs/settings.md by name, such as ``{"quota_vpcs": 2}``. When the block is left, by
    whatever way, the process and its folder are gone; they go with this process too. Raises NotStarted when the service
    does not serve within ``patience`` seconds, ValueError for a setting that there is not.
    """
    key_id, secret = f"testing{secrets.token_hex(8)}", secrets.token_urlsafe(24)
    chosen = _as_variables({} if settings is None else settings) | {
        PREFIX + "ACCOUNT_ID": account_id,
        PREFIX + "ACCESS_KEY_ID": key_id,
        PREFIX + "ACCESS_KEY_SECRET": secret,
        PREFIX + "REGION": region,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="gatewright-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        output = stack.enter_context(tempfile.TemporaryFile())
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, str(Path(gatewright.__file__).parents[1]), str(folder)],
            stdin=subprocess.PIPE,  # nothing is written to it: that it ends is what the child looks for
            stdout=output,
            stderr=subprocess.STDOUT,
            env=inherited | chosen,
            # a Ctrl-C is for the tests, which leave the block by it
            start_new_session=True,
        )
        stack.callback(_end, process)
        found = _until_it_serves(process, folder / "data", output, patience)
        yield Server(
            endpoint=found.endpoint,
            access_key_id=key_id,
            access_key_secret=secret,
            region=region,
            account_id=account_id,
            control=Control(found.control or "", lambda: _printed(output)),
            pid=process.pid,
            _output=output,
        )


def _as_variables(settings: Mapping[str, str | int | bool]) -> dict[str, str]:
    """Settings as the environment has them, where a URL with a password is as safe as a number. Raises ValueError."""
    known = {option.name for option in OPTIONS} - _OURS
    for name in settings:
        if name not in known:
            raise ValueError(f"there is no setting {name!r} to choose; there are {', '.join(sorted(known))}")
    return {PREFIX + name.upper(): str(value) for name, value in settings.items()}


def _until_it_serves(process: subprocess.Popen[bytes], data: Path, output: IO[bytes], patience: float) -> Running:
    """Where it serves. Raises NotStarted."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with contextlib.suppress(ConfigurationError):
            return running.find(data)
        if process.poll() is not None:
            raise NotStarted(f"the simulated service ended with status {process.returncode}:\n{_printed(output)}")
        time.sleep(_POLL)
    raise NotStarted(f"the simulated service does not serve after {patience:.0f} s:\n{_printed(output)}")


def _printed(output: IO[bytes]) -> str:
    size = os.fstat(output.fileno()).st_size
    return os.pread(output.fileno(), _SHOWN, max(0, size - _SHOWN)).decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it at once: what it would tidy up goes with its folder."""
    process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
