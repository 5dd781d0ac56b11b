"""Snapshots and beginning anew, on both databases and across them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary

from gatewright.control import document
from gatewright.control.snapshot import LARGEST
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind
from gatewright.resources.tunnels import TunnelSpec
from gatewright.store import hosts, state
from gatewright.store.schema import metadata
from tests.support.cell import ACCOUNT, Cell, sqlite_url
from tests.support.client import ControlRefused, Refused
from tests.support.postgresql import PostgresqlServer

HOUR = 3600
#: What a client sees of everything, and so what a snapshot has to bring back.
QUESTIONS = ("DescribeVpcs", "DescribeVSwitches", "DescribeVpnGateways", "DescribeCustomerGateways")


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
    cell.call("CreateCustomerGateway", IpAddress="203.0.113.1", Asn="65000", AuthKey="of-a-device")
    cell.call("CreateCustomerGateway", IpAddress="203.0.113.2")
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
    with Cell(target, control=True, seal_key=b"another".ljust(32)) as cell:
        # Written by a program that writes JSON in its own way.
        cell.control("PUT", "/v1/snapshot", json.dumps(snapshot, indent=1, sort_keys=True, ensure_ascii=True).encode())
        again = cell.control("GET", "/v1/snapshot")
        assert again["tables"] == snapshot["tables"]
        assert again["plane"] == snapshot["plane"]
        check_all_of_it(cell, made, before)


def test_connections_come_along_with_their_keys(tmp_path: Path) -> None:
    """Into a service that seals with another key: they are told as they were, and their host gets the same tunnels."""
    with Cell(sqlite_url(tmp_path), control=True) as cell:
        gateway, peer = cell.gateway(cell.network()), cell.customer_gateway()
        connection = cell.connection(gateway, peer, peer)
        cell.until("DescribeVpnConnection", lambda told: told["State"] == "active", VpnConnectionId=connection)
        change = {"Name": "moved", "ClientToken": "once"}
        before = cell.call("ModifyVpnConnectionAttribute", VpnConnectionId=connection, **change)
        specs = tunnels_of(cell)
        snapshot = cell.control("GET", "/v1/snapshot")
    (tmp_path / "other").mkdir()
    with Cell(sqlite_url(tmp_path / "other"), control=True, seal_key=b"another".ljust(32)) as cell:
        cell.control("PUT", "/v1/snapshot", snapshot)
        again = cell.call("ModifyVpnConnectionAttribute", VpnConnectionId=connection, **change)
        assert {**again, "RequestId": ""} == {**before, "RequestId": ""}
        told = cell.call("DescribeVpnConnection", VpnConnectionId=connection)
        (master, slave) = told["TunnelOptionsSpecification"]["TunnelOptions"]
        assert master["TunnelIkeConfig"]["Psk"] != slave["TunnelIkeConfig"]["Psk"]
        assert [master["TunnelId"], slave["TunnelId"]] == [tunnel.id for tunnel in tunnels_of(cell)]
        assert tunnels_of(cell) == specs


def tunnels_of(cell: Cell) -> list[TunnelSpec]:
    """Those that the cell's host was given, in the order of their numbers."""
    specs = [spec for spec in cell.plane.items.values() if isinstance(spec, InstanceSpec)]
    return sorted((tunnel for spec in specs for tunnel in spec.tunnels), key=lambda tunnel: tunnel.number)


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


def test_a_snapshot_has_no_keys_and_the_secrets_of_resources_open(steered: Cell) -> None:
    steered.gateway(steered.network())
    steered.call("CreateCustomerGateway", IpAddress="203.0.113.1", AuthKey="of-a-device")
    snapshot = steered.control("GET", "/v1/snapshot")
    (customer,) = snapshot["tables"]["customer_gateways"]["rows"]
    assert "of-a-device" in customer
    assert set(snapshot["tables"]) == {table.name for table in metadata.sorted_tables} - {
        "accounts",
        "access_keys",
        "authorities",
        "nonces",
        "hosts",
    }
    assert "secret" not in json.dumps({name: table["columns"] for name, table in snapshot["tables"].items()})
    # What is sealed is bytes, and belongs to a sealing key: another service could not open it.
    binary = {
        f"{table.name}.{c.name}": bool(c.info.get("sealed"))
        for table in state.STATE
        for c in table.columns
        if isinstance(c.type, LargeBinary)
    }
    assert binary == {
        "client_tokens.digest": True,
        "client_tokens.response": True,
        "customer_gateways.auth_key": True,
        "tunnels.psk": True,
    }


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


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """The database of another service."""
    (tmp_path / "elsewhere").mkdir()
    return sqlite_url(tmp_path / "elsewhere")


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


def test_a_snapshot_may_be_large_and_not_larger(cell_with_control: Cell) -> None:
    with pytest.raises(ControlRefused) as refused:
        cell_with_control.control("PUT", "/v1/snapshot", b" " * (LARGEST + 1))
    assert refused.value.status == 413
    with pytest.raises(ControlRefused) as refused:
        cell_with_control.control("PUT", "/v1/snapshot", b" " * LARGEST)
    assert refused.value.status == 400
