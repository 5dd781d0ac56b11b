"""What hosts tell of tunnels stands in their rows, and each host is told the secrets of its own tunnels only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from gatewright.resources.specs import ItemKey, Kind
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, TunnelLine, TunnelState, TunnelStatus
from gatewright.resources.tunnels import SecretRef
from gatewright.store import placements, tunnel_logs, tunnel_states
from gatewright.store.events import Place, following
from gatewright.store.transaction import Transaction
from gatewright.store.tunnel_states import SeenTunnel
from tests.support.cell import Cell
from tests.support.tunnels import put_connection

UP, DOWN = TunnelStatus.IPSEC_SA_ESTABLISHED, TunnelStatus.IKE_SA_NOT_ESTABLISHED


class World:
    """A gateway with a connection, on a host whose agent the test plays."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.gateway = cell.gateway(cell.network())
        self.master, self.slave = put_connection(cell, self.gateway)

    def state(self, tunnel: str, status: TunnelStatus, *, instance: str = "", **more: object) -> TunnelState:
        at = instance or f"{self.gateway}-{tunnel[-1]}"
        return TunnelState(id=tunnel, instance_id=at, status=status, at=5, **more)  # type: ignore[arg-type]

    def tell(self, *states: TunnelState, lines: Sequence[TunnelLine] = (), host: str = "local") -> None:
        self.cell.run(self.cell.control_plane.tunnels(host, states, lines))

    def seen(self) -> dict[str, SeenTunnel]:
        rows = self.cell.run(self.cell.database.read(lambda each: tunnel_states.of_connections(each, ["vco-1"])))
        return {row.id: row for row in rows}

    def events(self) -> list[tuple[str | None, str, str]]:
        def read(transaction: Transaction) -> list[tuple[str | None, str, str]]:
            found = following(transaction, self.cell.account, Place(0, 0), Place(10**6, 0), 1000, resource_id="vco-1")
            return [(each.before, each.after, each.text) for each in found]

        return self.cell.run(self.cell.database.read(read))

    def log(self) -> list[tuple[int, str, str]]:
        rows = self.cell.run(self.cell.database.read(lambda each: tunnel_logs.page(each, "vco-1", 0, 10**15)))
        return [(row.number, row.tunnel_id, row.text) for row in rows]

    def leave(self) -> None:
        """Want the gateway removed from its host."""
        self.cell.run(self.cell.database.write(lambda each: placements.bury(each, self.gateway)))

    def secrets(self, *references: SecretRef, host: str = "local") -> dict[str, str]:
        return {each.id: each.value for each in self.cell.run(self.cell.control_plane.secrets(host, references))}


@pytest.fixture
def world(make_cell: Callable[..., Cell]) -> World:
    return World(make_cell(with_agent=False))


def test_what_a_host_tells_of_its_tunnels_stands_in_their_rows(world: World) -> None:
    world.tell(
        world.state(world.master, UP, bgp=BgpStatus.UP, health=HealthStatus.FAILED, detail="one \0 of them"),
        world.state(world.slave, TunnelStatus.IKE_SA_ESTABLISHED),
        world.state("tun-nobodys", UP),
    )
    master, slave = world.seen()[world.master], world.seen()[world.slave]
    assert master.word == (UP, BgpStatus.UP, HealthStatus.FAILED)
    assert (master.detail, master.seen_at) == ("one \N{REPLACEMENT CHARACTER} of them", 5)
    assert slave.word == (TunnelStatus.IKE_SA_ESTABLISHED, BgpStatus.UNKNOWN, HealthStatus.UNKNOWN)
    # a clock that was set back does not make it old news
    world.tell(TunnelState(id=world.master, instance_id=f"{world.gateway}-1", status=DOWN, at=1))
    assert world.seen()[world.master].word.status is DOWN


def test_another_hosts_word_does_not_count(world: World) -> None:
    world.tell(world.state(world.master, UP), lines=[line(world.master, "mine")], host="elsewhere")
    world.tell(world.state(world.slave, UP, instance=f"{world.gateway}-1"))
    assert not any(row.seen for row in world.seen().values())
    world.leave()
    world.tell(world.state(world.master, UP), lines=[line(world.master, "mine")])
    assert not any(row.seen for row in world.seen().values())
    assert world.log() == []


def test_events_tell_when_the_connection_shows_another_status(world: World) -> None:
    world.tell(world.state(world.master, DOWN, detail="no proposal chosen"))
    world.tell(world.state(world.master, UP))
    world.tell(world.state(world.slave, UP))
    world.tell(world.state(world.master, DOWN, detail="peer is silent"))
    world.tell(world.state(world.slave, DOWN, detail="peer is silent too"))
    both = f"{world.master}: peer is silent; {world.slave}: peer is silent too"
    assert [(before, after) for before, after, _ in world.events()] == [(DOWN, UP), (UP, DOWN)]
    assert set(world.events()[1][2].split("; ")) == set(both.split("; "))


def test_lines_are_kept_a_connection_and_only_the_newest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel_logs, "MOST_KEPT", 3)
    world.tell(lines=[line(world.master, "a"), line(world.slave, "b"), line("tun-nobodys", "x")])
    assert world.log() == [(1, world.master, "a"), (2, world.slave, "b")]
    world.tell(lines=[line(world.master, text) for text in ("c\0", "d")])
    assert [(number, text) for number, _, text in world.log()] == [
        (2, "b"),
        (3, "c\N{REPLACEMENT CHARACTER}"),
        (4, "d"),
    ]
    world.tell(lines=[line(world.master, str(number)) for number in range(10)])
    assert [text for _, _, text in world.log()] == ["7", "8", "9"]


def test_a_host_is_told_the_secrets_of_its_own_tunnels_only(world: World) -> None:
    """Of the versions that its specs have, and a customer's BGP key only where a tunnel of its has BGP."""
    mine, key = SecretRef(world.master, 2), SecretRef("cgw-vco-1-1", 3)
    assert world.secrets(mine, key, SecretRef(world.slave, 2)) == {
        world.master: "a passphrase 1",
        world.slave: "a passphrase 2",
        "cgw-vco-1-1": "key of cgw-vco-1-1",
    }
    assert world.secrets(mine, key, host="elsewhere") == {}
    assert world.secrets(SecretRef(world.master, 1), SecretRef("cgw-vco-1-1", 2), SecretRef("cgw-vco-1-2", 3)) == {}
    assert world.secrets() == {}
    world.leave()
    assert world.secrets(mine, key) == {}


def test_a_secret_that_was_moved_does_not_open_and_keeps_no_other_from_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def swap(transaction: Transaction) -> None:
        transaction.raw(
            f"UPDATE tunnels SET psk = (SELECT t.psk FROM tunnels AS t WHERE t.id = '{world.slave}') "
            f"WHERE id = '{world.master}'"
        )

    world.cell.run(world.cell.database.write(swap))
    told = world.secrets(SecretRef(world.master, 2), SecretRef(world.slave, 2))
    assert told == {world.slave: "a passphrase 2"}
    assert world.master in caplog.text
    assert "passphrase" not in caplog.text


def test_a_half_that_moves_takes_its_secrets_along(world: World) -> None:
    def move(transaction: Transaction) -> None:
        row = placements.find_all(transaction, [key], "local")[key]
        placements.drop(transaction, row)
        placements.place(transaction, [key], "elsewhere", world.cell.account, world.gateway, 1)

    key = ItemKey(Kind.INSTANCE, f"{world.gateway}-1")
    world.cell.run(world.cell.database.write(move))
    assert world.secrets(SecretRef(world.master, 2), SecretRef(world.slave, 2)) == {world.slave: "a passphrase 2"}
    assert set(world.secrets(SecretRef(world.master, 2), SecretRef(world.slave, 2), host="elsewhere")) == {world.master}


def line(tunnel: str, text: str) -> TunnelLine:
    return TunnelLine(tunnel_id=tunnel, at=7, text=text)
