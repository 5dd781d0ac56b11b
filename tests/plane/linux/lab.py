"""A made-up installation on this host: its specs, what is really there of it, and how to get rid of it all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gatewright.plane.linux import HostOptions, LinuxPlane, bird, leftovers
from gatewright.plane.linux.bird_client import BirdClient
from gatewright.plane.linux.folders import Folder, Folders
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.vici_client import ViciClient
from gatewright.resources.specs import (
    InstanceSpec,
    ItemKey,
    PrivateLeg,
    PublicLeg,
    Route,
    RouterPort,
    RouterSpec,
    RouteTable,
    VSwitchSpec,
)
from gatewright.resources.tunnels import SecretRef
from tests.support.patience import patience

CHARON = "/usr/sbin/charon-systemd"
PSK = "A-pre-shared.key_1"


def run(*command: str, check: bool = True, seconds: float = 10) -> str:
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=patience(seconds)).stdout


def links(*where: str) -> dict[str, Any]:
    """Links by name, as ``ip`` sees them."""
    return {link["ifname"]: link for link in json.loads(run("ip", "-j", "-d", *where, "link", "show") or "[]")}


def vswitch(number: int = 1, generation: int = 1) -> VSwitchSpec:
    return VSwitchSpec(
        id=f"vsw-{number}",
        generation=generation,
        vpc_id="vpc-1",
        zone_id="cn-hangzhou-h",
        cidr_block=f"10.9.{number}.0/24",
    )


def instance(
    number: int = 1,
    *,
    generation: int = 1,
    vswitch: int = 1,
    address: str | None = None,
    public: tuple[str, ...] | None = ("198.51.100.1",),
    bandwidth: int = 10,
    ipsec: bool = True,
) -> InstanceSpec:
    return InstanceSpec(
        id=f"vpn-{number}",
        generation=generation,
        gateway_id="vpn-1",
        account_id="1234567890123456",
        region_id="cn-hangzhou",
        zone_id="cn-hangzhou-h",
        role="master",
        public=None if public is None else PublicLeg(addresses=public, network="198.51.100.0/24"),
        private=PrivateLeg(
            vswitch_id=f"vsw-{vswitch}",
            address=address or f"10.9.{vswitch}.{number}",
            network=f"10.9.{vswitch}.0/24",
        ),
        bandwidth=bandwidth,
        ipsec=ipsec,
        ssl=False,
        ssl_connections=0,
        auto_propagate=False,
    )


#: The table of ports that are not said to use another.
MAIN_TABLE = "vtb-1"


def router(
    ports: Iterable[int] = (1, 2),
    *,
    generation: int = 1,
    tables: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None,
    uses: Mapping[int, str] | None = None,
) -> RouterSpec:
    """A router of these vSwitches. ``tables`` have next hops by destination, ``uses`` tables by vSwitch."""
    every: dict[str, Mapping[str, tuple[str, ...]]] = {MAIN_TABLE: {}} | dict(tables or {})
    return RouterSpec(
        id="vpc-1",
        generation=generation,
        account_id="1234567890123456",
        ports=tuple(
            RouterPort(
                vswitch_id=f"vsw-{number}",
                address=f"10.9.{number}.253",
                network=f"10.9.{number}.0/24",
                route_table_id=(uses or {}).get(number, MAIN_TABLE),
            )
            for number in ports
        ),
        tables=tuple(
            RouteTable(
                id=table,
                routes=tuple(Route(destination=where, next_hops=hops) for where, hops in routes.items()),
            )
            for table, routes in sorted(every.items())
        ),
    )


@dataclass(frozen=True)
class Lab:
    """Looks at the host with other tools than the plane's own."""

    installation: str
    runtime: Path
    options: HostOptions | None = None

    def plane(self, *, underlay: str = "") -> LinuxPlane:
        options = replace(self.options or HostOptions(), underlay=underlay) if underlay else self.options
        return LinuxPlane(self.installation, self.runtime, options)

    @property
    def names(self) -> Names:
        return Names(self.installation)

    def namespace(self, item: InstanceSpec | RouterSpec | ItemKey) -> str:
        dot = "router." if isinstance(item, RouterSpec) else ""
        return f"gw-{self.installation}-{dot}{item.id}"

    def folder(self, item: InstanceSpec | ItemKey) -> Path:
        return self.runtime / self.installation / item.id

    def plane_folder(self, item: InstanceSpec) -> Folder:
        """The same folder as the plane knows it."""
        return Folders(self.installation, self.runtime).of(item.key)

    def tunnel_namespace(self, item: InstanceSpec) -> str:
        """Of the instance's first tunnel."""
        return f"gw-{self.installation}-tunnel.{item.tunnels[0].number}.{item.id}"

    def tunnel_folder(self, item: InstanceSpec) -> Path:
        """Of the instance's first tunnel."""
        return self.runtime / self.installation / "tunnels" / item.id / str(item.tunnels[0].number)

    def socket(self, item: InstanceSpec) -> Path:
        """The VICI socket of the charon of the instance's first tunnel."""
        return self.tunnel_folder(item) / "charon" / "vici"

    def ip(self, item: InstanceSpec | RouterSpec, *arguments: str) -> str:
        return run("ip", "-n", self.namespace(item), *arguments)

    def inside(self, item: InstanceSpec | RouterSpec, *command: str) -> str:
        return run("ip", "netns", "exec", self.namespace(item), *command)

    def sysctl(self, item: InstanceSpec, name: str) -> str:
        """A setting of IPv4 in the instance's namespace."""
        return self.inside(item, "cat", f"/proc/sys/net/ipv4/{name}").strip()

    def open_wide(self, item: InstanceSpec) -> None:
        """Take the instance's packet filters away, for a test whose packets they would not let through."""
        self.inside(item, "nft", "flush", "ruleset")

    def qdiscs(self, item: InstanceSpec) -> dict[str, str]:
        """Queueing disciplines at the root of the legs, by the leg's name."""
        inside = links("-n", self.namespace(item))
        return {name: str(link["qdisc"]) for name, link in inside.items() if name in ("lan", "wan")}

    def addresses(self, item: InstanceSpec | RouterSpec) -> dict[str, set[str]]:
        """All addresses of both families, by link."""
        found = json.loads(self.ip(item, "-j", "address", "show"))
        return {link["ifname"]: {f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"]} for link in found}

    def listening(self, item: InstanceSpec | RouterSpec | str) -> set[tuple[str, str]]:
        """``(protocol, address:port)`` of all sockets of TCP and UDP in a namespace that take packets from anybody."""
        name = item if isinstance(item, str) else self.namespace(item)
        lines = run("ip", "netns", "exec", name, "ss", "-H", "-lntu").splitlines()
        return {(words[0], words[4]) for words in (line.split() for line in lines)}

    def charon(self, item: InstanceSpec) -> int:
        """The process of the charon of the instance's first tunnel: the only one there, and it answers."""
        with ViciClient(self.socket(item), patience(5)) as client:
            assert client.version().startswith("charon-systemd ")
            pid = client.peer
        assert self.processes(self.tunnel_namespace(item)) == [pid]
        return pid

    def bird(self, item: InstanceSpec) -> int:
        """The process of the instance's BIRD: the only one in its namespace, and it answers."""
        with BirdClient(bird.socket_of(self.plane_folder(item)), patience(5)) as client:
            client.configuration()
            pid = client.peer
        assert self.processes(item) == [pid]
        return pid

    def processes(self, item: InstanceSpec | str) -> list[int]:
        """Those in the namespace, which is the instance's or one of that name."""
        name = item if isinstance(item, str) else self.namespace(item)
        return [int(pid) for pid in run("ip", "netns", "pids", name, check=False).split()]

    def bridge_of(self, item: InstanceSpec, leg: str) -> str | None:
        """The alias of the bridge that a leg is plugged into."""
        found = links()
        outer = next(one for one in found.values() if one["ifindex"] == self.peer(item, leg))
        return str(found[outer["master"]]["ifalias"]) if "master" in outer else None

    def peer(self, item: InstanceSpec, leg: str) -> int:
        return int(links("-n", self.namespace(item))[leg]["link_index"])

    def present(self) -> list[str]:
        """All that is there of the installation, found without the plane's code."""
        found = [line.split()[0] for line in run("ip", "netns", "list").splitlines()]
        found = [name for name in found if self.installation in name]
        found += [
            f"{name} {link['ifalias']}"
            for name, link in links().items()
            if self.installation in link.get("ifalias", "")
        ]
        found += [f"table {table}" for table in self.tables()]
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if self.installation.encode() in (folder / "environ").read_bytes():
                        found.append(f"process {folder.name}")
                except OSError:
                    continue
        return found + [str(path) for path in self.runtime.rglob("*")]

    def tables(self) -> list[str]:
        """The installation's tables of nftables in the host's namespace."""
        entries = json.loads(run("nft", "-j", "list", "tables", seconds=60))["nftables"]
        named = [f"{entry['table']['family']} {entry['table']['name']}" for entry in entries if "table" in entry]
        return [name for name in named if self.installation in name]

    def nothing_left(self) -> bool:
        left = leftovers(self.installation, self.runtime)
        assert left == [], left
        assert self.present() == []
        return True

    def sweep(self) -> None:
        """Remove everything by its id, whatever state it is in and whatever the plane can do."""
        for line in run("ip", "netns", "list").splitlines():
            name = line.split()[0]
            if name.startswith(f"gw-{self.installation}-"):
                for pid in run("ip", "netns", "pids", name, check=False).split():
                    kill(int(pid))
                run("ip", "netns", "delete", name, check=False)
        for line in leftovers(self.installation, self.runtime):
            if line.startswith("process "):
                kill(int(line.split()[1]))
        for name, link in links().items():
            if f"gatewright:{self.installation}:" in link.get("ifalias", "") or name in self.computed_names():
                run("ip", "link", "delete", name, check=False)
        for table in self.tables():
            run("nft", "delete", "table", *table.split())
        shutil.rmtree(self.runtime)

    def computed_names(self) -> set[str]:
        """Names that links of these specs get, with or without an alias."""
        marks = [self.names.uplink]
        for number in range(1, 6):
            marks += [
                self.names.lan(f"vpn-{number}"),
                self.names.wan(f"vpn-{number}"),
                self.names.vswitch(f"vsw-{number}"),
                self.names.port(f"vsw-{number}"),
                self.names.vxlan(f"vsw-{number}"),
            ]
        return {mark.name for mark in marks}


def kill(pid: int) -> None:
    """SIGKILL, and wait until it has taken effect."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        wait_readable(descriptor)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)


def wait_readable(descriptor: int, seconds: float = 5) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(patience(seconds) * 1000), "waited too long"


class Told:
    """Collects what a plane tells through its ``changed``."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[tuple[ItemKey, str]] = asyncio.Queue()

    def __call__(self, key: ItemKey, reason: str) -> None:
        self._told.put_nowait((key, reason))

    async def next(self, seconds: float = 5) -> tuple[ItemKey, str]:
        return await asyncio.wait_for(self._told.get(), patience(seconds))

    @property
    def nothing(self) -> bool:
        return self._told.empty()


async def revealed(references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
    """Is a plane's ``reveal``: everything is PSK."""
    return dict.fromkeys(references, PSK)


@contextlib.asynccontextmanager
async def opened(lab: Lab, told: Told | None = None) -> AsyncIterator[tuple[LinuxPlane, Mapping[ItemKey, int]]]:
    """A plane on the installation, and the generations that it found."""
    plane = lab.plane()
    found = await plane.open(told or Told(), reveal=revealed)
    try:
        yield plane, found
    finally:
        await plane.close()


def play(lab: Lab, scenario: Callable[[LinuxPlane], Awaitable[None]]) -> None:
    """Run a scenario with an open plane, for a minute at most."""

    async def main() -> None:
        async with asyncio.timeout(patience(60)), opened(lab) as (plane, _):
            await scenario(plane)

    asyncio.run(main())
