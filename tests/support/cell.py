"""A whole service inside the test's process: store, operations, reconciling, simulated plane; all but HTTP.

It has an event loop in a thread of its own, so that tests are plain functions.
"""

from __future__ import annotations

import asyncio
import copy
import ipaddress
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlencode

from gatewright.access import keyring
from gatewright.access.keyring import Administrator
from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.app.rates import published_rates
from gatewright.clock import ManualClock, iso_seconds
from gatewright.link.direct import DirectLink
from gatewright.operations.call import Installation, Quotas
from gatewright.operations.execution import Executor
from gatewright.operations.registry import registry
from gatewright.plane.simulated import SimulatedPlane
from gatewright.reconcile.control_plane import ControlPlane
from gatewright.resources.regions import regions
from gatewright.resources.specs import ItemKey
from gatewright.secrets import Place, Sealer
from gatewright.store import accounts, hosts, pools
from gatewright.store.accounts import AccessKeyRow
from gatewright.store.backends import backend_of
from gatewright.store.database import Database
from gatewright.store.transaction import Transaction
from gatewright.store.upgrade import prepare
from gatewright.wire.authentication import Authenticator
from gatewright.wire.endpoint import Endpoint
from tests.support.client import VPC, Refused, Reply, sign_v1, texts

Result = TypeVar("Result")
ACCOUNT = "1234567890123456"
OTHER_ACCOUNT = "2345678901234567"
HOST = "gw.test"
PATIENCE = 10.0


class Cell:
    """One service."""

    def __init__(
        self,
        url: str,
        *,
        quotas: Quotas | None = None,
        public_pool: str = "240.0.0.0/8",
        plane: str = "simulated",
        before: Callable[[ItemKey], Awaitable[None]] | None = None,
        with_agent: bool = True,
        throttling: bool = False,
    ) -> None:
        self.url = url
        self.clock = ManualClock()
        self.plane = SimulatedPlane(before)
        self.region = "cn-hangzhou"
        self.key, self.secret = "test", "secret"
        self._pool = ipaddress.IPv4Network(public_pool)
        self._installation = Installation(
            "cn-hangzhou", regions(), quotas or Quotas(), pools.public_pool(self._pool), plane
        )
        self._with_agent = with_agent
        self._sealer = Sealer(b"k" * 32)
        self._throttle = published_rates(self.clock, self._installation) if throttling else None
        self._nonce, self._nonces = 0, uuid.uuid4().hex
        self.closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._agent: asyncio.Task[None] | None = None
        self.run(self._open())

    async def _open(self) -> None:
        backend = backend_of(self.url)
        prepare(backend)
        self.database = Database(backend)

        def set_up(transaction: Transaction) -> keyring.Keyring:
            hosts.ensure(transaction, hosts.LOCAL)
            pools.ensure_public(transaction, self._pool)
            wanted = Administrator(ACCOUNT, self.key, self.secret)
            keyring.settle_first_administrator(transaction, self._sealer, wanted, self.clock.now())
            return keyring.load(transaction, self._sealer)

        keys = await self.database.write(set_up)
        self.control_plane = ControlPlane(self.database)
        self.executor = Executor(self.database, self.clock, self._installation)
        self._serve(keys)
        if self._with_agent:
            agent = Agent(self.plane, DirectLink(self.control_plane, hosts.LOCAL), RevisionMemory())
            self._agent = asyncio.ensure_future(agent.run())

    def _serve(self, keys: keyring.Keyring) -> None:
        self.endpoint = Endpoint(registry(), Authenticator(keys, self.clock), self.executor, self._throttle)

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
        other.key, other.secret = key, secret
        return other

    def settle(self, condition: Callable[[], bool]) -> None:
        """Without an agent of its own: have one work until the condition holds, and end it."""
        agent = Agent(self.plane, DirectLink(self.control_plane, hosts.LOCAL), RevisionMemory())

        async def begin() -> asyncio.Task[None]:
            return asyncio.ensure_future(agent.run())

        async def end(task: asyncio.Task[None]) -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

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
        if self._agent is not None:
            self._agent.cancel()
            await asyncio.gather(self._agent, return_exceptions=True)
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

    async def request(self, parameters: dict[str, str]) -> Reply:
        """Put a request to the endpoint, as a server would."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await self.http("POST", b"", headers, urlencode(parameters).encode())

    async def http(self, method: str, query: bytes, headers: dict[str, str], body: bytes) -> Reply:
        """Put anything to the endpoint."""
        events: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(event: Any) -> None:
            events.append(event)

        scope = {
            "type": "http",
            "method": method,
            "path": "/",
            "raw_path": b"/",
            "query_string": query,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in {"host": HOST, **headers}.items()],
        }
        await self.endpoint(scope, receive, send)
        answered = {name.decode(): value.decode() for name, value in events[0]["headers"]}
        return Reply(events[0]["status"], answered, events[1]["body"])

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
