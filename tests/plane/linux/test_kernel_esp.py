"""The kernel's own ESP, on a kernel that has it: see `make test-kernel`.

One instance with tunnels to two customers serves all tests, each of which leaves it as it was: there, everything takes
long. That packets go through tunnels at all is in test_tunnels.py, for both ways to carry ESP.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatewright import ids
from gatewright.plane.linux import LinuxPlane, esp, netns
from gatewright.plane.linux.esp import Backend
from gatewright.resources.specs import InstanceSpec
from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.lab import Lab, kill, links, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.sites import DOWN, UP, VPC, gateway
from tests.plane.linux.tunnel_watch import Heard, opened
from tests.support.patience import patience

pytestmark = pytest.mark.kernel_esp

CUSTOMERS = (1, 2)
#: Of one CHILD SA: a state each way, and policies for what goes out, comes in and is passed on.
STATES, POLICIES = 2, 3


@dataclass
class Stand:
    """An instance with a tunnel to everywhere to each customer, up, and a machine in its vSwitch."""

    lab: Lab
    spec: InstanceSpec
    plane: LinuxPlane
    heard: Heard
    customers: list[Customer]
    inside: Machine
    runner: asyncio.Runner

    def wait(self, work: Coroutine[Any, Any, Any]) -> None:
        """Have the plane's loop run until this is done: between such calls it stands still."""
        self.runner.run(work)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds that nobody tells of."""

        async def look() -> None:
            async with asyncio.timeout(patience(10)):
                while not holds():
                    await asyncio.sleep(0.05)

        try:
            self.wait(look())
        except TimeoutError:
            raise AssertionError(f"{what}: {self.states()}, {self.policies()}") from None

    def states(self) -> list[str]:
        """The instance's ESP states, a line each."""
        return _entries(self.lab.ip(self.spec, "xfrm", "state", "list"))

    def policies(self) -> list[str]:
        """Its policies; charon has some for its sockets always."""
        return _entries(self.lab.ip(self.spec, "xfrm", "policy", "list", "nosock"))

    def both_reach(self) -> bool:
        return all(self.inside.reaches(one.inside) for one in self.customers)


def _entries(told: str) -> list[str]:
    """What iproute2 prints over several lines, the first of which is not indented."""
    entries: list[str] = []
    for line in told.splitlines():
        if line[:1].isspace() and entries:
            entries[-1] += " " + line.strip()
        elif line:
            entries.append(line)
    return entries


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    machines = Machines()
    lab = Lab(ids.installation_id(), Path(tempfile.mkdtemp(prefix="gw-test-", dir="/tmp")))
    spec = gateway(*(tunnel(number, f"198.51.100.{49 + number}") for number in CUSTOMERS))
    heard = Heard()
    with asyncio.Runner() as runner, ExitStack() as stack:
        stack.callback(lab.sweep)
        stack.callback(machines.remove)
        opening = opened(lab, heard)
        plane, _ = runner.run(opening.__aenter__())
        stack.callback(lambda: runner.run(opening.__aexit__(None, None, None)))
        runner.run(plane.apply(vswitch()))
        runner.run(plane.apply(msgspec.structs.replace(spec, tunnels=(), vpn_routes=())))
        bridge = lab.names.uplink.name
        customers = [
            stack.enter_context(
                customer(machines, bridge, f"{one.peer}/24", f"172.16.{one.number}.0/24", kernel_esp=True)
            )
            for one in spec.tunnels
        ]
        for one, its in zip(customers, spec.tunnels, strict=True):
            one.answer(its)
            one.route(VPC)
        inside = machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.20/24", "10.9.1.1")
        made = Stand(lab, spec, plane, heard, customers, inside, runner)
        runner.run(plane.apply(spec))
        for its in spec.tunnels:
            runner.run(heard.status(its.id, UP))
        yield made
        runner.run(plane.remove(spec.key))
        runner.run(plane.remove(vswitch().key))
        assert lab.nothing_left()


def test_the_kernel_is_chosen_to_carry_esp() -> None:
    esp.backend.cache_clear()
    assert esp.backend() is Backend.KERNEL


def test_two_tunnels_to_everywhere_do_not_take_each_others_packets(stand: Stand) -> None:
    """Without if_id the second one's policies would replace the first one's, and nobody would be told."""
    assert stand.both_reach()
    assert len(stand.states()) == STATES * len(CUSTOMERS)
    assert len(stand.policies()) == POLICIES * len(CUSTOMERS)
    for number in CUSTOMERS:
        marked = f"if_id {number:#x}"
        assert sum(marked in one for one in stand.states()) == STATES
        assert sum(marked in one for one in stand.policies()) == POLICIES


def test_esp_is_a_protocol_of_its_own_where_nobody_translates(stand: Stand) -> None:
    assert not any("encap" in state for state in stand.states())
    assert all("proto esp" in state for state in stand.states())


def test_a_tunnels_link_is_an_xfrm_interface_with_room_for_esp(stand: Stand) -> None:
    found = links("-n", stand.lab.namespace(stand.spec))
    for number in CUSTOMERS:
        link = found[f"tun{number}"]
        assert link["linkinfo"]["info_kind"] == "xfrm"
        assert int(link["linkinfo"]["info_data"]["if_id"], 16) == number
        assert link["mtu"] == 1400
    # what fits is carried whole, and what does not is told of: 28 bytes are of IP and ICMP
    peer = stand.customers[0].inside
    assert stand.inside.reaches(peer, "-M", "do", "-s", str(1400 - 28))
    assert "mtu = 1400" in stand.inside.ping(peer, "-M", "do", "-s", str(1400 - 27))


@pytest.mark.parametrize("made", [[], ["mtu", "1400", "type", "xfrm", "if_id", "9"], ["type", "bridge"]])
def test_a_link_that_is_gone_or_another_is_made_anew(stand: Stand, made: list[str]) -> None:
    """Packets of one with another number are dropped one way and refused the other, with nothing in any log."""
    stand.lab.ip(stand.spec, "link", "delete", "tun1")
    if made:
        stand.lab.ip(stand.spec, "link", "add", "tun1", *made)
    stand.wait(stand.plane.apply(stand.spec))
    stand.until(stand.both_reach, "nothing goes through the new link")


def test_a_tunnel_that_is_rekeyed_carries_on_though_the_old_states_linger(stand: Stand) -> None:
    before = stand.states()
    stand.heard.states.clear()
    for rekeyed in stand.customers[0].vici.rekey({"child": "tun1"}), stand.customers[0].vici.rekey({"ike": "tun1"}):
        assert rekeyed["matches"] == b"1"
    stand.until(lambda: sum(one not in before for one in stand.states()) >= STATES, "no new states")
    assert stand.both_reach()
    stand.until(lambda: len(stand.states()) == STATES * len(CUSTOMERS), "the old states stay")
    assert stand.both_reach()
    assert all(state.status is UP for state in stand.heard.states)


def test_without_states_nothing_leaves_in_the_clear(stand: Stand) -> None:
    peer, its = stand.customers[0], stand.spec.tunnels[0]
    chain = "add chain ip heard c { type filter hook prerouting priority -400; }"
    for command in ("add table ip heard", chain, *(f"add rule ip heard c iifname {one} counter" for one in _ARRIVALS)):
        peer.router.run("nft", command)
    assert stand.inside.reaches(peer.inside)
    assert _arrived(peer) == {"ipsec0": True, "eth0": False}
    stand.heard.states.clear()
    peer.vici.unload_conn({"name": "tun1"})
    peer.terminate()
    stand.wait(stand.heard.status(its.id, DOWN))
    stand.until(lambda: len(stand.states()) == STATES, "the states stay")
    assert not stand.inside.reaches(peer.inside, "-W", "2")
    # whoever routes may be late
    stand.lab.ip(stand.spec, "link", "set", "tun1", "up")
    stand.lab.ip(stand.spec, "route", "replace", "172.16.1.0/24", "dev", "tun1")
    assert not stand.inside.reaches(peer.inside, "-W", "2")
    assert stand.inside.reaches(stand.customers[1].inside)
    assert not _arrived(peer)["eth0"]
    stand.lab.ip(stand.spec, "route", "delete", "172.16.1.0/24", "dev", "tun1")
    peer.answer(its)
    stand.wait(stand.plane.apply(stand.spec))
    stand.wait(stand.heard.status(its.id, UP))
    assert stand.both_reach()


#: Where packets of the VPC may arrive at a customer's router: out of the tunnel, and in the clear.
_ARRIVALS = ("ipsec0 ip saddr 10.9.1.0/24", "eth0 ip saddr 10.9.1.0/24")


def _arrived(peer: Customer) -> dict[str, bool]:
    """Whether any came there."""
    rules = json.loads(peer.router.run("nft", "-j", "list", "table", "ip", "heard"))["nftables"]
    expressions = [entry["rule"]["expr"] for entry in rules if "rule" in entry]
    counts = [next(one["counter"]["packets"] for one in rule if "counter" in one) for rule in expressions]
    return {where.split()[0]: count > 0 for where, count in zip(_ARRIVALS, counts, strict=True)}


def test_what_a_killed_charon_left_is_flushed_and_tunnels_come_back(stand: Stand) -> None:
    """Packets would go on by it for good: the next charon would neither use nor remove it."""
    killed = stand.lab.charon(stand.spec)
    kill(killed)
    assert len(stand.states()) == STATES * len(CUSTOMERS)
    with netns.entered(stand.lab.namespace(stand.spec)):
        esp.flush()
    assert stand.states() == []
    assert stand.policies() == []
    stand.heard.states.clear()
    stand.wait(stand.plane.apply(stand.spec))
    assert stand.lab.charon(stand.spec) != killed
    for its in stand.spec.tunnels:
        stand.wait(stand.heard.status(its.id, UP))
    stand.until(lambda: len(stand.states()) == STATES * len(CUSTOMERS), "more states than tunnels need")
    assert len(stand.policies()) == POLICIES * len(CUSTOMERS)
    assert stand.both_reach()
