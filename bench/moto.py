"""moto's server, which is what one tests against where an AWS VPN gateway would do: started, fed and ended."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from types import TracebackType
from urllib.error import HTTPError
from urllib.request import urlopen

from bench.processes import end, free_port

_SERVER = Path(".venv-bench/bin/moto_server")
_PATIENCE = 30.0
#: moto checks no signature, but the scope in it decides which of its services answers.
_AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=x"


class Missing(Exception):
    """moto is not installed."""


class Moto:
    """A moto server of our own. Use it as a context manager."""

    def __init__(self, log: Path) -> None:
        """Its output goes to the file ``log``. Raises Missing."""
        if not _SERVER.exists():
            raise Missing(f"{_SERVER} is not there: `make bench` installs it")
        self.port = free_port()
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Moto:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [_SERVER, "-H", "127.0.0.1", "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/moto-api/", timeout=5):
                    return self
            except HTTPError:
                return self
            except OSError:
                time.sleep(0.05)
        self._stop()
        raise RuntimeError(f"moto_server did not answer: {self._log.read_text(errors='replace')[-2000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise LookupError("moto is not running")
        return self._process.pid

    def creates(self, count: int) -> list[bytes]:
        """So many CreateVpnGateway requests of EC2's."""
        return [self._request("Action=CreateVpnGateway&Type=ipsec.1&Version=2016-11-15")] * count

    def pages(self, count: int) -> list[bytes]:
        """So many requests for a page of 50, for which moto answers with all gateways."""
        return [self._request("Action=DescribeVpnGateways&MaxResults=50&Version=2016-11-15")] * count

    def _request(self, form: str) -> bytes:
        return (
            f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: {_AUTHORIZATION}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n{form}"
        ).encode()

    def _stop(self) -> None:
        if self._process is not None:
            end(self._process)
            self._process = None
