"""What is wanted of a host: its placements, compiled to specs and tombstones."""

from __future__ import annotations

from collections.abc import Sequence

from gatewright.link.contract import HostChanges, HostUnknown, Wanted
from gatewright.reconcile.vpn_routing import learning, routing
from gatewright.resources.addresses import dotted
from gatewright.resources.compile import (
    EntryFacts,
    GatewayFacts,
    InstanceFacts,
    VSwitchFacts,
    compile_instance,
    compile_router,
    compile_vswitch,
)
from gatewright.resources.compile_tunnels import compile_tunnels
from gatewright.resources.compile_vpn_routes import NO_ROUTES
from gatewright.resources.specs import Kind, Spec, Tombstone
from gatewright.store import gateways, hosts, placements, pools, route_tables, tunnels, vpcs, vswitches
from gatewright.store.placements import PlacementRow
from gatewright.store.transaction import Transaction
from gatewright.telemetry import tracing

#: About how many items one answer to an agent has.
PAGE = 500


def changes(transaction: Transaction, host_id: str, since: int) -> HostChanges:
    """What changed on a host after a revision, in the order in which it changed. Raises HostUnknown."""
    revision = hosts.revision(transaction, host_id)
    if revision is None:
        raise HostUnknown(host_id)
    rows = placements.since(transaction, host_id, since, PAGE)
    upto = rows[-1].revision if len(rows) >= PAGE else revision
    compiler = _Compiler(transaction, rows)
    items = tuple(compiler.wanted(row) for row in rows)
    traces = tuple(tracing.of_revision(host_id, row.revision) for row in rows) if tracing.on() else ()
    return HostChanges(upto=upto, revision=revision, items=items, traces=traces)


class _Compiler:
    """Compiles the rows of one answer, having read at once what they need."""

    def __init__(self, transaction: Transaction, rows: Sequence[PlacementRow]) -> None:
        living = [row for row in rows if not row.tombstone]
        gateway_ids = list(dict.fromkeys(row.resource_id for row in living if row.kind == Kind.INSTANCE))
        vpc_ids = [row.item_id for row in living if row.kind == Kind.ROUTER]
        vswitch_ids = [row.item_id for row in living if row.kind == Kind.VSWITCH]
        self._public_pools = pools.public_pools(transaction)
        self._gateways = {row.id: row for row in gateways.find_all(transaction, gateway_ids)}
        self._instances = {row.id: row for row in gateways.instances_of(transaction, gateway_ids)}
        self._tunnels = tunnels.facts(transaction, gateway_ids)
        ending = {each.gateway_id for inside in self._tunnels.values() for each in inside}
        joining = [row for row in self._gateways.values() if row.id in ending]
        self._networks = vpcs.networks(transaction, sorted({row.vpc_id for row in joining}))
        self._routing = routing(transaction, joining)
        self._vswitches = {row.id: row for row in vswitches.find_all(transaction, vswitch_ids)}
        self._peers = _peers(transaction, vswitch_ids)
        self._inside: dict[str, list[VSwitchFacts]] = {vpc_id: [] for vpc_id in vpc_ids}
        for vswitch in vswitches.of_vpcs(transaction, vpc_ids):
            self._inside[vswitch.vpc_id].append(
                VSwitchFacts(
                    vswitch_id=vswitch.id, cidr_block=vswitch.cidr_block, route_table_id=vswitch.route_table_id
                )
            )
        self._learning = learning(transaction, vpc_ids)
        self._entries = _entries(
            transaction, {vswitch.route_table_id for inside in self._inside.values() for vswitch in inside}
        )

    def wanted(self, row: PlacementRow) -> Wanted:
        key = row.key
        if row.tombstone:
            return Tombstone(key.kind, key.id)
        if key.kind is Kind.VSWITCH:
            return self._vswitch(row)
        return self._router(row) if key.kind is Kind.ROUTER else self._instance(row)

    def _vswitch(self, row: PlacementRow) -> Spec:
        vswitch = self._vswitches[row.item_id]
        peers = [address for host, address in self._peers.get(vswitch.id, ()) if host != row.host_id]
        return compile_vswitch(
            vswitch.id, row.wanted, vswitch.vpc_id, vswitch.zone_id, vswitch.cidr_block, vswitch.vni, peers
        )

    def _router(self, row: PlacementRow) -> Spec:
        return compile_router(
            row.item_id,
            row.wanted,
            row.account_id,
            self._inside[row.item_id],
            self._entries,
            *self._learning[row.item_id],
        )

    def _instance(self, row: PlacementRow) -> Spec:
        gateway, instance = self._gateways[row.resource_id], self._instances[row.item_id]
        public: tuple[str, ...] = ()
        network = ""
        if instance.public_address is not None:
            network = next(p.network for p in self._public_pools if p.first <= instance.public_address <= p.last)
            public = (dotted(instance.public_address),)
            if gateway.ssl_address is not None and instance.role == "master":
                public += (dotted(gateway.ssl_address),)
        private = dotted(instance.private_address)
        ending = self._tunnels.get(instance.id, ())
        return compile_instance(
            GatewayFacts(
                gateway_id=gateway.id,
                account_id=gateway.account_id,
                region_id=gateway.region_id,
                generation=row.wanted,
                bandwidth=gateway.bandwidth,
                ipsec=gateway.enable_ipsec,
                ssl=gateway.enable_ssl,
                ssl_connections=gateway.ssl_connections,
                auto_propagate=gateway.auto_propagate,
            ),
            InstanceFacts(
                instance_id=instance.id,
                role=instance.role,
                zone_id=instance.zone_id,
                vswitch_id=instance.vswitch_id,
                vswitch_cidr=instance.vswitch_cidr,
                private_address=private,
                public_network=network,
                public_addresses=public,
            ),
            compile_tunnels(ending, public[0] if public else private),
            self._networks[gateway.vpc_id] if ending else (),
            self._routing[gateway.id] if ending else NO_ROUTES,
        )


def _peers(transaction: Transaction, vswitch_ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """The hosts of vSwitches that span several, with their addresses; one without an address cannot be reached."""
    found: dict[str, list[str]] = {}
    for row in placements.of_resources(transaction, vswitch_ids):
        if not row.tombstone:
            found.setdefault(row.item_id, []).append(row.host_id)
    spanning = {vswitch_id: at for vswitch_id, at in found.items() if len(at) > 1}
    if not spanning:
        return {}
    addresses = {row.id: row.address for row in hosts.every(transaction) if row.address}
    return {
        vswitch_id: [(host, addresses[host]) for host in at if host in addresses] for vswitch_id, at in spanning.items()
    }


def _entries(transaction: Transaction, table_ids: set[str]) -> list[EntryFacts]:
    """The custom entries of some route tables, with where the gateways are that they lead to."""
    rows = route_tables.entries(transaction, sorted(table_ids))
    hops: dict[str, list[str]] = {row.next_hop_id: [] for row in rows}
    for instance in sorted(gateways.instances_of(transaction, list(hops)), key=lambda instance: instance.role):
        hops[instance.gateway_id].append(dotted(instance.private_address))
    return [
        EntryFacts(
            route_table_id=row.route_table_id, destination=row.destination, next_hops=tuple(hops[row.next_hop_id])
        )
        for row in rows
    ]
