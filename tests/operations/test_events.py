"""Gatewright DescribeEvents: everything that happens is told once, in order, whatever comes in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gatewright.operations.declaration import GATEWRIGHT
from gatewright.plane.contract import PlaneError
from gatewright.resources.specs import ItemKey, Kind
from gatewright.store import events
from tests.support.cell import ACCOUNT, Cell


def ask(cell: Cell, **parameters: Any) -> dict[str, Any]:
    return cell.call("DescribeEvents", GATEWRIGHT.version, **parameters)


def told(answer: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    """Which resource, from, to."""
    return [(event["ResourceId"], event.get("From"), event["To"]) for event in answer["Events"]["Event"]]


class Reader:
    """Reads on and on, a few at a time."""

    def __init__(self, after: str = "0-0", **chosen: Any) -> None:
        self.after = after
        self.chosen = chosen
        self._missed = False

    def missed(self) -> bool:
        """Whether it was told so."""
        return self._missed

    def read(self, cell: Cell) -> list[dict[str, Any]]:
        """All that is new."""
        found: list[dict[str, Any]] = []
        while True:
            answer = ask(cell, After=self.after, MaxResults=2, **self.chosen)
            self._missed |= answer["Missed"]
            found += answer["Events"]["Event"]
            self.after = answer["After"]
            if len(answer["Events"]["Event"]) < 2:
                return found


def test_a_gateways_life_is_told_in_order(cell: Cell) -> None:
    assert ask(cell) | {"RequestId": ""} == {"RequestId": "", "Events": {"Event": []}, "After": "0-0", "Missed": False}
    network = cell.network()
    gateway = cell.gateway(network)
    cell.until_status(gateway, "active")
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)
    (*_, last) = life = [event for event in ask(cell)["Events"]["Event"] if event["ResourceId"] == gateway]
    steps = [(event.get("From"), event["To"]) for event in life]
    assert steps[0] == (None, "init")
    assert steps[-2:] == [("active", "deleting"), ("deleting", "gone")]
    assert [before for before, _ in steps[1:]] == [after for _, after in steps[:-1]]
    assert (last["ResourceType"], last["RegionId"], last["Time"]) == ("VpnGateway", cell.region, cell.clock.now())
    vpc, vswitch, _ = network
    assert told(ask(cell, ResourceId=vpc)) == [(vpc, None, "Available")]
    assert told(ask(cell, ResourceId=vswitch)) == [(vswitch, None, "Pending"), (vswitch, "Pending", "Available")]
    assert told(ask(cell, RegionId="cn-beijing")) == []
    assert told(ask(cell, MaxResults=1)) == [(gateway, "deleting", "gone")]


def test_who_reads_on_misses_nothing_and_sees_nothing_twice(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell()
    reader, network = Reader(), cell.network()
    found = reader.read(cell)
    wanted = [gateway := cell.gateway(network)]
    cell.until_status(gateway, "active")
    found += reader.read(cell)
    cell.close()
    cell = make_cell()
    found += reader.read(cell)

    async def many() -> list[str]:
        vpc, first, second = network
        ordered: dict[str, Any] = {
            "VpcId": vpc,
            "VSwitchId": first,
            "DisasterRecoveryVSwitchId": second,
            "Bandwidth": 10,
        }
        answers = await asyncio.gather(*(cell.acall("CreateVpnGateway", **ordered) for _ in range(10)))
        return [answer["VpnGatewayId"] for answer in answers]

    ordering = cell.submit(many())
    while not ordering.done():
        found += reader.read(cell)
    wanted += ordering.result()
    for gateway in wanted:
        cell.until_status(gateway, "active")
    found += reader.read(cell)
    assert found == ask(cell, MaxResults=500)["Events"]["Event"]
    assert [event["ResourceId"] for event in found if event["To"] == "init"] == wanted[:1] + sorted(
        wanted[1:], key=[event["ResourceId"] for event in found].index
    )
    assert len({(event["ResourceId"], event["To"]) for event in found}) == len(found)
    assert not reader.missed()


def test_accounts_have_events_of_their_own(cell: Cell) -> None:
    other = cell.other()
    cell.call("CreateVpc", CidrBlock="10.0.0.0/8")
    vpc = other.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    assert told(ask(other)) == [(vpc, None, "Available")]
    assert told(ask(cell, ResourceId=vpc)) == []


def test_what_is_forgotten_is_told_to_be_missed(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_KEPT", 3)

    def trim() -> None:
        cell.run(cell.database.write(lambda transaction: events.trim(transaction, [ACCOUNT])))

    def create(count: int) -> list[str]:
        return [cell.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"] for _ in range(count)]

    trim()
    reader, late = Reader(), Reader()
    create(3)
    reader.read(cell)
    create(3)
    trim()
    assert len(reader.read(cell)) == 3
    assert not reader.missed()
    newest = create(4)
    trim()
    assert [event["ResourceId"] for event in reader.read(cell)] == newest[1:]
    assert reader.missed()
    assert [event["ResourceId"] for event in late.read(cell)] == newest[1:]
    assert late.missed()


def test_a_state_that_was_replaced_is_read_from_its_beginning(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(control=True)
    reader = Reader()
    cell.call("CreateVpc", CidrBlock="10.0.0.0/8")
    reader.read(cell)
    cell.clock.advance(1)
    cell.control("POST", "/v1/reset")
    vpcs = [cell.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"] for _ in range(2)]
    assert [event["ResourceId"] for event in reader.read(cell)] == vpcs
    assert reader.missed()


def test_what_a_host_says_is_wrong_is_told_once(make_cell: Callable[..., Cell]) -> None:
    tries: list[ItemKey] = []

    async def before(key: ItemKey) -> None:
        if key.kind is Kind.INSTANCE and key.id.endswith("-1"):
            await asyncio.sleep(0)  # long enough to be under way
            tries.append(key)
            if len(tries) <= 3:
                raise PlaneError("no more descriptors")

    cell = make_cell(before=before)
    gateway = cell.gateway(cell.network())
    cell.until_status(gateway, "active")
    assert len(tries) > 3
    found = ask(cell, ResourceId=gateway)["Events"]["Event"]
    reason = f"{gateway}-1 on host local failed: no more descriptors"
    assert [event["Text"] for event in found].count(reason) == 1
    key = ItemKey(Kind.INSTANCE, f"{gateway}-2")
    cell.run(_call(cell.plane.kill, key))
    cell.until_status(gateway, "updating")
    cell.run(_call(cell.plane.recover, key))
    cell.until_status(gateway, "active")
    broken = ask(cell, ResourceId=gateway)["Events"]["Event"][len(found) :]
    assert (broken[0]["From"], broken[0]["To"]) == ("active", "updating")
    assert broken[0]["Text"].startswith(f"{key.id} on host local")
    assert "killed" in broken[0]["Text"]
    assert (broken[-1]["From"], broken[-1]["To"], broken[-1]["Text"]) == ("updating", "active", "")


async def _call(act: Callable[[ItemKey], object], key: ItemKey) -> None:
    """On the cell's loop, as the plane is used."""
    act(key)
