"""What follows from what is seen and wanted of tunnels, worked out without touching anything."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec
import pytest

from gatewright.plane.linux.tunnels.demand import Wanted, Ways
from gatewright.plane.linux.tunnels.keeper import weak_words
from gatewright.plane.linux.tunnels.lines import Lines, worth_telling
from gatewright.plane.linux.tunnels.patience import LONGEST, Patience
from gatewright.plane.linux.tunnels.seen import Seen, seen, status
from gatewright.plane.linux.tunnels.steering import ends, separable
from gatewright.plane.linux.vpn_routing import DESTINATIONS, plan
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnel_states import TunnelLine, TunnelState, TunnelStatus
from gatewright.resources.tunnels import VpnPolicy, VpnRoute
from tests.plane.linux.customer import tunnel
from tests.plane.linux.lab import instance
from tests.plane.linux.sites import gateway


def sa(state: str, *children: str) -> dict[str, Any]:
    listed = {f"tun1-{n}": {"name": b"tun1", "state": child.encode()} for n, child in enumerate(children)}
    return {"tun1": {"state": state.encode(), "child-sas": listed}}


@pytest.mark.parametrize(
    ("listed", "failed", "expected"),
    [
        ([], False, TunnelStatus.IKE_SA_NOT_ESTABLISHED),
        ([sa("CONNECTING")], False, TunnelStatus.IKE_SA_NOT_ESTABLISHED),
        ([sa("ESTABLISHED")], False, TunnelStatus.IKE_SA_ESTABLISHED),
        ([sa("ESTABLISHED")], True, TunnelStatus.IPSEC_SA_NOT_ESTABLISHED),
        ([sa("ESTABLISHED", "INSTALLING")], False, TunnelStatus.IKE_SA_ESTABLISHED),
        ([sa("ESTABLISHED", "INSTALLED")], False, TunnelStatus.IPSEC_SA_ESTABLISHED),
        # one that was replaced is listed for some seconds more
        ([sa("ESTABLISHED", "DELETED", "INSTALLED")], False, TunnelStatus.IPSEC_SA_ESTABLISHED),
        ([sa("ESTABLISHED", "DELETED")], True, TunnelStatus.IPSEC_SA_NOT_ESTABLISHED),
        ([sa("ESTABLISHED", "REKEYING")], True, TunnelStatus.IPSEC_SA_ESTABLISHED),
        ([sa("DELETING"), sa("ESTABLISHED", "INSTALLED")], False, TunnelStatus.IPSEC_SA_ESTABLISHED),
        ([{"tun2": sa("ESTABLISHED", "INSTALLED")["tun1"]}], False, TunnelStatus.IKE_SA_NOT_ESTABLISHED),
    ],
)
def test_status(listed: list[dict[str, Any]], failed: bool, expected: TunnelStatus) -> None:
    assert status(seen(listed, "tun1"), phase_2_failed=failed) is expected


def test_nothing_seen_is_nothing() -> None:
    assert seen([], "tun1") == Seen()


def test_patience() -> None:
    patience = Patience()
    now, waits = 100.0, []
    for _ in range(8):
        patience.tried(now)
        waits.append(patience.left(now))
        now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, LONGEST, LONGEST, LONGEST]
    # one that was up for a moment only goes on waiting; one that was up for long begins anew
    patience.tried(now)
    patience.is_up(now)
    patience.is_down(now + 1)
    assert patience.left(now + 1) == LONGEST - 1
    patience.is_up(now)
    patience.is_down(now + 10)
    assert patience.left(now + 10) == 0
    for _ in range(2000):
        patience.tried(now)
    assert patience.left(now) == LONGEST


def test_lines_are_bounded_and_printable() -> None:
    told: list[TunnelLine | TunnelState] = []
    lines = Lines("tun-1", told.append)
    lines.add("\x1b[2Ja\nb")
    for number in range(1000):
        lines.add(str(number))
    texts = [one.text for one in told if isinstance(one, TunnelLine)]
    assert texts[0].isprintable()
    assert len(texts) < 500


@pytest.mark.parametrize(
    ("group", "text", "worth"),
    [
        (b"IKE", "IKE_SA tun1[1] established between a and b", True),
        (b"ENC", "generating IKE_AUTH request 1 [ IDi AUTH SA TSi TSr ]", True),
        (b"ENC", "parsed INFORMATIONAL request 4 [ D ]", True),
        (b"ENC", "generating INFORMATIONAL request 4 [ ]", False),
        (b"ENC", "parsed INFORMATIONAL response 4 [ ]", False),
        (b"IKE", "sending DPD request", False),
        (b"IKE", "sending keep alive to 198.51.100.50[4500]", False),
        (b"NET", "sending packet: from 100.64.0.3[4500] to 198.51.100.50[4500] (80 bytes)", False),
    ],
)
def test_what_is_said_all_the_time_is_in_no_log(group: bytes, text: str, worth: bool) -> None:
    assert worth_telling(group, text) is worth


def test_weak_algorithms_are_named() -> None:
    assert weak_words(tunnel()) == []
    one = tunnel(
        ike={"encryption": "3des", "authentication": "md5"}, ipsec={"group": "group2", "authentication": "md5"}
    )
    assert weak_words(one) == ["3des", "md5", "group2"]


def routing(spec: InstanceSpec) -> dict[tuple[int, str | None], list[tuple[str, int]]]:
    """By priority and source, destinations and tunnels, the one to be preferred first."""
    found = plan(spec)
    return {
        (rule.priority, rule.source): [
            (way.destination, way.tunnel) for way in sorted(found.tables[rule.table], key=lambda way: way.metric)
        ]
        for rule in found.rules
        if rule.iif == "lan"
    }


def test_policies_go_before_selectors_and_these_before_destinations() -> None:
    tunnels = (
        tunnel(1),
        tunnel(2, "198.51.100.51"),
        tunnel(3, "198.51.100.52", local=("10.9.0.0/16",), remote=("172.20.0.0/16",)),
    )
    routes = tuple(VpnRoute(destination="172.16.0.0/16", tunnel=n, weight=w) for n, w in ((1, 0), (2, 100)))
    policies = (
        VpnPolicy(source="10.9.1.0/24", destination="172.16.0.0/16", tunnel=1, weight=100, priority=5),
        VpnPolicy(source="10.9.1.0/24", destination="172.16.0.0/16", tunnel=2, weight=0, priority=5),
        VpnPolicy(source="0.0.0.0/0", destination="172.17.0.0/16", tunnel=2, weight=100, priority=1),
        VpnPolicy(source="10.9.1.7/32", destination="172.17.0.0/16", tunnel=1, weight=100, priority=1),
    )
    spec = gateway(*tunnels, vpn_routes=routes, vpn_policies=policies)
    assert routing(spec) == {
        (1001, None): [("172.17.0.0/16", 2)],
        (1001, "10.9.1.7"): [("172.17.0.0/16", 1)],
        (1005, "10.9.1.0/24"): [("172.16.0.0/16", 1), ("172.16.0.0/16", 2)],
        (1200, "10.9.0.0/16"): [("172.20.0.0/16", 3)],
        (1300, None): [("172.16.0.0/16", 2), ("172.16.0.0/16", 1)],
    }
    # the same rules have the same tables, whatever else comes and goes
    fewer = msgspec.structs.replace(spec, vpn_policies=policies[2:], vpn_routes=())
    before = {rule.table for rule in plan(spec).rules} - {DESTINATIONS}
    assert {rule.table for rule in plan(fewer).rules} < before
    assert plan(instance()).rules == []

    def wakes(source: str, destination: str) -> list[int]:
        return Ways(spec).tunnels_for(Wanted(ipaddress.IPv4Address(source), ipaddress.IPv4Address(destination)))

    assert wakes("10.9.1.20", "172.16.0.1") == [1, 2]
    assert wakes("10.9.2.20", "172.16.0.1") == [2, 1]
    assert wakes("10.9.2.20", "172.20.0.1") == [3]
    assert wakes("10.8.2.20", "172.20.0.1") == wakes("10.9.1.20", "8.8.8.8") == []


def test_tunnels_to_one_peer_cannot_be_told_apart_by_address() -> None:
    tunnels = (tunnel(1), tunnel(2, "198.51.100.51"), tunnel(3))
    assert [one.number for one in separable(tunnels)] == [1, 2]
    every = [address for number in range(1, 10_000, 97) for address in ends(number)]
    assert len(set(every)) == len(every)
    assert all(ipaddress.IPv4Address(address) in ipaddress.IPv4Network("100.64.0.0/10") for address in every)
