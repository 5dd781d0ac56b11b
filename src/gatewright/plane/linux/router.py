"""The router of a VPC on this host: a namespace with a port in each of the VPC's vSwitches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import filters, netns, router_bird, router_plan, strays, sysctl
from gatewright.plane.linux.bird import Bird
from gatewright.plane.linux.bridges import remove_marked
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.kept_table import KeptTable
from gatewright.plane.linux.legs import Legs
from gatewright.plane.linux.names import Names, check_id
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.routing import RoutingRtnl
from gatewright.plane.linux.rtnl import Rtnl
from gatewright.plane.linux.vswitch import VSwitches
from gatewright.resources.specs import ItemKey, Kind, RouterPort, RouterSpec


class Routers:
    """The routers of one installation. Methods block, may run in several threads, and raise PlaneError."""

    def __init__(
        self,
        names: Names,
        folders: Folders,
        vswitches: VSwitches,
        started: Callable[[ItemKey, str, Process], None],
        daemon_user: int,
    ) -> None:
        """``started`` is handed every living daemon, in the calling thread, to be watched and closed."""
        self._started = started
        self._daemon_user = daemon_user
        self._names = names
        self._folders = folders
        self._vswitches = vswitches

    def apply(self, spec: RouterSpec) -> None:
        """Make the router be as the spec says; without one of its vSwitches the rest of it.

        What is right is not touched: no packet is lost for a port or a route that comes or goes beside others.
        """
        check_id(spec.id)
        name = self._names.router_namespace(spec.id)
        with ExitStack() as stack:
            host = stack.enter_context(Rtnl())
            folder = self._folders.of(spec.key)
            folder.make()
            with step(f"making network namespace {name}"):
                new = netns.ensure(name)
            with step(f"entering network namespace {name}"), netns.entered(name):
                sysctl.quiet_ipv6("all")
                sysctl.announce_addresses()
                KeptTable(folder, filters.NOTE).ensure(router_plan.filters(spec, self._names))
                sysctl.route_between_legs()
                sysctl.report_by_arrival()
                inside = stack.enter_context(RoutingRtnl())
            with step(f"opening network namespace {name}"):
                namespace = stack.enter_context(netns.opened(name))
            bird = Bird(folder, name, self._daemon_user)
            process = self._begin_bird(spec, bird, new=new)
            try:
                missing = self._connect(spec, Legs(host, inside, namespace), inside)
                if process is not None:
                    process = bird.finish(process)
                if missing:
                    raise PlaneError("; ".join(missing))
                folder.set_applied(spec)
            finally:
                # also when the rest failed: it carries on, and it is our child
                if process is not None and not process.closed:
                    self._started(spec.key, bird.name, process)

    def remove(self, vpc_id: str) -> None:
        """Remove every trace of the router."""
        check_id(vpc_id)
        key = ItemKey(Kind.ROUTER, vpc_id)
        name = self._names.router_namespace(vpc_id)
        folder = self._folders.of(key)
        applied = folder.applied()
        folder.forget_applied()
        Bird(folder, name, self._daemon_user).leave()
        # also if its folder is gone: it would keep the namespace
        strays.end(name)
        with Rtnl() as host:
            self._unplug(name)
            # of a namespace that has lost its name
            for port in applied.ports if isinstance(applied, RouterSpec) else ():
                remove_marked(host, self._names.port(port.vswitch_id))
        with step(f"deleting network namespace {name}"):
            netns.delete(name)
        folder.delete()

    def _begin_bird(self, spec: RouterSpec, bird: Bird, *, new: bool) -> Process | None:
        try:
            configuration = router_bird.configuration(spec, self._names, bird.log)
        except ValueError as error:
            raise PlaneError(f"what the router of {spec.id} is to do with BGP cannot be: {error}") from error
        if configuration is not None:
            return bird.begin(configuration, new_namespace=new)
        if not new:
            bird.leave()
        return None

    def _connect(self, spec: RouterSpec, legs: Legs, inside: RoutingRtnl) -> list[str]:
        """Ports, routes and rules; gives what is wrong with vSwitches that it got no port in."""
        loopback = inside.find("lo")
        if loopback is not None and not loopback.up:
            inside.change(loopback, state="up")
        inside.ensure_lookups()
        links: dict[str, int] = {}
        missing = []
        news = []
        for port in spec.ports:
            try:
                bridge = self._vswitches.bridge(legs.host, port.vswitch_id)
            except PlaneError as error:
                missing.append(str(error))
                continue
            if bridge is None:
                missing.append(
                    f"the router has no port in vSwitch {port.vswitch_id}, which is not on this host: it must be"
                    " applied first"
                )
                continue
            mark, end = self._names.port(port.vswitch_id), self._names.port_inside(port.vswitch_id)
            try:
                leg = legs.make(mark, bridge, end)
                if legs.connect(leg, bridge, [(port.address, prefix(port))]):
                    news.append(leg)
            except PlaneError as error:
                missing.append(f"the router has no port in vSwitch {port.vswitch_id}: {error}")
                continue
            links[port.vswitch_id] = leg.end.index
        tables = router_plan.routes(spec, links)
        gone = inside.tables_used(router_plan.RULES) - tables.keys()
        for number, routes in tables.items():
            inside.set_routes(number, routes)
        inside.set_rules(router_plan.RULES, router_plan.rules(spec, self._names))
        for number in gone:
            inside.set_routes(number, ())
        wanted = {self._names.port_inside(vswitch_id) for vswitch_id in links}
        for link in inside.links():
            if link.kind == "veth" and link.name not in wanted:
                inside.delete(link)
        for leg in news:
            try:
                legs.announce(leg)
            except PlaneError as error:
                missing.append(str(error))
        return missing

    def _unplug(self, name: str) -> None:
        """Delete the ports by their ends in the namespace: also those whose other ends have no mark yet."""
        with step(f"looking up network namespace {name}"):
            if netns.identity(name) is None:
                return
        with step(f"entering network namespace {name}"), netns.entered(name):
            inside = RoutingRtnl()
        with inside:
            for link in inside.links():
                if link.kind == "veth":
                    inside.delete(link)


def prefix(port: RouterPort) -> int:
    """The length of its network's prefix."""
    return int(port.network.partition("/")[2])
