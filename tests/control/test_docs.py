"""docs/control.md tells what is served, and its examples run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.control.test_serve import network
from tests.support.cell import Cell
from tests.support.client import Client
from tests.support.service import Service

PAGE = (Path(__file__).parents[2] / "docs/control.md").read_text()
MORE = "..."


def test_every_path_that_is_documented_is_served_and_every_other_way_round(cell_with_control: Cell) -> None:
    documented = re.findall(r"^### `(\w+) (/\S+)`$", PAGE, re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == {(route.method, route.path) for route in cell_with_control.control_endpoint.routes}


def test_every_field_and_query_that_is_taken_is_documented(cell_with_control: Cell) -> None:
    for route in cell_with_control.control_endpoint.routes:
        fields = () if route.body is bytes else route.body.__struct_fields__  # type: ignore[union-attr]  # all others
        for name in (*fields, *route.query):
            assert f"`{name}`" in PAGE or f'"{name}":' in PAGE, name


def like(example: Any, told: Any) -> bool:
    """Whether an answer is as the example: the same fields with values of the same type."""
    if isinstance(example, dict) and isinstance(told, dict):
        known = example.keys() - {MORE}
        complete = known <= told.keys() if MORE in example else known == told.keys()
        return complete and all(like(example[name], told[name]) for name in known)
    if isinstance(example, list) and isinstance(told, list):
        return bool(example) == bool(told) and all(like(example[0], one) for one in told[:1])
    return type(example) is type(told)


@pytest.mark.parametrize(("example", "told"), [({"a": 1}, {}), ({"a": 1}, {"a": "1"}), ([], [1]), ([{}], [{"a": 1}])])
def test_the_comparison_notices(example: Any, told: Any) -> None:
    assert not like(example, told)


def connected(client: Client, gateway: str) -> str:
    """A connection with two tunnels."""
    device = client.call("CreateCustomerGateway", RegionId="cn-hangzhou", IpAddress="203.0.113.7")["CustomerGatewayId"]
    wanted = {"VpnGatewayId": gateway, "LocalSubnet": "10.0.0.0/8", "RemoteSubnet": "192.168.0.0/24"}
    for number, role in enumerate(("master", "slave"), 1):
        wanted[f"TunnelOptionsSpecification.{number}.Role"] = role
        wanted[f"TunnelOptionsSpecification.{number}.CustomerGatewayId"] = device
    made: str = client.call("CreateVpnConnection", RegionId="cn-hangzhou", **wanted)["VpnConnectionId"]
    return made


def test_the_examples_run_in_their_order(tmp_path: Path) -> None:
    examples = re.findall(r"```http\n(\w+) (\S+)\n(.*?)```\n\n```json\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == PAGE.count("```http") == PAGE.count("```json")
    with Service(tmp_path / "data", arguments=("--control",)) as service:
        client = service.client()
        gateway = client.call("CreateVpnGateway", **network(client))["VpnGatewayId"]
        connection = connected(client, gateway)
        snapshot: Any = None
        for method, target, body, answer in examples:
            sent = snapshot if body.startswith("<") else json.loads(body) if body else None
            told = service.control(
                method, target.replace("vpn-example", gateway).replace("vco-example", connection), sent
            )
            assert like(json.loads(answer), told), (method, target, told)
            if target == "/v1/snapshot":
                snapshot = told
