"""Building a gateway that was ordered, whichever operation ordered it."""

from __future__ import annotations

from typing import NamedTuple

from gatewright import ids
from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.resource_groups import NO_SUCH_GROUP, group_for
from gatewright.operations.tags import ResourceType, Tag, add_tags
from gatewright.operations.vpn_gateways import siting
from gatewright.operations.vpn_gateways.siting import NO_INVENTORY, NO_PRIVATE_ADDRESS, Half
from gatewright.orders import ordering
from gatewright.orders.ordering import ChargeType
from gatewright.quotas import gateways as quota
from gatewright.reconcile import placement
from gatewright.reconcile.telling import of_gateway
from gatewright.resources.statuses import GatewayStatus
from gatewright.store import events, gateways, pools, vpcs
from gatewright.store.gateways import GatewayRow, InstanceRow
from gatewright.store.vpcs import VpcRow

VPC_NOT_FOUND = ErrorRow(
    400,
    "InvalidVpcId.NotFound",
    "The specified VPC id does not exist in our records.",
    "DescribeVpcs lists them.",
)
QUOTA_FULL = ErrorRow(
    400,
    "Resource.QuotaFull",
    "The quota of resource is full",
    "Delete gateways, or raise the quota (GATEWRIGHT_QUOTA_VPN_GATEWAYS).",
)
QUOTA_REACHED = ErrorRow(
    400,
    "Resource.QuotaFull",
    "The resources you are operating have reached the upper limit of the quota. Please increase the quota or use other "
    "solutions to avoid it according to the VPN operation document.",
    "Delete gateways, or raise the quota of public addresses (GATEWRIGHT_QUOTA_PUBLIC_ADDRESSES).",
)
#: What keeps a gateway from being built.
BUILDING_ERRORS = (VPC_NOT_FOUND, QUOTA_FULL, QUOTA_REACHED, *siting.SITE_ERRORS, NO_SUCH_GROUP)


class Order(NamedTuple):
    """What is ordered; its values are allowed where it is ordered."""

    gateway_type: str
    vpc_id: str
    vswitch_id: str | None
    disaster_recovery_vswitch_id: str | None
    network_type: str
    vpn_type: str
    name: str | None
    #: Mbit/s.
    bandwidth: int
    resource_group_id: str | None
    enable_ipsec: bool = True
    #: How many clients SSL-VPN takes; 0 without SSL-VPN.
    ssl_connections: int = 0
    charge_type: ChargeType = ChargeType.POSTPAY
    #: Months, of a subscription.
    period: int | None = None
    tags: tuple[Tag, ...] = ()

    def public_addresses(self, halves: list[Half]) -> int:
        """How many the gateway gets: one an instance, and on a dual-tunnel one another for SSL-VPN."""
        if self.network_type != "public":
            return 0
        return len(halves) + (self.ssl_connections > 0 and len(halves) > 1)


def build(call: Call, order: Order) -> GatewayRow:
    """Note a new gateway, and have hosts build it. Raises ApiError with one of the rows above."""
    vpc = vpcs.find(call.transaction, call.account_id, order.vpc_id)
    if vpc is None or vpc.region_id != call.region.id:
        raise VPC_NOT_FOUND("VpcId", order.vpc_id, f"names no VPC of this account in {call.region.id}")
    gateway_id = ids.resource_id("vpn", call.region.id)
    halves = siting.halves_of(call, order, vpc, gateway_id)
    group_id = group_for(call, order.resource_group_id)
    siting.check_vswitches(halves)
    siting.check_zones(call, order, halves)
    _check_quotas(call, order, halves)
    siting.take_capacity(call, halves)
    return _note(call, order, vpc, gateway_id, halves, group_id)


def _check_quotas(call: Call, order: Order, halves: list[Half]) -> None:
    quotas = call.installation.quotas
    used = quota.used(call.transaction, call.account_id)
    if used >= quotas.vpn_gateways:
        raise QUOTA_FULL.because(f"The account has {quotas.vpn_gateways} VPN gateways, which is its quota.")
    wanted = order.public_addresses(halves)
    if not quota.addresses_fit(call.transaction, call.account_id, used, wanted, quotas.public_addresses):
        raise QUOTA_REACHED.because(
            f"The gateway needs {wanted} public addresses, and the account's gateways may have "
            f"{quotas.public_addresses} together, which is its quota."
        )


def _note(call: Call, order: Order, vpc: VpcRow, gateway_id: str, halves: list[Half], group_id: str) -> GatewayRow:
    transaction = call.transaction
    private, public, ssl_address = _addresses(call, order, halves)
    order_id = ordering.place(
        transaction,
        account_id=call.account_id,
        resource_id=gateway_id,
        charge_type=order.charge_type,
        period=order.period,
        now=call.now,
    )
    row = GatewayRow(
        id=gateway_id,
        account_id=call.account_id,
        region_id=call.region.id,
        gateway_type=order.gateway_type,
        vpc_id=vpc.id,
        vswitch_id=halves[0].vswitch.id,
        disaster_recovery_vswitch_id=halves[1].vswitch.id if len(halves) > 1 else None,
        resource_group_id=group_id,
        name=order.name if order.name is not None else gateway_id,
        description="",
        bandwidth=order.bandwidth,
        network_type=order.network_type,
        vpn_type=order.vpn_type,
        enable_ipsec=order.enable_ipsec,
        enable_ssl=order.ssl_connections > 0,
        ssl_connections=order.ssl_connections,
        ssl_address=ssl_address,
        auto_propagate=False,
        charge_type=order.charge_type.value,
        order_id=order_id,
        status=GatewayStatus.INIT.value,
        generation=1,
        created_at=call.now,
        ends_at=ordering.end_of_term(call.now, order.period) if order.period else None,
    )
    gateways.add(transaction, row)
    events.add(transaction, [of_gateway(row, row.status, call.now, "ordered", new=True)])
    gateways.add_instances(
        transaction,
        [
            InstanceRow(
                id=half.instance_id,
                gateway_id=gateway_id,
                role=half.role,
                zone_id=half.vswitch.zone_id,
                vswitch_id=half.vswitch.id,
                private_address=private_address,
                public_address=public_address,
            )
            for half, private_address, public_address in zip(halves, private, public, strict=True)
        ],
    )
    quota.take(transaction, call.account_id, call.region.id)
    add_tags(call, ResourceType.VPN_GATEWAY, call.region.id, gateway_id, order.tags)
    placement.place_instances(
        transaction,
        call.account_id,
        gateway_id,
        [(half.instance_id, half.vswitch) for half in halves],
    )
    return row


def _addresses(call: Call, order: Order, halves: list[Half]) -> tuple[list[int], list[int | None], int | None]:
    """The halves' private addresses and their public ones, and SSL-VPN's own. Raises ApiError."""
    wanted = [half.vswitch.id for half in halves]
    wanted += [call.installation.public_pool] * order.public_addresses(halves)
    taken = pools.take_several(call.transaction, wanted)
    private: list[int] = []
    for half, address in zip(halves, taken, strict=False):
        if address is None:
            raise NO_PRIVATE_ADDRESS(half.parameter, half.vswitch.id, f"{half.vswitch.cidr_block} has no free address")
        private.append(address)
    public = taken[len(halves) :]
    if None in public:
        raise NO_INVENTORY.because(f"The pool {call.installation.public_pool} has no free address for the gateway.")
    if not public:
        return private, [None] * len(halves), None
    return private, public[: len(halves)], public[len(halves)] if len(public) > len(halves) else None
