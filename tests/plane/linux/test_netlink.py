"""Netlink: what is packed is what is unpacked, what the kernel says of a failure, and that looks are silent."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, events, inspection, netns, nft
from gatewright.plane.linux.events import EventSocket
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import LinkMark
from gatewright.plane.linux.netlink import Netlink, attributes, nested, number, raw, text, to_number, to_text
from gatewright.plane.linux.nf_tables import NfTables
from gatewright.plane.linux.rtnl import Rtnl
from gatewright.plane.linux.ruleset import ACCEPT, Chain, Table
from gatewright.plane.linux.traffic_control import TokenBucket
from gatewright.resources.specs import InstanceSpec
from tests.plane.linux.lab import Lab, instance, play, vswitch

MARK = LinkMark("outer", "gatewright:trial", "02:00:00:00:00:02")


def test_attributes_are_what_they_were_made_of() -> None:
    packed = b"head" + text(3, "a name") + number(4, 70_000) + nested(18, raw(1, b"odd"), number(2, 5))
    found = dict(attributes(packed, 4))
    assert (to_text(found[3]), to_number(found[4])) == ("a name", 70_000)
    inner = dict(attributes(found[18]))
    assert (inner[1], to_number(inner[2])) == (b"odd", 5)


@pytest.mark.parametrize("rest", [b"", b"\0\0\0", struct.pack("=HH", 0, 1), struct.pack("=HH", 3, 1)])
def test_attributes_that_make_no_sense_end_there(rest: bytes) -> None:
    assert [one.type for one in attributes(number(4, 1) + rest)] == [4]


def test_the_kernels_own_words_are_told(linux_host: None) -> None:
    with netns.temporary(), Netlink(socket.NETLINK_ROUTE) as kernel:
        body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + text(3, "trial") + nested(18, text(1, "no-such-kind"))
        with pytest.raises(OSError, match="Unknown device type") as failure:
            kernel.change(16, body, 0x400)
        assert failure.value.errno == errno.EOPNOTSUPP


def test_a_failure_says_what_was_being_done(linux_host: None) -> None:
    with netns.temporary(), Rtnl() as host:
        host.add_bridge(MARK)
        with pytest.raises(PlaneError, match=r"making bridge outer: .*File exists"):
            host.add_bridge(MARK)


def test_a_link_is_told_as_it_was_made(linux_host: None) -> None:
    with netns.temporary(), Rtnl() as host:
        host.add_bridge(LinkMark("bridge", "", "02:00:00:00:00:01"))
        bridge = host.find("bridge")
        assert bridge is not None
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        host.add_veth(MARK, bridge, "inner", "02:00:00:00:00:03", here)
        os.close(here)
        outer, inner = host.find("outer"), host.find("inner")
        assert outer is not None
        assert inner is not None
        assert (outer.kind, outer.mac, outer.master, outer.peer) == ("veth", MARK.mac, bridge.index, inner.index)
        assert (inner.mac, inner.master, inner.peer, inner.up) == ("02:00:00:00:00:03", None, outer.index, False)
        host.change(outer, state="up", ifalias=MARK.alias)
        host.change(inner, state="up", address="02:00:00:00:00:04")
        host.add_address(inner, "10.9.1.1", 24)
        outer, inner = host.find("outer"), host.find("inner")
        assert outer is not None
        assert inner is not None
        assert (outer.alias, outer.up, outer.operational) == (MARK.alias, True, True)
        assert inner.mac == "02:00:00:00:00:04"
        assert host.addresses(inner) == {("10.9.1.1", 24)}
        assert host.addresses(bridge) == set()
        host.delete_address(inner, "10.9.1.1", 24)
        host.delete_address(inner, "10.9.1.1", 24)
        assert host.addresses(inner) == set()
        assert {link.name for link in host.links()} >= {"lo", "bridge", "outer", "inner"}
        host.delete(outer)
        assert host.find("inner") is None


def test_what_shapes_all_links_is_told_in_one_look(linux_host: None) -> None:
    bucket = TokenBucket(1_250_000, 5_000, 60_000)
    with netns.temporary(), Rtnl() as host:
        host.add_bridge(MARK)
        bridge = host.find("outer")
        assert bridge is not None
        assert bridge.index not in host.traffic.read_all() or host.traffic.read_all()[bridge.index] is None
        host.traffic.set(bridge.index, bucket)
        assert host.traffic.read_all()[bridge.index] == host.traffic.read(bridge.index) == bucket


def test_a_transaction_removes_all_or_nothing(linux_host: None) -> None:
    with netns.temporary(), NfTables() as kernel:
        chains = tuple(Chain(name, "input", ((ACCEPT,),)) for name in ("one", "two"))
        nft.put(Table("inet", "trial", chains), replacing=False)
        kernel.delete_chains("inet", "trial", ["one", "three"])
        assert kernel.chains("inet", "trial") == ["one", "two"]
        kernel.delete_chains("inet", "trial", ["one"])
        assert not kernel.is_empty("inet", "trial")
        kernel.delete_chains("inet", "trial", ["two"])
        assert kernel.is_empty("inet", "trial")
        kernel.delete_table("inet", "trial")
        kernel.delete_table("inet", "trial")
        assert not kernel.has_table("inet", "trial")


def test_looking_at_an_instance_is_told_to_nobody(lab: Lab) -> None:
    """Else the lookout, which hears of changes, would look again for its own look's sake, for ever."""

    async def scenario(plane: LinuxPlane) -> None:
        public, private = instance(ipsec=False), instance(2, address="10.9.1.2", public=None, ipsec=False)
        await plane.apply(vswitch())
        await plane.apply(public)
        await plane.apply(private)
        await asyncio.to_thread(look, public, private)

    def look(*specs: InstanceSpec) -> None:
        listeners = [EventSocket.routing(events.HOST), EventSocket.nftables()]
        for spec in (instance(), instance(2)):
            listeners += events.inside(lab.namespace(spec))
        marks = [lab.names.lan("vpn-1").name, lab.names.lan("vpn-2").name, lab.names.wan("vpn-1").name]
        try:
            indexes = {socket.if_nametoindex(name) for name in marks}
            for spec in specs:
                assert inspection.fault(lab.names, Folders(lab.installation, lab.runtime), spec) is None
            host, tables, *inside = [listener.take() for listener in listeners]
            heard = [queue for datagram in host[0] for queue in events.queue_events(datagram) or ()]
            assert not [queue for queue in heard if queue.link in indexes]
            assert not [datagram for datagram in tables[0] if lab.names.installation.encode() in datagram]
            assert inside == [([], False)] * 4
        finally:
            for listener in listeners:
                listener.close()

    play(lab, scenario)
