"""Our side: a service with a network to order gateways in, and signed requests for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

from tests.support.client import Client, sign_v1, v1_parameters
from tests.support.service import Service

from bench import bytecode

REGION = "cn-hangzhou"
_KEY, _SECRET = "test", "secret"
_PATIENCE = 60.0


@dataclass(frozen=True)
class Network:
    """A VPC with a vSwitch in each of two zones, large enough for all gateways that are ordered in it."""

    vpc: str
    first: str
    second: str

    def order(self) -> dict[str, str]:
        """The parameters of an order for a dual-tunnel gateway."""
        return {
            "RegionId": REGION,
            "VpcId": self.vpc,
            "VSwitchId": self.first,
            "DisasterRecoveryVSwitchId": self.second,
            "Bandwidth": "10",
        }


class Gatewright:
    """A service of our own. Use it as a context manager."""

    def __init__(
        self,
        data: Path,
        plane: str = "simulated",
        database: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """``environment`` are further settings."""
        settings = {
            "GATEWRIGHT_QUOTA_VPN_GATEWAYS": "1000000",
            "GATEWRIGHT_QUOTA_PUBLIC_ADDRESSES": "3000000",
            "GATEWRIGHT_LOG_LEVEL": "INFO" if plane == "linux" else "WARNING",
            **bytecode.environment(data.parent),
            **(environment or {}),
        }
        self._service = Service(data, plane=plane, database=database, environment=settings)

    def __enter__(self) -> Gatewright:
        self._service.start()
        self.client = self._service.client()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self._service.stop()

    @property
    def port(self) -> int:
        return self._service.port

    @property
    def pid(self) -> int:
        if self._service.process is None:
            raise LookupError("the service is not running")
        return self._service.process.pid

    @property
    def installation(self) -> str:
        return self._service.installation

    @property
    def printed_bytes(self) -> int:
        """How much the service has printed so far."""
        return self._service.output.stat().st_size

    def printed(self, since: int) -> str:
        return self._service.printed(since)

    def kill(self) -> None:
        """SIGKILL to the supervisor and both halves."""
        self.client.close()
        self._service.kill()

    def start(self) -> None:
        """Start again what was killed."""
        self._service.start()

    def network(self) -> Network:
        """A new network, all of it available."""
        vpc = self.client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
        first, second = (
            self.client.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=f"10.{number}.0.0/16")["VSwitchId"]
            for number, zone in enumerate(("cn-hangzhou-k", "cn-hangzhou-j"))
        )
        for vswitch in (first, second):
            self.until(partial(self._is_available, vswitch), f"vSwitch {vswitch} is available")
        return Network(vpc, first, second)

    def drop(self, network: Network) -> None:
        """Delete a network that has no gateway any more."""
        for vswitch in (network.first, network.second):
            self.client.call("DeleteVSwitch", VSwitchId=vswitch)
        self.until(
            lambda: self.client.call("DescribeVSwitches", VpcId=network.vpc)["TotalCount"] == 0,
            "the vSwitches are gone",
        )
        self.client.call("DeleteVpc", VpcId=network.vpc)

    def settle(self, patience: float = _PATIENCE) -> float:
        """Wait up to ``patience`` seconds until every gateway is active. Returns the seconds that it took."""
        begun = time.perf_counter()
        self.until(
            lambda: all(self.count(status) == 0 for status in ("init", "provisioning")),
            "all gateways are active",
            patience,
        )
        return time.perf_counter() - begun

    def gateways(self) -> int:
        """How many gateways there are."""
        return int(self.client.call("DescribeVpnGateways", PageSize=1)["TotalCount"])

    def until(self, holds: Callable[[], bool], what: str, patience: float = _PATIENCE) -> None:
        """Poll as a client must, for up to ``patience`` seconds. Raises TimeoutError."""
        deadline = time.monotonic() + patience
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"not within {patience} s: {what}; the service printed {self._service.printed()[-3000:]}"
                )
            time.sleep(0.005)

    def creates(self, network: Network, count: int) -> list[bytes]:
        """So many signed orders, to be sent within a quarter of an hour."""
        return self._signed("CreateVpnGateway", network.order(), count)

    def pages(self, count: int) -> list[bytes]:
        """So many signed requests for a page of 50."""
        return self._signed("DescribeVpnGateways", {"RegionId": REGION, "PageSize": "50"}, count)

    def describes(self, count: int) -> list[bytes]:
        """So many signed requests for one of the newest gateways each."""
        newest = self.client.call("DescribeVpnGateways", PageSize=50)["VpnGateways"]["VpnGateway"]
        ids = [gateway["VpnGatewayId"] for gateway in newest]
        wanted = [{"RegionId": REGION, "VpnGatewayId": ids[number % len(ids)]} for number in range(count)]
        return [signed_request(self.port, "DescribeVpnGateway", parameters) for parameters in wanted]

    def _signed(self, action: str, parameters: dict[str, str], count: int) -> list[bytes]:
        return [signed_request(self.port, action, parameters) for _ in range(count)]

    def count(self, status: str) -> int:
        """How many gateways have a status."""
        return int(self.client.call("DescribeVpnGateways", Status=status, PageSize=1)["TotalCount"])

    def page(self, status: str) -> list[str]:
        """The ids of up to 50 gateways that have a status."""
        told = self.client.call("DescribeVpnGateways", Status=status, PageSize=50)["VpnGateways"]["VpnGateway"]
        return [gateway["VpnGatewayId"] for gateway in told]

    def _is_available(self, vswitch: str) -> bool:
        return bool(self.client.call("DescribeVSwitchAttributes", VSwitchId=vswitch)["Status"] == "Available")


def signed_request(port: int, action: str, parameters: dict[str, str]) -> bytes:
    """A request with signature V1 and a nonce of its own, everything in the query, as the SDKs send it."""
    signed = v1_parameters(action, parameters, _KEY)
    signed["Signature"] = sign_v1("POST", signed, _SECRET)
    return (
        f"POST /?{urlencode(signed)} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


def client_of(port: int) -> Client:
    """A client of a service that was started otherwise."""
    return Client(port, key=_KEY, secret=_SECRET, region=REGION)
