"""Peers of every kind on one instance: several with the same selectors, behind NAT, IKEv1 with several subnets."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import ExitStack

import msgspec
import pytest

from gatewright.plane.linux import LinuxPlane, netlink, netns, vici_conn
from gatewright.plane.linux.tunnels import steering
from gatewright.resources.troubles import Cause
from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.lab import Lab, run, vswitch
from tests.plane.linux.machines import Machines
from tests.plane.linux.sites import DOWN, UP, VPC, gateway, machine, site
from tests.plane.linux.tunnel_watch import Heard, play

pytestmark = pytest.mark.usefixtures("carried_by")


def behind_nat(stack: ExitStack, machines: Machines, lab: Lab, number: int) -> Customer:
    """A site whose router has a private address, behind a device that rewrites ports too."""
    nat = machines.plug(lab.names.uplink.name, f"198.51.100.{49 + number}/24")
    nat.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    nat.ip("link", "add", "inner", "type", "bridge")
    nat.ip("address", "add", "192.168.7.1/24", "dev", "inner")
    nat.ip("link", "set", "inner", "up")
    rules = "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; "
    nat.run("nft", rules + "add rule ip nat post oifname eth0 meta l4proto udp masquerade to :20000-40000 random")
    made = stack.enter_context(
        customer(machines, "inner", "192.168.7.2/24", f"172.16.{number}.0/24", gateway="192.168.7.1", where=nat.name)
    )
    made.route(VPC)
    return made


def test_three_peers_with_the_same_selectors_and_one_of_them_behind_nat(lab: Lab, machines: Machines) -> None:
    tunnels = (
        tunnel(1, "198.51.100.50"),
        tunnel(2, "198.51.100.51", initiate=False),
        # its identity is the address that it has at home
        tunnel(3, "198.51.100.52", initiate=False, ike={"remote_id": "192.168.7.2"}),
    )
    spec = gateway(*tunnels)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(msgspec.structs.replace(spec, tunnels=(), vpn_routes=()))
        with ExitStack() as stack:
            sites = [site(stack, machines, lab, 1), site(stack, machines, lab, 2), behind_nat(stack, machines, lab, 3)]
            for one, turned in zip(sites, tunnels, strict=True):
                one.answer(turned)
            inside = machine(machines, lab)
            await plane.apply(spec)
            sites[1].initiate("tun2")
            sites[2].initiate("tun3")
            for number, one in enumerate(sites, 1):
                await heard.status(f"tun-{number}", UP)
                assert inside.reaches(one.inside), number
                assert one.host.reaches("10.9.1.20"), number
            assert sites[2].sas()[0]["nat-local"] == b"yes"
            # one that is taken away is down at its peer too, and the others stay
            await plane.apply(gateway(*tunnels[1:], generation=2))
            assert sites[0].sas() == []
            assert not inside.reaches(sites[0].inside, "-W", "0.2")
            assert inside.reaches(sites[1].inside)
            assert inside.reaches(sites[2].inside)
            assert [state.status for state in heard.states if state.id == "tun-2"].count(UP) == 1

    play(lab, scenario)


def forget_connections(where: str) -> None:
    """Have a namespace track nothing that it has tracked, as `conntrack -F` does."""
    with netns.entered(where), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER) as asked:
        everything = struct.pack(">BBH", socket.AF_UNSPEC, 0, 0)
        size = netlink.HEADER.size + len(everything)
        asked.send(netlink.HEADER.pack(size, _FORGET, netlink.REQUEST | netlink.ACK, 1, 0) + everything)
        assert struct.unpack_from("=i", asked.recv(4096), netlink.HEADER.size) == (0,)


#: linux/netfilter/nfnetlink_conntrack.h: subsystem 1, message 2.
_NETFILTER, _FORGET = 12, 0x102


def test_a_peer_to_which_nat_gives_another_port_is_found_again(
    lab: Lab, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ends ask now and then whether the other is there: what asks comes from where it is now."""
    monkeypatch.setattr(vici_conn, "DPD_DELAY", 1)
    one = tunnel(1, initiate=False, ike={"remote_id": "192.168.7.2"})

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(one))
        with ExitStack() as stack:
            peer = behind_nat(stack, machines, lab, 1)
            peer.answer(one)
            inside = machine(machines, lab)
            peer.initiate()
            await heard.status("tun-1", UP)
            assert inside.reaches(peer.inside)
            forget_connections(machines.made[0].name)
            while not await asyncio.to_thread(inside.reaches, peer.inside, "-W", "0.2"):
                pass  # it has waited for an answer
            assert [state.status for state in heard.states].count(UP) == 1

    play(lab, scenario)


def test_ikev1_has_a_child_for_each_pair_of_subnets(lab: Lab, machines: Machines) -> None:
    ours, theirs = ("10.9.1.0/25", "10.9.2.0/24"), ("172.16.1.0/24", "172.20.0.0/16")
    main = tunnel(1, version="ikev1", local=ours, remote=theirs)
    aggressive = tunnel(
        2,
        "198.51.100.51",
        version="ikev1",
        mode="aggressive",
        local=(VPC,),
        remote=("172.16.2.0/24",),
        ike={"local_id": "gateway.example", "remote_id": "branch.example"},
    )
    spec = gateway(main, aggressive, vpc_networks=(VPC, "10.9.2.0/24"))

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(msgspec.structs.replace(spec, tunnels=()))
        with ExitStack() as stack:
            first, second = site(stack, machines, lab, 1), site(stack, machines, lab, 2)
            first.router.ip("address", "add", "172.20.0.1/32", "dev", "lan")
            first.answer(main)
            second.answer(aggressive, gateway="198.51.100.1")
            inside = machine(machines, lab)
            await plane.apply(spec)
            await heard.status("tun-1", UP)
            await heard.status("tun-2", UP)
            await heard.until(lambda: carried(first) == 4)
            assert inside.reaches(first.inside)
            assert inside.reaches("172.20.0.1")
            assert first.host.reaches("10.9.1.20")
            assert inside.reaches(second.inside)
            assert second.sas()[0]["remote-id"] == b"gateway.example"
            # 10.9.1.128 and up are not in the first one's selectors
            stranger = machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.200/24", "10.9.1.1")
            assert not stranger.reaches(first.inside, "-W", "0.3")
            assert stranger.reaches(second.inside)

    play(lab, scenario)


def test_a_private_gateway_has_its_peers_in_the_vpc(lab: Lab, machines: Machines) -> None:
    one = tunnel(1, "10.9.1.60", gateway="10.9.1.1")
    spec = gateway(one, public=None)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        with customer(machines, lab.names.vswitch("vsw-1").name, "10.9.1.60/24") as peer:
            peer.route("10.9.1.20/32")
            peer.answer(one)
            inside = machine(machines, lab)
            await plane.apply(spec)
            await heard.status("tun-1", UP)
            assert inside.reaches(peer.inside)
            assert peer.host.reaches("10.9.1.20")
            # only a peer gets to a tunnel's charon, and not who knows where it is
            assert not any(inside.reaches(address, "-W", "0.2") for address in steering.ends(1))
            heard_of = run("ip", "netns", "exec", lab.names.tunnel_namespace(spec.id, 1), "cat", "/proc/net/snmp")
            assert "IcmpMsg: InType8" not in heard_of

    play(lab, scenario)


def carried(one: Customer) -> int:
    """How many CHILD SAs carry packets."""
    return sum(child["state"] == b"INSTALLED" for sa in one.sas() for child in sa["child-sas"].values())


def test_a_second_tunnel_to_the_same_peer_is_told_apart_or_told_of(lab: Lab, machines: Machines) -> None:
    twins = (tunnel(1), tunnel(2, "198.51.100.50"))

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(*twins))
        state = await heard.status("tun-2", DOWN)
        assert "198.51.100.50" in state.detail
        assert [each.cause for each in state.troubles] == [Cause.SAME_PEER]

    play(lab, scenario)
