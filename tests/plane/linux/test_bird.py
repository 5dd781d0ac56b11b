"""BIRD as a process of an item's: started with the least that it needs, asked, configured anew in place, ended."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import bird, bird_client, bird_config, netns
from gatewright.plane.linux.bird import Bird
from gatewright.plane.linux.bird_client import BfdState, BgpState, BirdClient, BirdRefused, Line, Session
from gatewright.plane.linux.bird_config import Customer, Device, Instance
from gatewright.plane.linux.confinement import daemon_user
from gatewright.plane.linux.processes import Process
from gatewright.resources.specs import InstanceSpec
from tests.plane.linux.lab import Lab, instance, kill
from tests.plane.linux.lab import run as shell

#: Two ends of a tunnel; each believes to be the gateway, and that the other is its customer.
ONE, OTHER = instance(1), instance(2)
_ADDRESSES = {ONE.id: "169.254.10.1", OTHER.id: "169.254.10.2"}
_ASN = {ONE.id: 65001, OTHER.id: 65002}


def end_of(spec: InstanceSpec, **changes: object) -> Instance:
    far = OTHER if spec is ONE else ONE
    session = Customer(
        number=1,
        link="tun1",
        local_asn=_ASN[spec.id],
        peer_asn=_ASN[far.id],
        local_address=_ADDRESSES[spec.id],
        peer_address=_ADDRESSES[far.id],
        key="a b;{}#é",
    )
    wanted = Instance(
        address=spec.private.address,
        link="lan",
        router="10.9.1.253",
        table=200,
        customers=(session,),
        networks=(f"10.{100 if spec is ONE else 200}.0.0/16",),
    )
    return replace(wanted, **changes)  # type: ignore[arg-type]  # fields of it


class Place:
    """A namespace with a BIRD, as an instance has it."""

    def __init__(self, lab: Lab, spec: InstanceSpec) -> None:
        self.lab, self.spec = lab, spec
        self.folder = lab.plane_folder(spec)
        self.folder.make()
        netns.ensure(lab.namespace(spec))
        self.user = daemon_user(lab.installation)
        self.bird = Bird(self.folder, lab.namespace(spec), self.user)
        self.lab.ip(spec, "link", "set", "lo", "up")

    def run(self, wanted: Instance, *, new: bool = False) -> int:
        process = self.bird.begin(bird_config.instance(wanted, self.bird.log), new_namespace=new)
        process = self.bird.finish(process)
        try:
            return process.pid
        finally:
            process.close()

    def client(self) -> BirdClient:
        return BirdClient(bird.socket_of(self.folder), 5)

    def routes(self) -> list[str]:
        """Of the table that its BIRD keeps; there is none before it had a route."""
        told = shell("ip", "-n", self.lab.namespace(self.spec), "route", "show", "table", "200", check=False)
        return [line.strip() for line in told.splitlines()]

    def offers(self) -> list[str]:
        """What it would offer a router."""
        with self.client() as client:
            return [line.text.split()[0] for line in client.ask("show route table offers") if "[offers_" in line.text]

    def customer(self) -> Session:
        with self.client() as client:
            return next(one for one in client.sessions() if one.name == bird_config.customer_name(1))

    def until(self, holds: Callable[[Session], bool]) -> Session:
        """The customer's session once it is so; woken by what BIRD tells."""
        deadline = time.monotonic() + 15
        with bird_client.listen(bird.socket_of(self.folder)) as told:
            while not holds(found := self.customer()):
                assert time.monotonic() < deadline, found
                if select.select([told], [], [], 0.5)[0]:
                    told.recv(65536)
        return found


@pytest.fixture
def places(lab: Lab) -> Iterator[tuple[Place, Place]]:
    one, other = Place(lab, ONE), Place(lab, OTHER)
    far = lab.namespace(OTHER)
    lab.ip(ONE, "link", "add", "tun1", "type", "veth", "peer", "name", "tun1", "netns", far)
    for place in (one, other):
        lab.ip(place.spec, "address", "add", f"{_ADDRESSES[place.spec.id]}/30", "dev", "tun1")
        lab.ip(place.spec, "link", "set", "tun1", "up")
    yield one, other
    one.bird.end()
    other.bird.end()


def the_same(one: Session, other: Session) -> bool:
    """Whether it is the one from before: BIRD works times out anew whenever it tells them."""
    assert one.since is not None
    assert other.since is not None
    return one.up and other.up and abs(one.since - other.since) < timedelta(milliseconds=100)


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: " ".join(value.split()) for name, value in (line.split(":", 1) for line in lines)}


def test_two_speak_and_each_learns_what_it_may(places: tuple[Place, Place]) -> None:
    one, other = places
    pid = one.run(end_of(ONE), new=True)
    # ... which the first refuses: a default, what is the link's alone, and what is its own
    stolen = ("0.0.0.0/0", "169.254.3.0/24", "10.100.7.0/24", "10.200.0.0/16", "10.0.0.0/8")
    other.run(end_of(OTHER, networks=stolen), new=True)
    session = one.until(lambda session: session.up and session.bfd is BfdState.UP and session.learned > 0)
    assert session.neighbour == "169.254.10.2"
    assert session.learned == 2
    assert one.routes() == [
        f"{network} via 169.254.10.2 dev tun1 proto bird metric {bird_config.LEARNED_METRIC}"
        for network in ("10.0.0.0/8", "10.200.0.0/16")
    ]
    assert other.until(lambda session: session.up).learned == 0, "10.100.0.0/16 is within what is its own"

    # the least that it needs
    found = status(pid)
    assert found["Uid"] == found["Gid"] == " ".join([str(one.user)] * 4)
    assert found["NoNewPrivs"] == "1"
    assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == (1 << 10) | (1 << 12)
    # its configuration has keys
    assert (one.folder.path / "bird.conf").stat().st_mode & 0o777 == 0o640
    assert "a b;{}" not in Path(f"/proc/{pid}/cmdline").read_text()

    # more routes and another session, in place: what is the same is not disturbed
    more = Device("172.16.0.0/16", "tun1"), Device("172.17.0.0/16", "tun9")
    further = replace(end_of(ONE).customers[0], number=2, link="tun9", peer_address="169.254.11.2")
    wanted = end_of(ONE, announced=more, customers=(*end_of(ONE).customers, further))
    assert one.run(wanted) == pid
    assert the_same(one.customer(), session)
    assert one.offers() == ["172.16.0.0/16"]
    with one.client() as client:
        assert client.configuration() == bird_config.digest(bird_config.instance(wanted, one.bird.log))
        since = next(line.text for line in client.ask("show status") if "Last reconfiguration" in line.text)
    assert one.run(wanted) == pid
    with one.client() as client:
        assert since in [line.text for line in client.ask("show status")], "the same again is not given to it"
    assert bird.fault(one.folder, one.lab.namespace(ONE)) is None

    # a link that is down is seen at once: its routes are gone, and come back with it
    one.lab.ip(ONE, "link", "set", "tun1", "down")
    assert one.until(lambda session: not session.up).state is not BgpState.ESTABLISHED
    assert one.offers() == []
    one.lab.ip(ONE, "link", "set", "tun1", "up")
    one.until(lambda session: session.up)
    assert one.offers() == ["172.16.0.0/16"]

    # the other end falls silent: BFD ends it, and it is told why
    silence = "table inet silence { chain out { type filter hook output priority 0; policy drop; }; }"
    other.lab.inside(OTHER, "nft", silence)
    assert "BFD" in one.until(lambda session: not session.up).last_error
    other.lab.inside(OTHER, "nft", "flush", "ruleset")
    one.until(lambda session: session.learned == 2)

    # killed, it comes back; the routes that it left stand meanwhile
    kill(pid)
    assert "does not answer" in str(bird.fault(one.folder, one.lab.namespace(ONE)))
    assert "10.200.0.0/16" in str(one.routes())
    assert one.run(wanted) != pid
    assert "10.200.0.0/16" in str(one.routes())
    one.until(lambda session: session.up)

    one.bird.end()
    assert one.routes() == [], "it takes its routes along"
    assert [path.name for path in one.folder.path.iterdir()] == []


def test_what_it_does_not_answer_to_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(lab, ONE)
    pid = place.run(end_of(ONE), new=True)
    with place.client() as client:
        assert client.peer == pid
        with pytest.raises(BirdRefused, match="BIRD refused 'nonsense': syntax error"):
            client.ask("nonsense")
        assert client.configuration() != ""
    # somebody writes another one and has it read
    path = place.folder.path / "bird.conf"
    right = path.read_bytes()
    path.write_bytes(right.replace(b"65001", b"65007"))
    with place.client() as client:
        client.configure()
    assert "gone or was changed" in str(bird.fault(place.folder, lab.namespace(ONE)))
    path.write_bytes(b"nonsense")
    with place.client() as client, pytest.raises(BirdRefused, match="syntax error"):
        client.configure()
    assert place.run(end_of(ONE)) == pid
    assert path.read_bytes() == right
    assert bird.fault(place.folder, lab.namespace(ONE)) is None
    with pytest.raises(PlaneError, match=r"giving BIRD in .* its configuration: BIRD refused 'configure'"):
        given(place, "nonsense")
    monkeypatch.setattr(bird, "EXECUTABLE", "/nowhere/bird")
    kill(pid)
    with pytest.raises(PlaneError, match="bird is not installed: apt-get install bird2"):
        Bird(place.folder, lab.namespace(ONE), place.user).begin(right, new_namespace=False)


def given(place: Place, text: str) -> None:
    configuration = bird_config._with_digest([text])
    process: Process = place.bird.begin(configuration, new_namespace=False)
    try:
        place.bird.finish(process)
    finally:
        process.close()


PROTOCOLS = """\
2002-Name       Proto      Table      State  Since         Info
1002-device1    Device     ---        up     2026-11-29 22:53:53.730
1002-customer_1 BGP        ---        up     2026-11-29 22:53:54.548  Established
1006-  BGP state:          Established
1006-    Neighbor address: 169.254.10.2%tun1
1006-    Neighbor AS:      65010
1006-    Routes:         12 imported, 1 exported, 12 preferred
1002-customer_2 BGP        ---        start  2026-11-29 22:53:50.001  Active        Socket: Connection refused
1006-  BGP state:          Active
1006-    Neighbor address: 169.254.11.2%tun2
1006-    Last error:       Socket: Connection refused
1002-customer_3 BGP        ---        down   2026-11-29 22:53:50.001
1006-  BGP state:          Something new
0000 """
SESSIONS = """\
1020-bfd_sessions:
1020-IP address                Interface  State      Since         Interval  Timeout
1020-169.254.10.2              tun1       Up         2026-11-29 22:53:53.730    0.100    0.300
1020-169.254.11.2              tun9       Down       2026-11-29 22:53:53.920    0.100    0.000
0000 """


def lines(text: str) -> list[Line]:
    return [Line(int(line[:4]), line[5:]) for line in text.splitlines()]


def test_sessions_are_read_from_what_is_told() -> None:
    one, two, three = bird_client.sessions(lines(PROTOCOLS), lines(SESSIONS))
    assert (one.name, one.state, one.up, one.neighbour, one.learned, one.bfd, one.last_error) == (
        *("customer_1", BgpState.ESTABLISHED, True, "169.254.10.2", 12, BfdState.UP),
        "",
    )
    assert one.since is not None
    assert one.since.isoformat() == "2026-11-29T22:53:54.548000+00:00"
    assert (two.state, two.up, two.last_error, two.bfd) == (
        BgpState.ACTIVE,
        False,
        "Socket: Connection refused",
        None,
    )
    assert (three.state, three.neighbour, three.last_error) == (BgpState.DOWN, "", "")
    assert list(bird_client.sessions([], [])) == []


def test_nobody_but_root_and_the_daemon_reads_its_keys(lab: Lab) -> None:
    place = Place(lab, ONE)
    place.run(end_of(ONE), new=True)
    lab.runtime.chmod(0o755)
    path = place.folder.path / "bird.conf"
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", str(path)]
    assert shell(*other, check=False) == ""
    assert os.stat(path).st_gid == place.user  # noqa: PTH116 - as the kernel sees it
