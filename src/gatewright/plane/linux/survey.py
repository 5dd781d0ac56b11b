"""What an installation has on a host: one look at all of it, however many items there are."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import bird, charon, filters, guards, instance_bird, netns, processes, shaping
from gatewright.plane.linux.adopted_bridges import AdoptedBridges
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folder, Folders
from gatewright.plane.linux.names import PORT, UPLINK, VSWITCH, VXLAN, LinkMark, Names
from gatewright.plane.linux.netns import Identity
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.plane.linux.traffic_control import Discipline
from gatewright.plane.linux.vswitch import vxlan_fault
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind, RouterSpec, Spec, VSwitchSpec


@dataclass(frozen=True)
class Survey:
    """Namespaces by whose they are (None: a name without a namespace), links by alias, processes by number.

    Guards are chains of nftables on the host, known by their items; None if not even their table is there.
    Bridges are known by their vSwitches' ids, adopted ones among them.
    """

    namespaces: Mapping[ItemKey, Identity | None]
    links: Mapping[str, Link]
    processes: Mapping[int, Identity]
    guards: Collection[ItemKey] | None
    bridges: Mapping[str, Link]
    #: What shapes each link of the host, by its index.
    shapes: Mapping[int, Discipline]
    adopted: AdoptedBridges
    #: Namespaces of tunnels' charons, by whose they are and their numbers.
    tunnels: Mapping[tuple[str, int], Identity | None]
    #: This host's address in the network between the hosts, empty if it is not known.
    underlay: str = ""

    def running_in(self, namespace: Identity, program: str) -> list[int]:
        """The processes in a namespace that run the program with that path."""
        return [pid for pid, where in self.processes.items() if where == namespace and processes.runs(pid, program)]


def take(names: Names, folders: Folders, adopted: AdoptedBridges | None = None, underlay: str = "") -> Survey:
    """Look around: links in one dump, namespaces and processes in one listing each. Raises PlaneError."""
    adopted = adopted or AdoptedBridges({})
    with step("listing network namespaces"):
        listed = netns.listing()
        namespaces = {owner: which for name, which in listed.items() if (owner := names.owner_of(name))}
        tunnels = {tunnel: which for name, which in listed.items() if (tunnel := names.tunnel_of(name))}
    with Rtnl() as host:
        every = host.links()
        shapes = host.traffic.read_all()
    links = {link.alias: link for link in every if link.alias and names.parse_alias(link.alias)}
    bridges = {}
    for alias, link in links.items():
        what, vswitch_id = names.parse_alias(alias) or ("", "")
        if what == VSWITCH and vswitch_id not in adopted:
            bridges[vswitch_id] = link
    bridges |= adopted.among({link.name: link for link in every})
    ours = {*namespaces.values(), *tunnels.values()}
    home = netns.home()
    own_files = f"{folders.root}/"
    seen = {}
    with step("listing processes"):
        for pid, where in processes.running():
            if where in ours or (
                # a daemon whose namespace has lost its name
                where != home and _is_daemon(pid, own_files)
            ):
                seen[pid] = where
    return Survey(namespaces, links, seen, guards.guarded(names), bridges, shapes, adopted, tunnels, underlay)


def items(survey: Survey, names: Names, folders: Folders) -> set[ItemKey]:
    """Every item of which something is there, complete or not."""
    found = set(folders.found())
    found.update(survey.namespaces)
    found.update(survey.guards or ())
    found.update(ItemKey(Kind.INSTANCE, instance_id) for instance_id, _ in survey.tunnels)
    for alias in survey.links:
        what, item_id = names.parse_alias(alias) or ("", "")
        # a router's port goes with the router, which has a folder, and only its vSwitch's id is known here
        if what not in (UPLINK, PORT):
            found.add(ItemKey(Kind.VSWITCH if what in (VSWITCH, VXLAN) else Kind.INSTANCE, item_id))
    return found


def adopt(survey: Survey, names: Names, folder: Folder, own: Folder) -> tuple[int, dict[str, Process]]:
    """The generation at which an item stands, 0 if anything is missing, and its daemons by name, to be closed.

    Daemons are given even if something else is missing. ``own`` is the installation's folder. Raises PlaneError.
    """
    spec = folder.applied()
    if spec is None:
        return 0, {}
    wanted = _daemons_of(spec)
    found = {name: process for name in wanted if (process := _daemon(survey, spec.key, name)) is not None}
    whole = len(found) == len(wanted) and _whole(survey, names, folder, own, spec)
    return (spec.generation if whole else 0), found


def _daemons_of(spec: Spec) -> list[str]:
    """The names of the daemons that an item is to have in its own namespace."""
    if isinstance(spec, InstanceSpec):
        return [bird.OWN] if instance_bird.needed(spec) else []
    return [bird.OWN] if isinstance(spec, RouterSpec) and spec.gateways else []


def _whole(survey: Survey, names: Names, folder: Folder, own: Folder, spec: Spec) -> bool:
    """Whether all of an item is there but its daemons."""
    if isinstance(spec, RouterSpec):
        ported = all(
            _plugged(survey, names.port(port.vswitch_id), survey.bridges.get(port.vswitch_id)) for port in spec.ports
        )
        return (
            survey.namespaces.get(spec.key) is not None
            and ported
            and filters.fault(names.router_namespace(spec.id), folder) is None
        )
    if isinstance(spec, VSwitchSpec):
        bridge = survey.bridges.get(spec.id)
        mark = names.vxlan(spec.id)
        vxlan = survey.links.get(mark.alias)
        spans = not spec.peers or (
            bridge is not None and vxlan_fault(vxlan, mark, bridge, spec, survey.underlay) is None
        )
        closed = spec.id in survey.adopted or guards.fault(folder) is None
        return bridge is not None and bridge.up and spans and closed
    return (
        survey.namespaces.get(spec.key) is not None
        and _plugged(survey, names.lan(spec.id), survey.bridges.get(spec.private.vswitch_id))
        and (_plugged(survey, names.wan(spec.id), survey.links.get(names.uplink.alias)) if spec.public else True)
        and filters.fault(names.namespace(spec.id), folder) is None
        and guards.fault(folder) is None
        and (guards.uplink_fault(own) is None if spec.public else True)
        and _shaped(survey, names, spec)
    )


def leftovers(installation: str, runtime: Path) -> list[str]:
    """Everything that an installation has on this host, one line each: empty once all is removed."""
    names, folders = Names(installation), Folders(installation, runtime)
    return list(_lines(take(names, folders, AdoptedBridges({})), names, folders))


def _lines(survey: Survey, names: Names, folders: Folders) -> Iterator[str]:
    for owner in sorted(survey.namespaces):
        yield f"namespace {names.namespace_of(owner)}"
    for instance_id, number in sorted(survey.tunnels):
        yield f"namespace {names.tunnel_namespace(instance_id, number)}"
    for alias, link in sorted(survey.links.items()):
        yield f"link {link.name} {alias}"
    if survey.guards is not None:
        yield f"table {guards.FAMILY} {names.guards}"
        for key in sorted(survey.guards):
            yield f"guard of {key} in table {guards.FAMILY} {names.guards}"
    for pid in sorted(survey.processes):
        yield f"process {pid} {processes.executable_of(pid)}"
    for path in folders.files():
        yield f"file {path}"


def _plugged(survey: Survey, leg: LinkMark, into: Link | None) -> bool:
    outer = survey.links.get(leg.alias)
    return outer is not None and into is not None and outer.up and outer.master == into.index


def _shaped(survey: Survey, names: Names, spec: InstanceSpec) -> bool:
    """Whether the ordered bandwidth is in force; the leg that it is for is known to be there."""
    outer = survey.links[shaping.mark(names, spec).alias]
    namespace = names.namespace(spec.id)
    with contextlib.suppress(PlaneError):  # whoever applies the instance is told
        with step(f"entering network namespace {namespace}"), netns.entered(namespace), Rtnl() as inside:
            out = inside.traffic.read(outer.peer) if outer.peer is not None else None
        return shaping.difference(shaping.wanted_of(spec), out, survey.shapes.get(outer.index)) is None
    return False


def _programs() -> dict[str, tuple[str, str]]:
    """By a daemon's name, what it runs and which environment variable tells whose it is."""
    return {
        charon.OWN: (charon.EXECUTABLE, charon.CONFIG_VARIABLE),
        bird.OWN: (bird.EXECUTABLE, bird.CONFIG_VARIABLE),
    }


def _is_daemon(pid: int, own_files: str) -> bool:
    """Whether a process is a daemon of the installation that has these files."""
    for executable, variable in _programs().values():
        if processes.runs(pid, executable):
            return (processes.environment_of(pid, variable) or "").startswith(own_files)
    return False


def _daemon(survey: Survey, key: ItemKey, name: str) -> Process | None:
    namespace = survey.namespaces.get(key)
    executable, _ = _programs()[name]
    with step(f"watching the {name} of {key.id}"):
        for pid in survey.running_in(namespace, executable) if namespace else ():
            process = Process.open(pid)
            if process is not None:
                if processes.namespace_of(pid) == namespace:
                    return process
                process.close()
    return None
