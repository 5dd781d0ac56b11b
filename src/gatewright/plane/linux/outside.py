"""The public pool on an interface of the host: this host forwards between the uplink's bridge and the interface.

What was changed of the host's own is noted in a file first, and put back when the last public instance goes.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable, Iterator

import msgspec

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import gratuitous_arp, outside_filter, sysctl
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folder, Folders
from gatewright.plane.linux.instance_routes import uplink_router
from gatewright.plane.linux.kept_table import KeptTable
from gatewright.plane.linux.names import Names
from gatewright.plane.linux.nf_tables import NfTables
from gatewright.plane.linux.options import UplinkMode, UplinkOptions
from gatewright.plane.linux.routing import KernelRoute, RoutingRtnl
from gatewright.plane.linux.rtnl import Link

_RECORD = "uplink.json"
_FILTER = "uplink-filter.json"
#: Whether the host forwards; writing it sets the same of every interface.
_GLOBAL = "ipv4/ip_forward"


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    interface: str
    mode: str
    pool: str
    #: Settings of the kernel as they were, by name.
    before: dict[str, str]
    #: Public addresses in use here, by instance.
    addresses: dict[str, tuple[str, ...]]
    #: Whether the host forwarded everywhere then.
    ip_forward: str

    def configured(self) -> tuple[str, str, str]:
        return self.interface, self.mode, self.pool


class Outside:
    """Calls are made one after the other: :class:`~gatewright.plane.linux.uplink.Uplink` holds a lock.

    Everything here raises PlaneError.
    """

    def __init__(self, names: Names, folders: Folders, options: UplinkOptions | None) -> None:
        self._names = names
        self._root = folders.root
        self._own = folders.own()
        self._options = options
        self._filter = KeptTable(self._own, _FILTER)

    @property
    def own(self) -> Folder:
        """The installation's folder."""
        return self._own

    @property
    def configured(self) -> bool:
        return self._options is not None

    def connect(self, host: RoutingRtnl, bridge: Link, instance_id: str, addresses: tuple[str, ...]) -> None:
        """Have an instance's public addresses reached from outside, as the options say; without any, not at all."""
        record = self._record()
        if self._options is None:
            if record is not None:
                self._put_back(host, record)
            return
        interface = self._interface(host, self._options, bridge, addresses)
        wanted = self._options.interface, self._options.mode.value, str(self._options.pool)
        if record is not None and record.configured() != wanted:
            self._put_back(host, record)
            record = None
        if record is None:
            record = _Record(
                interface=wanted[0], mode=wanted[1], pool=wanted[2], before={}, addresses={}, ip_forward=""
            )
            before = self._now(self._settings(record, bridge.name))
            record = msgspec.structs.replace(record, before=before, ip_forward=self._now([_GLOBAL])[_GLOBAL])
        gone = set(record.addresses.get(instance_id, ())).difference(addresses)
        known = record.addresses | {instance_id: tuple(dict.fromkeys((*addresses, *gone)))}
        self._note(msgspec.structs.replace(record, addresses=known))
        # what protects the host comes before what opens it
        anyway = self._without_us(record)[_forwarding(record.interface)] == "1"
        table = outside_filter.table(self._names, self._options, bridge.name, forwards_anyway=anyway)
        self._filter.ensure(table)
        self._set_addresses(host, bridge)
        with step(f"forwarding between {bridge.name} and {record.interface}"):
            for setting, value in self._settings(record, bridge.name).items():
                sysctl.put(setting, value)
        if self._options.mode is UplinkMode.PROXY_ARP:
            for address in addresses:
                host.add_route(KernelRoute(f"{address}/32", bridge.index))
                if not host.answers_for(interface, address):
                    # first: killed between the two it tells again
                    gratuitous_arp.announce(interface, address)
                    host.answer_for(interface, address)
            self._withdraw(host, record.interface, gone)
        self._note(msgspec.structs.replace(record, addresses=known | {instance_id: addresses}))

    def faults(self, host: RoutingRtnl, bridge: Link, instance_id: str, addresses: tuple[str, ...]) -> Iterator[str]:
        """What :meth:`connect` would have to mend for an instance that was connected, for people; changes nothing."""
        if self._options is None:
            return
        name, record = self._options.interface, self._record()
        if record is None or record.addresses.get(instance_id) != addresses:
            yield f"{self._own.path / _RECORD} does not tell of the instance's public addresses"
            return
        interface = host.find(name)
        if interface is None or not interface.up:
            yield f"uplink {name} is {'gone' if interface is None else 'down'}"
            return
        if (fault := self._filter.fault()) is not None:
            yield fault
        if host.addresses(bridge) != self._wanted_addresses():
            yield f"addresses of bridge {bridge.name} differ"
        with step(f"looking at the settings of {name} and {bridge.name}"):
            for setting, value in self._settings(record, bridge.name).items():
                if sysctl.get(setting) != value:
                    yield f"setting {setting} was changed"
        if self._options.mode is UplinkMode.PROXY_ARP:
            routes = host.routed_over(bridge.index)
            for address in addresses:
                if KernelRoute(f"{address}/32", bridge.index) not in routes:
                    yield f"the route to {address} over bridge {bridge.name} is gone"
                if not host.answers_for(interface, address):
                    yield f"ARP for {address} is not answered on {name}"

    def release(self, host: RoutingRtnl, instance_id: str, *, last: bool) -> None:
        """An instance's addresses are not in use here any more. ``last``: there is no other on the bridge."""
        record = self._record()
        if record is None:
            return
        self._withdraw(host, record.interface, record.addresses.get(instance_id, ()))
        left = {one: addresses for one, addresses in record.addresses.items() if one != instance_id}
        if last and not left:
            self._put_back(host, record)
        elif left != record.addresses:
            self._note(msgspec.structs.replace(record, addresses=left))

    def _interface(self, host: RoutingRtnl, options: UplinkOptions, bridge: Link, addresses: tuple[str, ...]) -> Link:
        doing = f"connecting the public pool {options.pool} to uplink {options.interface}"
        link = host.find(options.interface)
        if link is None:
            raise PlaneError(f"{doing}: this host has no such interface; correct the setting uplink, or make it")
        if (link.alias or "").startswith("gatewright:"):
            raise PlaneError(f"{doing}: it is {link.alias}, which Gatewright made; name an interface of the host's own")
        if link.master is not None:
            raise PlaneError(f"{doing}: it is a port of a bridge, where nothing is routed; name the bridge instead")
        if not link.up:
            raise PlaneError(f"{doing}: it is down: ip link set {options.interface} up")
        other = self._other_installation(options.interface)
        if other:
            raise PlaneError(f"{doing}: installation {other} has it for its own pool; an interface serves one")
        outside = [address for address in addresses if ipaddress.IPv4Address(address) not in options.pool]
        if outside:
            raise PlaneError(f"{doing}: {', '.join(outside)} is not of this pool but of an earlier one")
        for address, prefix in host.addresses(link):
            own = ipaddress.IPv4Interface(f"{address}/{prefix}")
            if options.mode is UplinkMode.ROUTED and own.network.overlaps(options.pool):
                raise PlaneError(
                    f"{doing}: the pool overlaps the interface's own network {own.network}, so nobody there would"
                    ' send its packets to this host; set uplink_mode = "proxy-arp", or take another pool'
                )
            if address in addresses:
                raise PlaneError(f"{doing}: {address} is this host's own; take a pool without it")
        _check_free(host, options, (link, bridge), doing)
        return link

    def _other_installation(self, interface: str) -> str | None:
        for path in self._root.parent.glob(f"*/{_RECORD}"):
            if path.parent == self._root:
                continue
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                if msgspec.json.decode(path.read_bytes(), type=_Record).interface == interface:
                    return path.parent.name
        return None

    def _set_addresses(self, host: RoutingRtnl, bridge: Link) -> None:
        wanted, present = self._wanted_addresses(), host.addresses(bridge)
        for address, prefix in present - wanted:
            host.delete_address(bridge, address, prefix)
        for address, prefix in wanted - present:
            host.add_address(bridge, address, prefix)

    def _wanted_addresses(self) -> set[tuple[str, int]]:
        """In routed mode the bridge has the address that instances have for their way outside; else none."""
        if self._options is None or self._options.mode is not UplinkMode.ROUTED:
            return set()
        return {(uplink_router(str(self._options.pool)), self._options.pool.prefixlen)}

    def _settings(self, record: _Record, bridge: str) -> dict[str, str]:
        settings = {_forwarding(record.interface): "1", _forwarding(bridge): "1"}
        if record.mode == UplinkMode.PROXY_ARP:
            # instances ask on the bridge for the pool's other addresses, which are outside
            settings[f"ipv4/conf/{bridge}/proxy_arp"] = "1"
            for link in (record.interface, bridge):
                settings[f"ipv4/neigh/{link}/proxy_delay"] = "0"
        return settings

    def _without_us(self, record: _Record) -> dict[str, str]:
        """How settings would be now: as they were, unless the host has become a router since, or ceased to be one.

        That sets every interface's forwarding, and who did it meant all of them.
        """
        now = self._now([_GLOBAL])[_GLOBAL]
        return record.before | ({_forwarding(record.interface): now} if now != record.ip_forward else {})

    def _now(self, settings: Iterable[str]) -> dict[str, str]:
        with step("reading the host's network settings"):
            return {name: sysctl.get(name) for name in settings}

    def _put_back(self, host: RoutingRtnl, record: _Record) -> None:
        for addresses in record.addresses.values():
            self._withdraw(host, record.interface, addresses)
        bridge = host.find(self._names.uplink.name)
        if bridge is not None:
            for address, prefix in host.addresses(bridge):
                host.delete_address(bridge, address, prefix)
        with step(f"putting the settings of {record.interface} back"):
            for name, value in self._without_us(record).items():
                with contextlib.suppress(FileNotFoundError):  # the link is gone, and its settings with it
                    sysctl.put(name, value)
        with NfTables() as kernel:
            kernel.delete_table("inet", outside_filter.name(self._names))
        with step(f"removing {self._own.path / _RECORD}"):
            # the record last: as long as it is there, all of this is done again
            for file in (_FILTER, _RECORD):
                (self._own.path / file).unlink(missing_ok=True)

    def _withdraw(self, host: RoutingRtnl, interface: str, addresses: tuple[str, ...] | set[str]) -> None:
        link, bridge = host.find(interface), host.find(self._names.uplink.name)
        for address in addresses:
            if link is not None:
                host.stop_answering_for(link, address)
            if bridge is not None and KernelRoute(f"{address}/32", bridge.index) in host.routed_over(bridge.index):
                host.drop_route(KernelRoute(f"{address}/32", bridge.index))

    def _record(self) -> _Record | None:
        path = self._own.path / _RECORD
        with step(f"reading {path}"):
            try:
                return msgspec.json.decode(path.read_bytes(), type=_Record)
            except FileNotFoundError:
                return None
            except msgspec.MsgspecError as error:
                raise PlaneError(
                    f"{path} cannot be read ({error}), and says how the host's settings were: mend or remove it"
                ) from error

    def _note(self, record: _Record) -> None:
        self._own.write(_RECORD, msgspec.json.encode(record))


def _forwarding(link: str) -> str:
    return f"ipv4/conf/{link}/forwarding"


def _check_free(host: RoutingRtnl, options: UplinkOptions, own: tuple[Link, Link], doing: str) -> None:
    """The host has nothing of the pool on other links than ``own``: nor would it reach that any more."""
    indexes = [link.index for link in own]
    for link in host.links():
        if link.index in indexes or (link.alias or "").startswith("gatewright:"):
            continue  # what was made here has no addresses but on the uplink's bridges
        for address, prefix in host.addresses(link):
            network = ipaddress.IPv4Interface(f"{address}/{prefix}").network
            if network.overlaps(options.pool):
                raise PlaneError(
                    f"{doing}: the pool overlaps {network}, which this host has on {link.name}; take another pool"
                )
    for route in host.routed_elsewhere(options.pool, indexes):
        over = next((link.name for link in host.links() if link.index == route.link), "another link")
        raise PlaneError(
            f"{doing}: this host has a route to {route.destination} of the pool over {over}; delete it, or take another"
            " pool"
        )
