"""The customer's site: two routers made from what ``gatewright peer-config`` prints, and a host behind them.

Each router is a device of its own with one tunnel, a charon and a BIRD, so the site survives one of them, and no kernel
with ESP is needed here. The rendered files stand as they are printed; beside them a router tells the office's host
what it has learned, by BGP too, as a site's routers do among themselves.
"""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from tests.plane.linux.machines import Machine, Machines
from tests.plane.linux.peer_config_site import running, speaking

from demo.cloud import OFFICE_ASN, ROLES
from gatewright.peers import Part
from gatewright.plane.linux import netns

NETWORK, HOST = "172.16.1.0/24", "172.16.1.10"
#: Of the routers: inside, and on the Internet that the demonstration has, which is the gateways' uplink.
_INSIDE = ("172.16.1.1", "172.16.1.2")
DEVICES = ("198.18.200.50", "198.18.200.51")
_INTERNET_PREFIX = 15
_VENDOR = "strongswan-userspace"
_PART = re.compile(r"^# ===== (\S+): (.*)\n", re.MULTILINE)
_RENDERING_PATIENCE = 30
#: What charon calls its TUN, and where its packets are counted: of the namespace of whatever thread opens it.
_TUNNEL = "ipsec0"
_COUNTERS = Path("/proc/thread-self/net/dev")

_PEER = """\
  direct;
  connect retry time 1;
  connect delay time 1;
  error wait time 1, 2;
"""
#: Of a router, around what was rendered for it.
_ROUTER = """\
include "{rendered}";
protocol bgp office {{
  local {inside} as {asn};
  neighbor {host} as {asn};
{peer}  ipv4 {{ import none; export where source = RTS_BGP; next hop self; }};
}}
"""
_HOST_HEAD = """\
router id {host};
protocol device {{ }}
protocol kernel {{ ipv4 {{ import none; export all; }}; }}
"""
_HOST_PEER = """\
protocol bgp {role} {{
  local {host} as {asn};
  neighbor {inside} as {asn};
{peer}  ipv4 {{ import all; export none; }};
}}
"""
#: What a cut of a leg is: nothing gets through, and nobody is told.
_CUT = """\
add table netdev cut
add chain netdev cut in {{ type filter hook ingress device {link} priority 0; policy drop; }}
add table inet cut
add chain inet cut out {{ type filter hook output priority 0; oifname "{link}" drop; }}
"""


def rendered(data: Path, connection: str, role: str) -> list[Part]:
    """What the command prints for one router, taken apart at its own headings. Raises CalledProcessError."""
    command = [sys.executable, "-m", "gatewright", "peer-config", connection, "--data", str(data)]
    told = subprocess.run(
        [*command, "--vendor", _VENDOR, "--tunnel", role, "--local-network", NETWORK],
        check=True,
        capture_output=True,
        text=True,
        timeout=_RENDERING_PATIENCE,
    ).stdout
    heads = list(_PART.finditer(told))
    ends = [head.start() for head in heads[1:]] + [len(told)]
    return [Part(head[1], head[2], told[head.end() : end]) for head, end in zip(heads, ends, strict=True)]


class Office:
    """Made bare; routers are given what was rendered for them. Daemons end when the stack is closed."""

    def __init__(self, stack: ExitStack, machines: Machines, uplink: str, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._counters: dict[str, TextIO] = {}
        self.routers = [machines.plug(uplink, f"{address}/{_INTERNET_PREFIX}") for address in DEVICES]
        self.host = self._host(machines)

    def configure(self, data: Path, connection: str) -> None:
        """Render, put in place and start: charon, and BIRD, of both routers, and BIRD of the host."""
        with ThreadPoolExecutor(len(ROLES)) as pool:
            printed = list(pool.map(lambda role: rendered(data, connection, role), ROLES))
        for role, router, inside, parts in zip(ROLES, self.routers, _INSIDE, printed, strict=True):
            folder = self._folder / role
            folder.mkdir()
            self._stack.enter_context(running(router, folder, parts))
            config = folder / "site.conf"
            config.write_text(
                _ROUTER.format(rendered=folder / "bird/bird.conf", inside=inside, host=HOST, asn=OFFICE_ASN, peer=_PEER)
            )
            self._stack.enter_context(speaking(router, folder, config))
            # read through a descriptor of its namespace, which costs no process
            with netns.entered(router.name):
                self._counters[role] = self._stack.enter_context(_COUNTERS.open())
        folder = self._folder / "host"
        folder.mkdir()
        peers = (
            _HOST_PEER.format(role=role, host=HOST, inside=inside, asn=OFFICE_ASN, peer=_PEER)
            for role, inside in zip(ROLES, _INSIDE, strict=True)
        )
        config = folder / "bird.conf"
        config.write_text(_HOST_HEAD.format(host=HOST) + "".join(peers))
        self._stack.enter_context(speaking(self.host, folder, config))

    def packets(self, role: str) -> int:
        """How many packets a router has taken out of its tunnel and put into it; 0 before it has one."""
        counters = self._counters[role]
        counters.seek(0)
        for line in counters:
            name, _, figures = line.partition(":")
            if name.strip() == _TUNNEL:
                words = figures.split()
                return int(words[1]) + int(words[9])
        return 0

    def cut(self, role: str) -> None:
        """Cut a router's way to the Internet, silently in both directions."""
        self._nft(role, _CUT.format(link="eth0"))

    def mend(self, role: str) -> None:
        """Undo :meth:`cut`."""
        self._nft(role, "delete table netdev cut\ndelete table inet cut\n")

    def _nft(self, role: str, commands: str) -> None:
        router = self.routers[ROLES.index(role)]
        subprocess.run(
            ["ip", "netns", "exec", router.name, "nft", "-f", "-"],
            input=commands,
            check=True,
            capture_output=True,
            text=True,
            timeout=10,
        )

    def _host(self, machines: Machines) -> Machine:
        """Its network is a bridge in the first router, as a small office's switch is."""
        first, second = self.routers
        first.ip("link", "add", "lan", "type", "bridge")
        first.ip("address", "add", f"{_INSIDE[0]}/24", "dev", "lan")
        first.ip("link", "set", "lan", "up")
        host = machines.plug("lan", f"{HOST}/24", where=first.name)
        first.ip(*("link", "add", "second", "type", "veth", "peer", "eth1", "netns", second.name))
        first.ip("link", "set", "second", "master", "lan", "up")
        second.ip("address", "add", f"{_INSIDE[1]}/24", "dev", "eth1")
        second.ip("link", "set", "eth1", "up")
        for router in self.routers:
            router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        return host
