"""A VPC's router forwards between its vSwitches and to gateways, and nothing else: shown with packets."""

from __future__ import annotations

import json

import msgspec
import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane
from gatewright.resources.specs import RouterSpec
from tests.plane.linux.lab import Lab, links, opened, play, router, run, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.test_crash import killed_before


def plug(lab: Lab, machines: Machines, number: int, last: int = 20) -> Machine:
    """A machine in a vSwitch, with the router for its default gateway."""
    return machines.plug(lab.names.vswitch(f"vsw-{number}").name, f"10.9.{number}.{last}/24", f"10.9.{number}.253")


async def build(plane: LinuxPlane, spec: RouterSpec, *vswitches: int) -> None:
    for number in vswitches:
        await plane.apply(vswitch(number))
    await plane.apply(spec)


def routes(lab: Lab, spec: RouterSpec) -> list[str]:
    """Every route of the router's tables, main and local excepted."""
    rules = json.loads(lab.ip(spec, "-j", "rule", "show"))
    tables = {rule["table"] for rule in rules} - {"local", "main", "default"}
    return sorted(
        line.strip() for table in tables for line in lab.ip(spec, "route", "show", "table", table).splitlines()
    )


def test_vswitches_reach_each_other_and_nothing_else(lab: Lab, machines: Machines) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, router(), 1, 2)
        one, other = plug(lab, machines, 1), plug(lab, machines, 2)
        assert one.reaches("10.9.2.20")
        assert other.reaches("10.9.1.20")
        said = one.ping("192.0.2.1")
        assert "From 10.9.1.253" in said
        assert "Unreachable" in said
        await plane.remove(router().key)
        assert not one.reaches("10.9.2.20")
        for number in (1, 2):
            await plane.remove(vswitch(number).key)

    play(lab, scenario)
    assert lab.nothing_left()


def test_the_router_answers_pings_and_nothing_else(lab: Lab, machines: Machines) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, router(), 1, 2)
        one = plug(lab, machines, 1)
        assert one.reaches("10.9.1.253")
        assert one.reaches("10.9.2.253")
        assert lab.listening(router()) == set()
        # a closed port of a host without a filter refuses at once
        refused = one.run("bash", "-c", "timeout 1 bash -c '</dev/tcp/10.9.1.253/22'; echo $?", check=False)
        assert refused.split()[-1] == "124"
        addresses = lab.addresses(router())
        assert sorted(addresses.values(), key=str) == [{"10.9.1.253/24"}, {"10.9.2.253/24"}, {"127.0.0.1/8"}]

    play(lab, scenario)


def test_custom_entries_lead_to_the_first_next_hop_by_the_longest_prefix(lab: Lab, machines: Machines) -> None:
    """Machines stand for gateways: what is behind them are addresses of their own."""
    entries = {
        "172.16.0.0/16": ("10.9.1.1", "10.9.2.1"),
        "172.16.5.0/24": ("10.9.2.1", "10.9.1.1"),
        "10.0.0.0/8": ("10.9.1.1",),
        "172.17.0.0/16": (),
    }
    spec = router((1, 2, 3), tables={"vtb-1": entries, "vtb-2": {}}, uses={3: "vtb-2"})

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, spec, 1, 2, 3)
        first, second = plug(lab, machines, 1, 1), plug(lab, machines, 2, 1)
        one, other, apart = (plug(lab, machines, number) for number in (1, 2, 3))
        for gateway, behind in ((first, "172.16.1.1"), (second, "172.16.5.1"), (first, "10.200.0.1")):
            gateway.ip("address", "add", f"{behind}/32", "dev", "lo")
            assert one.reaches(behind)
            assert other.reaches(behind)
        assert one.reaches("10.9.2.20"), "the vSwitch's own network, although an entry with a shorter prefix leads away"
        assert "Unreachable" in one.ping("172.17.0.1")
        assert "Unreachable" in apart.ping("172.16.1.1"), "another table"
        # from behind the gateways into the vSwitches, by the preferred one and by the other
        assert first.reaches("10.9.2.20", "-I", "172.16.1.1")
        first.ip("address", "delete", "172.16.1.1/32", "dev", "lo")
        second.ip("address", "add", "172.16.1.1/32", "dev", "lo")
        turned = router(generation=2, tables={"vtb-1": entries | {"172.16.0.0/16": ("10.9.2.1", "10.9.1.1")}})
        await plane.apply(turned)
        assert one.reaches("172.16.1.1")

    play(lab, scenario)


def test_nobody_sends_as_somebody_else(lab: Lab, machines: Machines) -> None:
    spec = router(tables={"vtb-1": {"172.16.0.0/16": ("10.9.1.1",), "0.0.0.0/0": ("10.9.1.1",)}})

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, spec, 1, 2)
        liar, victim, other = plug(lab, machines, 1), plug(lab, machines, 2), plug(lab, machines, 2, 21)
        for address in ("10.9.2.21", "172.16.0.1", "10.9.2.253"):
            liar.ip("address", "add", f"{address}/32", "dev", "lo")
        before = received(victim)
        assert not liar.reaches("10.9.2.20", "-I", "10.9.2.21")
        assert not liar.reaches("10.9.2.20", "-I", "10.9.2.253")
        assert received(victim) == before, "nothing came"
        other.ip("address", "add", "172.16.0.2/32", "dev", "lo")
        assert not other.reaches("10.9.1.20", "-I", "172.16.0.2"), "no gateway of this network is in its vSwitch"
        before = received(victim)
        liar.ping("10.9.2.20", "-I", "172.16.0.1")
        assert received(victim) == before + 1, "where the network's gateway is, its packets come from"

    def received(machine: Machine) -> int:
        lines = machine.run("cat", "/proc/net/snmp").splitlines()
        names, values = (line.split() for line in lines if line.startswith("Icmp:"))
        return int(values[names.index("InEchos")])

    play(lab, scenario)


def test_nothing_is_lost_when_ports_and_routes_come_and_go(lab: Lab, machines: Machines) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, router(), 1, 2, 3)
        one, _ = plug(lab, machines, 1), plug(lab, machines, 2)
        assert one.reaches("10.9.2.20")
        with one.pinging("10.9.2.20") as end:
            for generation in range(2, 12):
                entries = {f"172.{generation}.0.0/16": ("10.9.1.1",), "0.0.0.0/0": (f"10.9.2.{generation}",)}
                await plane.apply(router((1, 2, 3), generation=generation, tables={"vtb-1": entries}))
                await plane.apply(router((1, 2), generation=generation))
            answered = end()
        assert len(answered) > 50
        assert answered.whole, (answered.sent, answered)
        assert routes(lab, router()) == [
            f"10.9.{number}.0/24 dev {lab.names.port_inside(f'vsw-{number}')} proto static scope link"
            for number in (1, 2)
        ]

    play(lab, scenario)


def test_entries_of_every_kind_go(lab: Lab) -> None:
    entries = {"172.16.0.0/16": ("10.9.1.1",), "172.17.0.0/16": (), "172.18.0.0/16": ("10.9.2.1",)}

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, router(), 1, 2)
        before = routes(lab, router())
        await plane.apply(router(tables={"vtb-1": entries}))
        changed = routes(lab, router())
        assert len(changed) == len(before) + 3
        assert "unreachable 172.17.0.0/16 proto static" in changed
        await plane.apply(router())
        assert routes(lab, router()) == before

    play(lab, scenario)


def test_applying_again_changes_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = router(tables={"vtb-1": {"172.16.0.0/16": ("10.9.1.1",), "172.17.0.0/16": ()}})

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, spec, 1, 2)
        with killed_before(1_000_000, monkeypatch) as taken:
            await plane.apply(spec)
        assert set(taken) == {"make", "write"}, "the folder, which is there, and what it holds already"

    play(lab, scenario)


def test_a_missing_vswitch_is_named_and_the_rest_is_done(lab: Lab, machines: Machines) -> None:
    spec = router((1, 2, 3), tables={"vtb-1": {"0.0.0.0/0": ("10.9.1.1",), "172.16.0.0/16": ("10.9.2.9", "10.9.1.1")}})

    async def scenario(plane: LinuxPlane) -> None:
        with pytest.raises(PlaneError, match="no port in vSwitch vsw-2, which is not on this host"):
            await build(plane, spec, 1, 3)
        one, _ = plug(lab, machines, 1), plug(lab, machines, 3)
        gateway = plug(lab, machines, 1, 1)
        for address in ("172.16.0.1", "10.9.2.20"):
            gateway.ip("address", "add", f"{address}/32", "dev", "lo")
        assert one.reaches("10.9.3.20")
        assert one.reaches("172.16.0.1"), "by the next hop that there is"
        assert not one.reaches("10.9.2.20"), "a vSwitch does not fall to an entry with a shorter prefix"
        async with opened(lab) as (_, found):
            assert found[spec.key] == 0
        await plane.apply(vswitch(2))
        await plane.apply(spec)
        plug(lab, machines, 2)
        assert one.reaches("10.9.2.20")
        async with opened(lab) as (_, found):
            assert found[spec.key] == 1

    play(lab, scenario)


def test_whatever_is_missing_makes_it_half_made_and_is_mended(lab: Lab) -> None:
    spec = router(tables={"vtb-1": {"172.16.0.0/16": ("10.9.1.1",)}})

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, spec, 1, 2)
        outer, inner = lab.names.port("vsw-1").name, lab.names.port_inside("vsw-1")
        before = routes(lab, spec), lab.addresses(spec), lab.ip(spec, "rule", "show")
        for command in (
            ("ip", "link", "delete", outer),
            ("ip", "link", "set", outer, "nomaster"),
            ("ip", "link", "set", outer, "down"),
            ("ip", "netns", "delete", lab.namespace(spec)),
        ):
            run(*command)
            async with opened(lab) as (_, found):
                assert found[spec.key] == 0, command
            await plane.apply(spec)
            assert (routes(lab, spec), lab.addresses(spec), lab.ip(spec, "rule", "show")) == before
            async with opened(lab) as (_, found):
                assert found[spec.key] == 1
        for change in (
            ("link", "set", inner, "down"),
            ("address", "flush", "dev", inner),
            ("rule", "flush"),
            ("rule", "add", "priority", "100", "lookup", "main"),
        ):
            lab.ip(spec, *change)
            await plane.apply(spec)
            assert routes(lab, spec) == before[0], change
            assert lab.addresses(spec) == before[1]
        lab.inside(spec, "nft", "flush", "ruleset")
        await plane.apply(spec)
        assert "policy drop" in lab.inside(spec, "nft", "list", "ruleset")

    play(lab, scenario)


def test_vpcs_with_the_same_networks_are_apart(lab: Lab, machines: Machines) -> None:
    """Overlapping ranges work side by side, and no packet gets from one to the other."""
    twin = msgspec.structs.replace(
        router((1, 2)),
        id="vpc-2",
        ports=tuple(
            msgspec.structs.replace(port, vswitch_id=f"vsw-{number}")
            for number, port in zip((3, 4), router((1, 2)).ports, strict=True)
        ),
    )

    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, router(), 1, 2)
        await build(plane, twin, 3, 4)
        one, _ = plug(lab, machines, 1), plug(lab, machines, 2)
        for number, last in ((3, 20), (4, 99)):
            bridge = lab.names.vswitch(f"vsw-{number}").name
            machines.plug(bridge, f"10.9.{number - 2}.{last}/24", f"10.9.{number - 2}.253")
        theirs, away = machines.made[-2:]
        assert one.reaches("10.9.2.20")
        assert not one.reaches("10.9.2.99")
        assert theirs.reaches("10.9.2.99")
        assert not theirs.reaches("10.9.2.20")
        assert away.reaches("10.9.1.20")

    play(lab, scenario)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (router(tables={"vtb-1": {"172.16.0.1/16": ()}}), "is refused: routes"),
        (router(tables={"vtb-1": {"172.16.0.0/16": ("10.9.1.1; reboot",)}}), "is refused: routes"),
        (router(uses={1: "vtb-9"}), "route table vtb-9, which is not in tables"),
        (router((1, 1)), "networks .* overlap"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(lab: Lab, spec: RouterSpec, words: str) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        with pytest.raises(PlaneError, match=words):
            await plane.apply(spec)

    play(lab, scenario)
    assert lab.nothing_left()


def test_a_removed_vswitch_takes_its_port_along(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await build(plane, router(), 1, 2)
        await plane.remove(vswitch(2).key)
        assert lab.names.port("vsw-2").name not in links()
        await plane.remove(router().key)
        await plane.remove(vswitch(1).key)

    play(lab, scenario)
    assert lab.nothing_left()


def test_one_port_that_cannot_be_leaves_the_others(lab: Lab, machines: Machines) -> None:
    taken = lab.names.port("vsw-1").name

    async def scenario(plane: LinuxPlane) -> None:
        for number in (1, 2, 3):
            await plane.apply(vswitch(number))
        run("ip", "link", "add", "name", taken, "type", "bridge")
        try:
            with pytest.raises(PlaneError, match=f"no port in vSwitch vsw-1: link {taken} .* somebody else's"):
                await plane.apply(router((1, 2, 3)))
            two, three = (
                machines.plug(lab.names.vswitch(f"vsw-{n}").name, f"10.9.{n}.20/24", f"10.9.{n}.253") for n in (2, 3)
            )
            assert two.reaches("10.9.3.20")
        finally:
            run("ip", "link", "delete", taken)
        await plane.apply(router((1, 2, 3)))
        one = machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.20/24", "10.9.1.253")
        assert one.reaches("10.9.3.20")
        assert three.reaches("10.9.1.20")

    play(lab, scenario)
