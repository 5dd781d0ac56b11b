"""What hosts tell of tunnels stands in their rows, and each host is told the secrets of its own tunnels only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from gatewright.resources.connection_status import UNSEEN
from gatewright.resources.specs import ItemKey, Kind, Observation, Phase
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, TunnelLine, TunnelState, TunnelStatus
from gatewright.resources.tunnels import SecretRef
from gatewright.store import hosts, placements, tunnel_logs, tunnel_states
from gatewright.store.events import BEGINNING, Place, following
from gatewright.store.transaction import Transaction
from gatewright.store.tunnel_states import SeenTunnel
from tests.support.cell import Cell

UP, DOWN = TunnelStatus.IPSEC_SA_ESTABLISHED, TunnelStatus.IKE_SA_NOT_ESTABLISHED


class World:
    """A gateway with a connection, on a host whose agent the test plays."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.gateway = cell.gateway(cell.network())
        asns = {"Asn": 65010, "AuthKey": "of-the-master"}
        self.customer = cell.customer_gateway("203.0.113.7", **asns)
        other = cell.customer_gateway("203.0.113.8", AuthKey="of-the-slave")
        spec = "TunnelOptionsSpecification"
        keys = {f"{spec}.{number}.TunnelIkeConfig.Psk": f"passphrase-{number}" for number in (1, 2)}
        self.connection = cell.connection(self.gateway, self.customer, other, **keys)
        ends = cell.call("DescribeVpnConnection", VpnConnectionId=self.connection)[spec]["TunnelOptions"]
        self.master, self.slave = (each["TunnelId"] for each in ends)

    def state(self, tunnel: str, status: TunnelStatus, *, instance: str = "", **more: object) -> TunnelState:
        at = instance or f"{self.gateway}-{1 if tunnel == self.master else 2}"
        return TunnelState(id=tunnel, instance_id=at, status=status, at=5, **more)  # type: ignore[arg-type]  # its fields

    def tell(self, *states: TunnelState, lines: Sequence[TunnelLine] = (), host: str = "local") -> None:
        self.cell.run(self.cell.control_plane.tunnels(host, states, lines))

    def write(self, work: Callable[[Transaction], None]) -> None:
        self.cell.run(self.cell.database.write(work))

    def seen(self) -> dict[str, SeenTunnel]:
        rows = self.cell.run(self.cell.database.read(self._rows))
        return {row.id: row for row in rows}

    def _rows(self, transaction: Transaction) -> list[SeenTunnel]:
        return tunnel_states.of_connections(transaction, [self.connection])

    def events(self) -> list[tuple[str | None, str, str]]:
        def read(transaction: Transaction) -> list[tuple[str | None, str, str]]:
            upto = Place(10**6, 0)
            found = following(transaction, self.cell.account, BEGINNING, upto, 1000, resource_id=self.connection)
            return [(each.before, each.after, each.text) for each in found]

        return self.cell.run(self.cell.database.read(read))

    def log(self) -> list[tuple[int, str, str]]:
        rows = self.cell.run(self.cell.database.read(lambda each: tunnel_logs.page(each, self.connection, 0, 10**15)))
        return [(row.number, row.tunnel_id, row.text) for row in rows]

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
    world.write(lambda each: placements.bury(each, world.gateway))
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
    assert [(before, after) for before, after, _ in world.events()] == [(None, DOWN), (DOWN, UP), (UP, DOWN)]
    assert set(world.events()[2][2].split("; ")) == set(both.split("; "))


def test_what_is_wrong_with_the_other_tunnel_is_not_told_of_one_that_comes_up(world: World) -> None:
    world.tell(*(world.state(each, DOWN, detail="no proposal chosen") for each in (world.master, world.slave)))
    world.tell(world.state(world.master, UP))
    assert world.events()[-1] == (DOWN, UP, "")


def test_a_reason_that_all_tunnels_have_is_said_once(world: World) -> None:
    for status, detail in ((UP, ""), (DOWN, "the peer does not answer")):
        world.tell(*(world.state(each, status, detail=detail) for each in (world.master, world.slave)))
    assert world.events()[-1] == (UP, DOWN, "all tunnels: the peer does not answer")


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
    mine, key = SecretRef(world.master, 1), SecretRef(world.customer, 1)
    assert world.secrets(mine, key, SecretRef(world.slave, 1)) == {
        world.master: "passphrase-1",
        world.slave: "passphrase-2",
    }
    world.write(lambda each: each.raw(f"UPDATE tunnels SET bgp_enabled = TRUE WHERE id = '{world.master}'"))
    assert world.secrets(mine, key) == {world.master: "passphrase-1", world.customer: "of-the-master"}
    assert world.secrets(mine, key, host="elsewhere") == {}
    assert world.secrets(SecretRef(world.master, 2), SecretRef(world.customer, 2)) == {}
    assert world.secrets() == {}
    world.write(lambda each: placements.bury(each, world.gateway))
    assert world.secrets(mine, key) == {}


def test_a_secret_that_was_moved_does_not_open_and_keeps_no_other_from_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.write(
        lambda each: each.raw(
            f"UPDATE tunnels SET psk = (SELECT t.psk FROM tunnels AS t WHERE t.id = '{world.slave}') "
            f"WHERE id = '{world.master}'"
        )
    )
    told = world.secrets(SecretRef(world.master, 1), SecretRef(world.slave, 1))
    assert told == {world.slave: "passphrase-2"}
    assert world.master in caplog.text
    assert "passphrase" not in caplog.text


def test_a_half_that_leaves_its_host_is_not_claimed_to_be_up_and_takes_its_secrets_along(world: World) -> None:
    key = ItemKey(Kind.INSTANCE, f"{world.gateway}-1")
    world.tell(world.state(world.master, UP, bgp=BgpStatus.UP), world.state(world.slave, DOWN))

    def leave(transaction: Transaction) -> None:
        row = placements.find_all(transaction, [key], "local")[key]
        placements.bury_these(transaction, [row], hosts.raise_revisions(transaction, ["local"]))

    world.write(leave)
    world.tell(world.state(world.master, UP))
    gone = Observation(kind=key.kind, id=key.id, generation=0, phase=Phase.REMOVED)
    world.cell.run(world.cell.control_plane.report("local", [gone]))
    assert not world.seen()[world.master].seen
    assert world.seen()[world.master].word == UNSEEN
    assert world.seen()[world.slave].seen
    assert [(before, after) for before, after, _ in world.events()[1:]] == [(DOWN, UP), (UP, DOWN)]
    # it comes to the same host again here, for there is no other, and is told of anew
    assert set(world.secrets(SecretRef(world.master, 1))) == {world.master}
    world.tell(world.state(world.master, UP))
    assert world.seen()[world.master].word.status is UP


def test_lines_go_with_their_connection(world: World) -> None:
    world.tell(lines=[line(world.master, "a")])
    world.cell.call("DeleteVpnConnection", VpnConnectionId=world.connection)
    world.tell(world.state(world.master, UP), lines=[line(world.master, "late")])
    assert world.log() == []


def line(tunnel: str, text: str) -> TunnelLine:
    return TunnelLine(tunnel_id=tunnel, at=7, text=text)
