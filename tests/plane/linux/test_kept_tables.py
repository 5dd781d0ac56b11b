"""An instance's rules are there before everything else, and are missed when they are gone."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, filters, guards, netns, nft
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.kept_table import KeptTable
from gatewright.plane.linux.nf_tables import NfTables
from gatewright.plane.linux.ruleset import ACCEPT, DROP, Chain, Rule, Table, field, meta, network, of_link_within
from tests.plane.linux.lab import Lab, instance, opened, play, run, vswitch
from tests.plane.linux.places import (
    PRIVATE,
    PUBLIC,
    drop_guard,
    neighbours,
)


def test_the_filter_stands_before_there_is_a_link_or_a_daemon(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = instance()

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        with monkeypatch.context() as broken:
            broken.setattr(nft, "EXECUTABLE", "/bin/false")
            with pytest.raises(PlaneError, match=r"setting table inet gatewright of nftables: nft says: nothing, and"):
                await plane.apply(spec)
        assert lab.processes(spec) == []
        assert set(lab.addresses(spec)) == {"lo"}
        assert lab.sysctl(spec, "ip_forward") == "0"
        await plane.apply(spec)
        assert lab.sysctl(spec, "ip_forward") == "1"
        await plane.remove(spec.key)
        await plane.remove(vswitch().key)

    play(lab, scenario)
    assert lab.nothing_left()


@pytest.mark.usefixtures("linux_host")
def test_what_nft_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    table = filters.table(instance())
    with netns.temporary():
        nft.put(table, replacing=False)
        with pytest.raises(PlaneError, match=r"setting table inet gatewright of nftables: nft says: .*File exists"):
            nft.put(table, replacing=False)
        monkeypatch.setattr(nft, "EXECUTABLE", "/nowhere/nft")
        with pytest.raises(PlaneError, match="nft is not installed: apt-get install nftables"):
            nft.put(table, replacing=False)
        monkeypatch.setattr(nft, "EXECUTABLE", "sleep")
        monkeypatch.setattr(nft, "_PATIENCE", 0.05)
        monkeypatch.setattr(nft, "_OPTIONS", ("5",))
        with pytest.raises(PlaneError, match="nft has not ended after 0 s"):
            nft.put(table, replacing=False)


def test_whatever_is_done_to_the_rules_is_noticed_and_put_right(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = instance()
    guard = lab.names.guards
    wan = lab.names.wan(spec.id).name
    inside = ("ip", "netns", "exec", lab.namespace(spec))
    damage = {
        "inet gatewright of nftables is gone": [
            (*inside, "nft", "flush", "ruleset"),
            (*inside, "nft", "delete", "table", "inet", "gatewright"),
        ],
        "inet gatewright of nftables was changed": [
            (*inside, "nft", "flush", "table", "inet", "gatewright"),
            (*inside, "nft", "insert", "rule", "inet", "gatewright", "input", "accept"),
            (*inside, "nft", "chain", "inet", "gatewright", "forward", "{ policy accept; }"),
        ],
        f"netdev {guard} of nftables is gone": [
            ("nft", "delete", "table", "netdev", guard),
            ("nft", "delete", "chain", "netdev", guard, "wan-vpn-1"),
        ],
        f"netdev {guard} of nftables was changed": [
            ("nft", "flush", "table", "netdev", guard),
            ("nft", "insert", "rule", "netdev", guard, "lan-vpn-1", "accept"),
        ],
    }

    async def scenario() -> None:
        async with opened(lab) as (plane, _):
            await plane.apply(vswitch())
            await plane.apply(spec)
            for words, ways in damage.items():
                for way in ways:
                    assert faults() == []
                    run(*way)
                    assert [words in one for one in faults()] == [True], way
                    async with opened(lab) as (_, found):
                        # the guard of the vSwitch's bridge is in the same table
                        all_gone = way[:4] == ("nft", "delete", "table", "netdev")
                        assert found == {vswitch().key: 0 if all_gone else 1, spec.key: 0}
                    await plane.apply(vswitch())
                    await plane.apply(spec)
            # a link that comes back has its guard
            run("ip", "link", "delete", wan)
            await plane.apply(spec)
            assert faults() == []
            assert wan in run("nft", "list", "table", "netdev", guard)
            async with opened(lab) as (_, found):
                assert found == {vswitch().key: 1, spec.key: 1}
            # and where nothing differs, nothing is run
            monkeypatch.setattr(nft, "EXECUTABLE", "/bin/false")
            await plane.apply(instance(generation=2, bandwidth=200))

    def faults() -> list[str]:
        folder = lab.plane_folder(spec)
        return [one for one in (filters.fault(lab.namespace(spec), folder), guards.fault(folder)) if one]

    asyncio.run(asyncio.wait_for(scenario(), 60))


def kept(path: Path) -> KeptTable:
    return KeptTable(Folder(path, threading.Lock(), path), "table.json")


def taking(number: int) -> Table:
    """Lets packets of ``lo`` through by a set with networks, which is another one for each number."""
    links = ["lo", *(f"tun{one}" for one in range(number % 5 + 1))]
    networks = [network("127.0.0.0/8"), *(network(f"10.{one}.0.0/16") for one in range(number % 5 + 1))]
    others: tuple[Rule, ...] = tuple((field("ip", "saddr", f"192.0.2.{one}"), DROP) for one in range(1, 60))
    mine: Rule = (of_link_within("iifname", links, "ip", "saddr", networks), ACCEPT)
    return Table("inet", "kept", (Chain("arrivals", "prerouting", (*others, mine), -300),))


@contextmanager
def flooded() -> Iterator[Callable[[], tuple[int, int]]]:
    """Datagrams go over ``lo``, one after the other; the function ends that and gives how many went and got lost."""
    over = threading.Event()
    counts = [0, 0]

    def flood() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker, socket.socket(type=socket.SOCK_DGRAM) as giver:
            taker.bind(("127.0.0.1", 0))
            giver.connect(taker.getsockname())
            taker.setblocking(False)
            while not over.is_set():
                giver.send(b"x")
                counts[0] += 1
                try:
                    taker.recv(1)
                except BlockingIOError:
                    counts[1] += 1

    def end() -> tuple[int, int]:
        over.set()
        flooding.join(10)
        return counts[0], counts[1]

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        yield end
    finally:
        end()


@pytest.mark.usefixtures("linux_host")
def test_no_packet_is_lost_while_rules_take_the_place_of_others(tmp_path: Path) -> None:
    with netns.temporary():
        run("ip", "link", "set", "lo", "up")
        kept(tmp_path).ensure(taking(0))
        with flooded() as end:
            for number in range(1, 31):
                kept(tmp_path).ensure(taking(number))
            sent, lost = end()
        assert kept(tmp_path).fault() is None
        with NfTables() as kernel:
            # the sets of the rules before have gone with them
            assert kernel.sets("inet", "kept") == list(taking(30).sets())
    assert sent > 1000
    assert lost == 0


@pytest.mark.usefixtures("linux_host")
def test_what_is_done_to_a_set_is_noticed_and_put_right(tmp_path: Path) -> None:
    table = taking(0)
    (name,) = table.sets()
    with netns.temporary():
        kept(tmp_path).ensure(table)
        for way in (("add", "element"), ("delete", "element")):
            run(
                "nft",
                *way,
                "inet",
                "kept",
                name,
                '{ "tun7" . 10.7.0.0/16 }' if way[0] == "add" else '{ "lo" . 127.0.0.0/8 }',
            )
            assert kept(tmp_path).fault() == "table inet kept of nftables was changed"
            kept(tmp_path).ensure(table)
            assert kept(tmp_path).fault() is None
            assert "tun7" not in run("nft", "list", "set", "inet", "kept", name)


@pytest.mark.usefixtures("linux_host")
def test_who_is_killed_between_the_two_transactions_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = Table.rules_document, taking(1).sets().keys()

    def killed(*_: object) -> bytes:
        raise KeyboardInterrupt

    with netns.temporary():
        kept(tmp_path).ensure(taking(0))
        monkeypatch.setattr(Table, "rules_document", killed)
        with pytest.raises(KeyboardInterrupt):
            kept(tmp_path).ensure(taking(1))
        monkeypatch.setattr(Table, "rules_document", real)
        with NfTables() as kernel:
            assert left < set(kernel.sets("inet", "kept"))
            assert kept(tmp_path).fault() is None
            kept(tmp_path).ensure(taking(2))
            assert kernel.sets("inet", "kept") == list(taking(2).sets())
            # and a set that is there is taken as it is
            monkeypatch.setattr(Table, "rules_document", killed)
            with pytest.raises(KeyboardInterrupt):
                kept(tmp_path).ensure(taking(1))
            monkeypatch.setattr(Table, "rules_document", real)
            kept(tmp_path).ensure(taking(1))
            assert kept(tmp_path).fault() is None


@pytest.mark.usefixtures("linux_host")
def test_a_chain_that_is_another_one_now_takes_the_place_of_the_one_of_its_name(tmp_path: Path) -> None:
    rules: tuple[Rule, ...] = ((meta("iifname", "lo"), ACCEPT),)
    before = Table("inet", "kept", (Chain("one", "input", rules), Chain("two", "output", rules)))
    after = Table("inet", "kept", (Chain("one", "prerouting", rules, -300, "accept"),))
    with netns.temporary():
        kept(tmp_path).ensure(before)
        kept(tmp_path).ensure(after)
        told = run("nft", "list", "table", "inet", "kept")
        assert "chain two" not in told
        assert "hook prerouting priority raw; policy accept" in told
        assert told.count("accept") == 2


def test_traffic_is_no_change(lab: Lab) -> None:
    spec = instance()

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        with neighbours(lab) as (outside, inside):
            outside.run("ping", "-q", "-f", "-c", "200", "-w", "2", PUBLIC, check=False)
            inside.run("ping", "-c", "1", "-W", "2", PRIVATE)
        assert filters.fault(lab.namespace(spec), lab.plane_folder(spec)) is None
        assert guards.fault(lab.plane_folder(spec)) is None

    play(lab, scenario)


def test_the_rules_are_read_while_others_change_theirs(lab: Lab) -> None:
    """In one namespace, as all guards are."""
    specs = [instance(number, public=(f"198.51.100.{number}",), ipsec=False) for number in range(1, 6)]

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        for generation in range(1, 4):
            changed = [msgspec.structs.replace(spec, generation=generation) for spec in specs]
            for spec in changed:
                if generation > 1:
                    drop_guard(lab, spec)
            await asyncio.gather(*(plane.apply(spec) for spec in changed))
            assert [guards.fault(lab.plane_folder(spec)) for spec in changed] == [None] * 5

    play(lab, scenario)
