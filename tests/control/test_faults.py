"""Faults: which calls they hit, what the client sees, and what was done nevertheless."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gatewright.control.faults import Fault
from tests.support.cell import Cell
from tests.support.client import ControlRefused, Refused


def fault(cell: Cell, **rule: Any) -> Any:
    return cell.control("POST", "/v1/faults", {"operation": "DescribeVpcs", "code": "Broken", "status": 418} | rule)


def hit(cell: Cell, calls: int, action: str = "DescribeVpcs") -> list[int]:
    """Which of so many calls fail, counted from 1."""
    failed = []
    for number in range(1, calls + 1):
        try:
            cell.call(action)
        except Refused as refused:
            assert (refused.status, refused.code) == (418, "Broken")
            failed.append(number)
    return failed


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"call": 3}, [3]),
        ({"calls": [2, 5]}, [2, 5]),
        ({"count": 2}, [1, 2]),
        ({"calls": [2, 3, 5], "count": 2}, [2, 3]),
        ({"rate": 0}, []),
        ({"rate": 1, "count": 4}, [1, 2, 3, 4]),
        ({"operation": "*", "call": 2}, [2]),
        ({"operation": "CreateVpc"}, []),
    ],
)
def test_which_calls_are_hit(cell_with_control: Cell, rule: dict[str, Any], expected: list[int]) -> None:
    made = fault(cell_with_control, **rule)
    assert hit(cell_with_control, 6) == expected
    (told,) = cell_with_control.control("GET", "/v1/faults")
    assert told == {**made, "seen": 0 if rule.get("operation") == "CreateVpc" else 6, "hits": len(expected)}


def test_an_operation_of_another_product_has_its_products_name(cell_with_control: Cell) -> None:
    cell = cell_with_control
    fault(cell, operation="Ecs DescribeZones")
    assert cell.call("DescribeZones")["Zones"]["Zone"]
    with pytest.raises(Refused) as refused:
        cell.call("DescribeZones", version="2014-05-26")
    assert refused.value.code == "Broken"


def test_a_rate_hits_the_same_calls_for_the_same_seed(cell_with_control: Cell) -> None:
    cell = cell_with_control
    found = []
    for seed in (1, 1, 2):
        fault(cell, rate=0.5, seed=seed)
        found.append(hit(cell, 30))
        assert cell.control("DELETE", "/v1/faults") == {}
    assert found[0] == found[1] != found[2]
    assert 5 < len(found[0]) < 25
    assert isinstance(fault(cell, rate=0.5)["seed"], int)


def test_faults_are_ended_one_by_one(cell_with_control: Cell) -> None:
    cell = cell_with_control
    first, second = fault(cell)["id"], fault(cell)["id"]
    assert cell.control("DELETE", f"/v1/faults/{first}") == {}
    assert [one["id"] for one in cell.control("GET", "/v1/faults")] == [second]
    assert hit(cell, 1) == [1]
    cell.control("DELETE", f"/v1/faults/{second}")
    assert hit(cell, 1) == []
    with pytest.raises(ControlRefused) as refused:
        cell.control("DELETE", f"/v1/faults/{second}")
    assert (refused.value.status, refused.value.parameter) == (404, "id")


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        (
            "InternalError",
            400,
            "The request processing has failed due to some unknown error, exception or failure.",
        ),
        ("Forbidden.OperateShareResource", 400, "Operating shared resources is forbidden."),
        ("Forbidden.NoSLRPermission", 400, "User not authorized to create service linked role."),
        ("ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server."),
    ],
)
def test_a_documented_errors_status_and_text_are_the_pages(steered: Cell, code: str, status: int, message: str) -> None:
    network = steered.network()
    steered.control("POST", "/v1/faults", {"operation": "CreateVpnGateway", "code": code, "count": 1})
    with pytest.raises(Refused) as refused:
        steered.gateway(network)
    assert (refused.value.status, refused.value.code, refused.value.message) == (status, code, message)
    assert refused.value.detail.startswith("fault-1 ")
    # Nothing was done.
    assert steered.call("DescribeVpnGateways")["TotalCount"] == 0
    steered.gateway(network)


def test_the_text_of_an_error_can_be_ones_own(cell_with_control: Cell) -> None:
    fault(cell_with_control, message="No.", status=599)
    refused = cell_with_control.refusal("DescribeVpcs")
    assert (refused.status, refused.code, refused.message) == (599, "Broken", "No.")


@pytest.mark.parametrize("what", [{"drop": True}, {"code": "ServiceUnavailable"}])
def test_an_answer_that_is_lost_after_the_commit_and_the_same_token_again(steered: Cell, what: dict[str, Any]) -> None:
    network = steered.network()
    steered.control("POST", "/v1/faults", {"operation": "CreateVpnGateway", "when": "after", "call": 1, **what})
    with pytest.raises((ConnectionError, Refused)):
        steered.gateway(network, ClientToken="once")
    (made,) = steered.call("DescribeVpnGateways")["VpnGateways"]["VpnGateway"]
    assert steered.gateway(network, ClientToken="once") == made["VpnGatewayId"]
    assert steered.call("DescribeVpnGateways")["TotalCount"] == 1


def test_a_connection_that_is_dropped_before_anything_was_done(steered: Cell) -> None:
    steered.control("POST", "/v1/faults", {"operation": "CreateVpc", "drop": True, "count": 1})
    with pytest.raises(ConnectionError):
        steered.call("CreateVpc")
    assert steered.call("DescribeVpcs")["TotalCount"] == 0
    steered.call("CreateVpc")


def test_an_answer_can_be_lost_that_was_an_error(cell_with_control: Cell) -> None:
    cell = cell_with_control
    cell.control("POST", "/v1/faults", {"operation": "DeleteVpc", "drop": True, "when": "after"})
    with pytest.raises(ConnectionError):
        cell.call("DeleteVpc", VpcId="vpc-none")


def test_delays_add_up_and_the_oldest_end_counts(cell_with_control: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = cell_with_control
    waited: list[float] = []

    async def hold_up(fault: Any, seconds: float) -> None:
        waited.append(seconds)

    for rule in (
        {"delay": 300, "when": "after"},
        {"delay": 2},
        {"code": "First", "status": 400},
        {"delay": 0.5},
        {"code": "Second", "status": 400},
    ):
        cell.control("POST", "/v1/faults", {"operation": "DescribeVpcs", **rule})
    monkeypatch.setattr(cell.steering.faults, "hold_up", hold_up)
    assert cell.refusal("DescribeVpcs").code == "First"
    # What comes behind the end takes no part, and is not counted as if it had.
    assert waited == [2]
    assert [one["hits"] for one in cell.control("GET", "/v1/faults")] == [0, 1, 1, 0, 0]
    for number in (3, 5):
        cell.control("DELETE", f"/v1/faults/fault-{number}")
    cell.call("DescribeVpcs")
    assert waited == [2, 2, 0.5, 300]


@pytest.mark.parametrize(
    "end", ["DELETE /v1/faults", "DELETE /v1/faults/fault-1", "POST /v1/reset", "PUT /v1/snapshot"]
)
def test_a_call_that_is_held_up_ends_with_what_held_it_up(steered: Cell, end: str) -> None:
    cell = steered
    snapshot = cell.control("GET", "/v1/snapshot")
    cell.control("POST", "/v1/faults", {"operation": "CreateVpc", "delay": 300})
    calls = [cell.submit(cell.acall("CreateVpc")) for _ in range(2)]
    deadline = time.monotonic() + 10
    while cell.control("GET", "/v1/faults")[0]["hits"] < 2:
        assert time.monotonic() < deadline
    cell.control(*end.split(" "), *[snapshot] * end.startswith("PUT"))
    for call in calls:
        with pytest.raises(ConnectionError):
            call.result(timeout=10)
    assert cell.control("GET", "/v1/faults") == []
    told = [call["status"] for call in cell.control("GET", "/v1/calls")]
    # They belong to what a reset forgets.
    assert told == ([] if "reset" in end else [None, None])
    assert cell.call("DescribeVpcs")["TotalCount"] == 0
    cell.call("CreateVpc")


def test_a_delay_passes_and_then_the_call_is_carried_out(cell_with_control: Cell) -> None:
    cell_with_control.control("POST", "/v1/faults", {"operation": "CreateVpc", "delay": 0.02})
    began = time.monotonic()
    cell_with_control.call("CreateVpc")
    assert time.monotonic() - began >= 0.02
    assert cell_with_control.call("DescribeVpcs")["TotalCount"] == 1


def test_ids_begin_again_with_a_reset_and_after_the_last(cell_with_control: Cell) -> None:
    cell = cell_with_control
    assert [fault(cell)["id"], fault(cell)["id"]] == ["fault-1", "fault-2"]
    cell.control("POST", "/v1/reset")
    made = fault(cell)
    assert made["id"] == "fault-1"
    cell.steering.faults.restore([Fault(**{**made, "id": f"fault-{number}"}) for number in (1, 999_999_999)])
    assert fault(cell)["id"] == "fault-2"
    cell.control("PUT", "/v1/snapshot", cell.control("GET", "/v1/snapshot"))
    assert fault(cell)["id"] == "fault-3"


def test_a_call_that_is_refused_before_it_is_a_call_is_not_hit(cell_with_control: Cell) -> None:
    cell = cell_with_control
    fault(cell, operation="*")
    forged = {**cell.signed("DescribeVpcs"), "Signature": "x"}
    assert cell.run(cell.request(forged)).json()["Code"] == "SignatureDoesNotMatch"
    assert cell.refusal("CreateVpnGateway").code == "MissingVpcId"
    assert cell.control("GET", "/v1/faults")[0]["seen"] == 0


@pytest.mark.parametrize(
    ("rule", "parameter"),
    [
        ({"operation": "Nonsense"}, "operation"),
        ({"operation": None}, "operation"),
        ({"call": 0}, "call"),
        ({"call": 1.5}, "call"),
        ({"call": 2**60}, "call"),
        ({"calls": [2**70]}, "calls"),
        ({"count": 2**70}, "count"),
        ({"rate": 1, "seed": 2**70}, "seed"),
        ({"calls": []}, "calls"),
        ({"calls": [0]}, "calls"),
        ({"call": 1, "rate": 0.5}, ""),
        ({"rate": 1.5}, "rate"),
        ({"seed": 1}, "seed"),
        ({"count": 0}, "count"),
        ({"status": 200}, "status"),
        ({"status": 600}, "status"),
        ({"code": ""}, "code"),
        ({"code": "a\nb"}, "code"),
        ({"message": "\0"}, "message"),
        ({"delay": 1}, ""),
        ({"when": "during"}, "when"),
        ({"id": "fault-1"}, "id"),
        ({"hits": 1}, "hits"),
    ],
)
def test_a_wrong_fault_is_refused_by_name(cell_with_control: Cell, rule: dict[str, Any], parameter: str) -> None:
    with pytest.raises(ControlRefused) as refused:
        fault(cell_with_control, **rule)
    assert (refused.value.status, refused.value.parameter) == (400, parameter)
    assert cell_with_control.control("GET", "/v1/faults") == []


@pytest.mark.parametrize(
    ("rule", "parameter"),
    [
        ({}, ""),
        ({"code": "Unheard.Of"}, "status"),
        ({"status": 500}, ""),
        ({"drop": True, "status": 500}, "status"),
        ({"drop": True, "message": "x"}, "message"),
        ({"drop": False}, "drop"),
        ({"drop": True, "delay": 1}, ""),
        ({"delay": 0}, "delay"),
        ({"delay": 301}, "delay"),
    ],
)
def test_what_a_fault_does_is_one_thing(cell_with_control: Cell, rule: dict[str, Any], parameter: str) -> None:
    with pytest.raises(ControlRefused) as refused:
        cell_with_control.control("POST", "/v1/faults", {"operation": "*", **rule})
    assert (refused.value.status, refused.value.parameter) == (400, parameter)
