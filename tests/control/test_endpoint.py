"""The control API as HTTP: what is refused, and how that is explained; and capacity, which is little else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gatewright.control.endpoint import ControlEndpoint
from gatewright.control.routes import LARGEST, Route
from tests.support.cell import Cell
from tests.support.client import ControlRefused, Refused

JSON = [(b"content-type", b"application/json")]


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "status", "parameter"),
    [
        ("GET", "/", [], b"", 404, "path"),
        ("GET", "/v1", [], b"", 404, "path"),
        ("GET", "/v1/clock/", [], b"", 404, "path"),
        ("GET", "/v2/clock", [], b"", 404, "path"),
        ("PUT", "/v1/clock", [], b"", 405, "method"),
        ("HEAD", "/v1/clock", [], b"", 405, "method"),
        ("GET", "/v1/reset", [], b"", 405, "method"),
        ("GET", "/v1/clock?x=1", [], b"", 400, "x"),
        ("GET", "/v1/clock?%", [], b"", 400, "query"),
        ("POST", "/v1/clock", [], b'{"advance":1}', 415, "Content-Type"),
        ("POST", "/v1/clock", [(b"content-type", b"text/plain")], b'{"advance":1}', 415, "Content-Type"),
        ("POST", "/v1/clock", [], b"", 415, "Content-Type"),
        ("POST", "/v1/clock", JSON, b"", 400, ""),
        ("POST", "/v1/clock", JSON, b"{", 400, ""),
        ("POST", "/v1/clock", JSON, b"[]", 400, ""),
        ("POST", "/v1/clock", JSON, b'{"advance":NaN}', 400, ""),
        ("POST", "/v1/clock", JSON, b"\xff", 400, ""),
        ("POST", "/v1/clock", JSON, b"[" * 60_000, 400, ""),
        ("POST", "/v1/clock", JSON, b" " * (LARGEST + 1), 413, ""),
        ("POST", "/nowhere", JSON, b" " * (LARGEST + 1), 413, ""),
        ("POST", "/v1/reset", JSON, b'{"keep":["faults"]}', 400, "keep"),
        ("GET", "/v1/clock", JSON, b'{"a":1}', 400, "a"),
        ("POST", "/v1/reset", [(b"origin", b"https://example.org")], b"", 403, "Origin"),
        ("POST", "/v1/reset", [(b"sec-fetch-site", b"cross-site")], b"", 403, "Sec-Fetch-Site"),
        ("GET", "/v1/snapshot", [(b"sec-fetch-site", b"same-origin")], b"", 403, "Sec-Fetch-Site"),
        ("GET", "/v1/snapshot", [(b"host", b"rebound.example")], b"", 403, "Host"),
        ("POST", "/v1/reset", [(b"host", b"rebound.example:8081")], b"", 403, "Host"),
        ("POST", "/v1/reset", [(b"host", b"localhost.example")], b"", 403, "Host"),
        ("POST", "/v1/reset", [(b"host", b"localhost"), (b"host", b"rebound.example")], b"", 403, "Host"),
        ("POST", "/v1/reset", [(b"host", b"user@127.0.0.1")], b"", 403, "Host"),
        ("POST", "/v1/reset", [(b"host", b"127.0.0.1.example")], b"", 403, "Host"),
        ("POST", "/v1/reset", [(b"host", b"[::1].example")], b"", 403, "Host"),
        ("POST", "/v1/reset", [(b"host", b"")], b"", 403, "Host"),
        ("PUT", "/v1/snapshot", JSON, b"", 400, ""),
    ],
)
def test_what_is_refused_is_explained(
    cell_with_control: Cell,
    method: str,
    target: str,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    status: int,
    parameter: str,
) -> None:
    reply = cell_with_control.send_control(method, target, headers, body)
    assert reply.headers["content-type"] == "application/json"
    told = reply.json()
    assert set(told) == {"error", "parameter"}
    assert told["error"]
    assert (reply.status, told["parameter"]) == (status, parameter), told
    assert ("allow" in reply.headers) == (status == 405)


def test_what_a_path_takes_is_told(cell_with_control: Cell) -> None:
    assert cell_with_control.send_control("PUT", "/v1/faults", [], b"").headers["allow"] == "DELETE, GET, POST"


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", host)]
        for host in (b"127.0.0.1:8081", b"127.0.0.1", b"[::1]:8081", b"[::1]", b"192.0.2.7:1", b"LocalHost:8081")
    ]
    + [[(b"sec-fetch-site", b"none")]],
)
def test_people_and_programs_are_let_in(cell_with_control: Cell, headers: list[tuple[bytes, bytes]]) -> None:
    assert cell_with_control.send_control("GET", "/v1/clock", headers, b"").status == 200


async def ask(
    endpoint: ControlEndpoint, method: str, path: str, headers: Any, receive: Callable[[], Awaitable[Any]]
) -> tuple[int, Any]:
    """Put a request whose body comes when the test lets it. Returns status and JSON."""
    events: list[Any] = []

    async def send(event: Any) -> None:
        events.append(event)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    await endpoint(scope, receive, send)
    return events[0]["status"], json.loads(b"".join(event["body"] for event in events[1:]))


async def nothing() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def settled() -> None:
    pass


@pytest.mark.parametrize(("host", "status"), [(b"gw.test:8081", 200), (b"gw.test.example", 403), (b"localhost", 200)])
def test_the_name_that_it_listens_on_is_its_own(host: bytes, status: int) -> None:
    async def tell(asked: Any) -> str:
        return "told"

    endpoint = ControlEndpoint((Route("GET", "/", tell),), settled, "GW.test")
    assert asyncio.run(ask(endpoint, "GET", "/", [(b"host", host)], nothing))[0] == status


@pytest.mark.parametrize("result", [ZeroDivisionError("secret"), object()])
def test_a_fault_of_its_own_is_logged_and_answered_in_json(result: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(asked: Any) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    endpoint = ControlEndpoint((Route("GET", "/", fail),), settled)
    status, told = asyncio.run(ask(endpoint, "GET", "/", [], nothing))
    assert (status, told["parameter"], "secret" in told["error"]) == (500, "", False)
    assert "GET / failed" in caplog.text


def test_one_large_body_is_read_at_a_time() -> None:
    async def scene() -> None:
        async def put(asked: Any) -> int:
            return len(asked.body)

        async def small(asked: Any) -> str:
            return "small"

        reading: list[int] = []
        comes = [asyncio.Event() for _ in range(3)]

        def body_of(number: int) -> Callable[[], Awaitable[Any]]:
            async def receive() -> Any:
                reading.append(number)
                await comes[number].wait()
                return {"type": "http.request", "body": b"x", "more_body": False}

            return receive

        routes = (Route("PUT", "/large", put, bytes, most=LARGEST + 1), Route("GET", "/small", small))
        endpoint = ControlEndpoint(routes, settled)
        asked = [asyncio.create_task(ask(endpoint, "PUT", "/large", JSON, body_of(number))) for number in range(3)]
        for number in range(3):
            for _ in range(20):
                await asyncio.sleep(0)
            assert reading == list(range(number + 1))
            # What is small does not wait.
            assert await ask(endpoint, "GET", "/small", [], nothing) == (200, "small")
            comes[number].set()
            assert await asked[number] == (200, 1)

    asyncio.run(scene())


def test_a_reset_takes_an_empty_object_too(cell_with_control: Cell) -> None:
    assert cell_with_control.control("POST", "/v1/reset", {}) == {}


def test_a_zone_that_is_full_takes_no_gateway(steered: Cell) -> None:
    network = steered.network()
    capacity: dict[str, Any] = {"region": "cn-hangzhou", "zone": "cn-hangzhou-k"}
    told = steered.control("POST", "/v1/capacity", {**capacity, "instances": 1})
    assert told == [{**capacity, "instances": 1}]
    gateway = steered.gateway(network)
    with pytest.raises(Refused) as refused:
        steered.gateway(network)
    assert refused.value.code == "OperationFailed.InventoryNotEnough"
    assert "cn-hangzhou-k is full" in refused.value.detail
    steered.control("POST", "/v1/capacity", {**capacity, "instances": 2})
    steered.gateway(network)
    steered.control("POST", "/v1/capacity", {**capacity, "instances": 0})
    # What is there stays.
    assert steered.until_status(gateway, "active")
    assert steered.control("POST", "/v1/capacity", {**capacity, "instances": None}) == []
    steered.gateway(network)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"region": "mars", "zone": "cn-hangzhou-k", "instances": 1}, "region"),
        ({"region": "cn-hangzhou", "zone": "cn-beijing-a", "instances": 1}, "zone"),
        ({"region": "cn-hangzhou", "zone": "cn-hangzhou-k", "instances": -1}, "instances"),
        ({"region": "cn-hangzhou", "zone": "cn-hangzhou-k", "instances": 2**31}, "instances"),
        ({"region": "cn-hangzhou", "zone": "cn-hangzhou-k"}, "instances"),
        ({"region": "cn-hangzhou", "zone": 1, "instances": 1}, "zone"),
    ],
)
def test_a_wrong_capacity_is_refused_by_name(cell_with_control: Cell, body: Any, parameter: str) -> None:
    with pytest.raises(ControlRefused) as refused:
        cell_with_control.control("POST", "/v1/capacity", body)
    assert (refused.value.status, refused.value.parameter) == (400, parameter)
    assert cell_with_control.control("GET", "/v1/capacity") == []
