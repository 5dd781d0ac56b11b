"""A customer's site with a tunnel to each instance of a gateway, and one host behind both.

One charon with kernel-libipsec tells no two tunnels of the same networks apart, so each tunnel's is on an edge of its
own, a router with a public address; its TUN is moved to the site's core, where BIRD speaks BGP through both, or routes
stand that were put there by hand.
"""

from __future__ import annotations

import contextlib
import ipaddress
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gatewright.plane.linux import bird
from gatewright.plane.linux.bird_client import BirdClient
from gatewright.resources.tunnels import TunnelSpec
from tests.plane.linux.customer import Customer
from tests.plane.linux.lab import run
from tests.plane.linux.machines import Machine, Machines
from tests.support.patience import patience

#: What is behind the site, and its host there.
NETWORK, HOST = "172.16.1.0/24", "172.16.1.2"
_TUN = "ipsec0"


@dataclass
class TwoTunnels:
    """A tunnel's edge, and its link in the core, have its place in the order in which tunnels were given."""

    core: Machine
    host: Machine
    folder: Path
    edges: list[Customer] = field(default_factory=list)
    _bird: subprocess.Popen[bytes] | None = None

    def link(self, place: int) -> str:
        """The tunnel's link in the core."""
        return f"vpn{place + 1}"

    def outer(self, place: int) -> str:
        """The link of an edge at the uplink's bridge, whose other end is the edge's."""
        return "tm" + self.edges[place].router.name.removeprefix("test-")

    def begin(self, place: int) -> None:
        """Start an edge's charon, and have its device in the core."""
        edge = self.edges[place]
        edge.start()
        edge.router.ip("link", "set", _TUN, "netns", self.core.name, "name", self.link(place))
        # charon installs its routes over a device of this name, whatever it is told
        edge.router.ip("tuntap", "add", "dev", _TUN, "mode", "tun")
        edge.router.ip("link", "set", _TUN, "up")
        self.core.ip("link", "set", self.link(place), "up")

    def end(self, place: int) -> None:
        """End an edge's charon, and its device with it."""
        edge = self.edges[place]
        edge.stop(signal.SIGKILL)
        run("ip", "-n", edge.router.name, "link", "delete", _TUN, check=False)

    def answer(self, place: int, tunnel: TunnelSpec, psk: str) -> None:
        """Have an edge be the other end of a gateway's tunnel, with its address of BGP if it has BGP."""
        self.edges[place].answer(tunnel, psk)
        if tunnel.bgp is not None:
            length = ipaddress.IPv4Network(tunnel.bgp.network).prefixlen
            self.core.ip("address", "replace", f"{tunnel.bgp.peer_address}/{length}", "dev", self.link(place))

    def route(self, place: int, *networks: str) -> None:
        """Send these through a tunnel, and no other."""
        for network in networks:
            self.core.ip("route", "replace", network, "dev", self.link(place))

    def speak(self, configuration: str) -> None:
        """Have the core's BIRD do so, from now on."""
        self.fall_silent()
        (self.folder / "bird.conf").write_text(configuration)
        files = ["-c", str(self.folder / "bird.conf"), "-s", str(self.folder / "bird.ctl")]
        self._bird = subprocess.Popen(["ip", "netns", "exec", self.core.name, bird.EXECUTABLE, "-f", *files])

    def sessions_up(self) -> bool:
        """Whether BGP and BFD through both tunnels are up."""
        try:
            with BirdClient(self.folder / "bird.ctl", patience(5)) as client:
                found = client.sessions()
                # the configuration names no links, by which sessions would have their BFD beside them
                swift = [line for line in client.ask("show bfd sessions") if line.text.split()[2:3] == ["Up"]]
        except OSError:
            return False
        return len(swift) == len(found) == len(self.edges) and all(one.up for one in found)

    def fall_silent(self) -> None:
        """End the core's BIRD, and with it all that it has learned."""
        if self._bird is not None:
            self._bird.terminate()
            self._bird.wait(patience(10))
            self._bird = None

    def routes(self) -> str:
        return self.core.ip("route", "show")


@contextlib.contextmanager
def two_tunnels(
    machines: Machines, places: Sequence[tuple[str, str]], *, where: str | None = None
) -> Iterator[TwoTunnels]:
    """A site with edges at these places: an uplink's bridge, and an address with its prefix length there.

    The bridges are the host's, or those of the namespace ``where``.
    """
    folder = Path(tempfile.mkdtemp(prefix="gw-site-", dir="/tmp"))
    core = Machine(f"test-core-{folder.name[8:]}")
    run("ip", "netns", "add", core.name)
    machines.made.append(core)
    core.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    first = NETWORK.replace(".0/", ".1/")
    for arguments in (("add", "lan", "type", "bridge"), ("set", "lan", "up"), ("set", "lo", "up")):
        core.ip("link", *arguments)
    core.ip("address", "add", first, "dev", "lan")
    host = machines.plug("lan", f"{HOST}/24", first.partition("/")[0], where=core.name)
    site = TwoTunnels(core, host, folder)
    try:
        for place, (bridge, address) in enumerate(places):
            own = folder / str(place)
            own.mkdir()
            router = machines.plug(bridge, address, where=where)
            site.edges.append(Customer(router, host, address.partition("/")[0], HOST, own))
            site.begin(place)
        yield site
    finally:
        site.fall_silent()
        for place in range(len(site.edges)):
            site.edges[place].stop(signal.SIGKILL)
        shutil.rmtree(folder)


def until(holds: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Poll, for so many seconds at the most."""
    deadline = time.monotonic() + patience(seconds)
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.002)
