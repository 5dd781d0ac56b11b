"""A whole service inside the test's process: store, operations, reconciling, simulated plane; all but HTTP.

It has an event loop in a thread of its own, so that tests are plain functions.
"""

from __future__ import annotations

import asyncio
import copy
import ipaddress
import json
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from gatewright.access import keyring
from gatewright.access.keyring import Administrator
from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.agent.simulated_host import FinishingLink, SimulatedHost
from gatewright.app.metrics import Metrics
from gatewright.app.rates import published_rates
from gatewright.clock import Clock, ManualClock, iso_seconds
from gatewright.control.api import control_endpoint
from gatewright.control.cell import Cell as ControlCell
from gatewright.control.steering import Steering
from gatewright.operations.call import Installation, Quotas
from gatewright.operations.execution import Executor
from gatewright.operations.registry import registry
from gatewright.plane.simulated import SimulatedPlane
from gatewright.reconcile.control_plane import ControlPlane
from gatewright.reconcile.traffic import Traffic
from gatewright.resources.regions import regions
from gatewright.resources.specs import ItemKey, Spec
from gatewright.secrets import Place, Sealer
from gatewright.store import accounts, hosts, pools
from gatewright.store.accounts import AccessKeyRow
from gatewright.store.backends import SqliteBackend, backend_of
from gatewright.store.database import Database
from gatewright.store.transaction import Connection, Transaction
from gatewright.store.upgrade import prepare
from gatewright.wire.authentication import Authenticator
from gatewright.wire.endpoint import Endpoint
from gatewright.wire.interception import DROP
from tests.support.client import VPC, ControlRefused, Refused, Reply, sign_v1, texts

Result = TypeVar("Result")
ACCOUNT = "1234567890123456"
OTHER_ACCOUNT = "2345678901234567"
HOST = "gw.test"
PATIENCE = 10.0


class _HeldPlane(SimulatedPlane):
    """A plane on which the test decides when an item is applied or removed, and whether that fails."""

    def __init__(self, before: Callable[[ItemKey], Awaitable[None]]) -> None:
        super().__init__()
        self._before = before

    async def apply(self, spec: Spec) -> None:
        await self._before(spec.key)
        await super().apply(spec)

    async def remove(self, key: ItemKey) -> None:
        await self._before(key)
        await super().remove(key)


class _HastySqlite(SqliteBackend):
    """Waits for no disk: what a cell has written need not survive the machine."""

    def connect(self, *, read_only: bool) -> Connection:
        connection: Any = super().connect(read_only=read_only)
        connection.execute("PRAGMA synchronous=OFF")
        opened: Connection = connection
        return opened


async def _exchange(
    application: Callable[[Any, Any, Any], Awaitable[None]],
    method: str,
    target: str,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> Reply:
    """Put a request to an ASGI application."""
    events: list[dict[str, Any]] = []
    dropped: list[None] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: Any) -> None:
        events.append(event)

    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode("latin-1"),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "extensions": {DROP: lambda: dropped.append(None)},
    }
    await application(scope, receive, send)
    if dropped:
        assert events == []
        raise ConnectionError("the service hung up")
    told = {name.decode(): value.decode() for name, value in events[0]["headers"]}
    return Reply(events[0]["status"], told, b"".join(event["body"] for event in events[1:]))


class Cell:
    """One service."""

    def __init__(
        self,
        url: str,
        *,
        quotas: Quotas | None = None,
        public_pool: str = "240.0.0.0/8",
        charge_types: tuple[str, ...] = ("PREPAY", "POSTPAY"),
        plane: str = "simulated",
        before: Callable[[ItemKey], Awaitable[None]] | None = None,
        with_agent: bool = True,
        control: bool = False,
        account: str = ACCOUNT,
        throttling: bool = False,
        busy_gateways: str = "queue",
        weak_algorithms: str = "accept",
        seal_key: bytes = b"k" * 32,
    ) -> None:
        self.url = url
        #: The machine's clock, and the service's too unless a test steers that with ``control``.
        self.clock = ManualClock()
        self._control = control
        self.account = account
        self._before = before
        self.region = "cn-hangzhou"
        self.key, self.secret = "test", "secret"
        self._pool = ipaddress.IPv4Network(public_pool)
        self._sealer = Sealer(seal_key)
        self._installation = Installation(
            "cn-hangzhou",
            regions(),
            quotas or Quotas(),
            pools.public_pool(self._pool),
            plane,
            self._sealer,
            charge_types,
            busy_gateways=busy_gateways,
            weak_algorithms=weak_algorithms,
        )
        self._with_agent = with_agent
        self._throttling = throttling
        self._nonce, self._nonces = 0, uuid.uuid4().hex
        self.closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._running: asyncio.Task[None] | None = None
        self.run(self._open())

    async def _open(self) -> None:
        backend = backend_of(self.url)
        if isinstance(backend, SqliteBackend):
            backend = _HastySqlite(backend.path)
        prepare(backend)
        self.database = Database(backend)

        def found(transaction: Transaction) -> None:
            hosts.ensure(transaction, hosts.LOCAL)
            pools.ensure_vnis(transaction)
            pools.ensure_public(transaction, self._pool)

        def set_up(transaction: Transaction) -> keyring.Keyring:
            found(transaction)
            wanted = Administrator(self.account, self.key, self.secret)
            keyring.settle_first_administrator(transaction, self._sealer, wanted, self.clock.now())
            return keyring.load(transaction, self._sealer)

        keys = await self.database.write(set_up)
        self.steering = Steering(self.clock, registry().values())
        installation, clock, timing = self._installation, cast("Clock", self.clock), None
        if self._control:
            clock, timing = self.steering.clock, self.steering.delays
            installation = replace(installation, vpc_delay=timing.vpc)
        self.control_plane = ControlPlane(self.database, clock, installation.traffic, self._sealer)
        self.metrics = Metrics(self.database, self.control_plane, self.traffic, self._installation.plane, apart=False)
        self._throttle = published_rates(clock, installation) if self._throttling else None
        self.executor = Executor(self.database, clock, installation)
        self._serve(keys)
        self.host = SimulatedHost(self.control_plane, hosts.LOCAL, timing, self.steering.peers)
        self.control_endpoint = control_endpoint(
            ControlCell(self.database, self.host, self.steering, found, {self.account}, self._throttle, self._sealer)
        )
        if self._before is not None:
            self.host.plane = _HeldPlane(self._before)
        if self._with_agent:
            self._running = asyncio.ensure_future(self.host.run())

    @property
    def sealer(self) -> Sealer:
        """What its secrets are sealed with."""
        return self._sealer

    @property
    def traffic(self) -> Traffic:
        """What its hosts have told of traffic."""
        return self._installation.traffic

    @property
    def plane(self) -> SimulatedPlane:
        """What the cell's host runs."""
        return self.host.plane

    def _serve(self, keys: keyring.Keyring) -> None:
        interception = self.steering.interception if self._control else None
        self.endpoint = Endpoint(
            registry(),
            Authenticator(keys, self.clock),
            self.executor,
            self._throttle,
            interception,
            self.metrics.requests.answered,
            self.metrics.beside,
        )

    def other(self, account_id: str = OTHER_ACCOUNT) -> Cell:
        """The same service as another account calls it. It is closed with this one."""
        key, secret = f"key-of-{account_id}", f"secret-of-{account_id}"
        sealed = self._sealer.seal(secret, Place("access_keys", key, "secret"))

        def add(transaction: Transaction) -> keyring.Keyring:
            accounts.ensure(transaction, account_id, self.clock.now())
            accounts.drop_access_key(transaction, key)
            accounts.add_access_key(transaction, AccessKeyRow(key, account_id, sealed, False), self.clock.now())
            return keyring.load(transaction, self._sealer)

        self._serve(self.run(self.database.write(add)))
        other = copy.copy(self)
        other.account, other.key, other.secret = account_id, key, secret
        return other

    def pend_vpcs(self, *, pending: bool = True) -> None:
        """Make all VPCs ``Pending``, or ``Available`` again."""
        at = self.clock.now() + 1 if pending else 0
        self.run(self.database.write(lambda transaction: transaction.raw(f"UPDATE vpcs SET available_at = {at}")))

    def settle(self, condition: Callable[[], bool]) -> None:
        """Without an agent of its own: have one work until the condition holds, and end it."""
        link = FinishingLink(self.control_plane, hosts.LOCAL)
        agent = Agent(self.plane, link, RevisionMemory())

        async def begin() -> asyncio.Task[None]:
            return asyncio.ensure_future(agent.run())

        async def end(task: asyncio.Task[None]) -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await link.finished()

        working = self.run(begin())
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("the agent did not bring it about")
            time.sleep(0.002)
        self.run(end(working))

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something on the cell's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def submit(self, work: Coroutine[Any, Any, Result]) -> Any:
        """Run something on the cell's loop without waiting: a future."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Stop; the database stays."""
        self.closed = True
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self.database.aclose()

    def signed(self, action: str, version: str = VPC, **parameters: Any) -> dict[str, str]:
        """The parameters of a V1 request, signed, at the cell's own time."""
        self._nonce += 1
        signed = {
            "Action": action,
            "Version": version,
            "Format": "JSON",
            "AccessKeyId": self.key,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": f"{self._nonces}-{self._nonce}",
            "Timestamp": iso_seconds(self.clock.now()),
            **texts({name: value for name, value in parameters.items() if value is not None}),
        }
        signed["Signature"] = sign_v1("POST", signed, self.secret)
        return signed

    async def request(self, parameters: dict[str, str], host: str = HOST) -> Reply:
        """Put a request to the endpoint, as a server would; with an empty host, one that has no Host header.

        Raises ConnectionError when it hangs up.
        """
        headers = {"host": host, "content-type": "application/x-www-form-urlencoded"}
        return await self.http("POST", b"", headers, urlencode(parameters).encode())

    async def http(self, method: str, query: bytes, headers: dict[str, str], body: bytes) -> Reply:
        """Put anything to the endpoint; its Host is ours unless there is one, and none if that is empty."""
        given = {"host": HOST, **headers}
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in given.items() if name != "host" or value]
        return await _exchange(self.endpoint, method, f"/?{query.decode('latin-1')}" if query else "/", encoded, body)

    def send(self, method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> Reply:
        """Put anything to the endpoint."""
        return self.run(_exchange(self.endpoint, method, target, headers, body))

    def send_control(self, method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes) -> Reply:
        """Put anything to the control API."""
        return self.run(_exchange(self.control_endpoint, method, target, headers, body))

    def control(self, method: str, target: str, body: Any = None) -> Any:
        """Ask the control API of a cell that was made with ``control``. Raises ControlRefused."""
        headers = [] if body is None else [(b"content-type", b"application/json")]
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = self.send_control(method, target, headers, content)
        if reply.status != 200:
            raise ControlRefused(reply.status, reply.json())
        return reply.json()

    async def acall(self, action: str, version: str = VPC, **parameters: Any) -> dict[str, Any]:
        """Call an operation in the cell's region. Raises Refused."""
        reply = await self.request(self.signed(action, version, **{"RegionId": self.region, **parameters}))
        if reply.status != 200:
            raise Refused(reply.status, reply.json())
        return reply.json()

    def call(self, action: str, version: str = VPC, **parameters: Any) -> dict[str, Any]:
        """The same, for the test's own thread."""
        return self.run(self.acall(action, version, **parameters))

    def refusal(self, action: str, **parameters: Any) -> Refused:
        """The error that a call must end with."""
        try:
            answer = self.call(action, **parameters)
        except Refused as refused:
            return refused
        raise AssertionError(f"{action} was not refused: {answer}")

    def until(self, action: str, condition: Callable[[dict[str, Any]], bool], **parameters: Any) -> dict[str, Any]:
        """Call until the answer is as wanted."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.call(action, **parameters)
            if condition(answer):
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"{action} went on answering {answer}")
            time.sleep(0.002)

    def network(self, zones: tuple[str, str] = ("cn-hangzhou-k", "cn-hangzhou-j")) -> tuple[str, str, str]:
        """A VPC and two vSwitches: their ids."""
        vpc = self.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
        first, second = (
            self.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=f"10.{number}.0.0/24")["VSwitchId"]
            for number, zone in enumerate(zones)
        )
        return vpc, first, second

    def gateway(self, network: tuple[str, str, str], **parameters: Any) -> str:
        """Order a gateway. Returns its id."""
        vpc, first, second = network
        wanted = {
            "VpcId": vpc,
            "VSwitchId": first,
            "DisasterRecoveryVSwitchId": second,
            "Bandwidth": 10,
            **parameters,
        }
        answer: str = self.call("CreateVpnGateway", **wanted)["VpnGatewayId"]
        return answer

    def customer_gateway(self, address: str = "203.0.113.7", **parameters: Any) -> str:
        """Register a customer's device. Returns its id."""
        answer: str = self.call("CreateCustomerGateway", IpAddress=address, **parameters)["CustomerGatewayId"]
        return answer

    def connection(self, gateway: str, master: str, slave: str, **parameters: Any) -> str:
        """Connect a dual-tunnel gateway with two customer gateways. Returns the connection's id."""
        wanted = {
            "VpnGatewayId": gateway,
            "LocalSubnet": "10.0.0.0/8",
            "RemoteSubnet": "192.168.0.0/24",
            "TunnelOptionsSpecification.1.Role": "master",
            "TunnelOptionsSpecification.1.CustomerGatewayId": master,
            "TunnelOptionsSpecification.2.Role": "slave",
            "TunnelOptionsSpecification.2.CustomerGatewayId": slave,
            **parameters,
        }
        answer: str = self.call("CreateVpnConnection", **wanted)["VpnConnectionId"]
        return answer

    def attachment(self, *customers: str, **parameters: Any) -> str:
        """An attachment with a tunnel to each of one or two customer gateways. Returns its id."""
        tunnels = (
            {f"TunnelOptionsSpecification.{n}.CustomerGatewayId": each for n, each in enumerate(customers, 1)}
            if len(customers) > 1
            else {"CustomerGatewayId": customers[0]}
        )
        wanted = {"LocalSubnet": "0.0.0.0/0", "RemoteSubnet": "0.0.0.0/0", **tunnels, **parameters}
        answer: str = self.call("CreateVpnAttachment", **wanted)["VpnConnectionId"]
        return answer

    def until_status(self, gateway: str, status: str) -> dict[str, Any]:
        """Describe a gateway until it has a status."""
        return self.until("DescribeVpnGateway", lambda answer: answer["Status"] == status, VpnGatewayId=gateway)

    def until_gone(self, gateway: str) -> None:
        """Describe a gateway until there is none."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                self.call("DescribeVpnGateway", VpnGatewayId=gateway)
            except Refused as refused:
                assert (refused.status, refused.code) == (404, "InvalidVpnGatewayInstanceId.NotFound")
                return
            time.sleep(0.002)
        raise AssertionError(f"{gateway} is still there")

    def __enter__(self) -> Cell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.closed:
            self.close()


def sqlite_url(folder: Path) -> str:
    """The URL of a SQLite database in a folder."""
    return f"sqlite:///{folder / 'gatewright.db'}"
