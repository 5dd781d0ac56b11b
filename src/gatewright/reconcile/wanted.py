"""What is wanted of a host: its placements, compiled to specs and tombstones."""

from __future__ import annotations

from ipaddress import IPv4Network

from gatewright.link.contract import HostChanges, Wanted
from gatewright.resources.addresses import dotted
from gatewright.resources.compile import GatewayFacts, InstanceFacts, compile_instance, compile_vswitch
from gatewright.resources.specs import Kind, Spec, Tombstone
from gatewright.store import gateways, hosts, placements, vswitches
from gatewright.store.gateways import GatewayRow, InstanceView
from gatewright.store.placements import PlacementRow
from gatewright.store.transaction import Transaction

#: About how many items one answer to an agent has.
PAGE = 500


class HostUnknown(Exception):
    """An agent asks for a host that there is not."""


def changes(transaction: Transaction, host_id: str, since: int, public_network: IPv4Network) -> HostChanges:
    """What changed on a host after a revision, in the order in which it changed."""
    revision = hosts.revision(transaction, host_id)
    if revision is None:
        raise HostUnknown(host_id)
    rows = placements.since(transaction, host_id, since, PAGE)
    upto = rows[-1].revision if len(rows) >= PAGE else revision
    compiler = _Compiler(transaction, public_network)
    return HostChanges(upto=upto, revision=revision, items=tuple(compiler.wanted(row) for row in rows))


class _Compiler:
    """Compiles the rows of one answer; the two halves of a gateway share what is read for it."""

    def __init__(self, transaction: Transaction, public_network: IPv4Network) -> None:
        self._transaction = transaction
        self._public_network = str(public_network)
        self._gateways: dict[str, tuple[GatewayRow, dict[str, InstanceView]]] = {}

    def wanted(self, row: PlacementRow) -> Wanted:
        if row.tombstone:
            return Tombstone(Kind(row.kind), row.item_id)
        return self._vswitch(row) if row.kind == Kind.VSWITCH else self._instance(row)

    def _vswitch(self, row: PlacementRow) -> Spec:
        vswitch = vswitches.find_any(self._transaction, row.item_id)
        if vswitch is None:
            raise LookupError(f"vSwitch {row.item_id} is placed and has no row")
        return compile_vswitch(vswitch.id, vswitch.vpc_id, vswitch.zone_id, vswitch.cidr_block)

    def _instance(self, row: PlacementRow) -> Spec:
        gateway, instances = self._gateway(row.resource_id)
        instance = instances[row.item_id]
        public: tuple[str, ...] = ()
        if instance.public_address is not None:
            public = (dotted(instance.public_address),)
            if gateway.ssl_address is not None and instance.role == "master":
                public += (dotted(gateway.ssl_address),)
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
                private_address=dotted(instance.private_address),
                public_network=self._public_network,
                public_addresses=public,
            ),
        )

    def _gateway(self, gateway_id: str) -> tuple[GatewayRow, dict[str, InstanceView]]:
        known = self._gateways.get(gateway_id)
        if known is None:
            gateway = gateways.find_any(self._transaction, gateway_id)
            if gateway is None:
                raise LookupError(f"VPN gateway {gateway_id} is placed and has no row")
            halves = gateways.instances_of(self._transaction, gateway_id)
            known = self._gateways[gateway_id] = (gateway, {half.id: half for half in halves})
        return known
