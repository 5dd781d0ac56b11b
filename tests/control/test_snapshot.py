"""Snapshots and beginning anew, on both databases and across them."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary

from gatewright.control import document
from gatewright.control.snapshot import LARGEST
from gatewright.reconcile import wanted
from gatewright.resources.specs import ItemKey, Kind
from gatewright.store import hosts, state
from gatewright.store.schema import metadata
from tests.support.cell import ACCOUNT, Cell, sqlite_url
from tests.support.client import ControlRefused, Refused
from tests.support.postgresql import PostgresqlServer

HOUR = 3600
#: What a client sees of everything, and so what a snapshot has to bring back.
QUESTIONS = ("DescribeVpcs", "DescribeVSwitches", "DescribeVpnGateways")


def seen(cell: Cell) -> list[Any]:
    return [{**cell.call(question), "RequestId": None} for question in QUESTIONS]


def revision(cell: Cell) -> int:
    found = cell.run(cell.database.read(lambda transaction: hosts.revision(transaction, hosts.LOCAL)))
    assert found is not None
    return found


TAGGED = {"ClientToken": "t", "Tag.1.Key": "k", "Tag.1.Value": "Übung ✓"}


def furnish(cell: Cell) -> dict[str, str]:
    """A service with one of everything, in every state. Returns the gateways by their state."""
    cell.control("POST", "/v1/clock", {"set": "2031-01-01T00:00:00Z"})
    network = cell.network()
    made = {"active": cell.gateway(network, **TAGGED)}
    for name in ("updating", "deleting", "killed"):
        made[name] = cell.gateway(network)
    cell.until("DescribeVpnGateways", lambda told: all(g["Status"] == "active" for g in gateways_of(told)))
    cell.control("POST", "/v1/delays", dict.fromkeys(("provisioning", "updating", "deleting", "vpc", "vswitch"), HOUR))
    made["provisioning"] = cell.gateway(network)
    cell.call("ModifyVpnGatewayAttribute", VpnGatewayId=made["updating"], AutoPropagate=True)
    cell.call("DeleteVpnGateway", VpnGatewayId=made["deleting"])
    cell.control("POST", f"/v1/instances/{made['killed']}-2", {"action": "kill"})
    cell.call("CreateVpc", VpcName="pending ✓")
    cell.control("POST", "/v1/capacity", {"region": "cn-hangzhou", "zone": "cn-hangzhou-k", "instances": 7})
    cell.control("POST", "/v1/faults", {"operation": "CreateVpc", "code": "ServiceUnavailable", "call": 2})
    cell.control("POST", "/v1/clock", {"advance": HOUR / 2})
    return made


def gateways_of(told: Any) -> list[Any]:
    found: list[Any] = told["VpnGateways"]["VpnGateway"]
    return found


def statuses(cell: Cell, made: dict[str, str]) -> dict[str, str]:
    told = {gateway["VpnGatewayId"]: gateway["Status"] for gateway in gateways_of(cell.call("DescribeVpnGateways"))}
    return {name: told[gateway] for name, gateway in made.items() if gateway in told}


HALF_WAY = {
    "active": "active",
    "updating": "updating",
    "deleting": "deleting",
    "killed": "updating",
    "provisioning": "provisioning",
}


def check_all_of_it(cell: Cell, made: dict[str, str], before: list[Any]) -> None:
    """That a service is as ``furnish`` left it, and goes on from there."""
    assert seen(cell) == before
    assert statuses(cell, made) == HALF_WAY
    assert {one["state"] for one in cell.control("GET", "/v1/instances")} == {
        "up",
        "updating",
        "deleting",
        "killed",
        "provisioning",
    }
    assert cell.control("GET", "/v1/capacity")[0]["instances"] == 7
    assert cell.control("GET", "/v1/faults")[0]["call"] == 2
    assert cell.control("GET", "/v1/delays")["vswitch"] == HOUR
    vpc, first, second = (
        gateways_of(before[2])[0][name] for name in ("VpcId", "VSwitchId", "DisasterRecoveryVSwitchId")
    )
    # The same client token is the same gateway here too.
    assert cell.gateway((vpc, first, second), **TAGGED) == made["active"]
    # Half of the hour has passed already.
    cell.control("POST", "/v1/clock", {"advance": HOUR / 2 - 60})
    assert statuses(cell, made) == HALF_WAY
    cell.control("POST", "/v1/clock", {"advance": 60})
    assert statuses(cell, made) == {
        "active": "active",
        "updating": "active",
        "killed": "updating",
        "provisioning": "active",
    }
    cell.control("POST", f"/v1/instances/{made['killed']}-2", {"action": "recover"})
    assert statuses(cell, made)["killed"] == "active"
    # New addresses and ids are apart from the old ones.
    cell.gateway((vpc, first, second))


def test_a_snapshot_brings_everything_back(steered: Cell) -> None:
    made = furnish(steered)
    before = seen(steered)
    snapshot = steered.control("GET", "/v1/snapshot")
    assert (snapshot["format"], snapshot["version"]) == ("gatewright-snapshot", 1)
    highest = revision(steered)
    steered.control("POST", "/v1/reset")
    assert steered.call("DescribeVpcs")["TotalCount"] == 0
    told = steered.control("PUT", "/v1/snapshot", snapshot)
    assert (told["vpcs"], told["vpn_gateways"]) == (2, 5)
    assert revision(steered) > highest
    assert steered.control("GET", "/v1/snapshot")["digest"] == snapshot["digest"]
    check_all_of_it(steered, made, before)


@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
def test_a_snapshot_of_one_database_goes_into_the_other(
    source: str, tmp_path: Path, postgresql_server: PostgresqlServer
) -> None:
    urls = {"sqlite": sqlite_url(tmp_path), "postgresql": postgresql_server.create()}
    with Cell(urls.pop(source), control=True) as cell:
        made = furnish(cell)
        before = seen(cell)
        snapshot = cell.control("GET", "/v1/snapshot")
    (target,) = urls.values()
    with Cell(target, control=True) as cell:
        # Written by a program that writes JSON in its own way.
        cell.control("PUT", "/v1/snapshot", json.dumps(snapshot, indent=1, sort_keys=True, ensure_ascii=True).encode())
        again = cell.control("GET", "/v1/snapshot")
        assert again["tables"] == snapshot["tables"]
        assert again["plane"] == snapshot["plane"]
        check_all_of_it(cell, made, before)


def test_gateways_that_were_active_never_look_otherwise(steered: Cell) -> None:
    network = steered.network()
    for _ in range(10):
        steered.gateway(network)
    steered.until("DescribeVpnGateways", lambda told: all(g["Status"] == "active" for g in gateways_of(told)))
    steered.control("POST", "/v1/delays", dict.fromkeys(("provisioning", "updating", "vswitch"), HOUR))
    snapshot = json.dumps(steered.control("GET", "/v1/snapshot")).encode()
    told: set[str] = set()

    async def watch() -> None:
        while True:
            answer = await steered.acall("DescribeVpnGateways")
            told.update(gateway["Status"] for gateway in gateways_of(answer))

    watching = steered.submit(watch())
    for _ in range(5):
        steered.control("PUT", "/v1/snapshot", snapshot)
    watching.cancel()
    assert told == {"active"}


def test_after_a_reset_the_service_is_as_new(steered: Cell) -> None:
    # Everything but which key was used when.
    new = steered.control("GET", "/v1/snapshot")
    used = steered.signed("DescribeRegions")
    assert steered.run(steered.request(used)).status == 200
    written = steered.signed("CreateVpc", RegionId=steered.region)
    assert steered.run(steered.request(written)).status == 200
    furnish(steered)
    highest = revision(steered)
    assert steered.control("POST", "/v1/reset") == {}
    assert revision(steered) > highest
    assert steered.control("GET", "/v1/snapshot") == new
    assert steered.control("GET", "/v1/calls") == steered.control("GET", "/v1/faults") == []
    assert steered.plane.items == {}
    for replayed in (used, written):
        assert steered.run(steered.request(replayed)).json()["Code"] == "SignatureNonceUsed"
    gateway = steered.gateway(steered.network())
    assert steered.until_status(gateway, "active")["InternetIp"] == "240.0.0.2"
    assert ItemKey(Kind.INSTANCE, f"{gateway}-1") in steered.plane.items


def test_a_snapshot_has_no_keys_and_no_secrets(steered: Cell) -> None:
    steered.gateway(steered.network())
    snapshot = steered.control("GET", "/v1/snapshot")
    assert set(snapshot["tables"]) == {table.name for table in metadata.sorted_tables} - {
        "accounts",
        "access_keys",
        "nonces",
        "hosts",
    }
    assert "secret" not in json.dumps({name: table["columns"] for name, table in snapshot["tables"].items()})
    # What is sealed is bytes, and belongs to a sealing key: whoever adds such a column decides what becomes of it here.
    binary = {
        f"{table.name}.{c.name}" for table in state.STATE for c in table.columns if isinstance(c.type, LargeBinary)
    }
    assert binary == {"client_tokens.digest", "client_tokens.response"}


def resealed(snapshot: Any) -> Any:
    """A snapshot whose digest fits what was done to it; the digest is computed from the JSON alone."""

    def line(value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode() + b"\n"

    head = {name: value for name, value in snapshot.items() if name not in ("digest", "plane")}
    lines = [line({**head, "tables": {name: table["columns"] for name, table in snapshot["tables"].items()}})]
    for name in sorted(snapshot["tables"]):
        lines += [line(name), *map(line, snapshot["tables"][name]["rows"])]
    lines += [line("plane"), *map(line, snapshot["plane"])]
    return {**snapshot, "digest": hashlib.sha256(b"".join(lines)).hexdigest()}


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
    "no base64": (damage("tables/client_tokens/rows/0/3", "%"), 400, "tables"),
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


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """The database of another service."""
    (tmp_path / "elsewhere").mkdir()
    return sqlite_url(tmp_path / "elsewhere")


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


def check_one_state(snapshot: Any) -> None:
    """That the plane of a snapshot is what the rows say that it is."""
    table = snapshot["tables"]["placements"]
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    wanted = {(row["kind"], row["item_id"]): row for row in rows}
    plane = {(item["kind"], item["id"]): item for item in snapshot["plane"]}
    assert plane.keys() <= wanted.keys()
    for key, row in wanted.items():
        if row["phase"] == "ready" and not row["tombstone"]:
            assert plane[key]["generation"] >= row["observed"], key


def test_a_snapshot_is_one_state_whatever_is_written_meanwhile(steered: Cell) -> None:
    network = steered.network()
    order = dict(zip(("VpcId", "VSwitchId", "DisasterRecoveryVSwitchId"), network, strict=True))
    ending = asyncio.Event()

    async def write() -> int:
        rounds = 0
        while not ending.is_set():
            made = (await steered.acall("CreateVpnGateway", Bandwidth=10, **order))["VpnGatewayId"]
            await steered.acall("DescribeVpnGateways")
            # One that is not active yet is not deleted: that is the next one's.
            with contextlib.suppress(Refused):
                await steered.acall("DeleteVpnGateway", VpnGatewayId=made)
            for gateway in gateways_of(await steered.acall("DescribeVpnGateways"))[:3]:
                with contextlib.suppress(Refused):
                    await steered.acall("DeleteVpnGateway", VpnGatewayId=gateway["VpnGatewayId"])
            rounds += 1
        return rounds

    writers = [steered.submit(write()) for _ in range(3)]
    taken = [steered.control("GET", "/v1/snapshot") for _ in range(25)]

    async def end() -> None:
        ending.set()

    steered.run(end())
    assert all(writer.result(timeout=60) > 0 for writer in writers)
    for snapshot in taken:
        check_one_state(snapshot)
    # What takes no time would be put right before anybody could look.
    delays = dict.fromkeys(("provisioning", "updating", "deleting", "vswitch"), float(HOUR))
    for snapshot in taken[::6]:
        snapshot["steering"]["delays"] |= delays
        steered.control("PUT", "/v1/snapshot", resealed(snapshot))
        again = steered.control("GET", "/v1/snapshot")
        check_one_state(again)
        assert ready(snapshot) <= ready(again)
        assert again["tables"]["vpcs"] == snapshot["tables"]["vpcs"]
        # What the plane had removed and not told yet is gone now, and what it had made is active: no more.
        assert gateway_ids(again) <= gateway_ids(snapshot)


def gateway_ids(snapshot: Any) -> set[str]:
    return {row[0] for row in snapshot["tables"]["vpn_gateways"]["rows"]}


def ready(snapshot: Any) -> set[str]:
    """The items that are ready and wanted."""
    table = snapshot["tables"]["placements"]
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    return {row["item_id"] for row in rows if row["phase"] == "ready" and not row["tombstone"]}


def test_faults_that_count_meanwhile_do_not_spoil_a_snapshot(steered: Cell) -> None:
    steered.control("POST", "/v1/faults", {"operation": "*", "code": "Broken", "status": 400, "rate": 0})
    before = steered.steering.state()
    steered.call("DescribeVpcs")
    assert before.faults[0].seen == 0
    assert steered.steering.state().faults[0].seen == 1


def test_what_was_under_way_goes_on_from_there_whatever_the_time_is(steered: Cell) -> None:
    network = steered.network()
    steered.control("POST", "/v1/delays", {"provisioning": HOUR})
    gateway = steered.gateway(network)
    steered.control("GET", "/v1/instances")
    steered.clock.advance(HOUR - 100)
    snapshot = steered.control("GET", "/v1/snapshot")
    assert snapshot["steering"]["clock"] is None
    steered.clock.advance(1000 * HOUR)
    steered.control("PUT", "/v1/snapshot", snapshot)
    told = steered.call("DescribeVpnGateway", VpnGatewayId=gateway)
    assert told["Status"] == "provisioning"
    steered.control("POST", "/v1/clock", {"advance": 99})
    assert steered.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "provisioning"
    steered.control("POST", "/v1/clock", {"advance": 1})
    assert steered.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active"


def test_a_snapshot_is_sealed_and_read_beside_the_loop(steered: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    digest = document.digest

    def watched(snapshot: Any) -> str:
        threads.append(threading.current_thread().name)
        return digest(snapshot)

    monkeypatch.setattr(document, "digest", watched)
    steered.control("PUT", "/v1/snapshot", steered.control("GET", "/v1/snapshot"))
    assert len(threads) == 2
    assert all(name.startswith("asyncio_") for name in threads)


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


def test_another_account_is_told_how_to_start(make_cell: Callable[..., Cell], elsewhere: str) -> None:
    with Cell(elsewhere, control=True, account="42") as other:
        other.call("CreateVpc")
        snapshot = other.control("GET", "/v1/snapshot")
    cell = make_cell(control=True)
    with pytest.raises(ControlRefused, match=r"start it with GATEWRIGHT_ACCOUNT_ID=42\b") as refused:
        cell.control("PUT", "/v1/snapshot", snapshot)
    assert (refused.value.status, refused.value.parameter) == (409, "accounts")
    assert ACCOUNT in refused.value.error


def test_a_snapshot_with_addresses_of_an_overlapping_pool_is_refused(
    make_cell: Callable[..., Cell], elsewhere: str
) -> None:
    with Cell(elsewhere, control=True) as other:
        other.gateway(other.network())
        snapshot = other.control("GET", "/v1/snapshot")
    cell = make_cell(control=True, public_pool="240.0.0.0/16")
    with pytest.raises(ControlRefused) as refused:
        cell.control("PUT", "/v1/snapshot", snapshot)
    assert (refused.value.status, "240.0.0.0/8" in refused.value.error) == (409, True)
    # The service's own pool is there as before.
    cell.gateway(cell.network())


def test_a_snapshot_goes_into_a_service_with_another_pool(make_cell: Callable[..., Cell], elsewhere: str) -> None:
    with Cell(elsewhere, control=True) as other:
        network = other.network()
        gateway = other.gateway(network)
        other.until_status(gateway, "active")
        snapshot = other.control("GET", "/v1/snapshot")
    cell = make_cell(control=True, public_pool="198.18.0.0/16")
    cell.control("PUT", "/v1/snapshot", snapshot)
    assert cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] == "active"
    assert cell.call("DescribeVpnGateway", VpnGatewayId=cell.gateway(network))["InternetIp"].startswith("198.18.")


def test_many_gateways_are_checked_page_by_page(steered: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "PAGE", 3)
    network = steered.network()
    for _ in range(4):
        steered.gateway(network)
    snapshot = steered.control("GET", "/v1/snapshot")
    steered.control("PUT", "/v1/snapshot", snapshot)
    assert len(steered.plane.items) == 10
    with pytest.raises(ControlRefused, match="damaged"):
        steered.control("PUT", "/v1/snapshot", damage("tables/instances/rows/7/1", "vpn-none")(snapshot))


def test_a_snapshot_may_be_large_and_not_larger(cell_with_control: Cell) -> None:
    with pytest.raises(ControlRefused) as refused:
        cell_with_control.control("PUT", "/v1/snapshot", b" " * (LARGEST + 1))
    assert refused.value.status == 413
    with pytest.raises(ControlRefused) as refused:
        cell_with_control.control("PUT", "/v1/snapshot", b" " * LARGEST)
    assert refused.value.status == 400
