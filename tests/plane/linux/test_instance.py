"""An instance comes up as its spec says, and follows the spec without disturbing what need not change."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, charon_config
from gatewright.resources.specs import InstanceSpec
from tests.plane.linux.lab import Lab, instance, links, play, run, vswitch
from tests.plane.linux.sites import carrying

IKE = {("udp", "0.0.0.0:500"), ("udp", "0.0.0.0:4500")}
#: And BFD.
BGP = {("tcp", "0.0.0.0:179"), ("udp", "0.0.0.0:3784")}


def listening(lab: Lab, where: InstanceSpec | str) -> set[tuple[str, str]]:
    """On every address: BIRD sends its own BFD from sockets that have one."""
    return {one for one in lab.listening(where) if one[1].startswith(("0.0.0.0:", "*:", "[::]:"))}


def test_a_public_instance_comes_up_and_goes(lab: Lab) -> None:
    spec = carrying(public=("198.51.100.1", "198.51.100.2"))

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        found = lab.addresses(spec)
        assert found["lan"] == {"10.9.1.1/24"}
        assert found["wan"] == {"198.51.100.1/24", "198.51.100.2/32"}
        assert found["lo"] == {"127.0.0.1/8"}
        inside = links("-n", lab.namespace(spec))
        assert {name for name, link in inside.items() if "UP" in link["flags"]} >= {"lo", "lan", "wan"}
        assert lab.bridge_of(spec, "lan") == f"gatewright:{lab.installation}:vswitch:vsw-1"
        assert lab.bridge_of(spec, "wan") == f"gatewright:{lab.installation}:uplink"
        assert lab.bird(spec)
        assert listening(lab, spec) == BGP
        assert lab.charon(spec)
        assert listening(lab, lab.tunnel_namespace(spec)) == IKE

        folder, own = lab.folder(spec), lab.tunnel_folder(spec)
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        assert {path.name for path in folder.iterdir()} == {
            "applied.json",
            "bird",
            "bird.conf",
            "filter.json",
            "guard.json",
        }
        assert {path.name for path in own.iterdir()} == {"charon", "loaded", "strongswan.conf", "tunnel"}
        assert {path.name for path in (own / "charon").iterdir()} == {"charon.log", "vici"}
        await plane.remove(spec.key)
        assert list(lab.runtime.iterdir()) != []
        await plane.remove(vswitch().key)

    play(lab, scenario)
    assert lab.nothing_left()


def test_bridges_and_legs_have_no_addresses_on_the_host(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance())
        ours = [line for line in lab.present() if "gatewright:" in line]
        assert len(ours) == 4
        for line in ours:
            assert run("ip", "-o", "address", "show", "dev", line.split()[0]) == ""

    play(lab, scenario)


def test_a_private_instance_has_no_wan_and_no_uplink(lab: Lab) -> None:
    spec = carrying(public=None)

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        assert "wan" not in lab.addresses(spec)
        assert not any("uplink" in line for line in lab.present())
        assert listening(lab, spec) == BGP
        assert listening(lab, lab.tunnel_namespace(spec)) == IKE
        await plane.remove(spec.key)
        await plane.remove(vswitch().key)

    play(lab, scenario)
    assert lab.nothing_left()


@pytest.mark.parametrize("ipsec", [True, False])
def test_without_a_tunnel_there_is_no_daemon(lab: Lab, ipsec: bool) -> None:
    spec = carrying()

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(instance(ipsec=ipsec))
        assert lab.processes(spec) == []
        await plane.apply(carrying(generation=2))
        assert lab.charon(spec)
        assert lab.bird(spec)
        await plane.apply(instance(generation=3, ipsec=ipsec))
        assert lab.processes(spec) == []
        assert lab.listening(spec) == set()
        assert lab.tunnel_namespace(spec) not in run("ip", "netns", "list")
        left = {path.name for path in lab.folder(spec).iterdir()}
        assert left == {"applied.json", "filter.json", "guard.json"}
        await plane.apply(carrying(generation=4))
        assert lab.charon(spec)
        assert lab.bird(spec)

    play(lab, scenario)


def test_applying_again_changes_nothing(lab: Lab) -> None:
    spec = carrying()

    def state() -> object:
        ours = {name: one for name, one in links().items() if lab.installation in one.get("ifalias", "")}
        inside = links("-n", lab.namespace(spec))
        child = links("-n", lab.tunnel_namespace(spec))
        flaps = [Path(f"/sys/class/net/{name}/carrier_changes").read_text() for name in ours]
        files = {path: path.stat().st_mtime_ns for path in lab.runtime.rglob("*.[jc]*")}
        facts = ("ifindex", "address", "flags", "master", "ifalias")
        return (
            lab.charon(spec),
            lab.bird(spec),
            lab.addresses(spec),
            [[one.get(fact) for fact in facts] for one in (*ours.values(), *inside.values(), *child.values())],
            flaps,
            files,
        )

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        before = state()
        for _ in range(3):
            await plane.apply(vswitch())
            await plane.apply(spec)
        assert state() == before

    play(lab, scenario)


def test_a_changed_bandwidth_alone_disturbs_nothing_else(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        spec = carrying()
        await plane.apply(spec)
        daemons, addresses = (lab.charon(spec), lab.bird(spec)), lab.addresses(spec)
        await plane.apply(carrying(generation=2, bandwidth=1000))
        assert (lab.charon(spec), lab.bird(spec)) == daemons
        assert lab.addresses(spec) == addresses
        applied = json.loads((lab.folder(instance()) / "applied.json").read_bytes())
        assert (applied["generation"], applied["bandwidth"]) == (2, 1000)

    play(lab, scenario)


@pytest.mark.parametrize("address", ["10.9.1.77", "10.9.1.2"])
def test_a_changed_address_is_applied_without_restarting_daemons(lab: Lab, address: str) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        spec = carrying()
        await plane.apply(vswitch())
        await plane.apply(spec)
        daemons, peer = (lab.charon(spec), lab.bird(spec)), lab.peer(spec, "lan")
        await plane.apply(carrying(generation=2, address=address, public=("198.51.100.9",), bandwidth=100))
        assert lab.addresses(spec)["lan"] == {f"{address}/24"}
        assert lab.addresses(spec)["wan"] == {"198.51.100.9/24"}
        assert (lab.charon(spec), lab.bird(spec)) == daemons
        assert lab.peer(spec, "lan") == peer

    play(lab, scenario)


def test_an_instance_moves_to_another_vswitch(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch(1))
        await plane.apply(vswitch(2))
        spec = carrying()
        await plane.apply(spec)
        daemons = lab.charon(spec), lab.bird(spec)
        await plane.apply(carrying(generation=2, vswitch=2))
        assert lab.bridge_of(spec, "lan") == f"gatewright:{lab.installation}:vswitch:vsw-2"
        assert lab.addresses(spec)["lan"] == {"10.9.2.1/24"}
        assert (lab.charon(spec), lab.bird(spec)) == daemons

    play(lab, scenario)


def test_charon_is_started_anew_when_its_configuration_changes(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does with another version of the agent."""
    spec = carrying()

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        before, bird = lab.charon(spec), lab.bird(spec)
        other = charon_config._TEMPLATE.replace("threads = 16", "threads = 17")
        monkeypatch.setattr(charon_config, "_TEMPLATE", other)
        await plane.apply(spec)
        assert lab.charon(spec) != before
        assert "threads = 17\n" in (lab.tunnel_folder(spec) / "strongswan.conf").read_text()
        assert lab.bird(spec) == bird
        assert "tun1" in lab.addresses(spec)

    play(lab, scenario)


def test_what_somebody_changed_is_put_right(lab: Lab) -> None:
    spec = carrying()

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(spec)
        daemons = lab.charon(spec), lab.bird(spec)
        lab.ip(spec, "address", "add", "10.9.1.200/24", "dev", "lan")
        lab.ip(spec, "address", "add", "203.0.113.5/32", "dev", "wan")
        lab.ip(spec, "address", "delete", "198.51.100.1/24", "dev", "wan")
        lab.ip(spec, "link", "set", "wan", "down")
        run("ip", "link", "set", lab.names.lan(spec.id).name, "down", "nomaster")
        run("ip", "link", "set", lab.names.vswitch("vsw-1").name, "down")
        await plane.apply(vswitch())
        await plane.apply(spec)
        assert lab.addresses(spec)["lan"] == {"10.9.1.1/24"}
        assert lab.addresses(spec)["wan"] == {"198.51.100.1/24"}
        assert lab.bridge_of(spec, "lan") == f"gatewright:{lab.installation}:vswitch:vsw-1"
        assert (lab.charon(spec), lab.bird(spec)) == daemons

        run("ip", "link", "delete", lab.names.wan(spec.id).name)
        run("ip", "link", "delete", lab.names.uplink.name)
        await plane.apply(spec)
        assert lab.addresses(spec)["wan"] == {"198.51.100.1/24"}
        assert (lab.charon(spec), lab.bird(spec)) == daemons

    play(lab, scenario)


def test_the_uplink_lives_as_long_as_it_is_used(lab: Lab) -> None:
    def uplinks() -> int:
        return sum(line.endswith(":uplink") for line in lab.present())

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await asyncio.gather(plane.apply(instance(1)), plane.apply(instance(2, public=("198.51.100.2",), ipsec=False)))
        assert uplinks() == 1
        await plane.remove(instance(1).key)
        assert uplinks() == 1
        await plane.apply(instance(2, generation=2, public=None, ipsec=False))
        assert uplinks() == 0
        assert "wan" not in lab.addresses(instance(2))

    play(lab, scenario)


def test_two_instances_reach_each_other_in_their_vswitch_and_on_the_uplink(lab: Lab) -> None:
    one, other = instance(1), instance(2, public=("198.51.100.2",))

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await asyncio.gather(plane.apply(one), plane.apply(other))
        lab.inside(one, "ping", "-c", "1", "-W", "2", "10.9.1.2")
        lab.inside(other, "ping", "-c", "1", "-W", "2", "198.51.100.1")

    play(lab, scenario)


def test_a_reused_address_is_reached_at_once(lab: Lab) -> None:
    """Its neighbours have the hardware address of the instance that had it before."""
    neighbour = instance(2, public=("198.51.100.2",), ipsec=False)

    async def scenario(plane: LinuxPlane) -> None:
        await plane.apply(vswitch())
        await plane.apply(neighbour)
        await plane.apply(instance(1, ipsec=False))
        lab.inside(neighbour, "ping", "-c", "1", "-W", "2", "198.51.100.1")
        await plane.remove(instance(1).key)
        await plane.apply(instance(3, public=("198.51.100.1",), ipsec=False))
        lab.inside(neighbour, "ping", "-c", "1", "-W", "2", "198.51.100.1")
        # and on a link that is up already
        await plane.apply(instance(3, public=("198.51.100.3",), ipsec=False))
        await plane.apply(instance(4, public=("198.51.100.1",), ipsec=False))
        lab.inside(neighbour, "ping", "-c", "1", "-W", "2", "198.51.100.1")
        await plane.remove(instance(4).key)
        await plane.apply(instance(3, public=("198.51.100.1",), ipsec=False))
        lab.inside(neighbour, "ping", "-c", "1", "-W", "2", "198.51.100.1")

    play(lab, scenario)


def test_a_missing_vswitch_is_named(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        with pytest.raises(PlaneError, match="vSwitch vsw-1 is not on this host"):
            await plane.apply(instance())

    play(lab, scenario)
    assert lab.nothing_left()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (instance(address="10.8.0.1"), "10.8.0.1, which no host in 10.9.1.0/24 can have"),
        (instance(address="10.9.1.1; reboot"), "address '10.9.1.1; reboot', which is none"),
        (instance(public=()), "public has 0 addresses"),
        (instance(public=("198.51.100.1", "203.0.113.1")), "203.0.113.1, which no host in"),
    ],
)
def test_unusable_addresses_are_refused_before_anything_is_made(lab: Lab, spec: object, words: str) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        with pytest.raises(PlaneError, match=words):
            await plane.apply(spec)  # type: ignore[arg-type]  # several kinds of spec in one list

    play(lab, scenario)
    assert lab.nothing_left()


def test_removing_what_is_not_there_is_fine(lab: Lab) -> None:
    async def scenario(plane: LinuxPlane) -> None:
        await plane.remove(instance().key)
        await plane.remove(vswitch().key)

    play(lab, scenario)
    assert lab.nothing_left()
