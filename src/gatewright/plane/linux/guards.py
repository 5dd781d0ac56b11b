"""Anti-spoofing where an instance cannot reach it: on the outer ends of its legs, in the host's namespace.

Daemons have the run of the instance's namespace. One that was taken over speaks in it as it likes, past every
filter there, and yet gets out only as what the instance is: by its hardware and its own addresses.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.kept_table import KeptChains, KeptTable
from gatewright.plane.linux.names import LAN, WAN, LinkMark, Names
from gatewright.plane.linux.nf_tables import NfTables
from gatewright.plane.linux.ruleset import ACCEPT, DROP, Chain, Rule, Table, field, field_other, meta, network
from gatewright.resources.specs import InstanceSpec

FAMILY = "netdev"
NOTE = "guard.json"

_IP = meta("protocol", "ip")


def table(names: Names, spec: InstanceSpec, *, by_host: bool = False) -> Table:
    """What an instance may send by its legs: a chain each.

    ``by_host``: the host is its way outside, and :mod:`~gatewright.plane.linux.outside_filter` says what of it.
    """
    own, inside = spec.private.address, network(spec.private.network)
    # decrypted packets are of any network but the vSwitch's
    as_neighbour: Rule = (field("ip", "saddr", inside), field_other("ip", "saddr", own), DROP)
    bridge = names.vswitch(spec.private.vswitch_id)
    chains = [
        Chain(
            f"{LAN}-{spec.id}",
            "ingress",
            (*_link(names.lan(spec.id), bridge, (own,), spec.private.network), as_neighbour, (_IP, ACCEPT)),
            device=names.lan(spec.id).name,
        )
    ]
    if spec.public:
        addresses = spec.public.addresses
        link = _link(names.wan(spec.id), None if by_host else names.uplink, addresses, spec.public.network)
        rules = (*link, (field("ip", "saddr", *addresses), ACCEPT))
        chains.append(Chain(f"{WAN}-{spec.id}", "ingress", rules, device=names.wan(spec.id).name))
    return Table(FAMILY, names.guards, tuple(chains))


class Guards:
    """The table of one installation. Methods block, may run in several threads, and raise PlaneError.

    One table for all instances, because nft reads every table of the namespace whatever it is to do: 200 tables
    made each call last 0.3 s, one with 400 chains 0.01 s.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._lock = threading.Lock()

    def ensure(self, spec: InstanceSpec, folder: Folder, *, by_host: bool = False) -> None:
        """Guard an instance's legs, which are there and may be down. ``by_host`` as in :func:`table`."""
        KeptChains(folder, NOTE, _own(spec.id), self._lock).ensure(table(self._names, spec, by_host=by_host))

    def remove(self, instance_id: str) -> None:
        """Remove an instance's guard, whose legs are gone, and the table with the last one."""
        with self._lock, NfTables() as kernel:
            own = [name for name in _own(instance_id) if kernel.has_chain(FAMILY, self._names.guards, name)]
            if own:
                kernel.delete_chains(FAMILY, self._names.guards, own)
            if kernel.is_empty(FAMILY, self._names.guards):
                kernel.delete_table(FAMILY, self._names.guards)


def fault(folder: Folder) -> str | None:
    """What is wrong with an instance's guard, for people. Changes nothing. Raises PlaneError."""
    return KeptTable(folder, NOTE).fault()


def concerns(datagram: bytes, instance_id: str) -> bool:
    """Whether what the kernel tells of nftables is of an instance's guard."""
    return any(f"{name}\0".encode() in datagram for name in _own(instance_id))


def guarded(names: Names) -> set[str] | None:
    """The ids of the instances that have a guard, in one look; None if there is no table. Raises PlaneError."""
    with NfTables() as kernel:
        chains = kernel.chains(FAMILY, names.guards)
    return None if chains is None else {name.partition("-")[2] for name in chains}


def _own(instance_id: str) -> tuple[str, ...]:
    return f"{LAN}-{instance_id}", f"{WAN}-{instance_id}"


def _link(leg: LinkMark, bridge: LinkMark | None, addresses: tuple[str, ...], on_link: str) -> Iterator[Rule]:
    """Nothing under another hardware address, ARP as oneself for who is on the link, and nothing for the host's bridge.

    A bridge without addresses still takes what is sent to it: packets to whatever address the host has elsewhere.
    """
    yield field_other("ether", "saddr", leg.inner_mac), DROP
    shape = field("arp", "htype", 1), field("arp", "hlen", 6), field("arp", "plen", 4)
    sender = field("arp", "saddr ether", leg.inner_mac), field("arp", "saddr ip", *addresses)
    # a host that is the way outside may ask with an address that it has there
    here = (field("arp", "daddr ip", network(on_link)),) if bridge is not None else ()
    yield *shape, *sender, *here, ACCEPT
    if bridge is not None:
        yield field("ether", "daddr", bridge.mac), DROP
    yield _IP, meta("pkttype", "broadcast", "multicast"), DROP
