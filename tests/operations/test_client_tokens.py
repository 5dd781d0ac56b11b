"""One token makes one gateway, however often and however concurrently it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.support.cell import Cell


def wanted(cell: Cell, network: tuple[str, str, str], **changes: Any) -> dict[str, Any]:
    vpc, first, second = network
    return {
        "VpcId": vpc,
        "VSwitchId": first,
        "DisasterRecoveryVSwitchId": second,
        "Bandwidth": 10,
        "ClientToken": "token-1",
        **changes,
    }


def test_a_repeated_token_gives_the_first_answer(cell: Cell) -> None:
    order = wanted(cell, cell.network())
    first = cell.call("CreateVpnGateway", **order)
    second = cell.call("CreateVpnGateway", **order)
    assert {**first, "RequestId": ""} == {**second, "RequestId": ""}
    assert first["RequestId"] != second["RequestId"]
    assert cell.call("DescribeVpnGateways")["TotalCount"] == 1


def test_32_concurrent_calls_with_one_token_make_one_gateway(cell: Cell) -> None:
    order = wanted(cell, cell.network())

    async def storm() -> list[dict[str, Any]]:
        return list(await asyncio.gather(*(cell.acall("CreateVpnGateway", **order) for _ in range(32))))

    answers = cell.run(storm())
    assert len({answer["VpnGatewayId"] for answer in answers}) == 1
    assert len({answer["OrderId"] for answer in answers}) == 1
    assert len({answer["RequestId"] for answer in answers}) == 32
    assert cell.call("DescribeVpnGateways")["TotalCount"] == 1


def test_another_request_with_the_token_is_a_mismatch(cell: Cell) -> None:
    order = wanted(cell, cell.network())
    cell.call("CreateVpnGateway", **order)
    refused = cell.refusal("CreateVpnGateway", **{**order, "Bandwidth": 100})
    assert (refused.status, refused.code) == (400, "IdempotentParameterMismatch")
    assert refused.message == "The request uses the same client token as a previous, but non-identical request."
    assert refused.detail.startswith("ClientToken")


def test_a_token_outlives_a_restart_and_expires_after_a_day(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell()
    order = wanted(cell, cell.network())
    first = cell.call("CreateVpnGateway", **order)["VpnGatewayId"]
    time = cell.clock.now()
    cell.close()
    again = make_cell()
    again.clock.advance((time - again.clock.now()) / 1000 + 23 * 3600)
    assert again.call("CreateVpnGateway", **order)["VpnGatewayId"] == first
    again.clock.advance(2 * 3600)
    assert again.call("CreateVpnGateway", **order)["VpnGatewayId"] != first


def test_a_refused_order_leaves_its_token_unused(cell: Cell) -> None:
    network = cell.network()
    assert cell.refusal("CreateVpnGateway", **wanted(cell, network, VpcId="vpc-x")).code == "InvalidVpcId.NotFound"
    cell.call("CreateVpnGateway", **wanted(cell, network))


def test_tokens_of_two_operations_do_not_meet(cell: Cell) -> None:
    order = wanted(cell, cell.network())
    gateway = cell.call("CreateVpnGateway", **order)["VpnGatewayId"]
    cell.call("CreateVpc", ClientToken="token-1")
    cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway, Name="other", ClientToken="token-1")
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway, ClientToken="token-1")
    cell.until_gone(gateway)
    # The gateway is gone; the repetition of its deletion still gets the first answer.
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway, ClientToken="token-1")
    assert cell.refusal("DeleteVpnGateway", VpnGatewayId=gateway, ClientToken="token-2").status == 404
