"""A gateway whose halves are on two hosts of their own, the VPC's router on a third one, and a customer's site that
reaches both hosts: one host may go, with all that it runs.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gatewright.plane.linux.names import Names
from gatewright.resources.specs import InstanceSpec
from tests.hosts.machines import Machine, Site
from tests.plane.linux.lab import run
from tests.plane.linux.machines import Machines
from tests.plane.linux.two_tunnels import NETWORK, two_tunnels, until
from tests.plane.linux.two_ways import EDGES, INSIDE, INSIDE_NETWORK, ROLES, Ways, configure, instances, order

#: Hosts by the roles of the gateway's halves, with their zones and numbers; the third zone has the VPC's router.
HOSTS = {"master": ("one", "cn-hangzhou-k", 11), "slave": ("two", "cn-hangzhou-j", 12)}
_THIRD = "cn-hangzhou-h"
#: The bridge of the control plane's machine that stands for the network outside.
_OUTSIDE = "net"


@dataclass
class TwoHosts(Ways):
    hosts: Site

    def host(self, role: str = "master") -> Machine:
        return self.hosts.machines[HOSTS[role][0]]

    def instance(self, role: str = "master") -> InstanceSpec:
        return instances(self.names, _seen(self.host(role)) / "gatewright")[self.gateway, role]

    def routes(self) -> str:
        router = self.names.router_namespace(self.vpc)
        return self.hosts.control.run("ip", "-n", router, "route", "show", "table", "all", NETWORK)

    def lose(self) -> None:
        """The master's host goes: a SIGKILL to all that runs on it, and its links are no more."""
        self.host().close()

    def revive(self) -> None:
        """It is there again, as after its power was out."""
        self.hosts.revive(HOSTS["master"][0])
        self.plug("master")

    def plug(self, role: str) -> None:
        """Connect a host to the network outside, when it has a bridge that leads there."""
        host, name, uplink = self.host(role), HOSTS[role][0], self.names.uplink.name
        until(lambda: f" {uplink}:" in host.run("ip", "-o", "link", "show"), f"the uplink of host {name}")
        self.hosts.cable(host, name, _OUTSIDE, uplink)


@contextlib.contextmanager
def two_hosts() -> Iterator[TwoHosts]:
    """Whole when it is given."""
    with contextlib.ExitStack() as stack:
        hosts = stack.enter_context(Site())
        hosts.serve()
        for name, zone, number in HOSTS.values():
            hosts.add(name, zone, number)
        client = stack.enter_context(hosts.client())
        control = f"test-{hosts.folder.name}"
        subprocess.run(["ip", "netns", "attach", control, str(hosts.control.pid)], check=True)
        stack.callback(run, "ip", "netns", "delete", control)
        run("ip", "-n", control, "link", "add", _OUTSIDE, "type", "bridge")
        run("ip", "-n", control, "link", "set", _OUTSIDE, "up")
        zones = [(_THIRD, INSIDE_NETWORK), *((zone, f"10.{number}.0.0/24") for _, zone, number in HOSTS.values())]
        vpc, vswitches, gateway, connection = order(client, zones, (1, 2))
        names = Names((hosts.data / "agent" / "installation").read_text().strip())
        machines = Machines()
        stack.callback(machines.remove)
        bridge = hosts.control.aliases()[f"vswitch:{vswitches[0]}"]
        inside = machines.plug(bridge, f"{INSIDE}/24", "10.1.0.253", where=control)
        places = [(_OUTSIDE, f"{one}/15") for one in EDGES]
        site = stack.enter_context(two_tunnels(machines, places, where=control))
        ways = TwoHosts(client, names, vpc, gateway, connection, site, inside, hosts)
        for role in ROLES:
            ways.plug(role)
        until(lambda: all(ways.instance(role).tunnels for role in ROLES), "the tunnels on the hosts")
        configure(site, client, connection, {role: ways.tunnel(role) for role in ROLES})
        ways.whole()
        yield ways


def _seen(machine: Machine) -> Path:
    """Its /run, from here."""
    return Path("/proc", str(machine.pid), "root", "run")
