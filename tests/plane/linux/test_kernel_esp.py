"""The kernel's own ESP, on a kernel that has it: see `make test-kernel`.

One instance with tunnels to two customers serves all tests, each of which leaves it as it was: there, everything takes
long. That packets go through tunnels at all is in test_tunnels.py, for both ways to carry ESP.
"""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatewright import ids
from gatewright.plane.linux import LinuxPlane, esp, netns
from gatewright.plane.linux.esp import Backend
from gatewright.resources.specs import InstanceSpec, ItemKey
from gatewright.resources.tunnel_states import HealthStatus
from gatewright.resources.tunnels import HealthSpec, TunnelSpec
from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.lab import Lab, kill, links, run, vswitch
from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.sites import DOWN, UP, VPC, gateway
from tests.plane.linux.test_tunnel_changes import charon_of
from tests.plane.linux.tunnel_watch import Heard, opened
from tests.support.patience import patience

pytestmark = [pytest.mark.kernel_esp, pytest.mark.kernel_first]

CUSTOMERS = (1, 2)
#: Of one CHILD SA: a state each way, and policies for what goes out, comes in and is passed on.
STATES, POLICIES = 2, 3


@dataclass
class Stand:
    """An instance with a tunnel to everywhere to each customer, up, and a machine in its vSwitch."""

    lab: Lab
    spec: InstanceSpec
    runner: asyncio.Runner
    customers: list[Customer] = field(default_factory=list)
    #: The plane, what it told since it was opened, and what is wanted of it.
    plane: LinuxPlane = field(init=False)
    heard: Heard = field(init=False)
    generation: int = 1
    inside: Machine = field(init=False)

    def open(self) -> Mapping[ItemKey, int]:
        """A plane anew; gives what it found."""
        self.heard = Heard()
        self._opening = opened(self.lab, self.heard)
        self.plane, found = self.runner.run(self._opening.__aenter__())
        return found

    def close(self) -> None:
        self.runner.run(self._opening.__aexit__(None, None, None))

    def wait(self, work: Coroutine[Any, Any, Any]) -> None:
        """Have the plane's loop run until this is done: between such calls it stands still."""
        self.runner.run(work)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds that nobody tells of."""

        async def look() -> None:
            async with asyncio.timeout(patience(10)):
                # in a thread: the plane goes on meanwhile
                while not await asyncio.to_thread(holds):
                    await asyncio.sleep(0.05)

        try:
            self.wait(look())
        except TimeoutError:
            raise AssertionError(f"{what}: {self.states()}, {self.policies()}") from None

    def states(self) -> list[str]:
        """The ESP states of all tunnels, a line each."""
        return [state for number in CUSTOMERS for state in self.states_of(number)]

    def states_of(self, number: int) -> list[str]:
        """Those of one tunnel."""
        return _entries(run("ip", "-n", self.own(number), "xfrm", "state", "list"))

    def policies(self) -> list[str]:
        """Of all tunnels; each charon has some for its sockets always."""
        every = (run("ip", "-n", self.own(number), "xfrm", "policy", "list", "nosock") for number in CUSTOMERS)
        return [policy for told in every for policy in _entries(told)]

    def own(self, number: int) -> str:
        """The namespace of a tunnel's charon, where its states are."""
        return self.lab.names.tunnel_namespace(self.spec.id, number)

    def wanted(self, *tunnels: TunnelSpec) -> InstanceSpec:
        """What the plane is told now."""
        return msgspec.structs.replace(self.spec, generation=self.generation, tunnels=tunnels or self.spec.tunnels)

    def change(self, *tunnels: TunnelSpec) -> None:
        """Have other tunnels, and wait until those that differ are up."""
        self.generation += 1
        self.heard.states.clear()
        self.wait(self.plane.apply(self.wanted(*tunnels)))
        self.wait(self.heard.status("tun-1", UP))

    def both_reach(self) -> bool:
        # the second -W counts: what gets no answer is sent again by who waits for it
        return all(self.inside.reaches(one.inside, "-W", "3") for one in self.customers)


def _entries(told: str) -> list[str]:
    """What iproute2 prints over several lines, the first of which is not indented; without what each packet changes."""
    entries: list[str] = []
    for line in told.splitlines():
        if "anti-replay" in line:
            continue
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
    with asyncio.Runner() as runner, ExitStack() as stack:
        stack.callback(lab.sweep)
        stack.callback(machines.remove)
        made = Stand(lab, spec, runner)
        made.open()
        stack.callback(made.close)
        made.wait(made.plane.apply(vswitch()))
        made.wait(made.plane.apply(msgspec.structs.replace(spec, tunnels=(), vpn_routes=())))
        for its in spec.tunnels:
            subnet = f"172.16.{its.number}.0/24"
            site = customer(machines, lab.names.uplink.name, f"{its.peer}/24", subnet, kernel_esp=True)
            made.customers.append(stack.enter_context(site))
            made.customers[-1].answer(its)
            made.customers[-1].route(VPC)
        made.inside = machines.plug(lab.names.vswitch("vsw-1").name, "10.9.1.20/24", "10.9.1.1")
        made.wait(made.plane.apply(spec))
        for its in spec.tunnels:
            made.wait(made.heard.status(its.id, UP))
        yield made
        made.wait(made.plane.remove(spec.key))
        made.wait(made.plane.remove(vswitch().key))
        assert lab.nothing_left()


def test_the_kernel_is_chosen_to_carry_esp_and_has_what_a_first_tunnel_needs() -> None:
    """Else that one waits for modules, one after the other, while its peer asks again and again."""
    esp.backend.cache_clear()
    assert esp.backend() is Backend.KERNEL
    ready = Path("/proc/crypto").read_text()
    assert "rfc4106(gcm(aes))" in ready
    assert "authenc(hmac(sha256),cbc(aes))" in ready


def test_two_tunnels_to_everywhere_do_not_take_each_others_packets(stand: Stand) -> None:
    """Without if_id the second one's policies would replace the first one's, and nobody would be told."""
    assert stand.both_reach()
    assert len(stand.states()) == STATES * len(CUSTOMERS)
    assert len(stand.policies()) == POLICIES * len(CUSTOMERS)
    for number in CUSTOMERS:
        marked = f"if_id {number:#x}"
        assert sum(marked in one for one in stand.states_of(number)) == STATES
        assert sum(marked in one for one in stand.policies()) == POLICIES
    # where the instance's packets are, there are none
    assert _entries(stand.lab.ip(stand.spec, "xfrm", "state", "list")) == []


def test_esp_is_a_protocol_of_its_own_where_nobody_translates(stand: Stand) -> None:
    assert not any("encap" in state for state in stand.states())
    assert all("proto esp" in state for state in stand.states())


def test_nothing_of_ipsec_need_be_set_of_a_link(stand: Stand) -> None:
    """Other links than the kernel's for it have to be excepted from policies."""
    for name in ("disable_policy", "disable_xfrm"):
        for value in (1, 0):
            stand.lab.inside(stand.spec, "sysctl", "-qw", f"net.ipv4.conf.tun1.{name}={value}")
            assert stand.inside.reaches(stand.customers[0].inside), (name, value)


def test_what_went_through_is_counted_where_packets_are_as_they_are_sent(stand: Stand) -> None:
    """A tunnel's link counts several as one, which the kernel cuts up only to encrypt them."""
    peer, size, segment = stand.customers[0], 300_000, 1348
    (before,) = stand.runner.run(stand.plane.traffic())
    with netns.entered(peer.host.name):
        listener = socket.create_server((peer.inside, 5000))
    with netns.entered(stand.inside.name):
        caller = socket.socket()
    with listener, caller:
        listener.settimeout(patience(5))
        caller.settimeout(patience(5))
        caller.connect((peer.inside, 5000))
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(patience(5))
            sending = threading.Thread(target=caller.sendall, args=(bytes(size),))
            sending.start()
            left = size
            while left:
                left -= len(accepted.recv(left))
            sending.join()
    (after,) = stand.runner.run(stand.plane.traffic())
    counted = after.since(before)
    assert counted.sent_packets >= size // segment
    assert counted.sent_bytes >= size
    assert counted.received_packets > 0


def test_health_is_asked_through_a_link_of_the_kernels(stand: Stand) -> None:
    first, second = stand.spec.tunnels
    peer = stand.customers[0]
    check = HealthSpec(source="10.9.1.20", destination=peer.inside, interval=1.0, retry=2, revokes=True)

    def told(health: HealthStatus) -> Callable[[], bool]:
        return lambda: (last := stand.heard.last("tun-1")) is not None and last.health is health

    stand.change(msgspec.structs.replace(first, health=check), second)
    stand.wait(stand.heard.until(told(HealthStatus.GOOD)))
    peer.router.ip("link", "set", "lan", "down")
    stand.wait(stand.heard.until(told(HealthStatus.FAILED)))
    assert stand.heard.last("tun-1").status is UP  # type: ignore[union-attr]  # it was told
    peer.router.ip("link", "set", "lan", "up")
    stand.wait(stand.heard.until(told(HealthStatus.GOOD)))
    stand.change(first, second)
    assert stand.both_reach()


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


@pytest.mark.parametrize(
    "made",
    [
        [],
        ["mtu", "1400", "type", "xfrm", "if_id", "9"],
        # the right number, and states are looked up where the link was made: here there are none
        ["mtu", "1400", "type", "xfrm", "if_id", "1"],
        ["type", "bridge"],
    ],
)
def test_a_link_that_is_gone_or_another_is_made_anew(stand: Stand, made: list[str]) -> None:
    """Packets of one with another number are dropped one way and refused the other, with nothing in any log."""
    stand.lab.ip(stand.spec, "link", "delete", "tun1")
    if made:
        stand.lab.ip(stand.spec, "link", "add", "tun1", *made)
    stand.wait(stand.plane.apply(stand.wanted()))
    stand.until(stand.both_reach, "nothing goes through the new link")


def test_a_link_that_was_renamed_is_made_anew(stand: Stand) -> None:
    """Two with the same number cannot be made in one namespace, wherever the first one is by now."""
    stand.lab.ip(stand.spec, "link", "set", "tun1", "down")
    stand.lab.ip(stand.spec, "link", "set", "tun1", "name", "mine")
    stand.wait(stand.plane.apply(stand.wanted()))
    assert "mine" not in links("-n", stand.lab.namespace(stand.spec))
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
    stand.wait(stand.plane.apply(stand.wanted()))
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


def test_a_change_is_in_force_and_the_other_tunnel_is_as_it_was(stand: Stand) -> None:
    first, second = stand.spec.tunnels
    its_states = stand.states_of(2)
    changes = {"encryption": "aes256", "authentication": "sha512", "group": "disabled"}
    stronger = msgspec.structs.replace(first, ipsec=msgspec.structs.replace(first.ipsec, **changes))
    stand.customers[0].answer(stronger)
    stand.change(stronger, second)
    assert all("hmac(sha512)" in state for state in stand.states_of(1))
    assert stand.both_reach()
    stand.customers[0].answer(first)
    stand.change(first, second)
    assert all("hmac(sha256)" in state for state in stand.states_of(1))
    assert stand.both_reach()
    assert stand.states_of(2) == its_states


def test_ikev1_has_states_for_each_pair_of_subnets(stand: Stand) -> None:
    first, second = stand.spec.tunnels
    ike = msgspec.structs.replace(first.ike, version="ikev1")
    local, remote = (VPC, "10.9.2.0/24"), ("172.16.1.0/24", "172.20.0.0/16")
    pairs = msgspec.structs.replace(first, ike=ike, local_subnets=local, remote_subnets=remote)
    stand.customers[0].answer(pairs)
    stand.change(pairs, second)
    # on a slow machine a pair may be negotiated twice, which makes more states and no more policies
    wanted = POLICIES * len(local) * len(remote)
    marked = "if_id 0x1"
    stand.until(lambda: sum(marked in one for one in stand.policies()) == wanted, "some pairs are missing")
    assert len(stand.states_of(1)) >= STATES * len(local) * len(remote)
    assert stand.both_reach()
    stand.customers[0].answer(first)
    stand.change(first, second)
    assert stand.both_reach()


def test_who_comes_next_adopts_tunnels_as_they_stand(stand: Stand) -> None:
    before, charons = stand.states(), [charon_of(stand.lab, number) for number in CUSTOMERS]
    stand.close()
    assert stand.both_reach()
    found = stand.open()
    assert found[stand.spec.key] == stand.generation
    stand.wait(stand.plane.apply(stand.wanted()))
    for its in stand.spec.tunnels:
        stand.wait(stand.heard.status(its.id, UP))
    assert all(state.status is UP for state in stand.heard.states)
    assert stand.states() == before
    assert [charon_of(stand.lab, number) for number in CUSTOMERS] == charons


def test_what_a_killed_charon_left_is_flushed_and_tunnels_come_back(stand: Stand) -> None:
    """Packets would go on by it for good: the next charon would neither use nor remove it."""
    before, others = stand.states_of(1), stand.states_of(2)
    # the plane stands still: nobody mends it yet
    kill(charon_of(stand.lab, 1))
    assert stand.states_of(1) == before
    assert stand.both_reach()
    stand.heard.states.clear()
    stand.wait(stand.heard.status("tun-1", DOWN))
    stand.wait(stand.heard.status("tun-1", UP))
    stand.until(lambda: len(stand.states_of(1)) == STATES, "more states than the tunnel needs")
    assert not set(before) & set(stand.states_of(1))
    assert len(stand.policies()) == POLICIES * len(CUSTOMERS)
    assert stand.both_reach()
    assert stand.states_of(2) == others
