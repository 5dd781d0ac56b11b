"""Anti-spoofing where an instance cannot reach it: on the outer ends of its legs, in the host's namespace.

Daemons have the run of the instance's namespace. One that was taken over speaks in it as it likes, past every
filter there, and yet gets out only as what the instance is: by its hardware and its own addresses.

Bridges that are made here carry frames and are nobody's way to the host: one without addresses still takes what is
sent to its hardware address, and the host's IP stack takes that for any address that it has elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator

from gatewright.plane.linux.failures import step
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.kept_table import KeptChains, KeptTable
from gatewright.plane.linux.names import LAN, UPLINK, VSWITCH, WAN, LinkMark, Names
from gatewright.plane.linux.nf_tables import NfTables
from gatewright.plane.linux.ruleset import ACCEPT, DROP, Chain, Rule, Table, field, field_other, meta, network
from gatewright.resources.specs import InstanceSpec, ItemKey, Kind

FAMILY = "netdev"
NOTE = "guard.json"
#: In the installation's own folder, while the uplink's bridge is closed.
UPLINK_NOTE = "uplink-guard.json"
_UPLINK_CHAIN = f"{UPLINK}-bridge"

#: Held while nft runs. Of all planes of this process, so that whoever changes the table need not know the others.
_LOCK = threading.Lock()

_IP = meta("protocol", "ip")


def table(names: Names, spec: InstanceSpec, bridge_mac: str | None = None, *, by_host: bool = False) -> Table:
    """What an instance may send by its legs: a chain each.

    ``bridge_mac`` is the hardware address of its vSwitch's bridge, if that was not made here. ``by_host``: the host is
    its way outside, and :mod:`~gatewright.plane.linux.outside_filter` says what of it.
    """
    own, inside = spec.private.address, network(spec.private.network)
    # decrypted packets are of any network but the vSwitch's
    as_neighbour: Rule = (field("ip", "saddr", inside), field_other("ip", "saddr", own), DROP)
    bridge = bridge_mac or names.vswitch(spec.private.vswitch_id).mac
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
        link = _link(names.wan(spec.id), None if by_host else names.uplink.mac, addresses, spec.public.network)
        rules = (*link, (field("ip", "saddr", *addresses), ACCEPT))
        chains.append(Chain(f"{WAN}-{spec.id}", "ingress", rules, device=names.wan(spec.id).name))
    return Table(FAMILY, names.guards, tuple(chains))


def bridge_table(names: Names, chain: str, bridge: LinkMark) -> Table:
    """Nothing of what a bridge carries is for the host: what is sent on from port to port does not come this way."""
    return Table(FAMILY, names.guards, (Chain(chain, "ingress", (), device=bridge.name),))


class Guards:
    """The table of one installation. Methods block, may run in several threads, and raise PlaneError.

    One table for all instances, because nft reads every table of the namespace whatever it is to do: 200 tables
    made each call last 0.3 s, one with 400 chains 0.01 s.
    """

    def __init__(self, names: Names) -> None:
        self._names = names

    def ensure(
        self, spec: InstanceSpec, folder: Folder, bridge_mac: str | None = None, *, by_host: bool = False
    ) -> None:
        """Guard an instance's legs, which are there and may be down. The rest as in :func:`table`."""
        KeptChains(folder, NOTE, _own(spec.key), _LOCK).ensure(table(self._names, spec, bridge_mac, by_host=by_host))

    def close_bridge(self, vswitch_id: str, folder: Folder) -> None:
        """Have the host take nothing from a vSwitch's bridge, which is there and was made here."""
        chain = f"{VSWITCH}-{vswitch_id}"
        table = bridge_table(self._names, chain, self._names.vswitch(vswitch_id))
        KeptChains(folder, NOTE, (chain,), _LOCK).ensure(table)

    def close_uplink(self, own: Folder) -> None:
        """The same of the uplink's bridge, which leads nowhere. ``own`` is the installation's folder."""
        table = bridge_table(self._names, _UPLINK_CHAIN, self._names.uplink)
        KeptChains(own, UPLINK_NOTE, (_UPLINK_CHAIN,), _LOCK).ensure(table)

    def open_uplink(self, own: Folder) -> None:
        """Undo :meth:`close_uplink`: the host is to be the way outside, or the bridge is gone."""
        note = own.path / UPLINK_NOTE
        # also without a note: it is written after the chain is put
        self._remove((_UPLINK_CHAIN,))
        with step(f"removing {note}"):
            note.unlink(missing_ok=True)

    def remove(self, key: ItemKey) -> None:
        """Remove the guard of an instance or vSwitch, whose links are gone, and the table with the last one."""
        self._remove(_own(key))

    def remove_empty(self) -> None:
        """Remove the table if nothing is in it: chains go with their links."""
        self._remove(())

    def _remove(self, chains: Collection[str]) -> None:
        with _LOCK, NfTables() as kernel:
            own = [name for name in chains if kernel.has_chain(FAMILY, self._names.guards, name)]
            if own:
                kernel.delete_chains(FAMILY, self._names.guards, own)
            if kernel.is_empty(FAMILY, self._names.guards):
                kernel.delete_table(FAMILY, self._names.guards)


def fault(folder: Folder) -> str | None:
    """What is wrong with the guard of an instance or vSwitch, for people. Changes nothing. Raises PlaneError."""
    return KeptTable(folder, NOTE).fault()


def uplink_fault(own: Folder) -> str | None:
    """The same of the uplink's bridge; None too where the host is the way outside, and it has no guard."""
    return KeptTable(own, UPLINK_NOTE).fault() if (own.path / UPLINK_NOTE).exists() else None


def concerns(datagram: bytes, key: ItemKey) -> bool:
    """Whether what the kernel tells of nftables is of an item's guard, or of the uplink's, which instances need."""
    names = (*_own(key), _UPLINK_CHAIN) if key.kind is Kind.INSTANCE else _own(key)
    return any(f"{name}\0".encode() in datagram for name in names)


def guarded(names: Names) -> set[ItemKey] | None:
    """The instances and vSwitches that have a guard, in one look; None if there is no table. Raises PlaneError."""
    with NfTables() as kernel:
        chains = kernel.chains(FAMILY, names.guards)
    if chains is None:
        return None
    return {_guarded_by(name) for name in chains if name != _UPLINK_CHAIN}


def _guarded_by(chain: str) -> ItemKey:
    what, _, item_id = chain.partition("-")
    return ItemKey(Kind.VSWITCH if what == VSWITCH else Kind.INSTANCE, item_id)


def _own(key: ItemKey) -> tuple[str, ...]:
    if key.kind is Kind.INSTANCE:
        return f"{LAN}-{key.id}", f"{WAN}-{key.id}"
    return (f"{VSWITCH}-{key.id}",) if key.kind is Kind.VSWITCH else ()


def _link(leg: LinkMark, bridge: str | None, addresses: tuple[str, ...], on_link: str) -> Iterator[Rule]:
    """Nothing under another hardware address, ARP as oneself for who is on the link, and nothing for the host's bridge.

    ``bridge`` is its hardware address: it takes packets to whatever address the host has elsewhere. Nothing has a tag:
    behind it nobody looks whose addresses a packet has.
    """
    yield field("ether", "type", "8021q", "8021ad"), DROP
    yield field_other("ether", "saddr", leg.inner_mac), DROP
    shape = field("arp", "htype", 1), field("arp", "hlen", 6), field("arp", "plen", 4)
    sender = field("arp", "saddr ether", leg.inner_mac), field("arp", "saddr ip", *addresses)
    # a host that is the way outside may ask with an address that it has there
    here = (field("arp", "daddr ip", network(on_link)),) if bridge is not None else ()
    yield *shape, *sender, *here, ACCEPT
    if bridge is not None:
        yield field("ether", "daddr", bridge), DROP
    yield _IP, meta("pkttype", "broadcast", "multicast"), DROP
