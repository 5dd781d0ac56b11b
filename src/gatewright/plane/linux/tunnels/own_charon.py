"""What both ways to carry ESP do alike: a namespace and a charon a tunnel, behind the instance's address.

One charon cannot tell apart two tunnels whose peers call themselves the same, because it chooses keys by identities
alone, and in user space not even two with the same selectors. So each tunnel has one of its own, which knows one key
and dies alone; what is left of it goes with its namespace. nftables in the instance's namespace hands it what the
tunnel's peer sends (:mod:`~gatewright.plane.linux.filters`, :mod:`~gatewright.plane.linux.tunnels.steering`).
"""

from __future__ import annotations

import abc
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import netns, processes, strays, sysctl
from gatewright.plane.linux.charon import Charon, socket_of
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folders
from gatewright.plane.linux.names import LAN, WAN, Names, stable_mac
from gatewright.plane.linux.processes import Process
from gatewright.plane.linux.routing import RoutingRtnl
from gatewright.plane.linux.rtnl import Link, Rtnl
from gatewright.plane.linux.tunnels.backend import Standing
from gatewright.plane.linux.tunnels.dressing import dress, dressed, set_addresses
from gatewright.plane.linux.tunnels.steering import PREFIX, UPLINK, address, ends, outer_link, separable
from gatewright.plane.linux.vici_client import ViciClient
from gatewright.plane.linux.vici_conn import Section
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import TunnelSpec, link_name

#: How long a charon that is looked at may take to take a connection, seconds.
_PATIENCE = 5.0
#: In the tunnel's folder: its id. Numbers are used again.
_NOTE = "tunnel"


@dataclass(frozen=True)
class Place:
    """Where a tunnel is made: sockets in its instance's namespace and in its own, and what these are called."""

    inside: RoutingRtnl
    child: RoutingRtnl
    instance: str
    own: str


class OwnCharon(abc.ABC):
    """See :class:`~gatewright.plane.linux.tunnels.backend.Backend`."""

    def __init__(self, names: Names, folders: Folders, user: int) -> None:
        """``user`` is the number that charons run as."""
        self._names = names
        self._folders = folders
        self._user = user

    @abc.abstractmethod
    def connection(self, spec: InstanceSpec, tunnel: TunnelSpec) -> Section: ...

    @abc.abstractmethod
    def _carry(self, tunnel: TunnelSpec, charon: Charon, place: Place, *, new: bool) -> Process:
        """Have the tunnel's link in the instance's namespace, and its charon live; gives that.

        ``new``: nothing can be in the tunnel's namespace yet. Raises PlaneError; a charon that was started is ended.
        """

    @abc.abstractmethod
    def _link_fault(self, tunnel: TunnelSpec, link: Link, outer: Link | None, own: str, /) -> str | None:
        """What differs of the tunnel's link; ``outer`` leads to its charon, in the namespace ``own``. Pure."""

    @abc.abstractmethod
    def _carrier_fault(self, tunnel: TunnelSpec, place: Place, /) -> str | None:
        """What else differs of what :meth:`_carry` makes, in the tunnel's namespace, but for charon."""

    def served(self, spec: InstanceSpec) -> Sequence[TunnelSpec]:
        return separable(spec.tunnels)

    def ensure(self, spec: InstanceSpec, tunnel: TunnelSpec) -> Standing:
        folder = self._folders.of_tunnel(spec.id, tunnel.number)
        folder.make()
        folder.write(_NOTE, tunnel.id.encode())
        name = self._names.tunnel_namespace(spec.id, tunnel.number)
        with step(f"making network namespace {name}"):
            new = netns.ensure(name)
        with self._place(spec.id, tunnel.number) as place:
            self._connect(spec, tunnel.number, place)
            process = self._carry(tunnel, Charon(folder, name, self._user), place, new=new)
            try:
                link = place.inside.find(tunnel.link)
                if link is None:
                    raise PlaneError(f"link {tunnel.link} vanished while it was being made")
                dress(place.inside, link, tunnel)
            except BaseException:
                # it carries, whatever else is wrong
                process.close()
                raise
        return Standing(socket_of(folder), process)

    def stands(self, spec: InstanceSpec) -> bool:
        return (
            not self.taken(spec)
            and not any(self.faults(spec))
            and all(
                _listens(
                    socket_of(self._folders.of_tunnel(spec.id, tunnel.number)),
                    self._names.tunnel_namespace(spec.id, tunnel.number),
                )
                for tunnel in self.served(spec)
            )
        )

    def remove(self, instance_id: str, number: int) -> None:
        folder = self._folders.of_tunnel(instance_id, number)
        name = self._names.tunnel_namespace(instance_id, number)
        with step(f"looking for processes of {name}"):
            # once: of hundreds of tunnels each has a charon, and each that is removed looks at them all
            seen = tuple(processes.running())
        # first, so that it can tell its peer
        Charon(folder, name, self._user).end(seen)
        strays.end(name, seen)
        instance = self._names.namespace(instance_id)
        if netns.identity(instance) is not None:
            with _looking_into(instance) as inside:
                for link in (link_name(number), outer_link(number)):
                    delete(inside, link)
        with step(f"deleting network namespace {name}"):
            netns.delete(name)
        folder.delete()

    def found(self, instance_id: str) -> Collection[int]:
        with step("listing network namespaces"):
            owners = [self._names.tunnel_of(name) for name in netns.listing()]
        numbers = {owner[1] for owner in owners if owner is not None and owner[0] == instance_id}
        return numbers | set(self._folders.tunnels_of(instance_id))

    def taken(self, spec: InstanceSpec) -> Collection[int]:
        return {
            tunnel.number for tunnel in spec.tunnels if self._noted(spec.id, tunnel.number) not in (None, tunnel.id)
        }

    def _noted(self, instance_id: str, number: int) -> str | None:
        """The id of the tunnel that was made last with a number; None if none is there, or if it was not noted."""
        path = self._folders.of_tunnel(instance_id, number).path / _NOTE
        try:
            return path.read_text()
        except (OSError, UnicodeDecodeError):
            return None

    def faults(
        self, spec: InstanceSpec, within: Collection[int] | None = None, left_out: Collection[int] = ()
    ) -> Iterator[str]:
        instance = self._names.namespace(spec.id)
        if netns.identity(instance) is None:
            yield f"network namespace {instance} is gone"
            return
        # listed, and not asked for one by one: of two hundred tunnels there are four hundred links
        with _looking_into(instance) as inside:
            links = {link.name: link for link in inside.links()}
            addresses = inside.every_address()
        for tunnel in self.served(spec):
            if tunnel.number in left_out:
                continue
            number, own = tunnel.number, self._names.tunnel_namespace(spec.id, tunnel.number)
            link, outer = links.get(tunnel.link), links.get(outer_link(number))
            if netns.identity(own) is None:
                yield f"network namespace {own} is gone"
            elif link is None:
                yield f"link {tunnel.link} is gone"
            elif outer is None or not outer.up:
                yield _way_is_gone(number)
            elif (leg := links.get(_leg_name(spec))) is not None and outer.mtu != leg.mtu:
                yield _other_mtu(number, leg)
            elif addresses.get(outer.index) != _addresses(spec, number)[0]:
                yield f"addresses of link {outer.name} of tunnel {number} differ"
            elif not dressed(addresses.get(link.index, ()), tunnel):
                yield f"addresses of link {tunnel.link} differ"
            elif (wrong := self._link_fault(tunnel, link, outer, own)) is not None:
                yield wrong
            elif within is None or number in within:
                with self._place(spec.id, number) as place:
                    wrong = self._connection_fault(spec, number, place) or self._carrier_fault(tunnel, place)
                if wrong is not None:
                    yield wrong

    def _connection_fault(self, spec: InstanceSpec, number: int, place: Place) -> str | None:
        outer, end = place.inside.find(outer_link(number)), place.child.find(UPLINK)
        if outer is None or end is None or not _paired(outer, end) or not outer.up or not end.up:
            return _way_is_gone(number)
        if (leg := _leg(spec, place.inside)) is not None and {outer.mtu, end.mtu} != {leg.mtu}:
            return _other_mtu(number, leg)
        wanted = _addresses(spec, number)
        for rtnl, link, its in zip((place.inside, place.child), (outer, end), wanted, strict=True):
            if rtnl.addresses(link) != its:
                return f"addresses of link {link.name} of tunnel {number} differ"
        if (wrong := place.child.default_fault(ends(number).instance, end.index)) is not None:
            return f"{wrong}, in {place.own}"
        with netns.entered(place.instance):
            if not sysctl.takes_own_addresses(outer.name):
                return f"link {outer.name} takes nothing from {address(spec)}"
        with netns.entered(place.own):
            if not sysctl.ipv6_is_quiet("all"):
                return f"IPv6 is switched on in {place.own}"
            if not sysctl.speaks_by_link(end.name):
                return f"settings of ARP of link {end.name} in {place.own} were changed"
        return None

    def _connect(self, spec: InstanceSpec, number: int, place: Place) -> None:
        """Have the veth between the two namespaces, with its addresses, and the way out of the tunnel's."""
        inside, child = place.inside, place.child
        leg = _leg(spec, inside)
        mtu = 1500 if leg is None else leg.mtu
        outer, end = inside.find(outer_link(number)), child.find(UPLINK)
        if outer is None or end is None or not _paired(outer, end) or {outer.mtu, end.mtu} != {mtu}:
            for rtnl, link in ((inside, outer), (child, end)):
                if link is not None:
                    rtnl.delete(link)
            macs = [stable_mac(f"{place.own}:{which}") for which in ("outer", "inner")]
            with step(f"opening network namespace {place.own}"), netns.opened(place.own) as namespace:
                inside.add_pair(outer_link(number), macs[0], UPLINK, macs[1], namespace, mtu)
            outer, end = inside.find(outer_link(number)), child.find(UPLINK)
        if outer is None or end is None:
            raise PlaneError(f"veth {outer_link(number)} vanished while it was being made")
        with step(f"setting up {outer.name}"), netns.entered(place.instance):
            sysctl.take_own_addresses(outer.name)
        with step(f"setting up {end.name} in {place.own}"), netns.entered(place.own):
            sysctl.quiet_ipv6("all")
            sysctl.speak_by_link(end.name)
        for rtnl, link, its in zip((inside, child), (outer, end), _addresses(spec, number), strict=True):
            set_addresses(rtnl, link, its)
            if not link.up:
                rtnl.change(link, state="up")
        child.set_default(ends(number).instance, end.index)

    @contextmanager
    def _place(self, instance_id: str, number: int) -> Iterator[Place]:
        instance, own = self._names.namespace(instance_id), self._names.tunnel_namespace(instance_id, number)
        with _looking_into(instance) as inside, _looking_into(own) as child:
            yield Place(inside, child, instance, own)


def delete(rtnl: Rtnl, name: str) -> None:
    """Delete a link if it is there."""
    link = rtnl.find(name)
    if link is not None:
        rtnl.delete(link)


def _addresses(spec: InstanceSpec, number: int) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Those of the two ends of the veth, the instance's first."""
    wanted = ends(number)
    return {(wanted.instance, PREFIX)}, {(wanted.charon, PREFIX), (address(spec), 32)}


def _leg(spec: InstanceSpec, inside: Rtnl) -> Link | None:
    """What all that goes through the veth goes through as well."""
    return inside.find(_leg_name(spec))


def _leg_name(spec: InstanceSpec) -> str:
    return WAN if spec.public else LAN


def _way_is_gone(number: int) -> str:
    return f"link {outer_link(number)} to the charon of tunnel {number} is gone or down"


def _other_mtu(number: int, leg: Link) -> str:
    return f"link {outer_link(number)} has another MTU than {leg.name}"


@contextmanager
def _looking_into(name: str) -> Iterator[RoutingRtnl]:
    """A netlink socket in a namespace."""
    with step(f"entering network namespace {name}"), netns.entered(name):
        rtnl = RoutingRtnl()
    with rtnl:
        yield rtnl


def _listens(socket: Path, namespace: str) -> bool:
    """Whether a process of the namespace listens there. It need not answer: that is its keeper's to find out."""
    try:
        with ViciClient(socket, _PATIENCE) as client:
            return processes.namespace_of(client.peer) == netns.identity(namespace)
    except OSError:
        return False


def _paired(one: Link, other: Link) -> bool:
    return one.peer == other.index and other.peer == one.index
