"""The control API as HTTP: what is refused, and how that is explained; and capacity, which is little else."""

from __future__ import annotations

from typing import Any

import pytest

from gatewright.control.routes import LARGEST
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
        ("POST", "/v1/reset", [(b"origin", b"https://example.org")], b"", 400, "Origin"),
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
