"""Snapshots that are refused: damaged, changed by hand, or breaking a rule."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gatewright.reconcile import wanted
from tests.control.test_snapshot import HALF_WAY, furnish, gateways_of, resealed, seen, statuses
from tests.support.cell import ACCOUNT, Cell, sqlite_url
from tests.support.client import ControlRefused


def test_the_digest_is_what_it_is_said_to_be(furnished: tuple[Cell, dict[str, str], Any]) -> None:
    snapshot = furnished[2]
    assert resealed(snapshot) == snapshot


def damage(path: str, value: Any, *, seal: bool = True) -> Callable[[Any], Any]:
    """A way to damage a snapshot: put a value at a path."""

    def put(snapshot: Any) -> Any:
        spoilt = copy.deepcopy(snapshot)
        *way, last = (int(part) if part.isdigit() and len(part) < 16 else part for part in path.split("/"))
        place = spoilt
        for part in way:
            place = place[part]
        place[last] = value
        return resealed(spoilt) if seal else spoilt

    return put


DAMAGES: dict[str, tuple[Callable[[Any], Any], int, str]] = {
    "no JSON": (lambda snapshot: b"{", 400, ""),
    "another format": (damage("format", "tar"), 400, "format"),
    "another version": (damage("version", 2), 409, "version"),
    "another schema": (damage("schema", "0001"), 409, "schema"),
    "a change by hand": (damage("tables/vpcs/rows/0/4", "by hand", seal=False), 400, "digest"),
    "an unknown field": (damage("more", 1), 400, ""),
    "no such table": (damage("tables/moons", {"columns": [], "rows": []}), 400, "tables"),
    "no table": (lambda snapshot: resealed({**snapshot, "tables": {}}), 400, "tables"),
    "other columns": (damage("tables/vpcs/columns/0", "moon"), 400, "tables"),
    "a text for a number": (damage("tables/pools/rows/0/2", "1"), 400, "tables"),
    "a number that is too large": (damage("tables/pools/rows/0/2", 2**63), 400, "tables"),
    "null where there is none": (damage("tables/vpcs/rows/0/1", None), 400, "tables"),
    "a character that no database takes": (damage("tables/vpcs/rows/0/4", "\0"), 400, "tables"),
    "a text that is too long": (damage("tables/vpcs/rows/0/3", "9" * 19), 400, "tables"),
    "a secret that is no text": (damage("tables/customer_gateways/rows/0/6", 1), 400, "tables"),
    "a row twice": (
        lambda snapshot: damage("tables/vpcs/rows/1", snapshot["tables"]["vpcs"]["rows"][0])(snapshot),
        400,
        "tables",
    ),
    "a short row": (damage("tables/vpcs/rows/0", []), 400, "tables"),
    "a stranger's row": (damage("tables/vpcs/rows/0/1", "42"), 400, "tables"),
    "a region that there is not": (damage("tables/vpcs/rows/0/2", "mars"), 409, "tables"),
    "an instance without a gateway": (damage("tables/vpn_gateways/rows", []), 400, "tables"),
    "a kind that there is not": (
        lambda snapshot: damage("tables/placements/rows/0/0", "moon")({**snapshot, "plane": []}),
        400,
        "tables",
    ),
    "rows that are deep": (
        lambda snapshot: (
            json.dumps(damage("tables/vpcs/rows/0/4", "DEEP", seal=False)(snapshot))
            .replace('"DEEP"', "[" * 100_000 + "]" * 100_000)
            .encode()
        ),
        400,
        "",
    ),
    "a number that no program takes": (damage("tables/vpcs/rows/0/4", 2**70), 400, "tables"),
    "an account of before all time": (damage(f"accounts/{ACCOUNT}", 2**63), 400, "tables"),
    "an account with too long a name": (
        lambda snapshot: resealed({**snapshot, "accounts": {**snapshot["accounts"], "9" * 33: 0}}),
        400,
        "tables",
    ),
    "a default group's name on another": (
        lambda snapshot: damage("tables/resource_groups/rows/0/0", "rg-another")(snapshot),
        400,
        "tables",
    ),
    "a plane that was changed by hand": (damage("plane/0/killed", True, seal=False), 400, "digest"),
    "steering that was changed by hand": (damage("steering/delays/vpc", 1.0, seal=False), 400, "digest"),
    "a clock that was changed by hand": (damage("steering/clock", 1_795_478_700_000, seal=False), 400, "digest"),
    "a moment that was changed by hand": (damage("taken", 0, seal=False), 400, "digest"),
    "a moment before time": (damage("taken", -1), 400, "taken"),
    "a plane with what is not wanted": (damage("plane/0/id", "vpn-none-1"), 400, "plane"),
    "a plane with something twice": (
        lambda snapshot: damage("plane/1", snapshot["plane"][0])(snapshot),
        400,
        "plane",
    ),
    "a generation of nothing": (damage("plane/0/generation", 0), 400, "plane"),
    "a generation to come": (damage("plane/0/generation", 99), 400, "plane"),
    "a vSwitch killed": (
        lambda snapshot: resealed(
            {**snapshot, "plane": [{**item, "killed": True} for item in snapshot["plane"] if item["kind"] == "vswitch"]}
        ),
        400,
        "plane",
    ),
    "an instance that changes as a vSwitch": (
        damage("plane/0/work", {"change": "vswitch", "generation": 0, "ends": 0}),
        400,
        "plane",
    ),
    "a change to a generation to come": (
        damage("plane/0/work", {"change": "updating", "generation": 99, "ends": 0}),
        400,
        "plane",
    ),
    "an end before time": (damage("plane/0/work", {"change": "updating", "generation": 1, "ends": -1}), 400, "plane"),
    "an end beyond time": (
        damage("plane/0/work", {"change": "updating", "generation": 1, "ends": 10**15}),
        400,
        "plane",
    ),
    "a fault that saw less than nothing": (damage("steering/faults/0/seen", -1), 400, "faults"),
    "a fault that hit more than it saw": (damage("steering/faults/0/hits", 10**6), 400, "faults"),
    "a fault with a number beyond numbers": (damage("steering/faults/0/call", 2**60), 400, "call"),
    "a fault with an id beyond ids": (damage("steering/faults/0/id", "fault-1000000000"), 400, "faults"),
    "too many faults": (
        lambda snapshot: damage(
            "steering/faults",
            [{**snapshot["steering"]["faults"][0], "id": f"fault-{number}"} for number in range(1, 1002)],
        )(snapshot),
        400,
        "faults",
    ),
    "another account": (damage("accounts", {"42": 0}), 409, "accounts"),
    "a delay below zero": (damage("steering/delays/vpc", -1.0), 400, "vpc"),
    "a time beyond time": (damage("steering/clock", 10**15), 400, "clock"),
    "a fault that does nothing": (damage("steering/faults/0/code", ""), 400, "code"),
    "a fault with an id of its own": (damage("steering/faults/0/id", "mine"), 400, "faults"),
    "a plane with other things": (damage("plane/0/kind", "moon"), 400, ""),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_snapshot_is_refused_and_changes_nothing(
    name: str, furnished: tuple[Cell, dict[str, str], Any]
) -> None:
    spoil, status, parameter = DAMAGES[name]
    cell, made, snapshot = furnished
    before = seen(cell), statuses(cell, made), cell.control("GET", "/v1/snapshot")
    # A snapshot of earlier, so that it would be seen if anything of it had been taken over.
    with pytest.raises(ControlRefused) as refused:
        cell.control("PUT", "/v1/snapshot", spoil(snapshot))
    assert (refused.value.status, refused.value.parameter) == (status, parameter), refused.value.error
    after = seen(cell), statuses(cell, made), cell.control("GET", "/v1/snapshot")
    for one in (before[2], after[2]):
        del one["steering"]["clock"]
    assert after == before


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cell, dict[str, str], Any]]:
    """A service, its gateways, and a snapshot of before one more VPC was made: on SQLite, as the checks are no SQL."""
    with Cell(sqlite_url(tmp_path_factory.mktemp("furnished")), control=True) as cell:
        made = furnish(cell)
        snapshot = cell.control("GET", "/v1/snapshot")
        cell.call("CreateVSwitch", VpcId=gateways_of(cell.call("DescribeVpnGateways"))[0]["VpcId"], **ANOTHER)
        yield cell, made, snapshot


ANOTHER = {"ZoneId": "cn-hangzhou-k", "CidrBlock": "10.200.0.0/24"}


def test_what_breaks_a_rule_of_the_databases_is_damaged(steered: Cell) -> None:
    steered.call("CreateVpc")
    snapshot = steered.control("GET", "/v1/snapshot")
    before = seen(steered)
    # Each is checked by itself; that the account's default group is to be made beside it, only the database knows.
    spoilt = DAMAGES["a default group's name on another"][0](snapshot)
    with pytest.raises(ControlRefused, match="breaks a rule") as refused:
        steered.control("PUT", "/v1/snapshot", spoilt)
    assert (refused.value.status, refused.value.parameter) == (400, "tables")
    assert seen(steered) == before
    steered.call("CreateVpc")


def test_what_is_refused_within_the_transaction_is_undone(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(control=True)
    made = furnish(cell)
    snapshot = cell.control("GET", "/v1/snapshot")
    cell.call("CreateVpc", VpcName="later")
    before = seen(cell)
    for spoil in (DAMAGES["an instance without a gateway"][0], DAMAGES["a row twice"][0]):
        with pytest.raises(ControlRefused):
            cell.control("PUT", "/v1/snapshot", spoil(snapshot))
        assert seen(cell) == before
        assert statuses(cell, made) == HALF_WAY


def test_many_gateways_are_checked_page_by_page(steered: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "PAGE", 3)
    network = steered.network()
    for _ in range(4):
        steered.gateway(network)
    snapshot = steered.control("GET", "/v1/snapshot")
    steered.control("PUT", "/v1/snapshot", snapshot)
    # Two instances of each gateway, two vSwitches, a router.
    assert len(steered.plane.items) == 11
    with pytest.raises(ControlRefused, match="damaged"):
        steered.control("PUT", "/v1/snapshot", damage("tables/instances/rows/7/1", "vpn-none")(snapshot))
