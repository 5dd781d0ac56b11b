"""CreateVpnGateway: ordering a gateway, and wanting it built."""

from __future__ import annotations

from typing import Annotated

from gatewright import ids
from gatewright.errors import ErrorRow, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Matches,
    OneOf,
    Operation,
    Parameter,
    Request,
    Response,
)
from gatewright.operations.resource_groups import NO_SUCH_GROUP, group_for
from gatewright.operations.tags import TAG_ERRORS, ResourceType, Tags, add_tags, check_tags
from gatewright.operations.vpn_gateways import siting
from gatewright.operations.vpn_gateways.facts import NAME_PATTERN, NAME_RULE
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

SSL_CONNECTIONS = (5, 10, 20, 50, 100, 200, 500, 1000)
PERIODS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24, 36)

VPC_NOT_FOUND = ErrorRow(
    400,
    "InvalidVpcId.NotFound",
    "The specified VPC id does not exist in our records.",
    "DescribeVpcs lists them.",
)
INVALID_NAME = ErrorRow(400, "InvalidName", "The specified value of Name not supported.")
SPEC_NOT_FOUND = ErrorRow(
    400,
    "InvalidSpec.NotFound",
    "The specified Spec does not exist in our records.",
    "Order a bandwidth that the detail lists.",
)
INVALID_PERIOD = ErrorRow(400, "InvalidPeriod", "The specified period is not valid")
CHARGE_TYPE = ErrorRow(400, "ChargeType.NotSupport", "The specified charge type is not support.")
UNNECESSARY_SSL = ErrorRow(400, "UnnecessarySslConnection", "The SSL connection is unnecessary for ssl vpn disabled.")
NOTHING_ENABLED = ErrorRow(400, "InvalidVpnEnable", "Either IPsec or SSL VPN must be set enable.")
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
#: Conditions that come with access control; until then fault injection alone gives them.
SHARED_RESOURCE = ErrorRow(
    400, "Forbidden.OperateShareResource", "Operating shared resources is forbidden.", "Only by fault injection so far."
)
NO_SLR_PERMISSION = ErrorRow(
    400,
    "Forbidden.NoSLRPermission",
    "User not authorized to create service linked role.",
    "Only by fault injection so far.",
)
INTERNAL = ErrorRow(
    400,
    "InternalError",
    "The request processing has failed due to some unknown error, exception or failure.",
    "Only by fault injection: a fault of Gatewright itself answers 500.",
)
STANDARD_PRIVATE = ErrorRow(
    400,
    "OperationFailed.NetworkTypeNotMatch",
    "Create NationalStandard vpn with private networkType is unsupported.",
)
SSL_PRIVATE = ErrorRow(400, "OperationFailed.SslNotSupport", "Enable ssl vpn with private networkType is unsupported.")


class CreateVpnGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str, Parameter()]
    bandwidth: Annotated[int, Parameter()]
    name: Annotated[str | None, Parameter(Matches(NAME_PATTERN, NAME_RULE, error=INVALID_NAME))] = None
    vswitch_id: Annotated[str | None, Parameter(name="VSwitchId")] = None
    disaster_recovery_vswitch_id: Annotated[str | None, Parameter()] = None
    enable_ipsec: Annotated[bool, Parameter()] = True
    enable_ssl: Annotated[bool, Parameter()] = False
    ssl_connections: Annotated[int | None, Parameter(OneOf(*SSL_CONNECTIONS))] = None
    network_type: Annotated[str, Parameter(OneOf("public", "private"))] = "public"
    vpn_type: Annotated[str, Parameter(OneOf("Normal", "NationalStandard"))] = "Normal"
    instance_charge_type: Annotated[str, Parameter(OneOf("PREPAY", "POSTPAY", error=CHARGE_TYPE))] = "POSTPAY"
    period: Annotated[int | None, Parameter(OneOf(*PERIODS, error=INVALID_PERIOD))] = None
    auto_pay: Annotated[bool, Parameter()] = False
    resource_group_id: Annotated[str | None, Parameter()] = None
    tag: Tags = ()
    client_token: ClientToken = None


class CreateVpnGatewayResponse(Response, kw_only=True):
    vpn_gateway_id: str
    name: str
    order_id: int


def _public_addresses(request: CreateVpnGatewayRequest, halves: list[Half]) -> int:
    """How many public addresses the gateway gets: one an instance, and on a dual-tunnel one another for SSL-VPN."""
    if request.network_type != "public":
        return 0
    return len(halves) + (request.enable_ssl and len(halves) > 1)


class CreateVpnGateway(Operation[CreateVpnGatewayRequest, CreateVpnGatewayResponse]):
    """Order a VPN gateway, and have it built.

    The answer comes as soon as the order is durable; the gateway is ``init``, then ``provisioning``, then ``active``.
    Every order counts as paid, with and without ``AutoPay``.
    """

    access = Access.WRITE
    errors = (
        VPC_NOT_FOUND,
        INVALID_NAME,
        SPEC_NOT_FOUND,
        INVALID_PERIOD,
        CHARGE_TYPE,
        UNNECESSARY_SSL,
        NOTHING_ENABLED,
        QUOTA_FULL,
        QUOTA_REACHED,
        *siting.SITE_ERRORS,
        STANDARD_PRIVATE,
        SSL_PRIVATE,
        SHARED_RESOURCE,
        NO_SLR_PERMISSION,
        INTERNAL,
        NO_SUCH_GROUP,
        *TAG_ERRORS,
    )

    def validate(self, request: CreateVpnGatewayRequest) -> None:
        if request.instance_charge_type == "PREPAY" and request.period is None:
            raise INVALID_PERIOD("Period", "", "is required with InstanceChargeType PREPAY")
        if not request.enable_ipsec and not request.enable_ssl:
            raise NOTHING_ENABLED("EnableIpsec", "false", "EnableSsl is not true either")
        if request.ssl_connections is not None and not request.enable_ssl:
            raise UNNECESSARY_SSL("SslConnections", request.ssl_connections, "EnableSsl is not true")
        if request.network_type == "private" and request.vpn_type == "NationalStandard":
            raise STANDARD_PRIVATE("NetworkType", "private", "VpnType is NationalStandard")
        if request.network_type == "private" and request.enable_ssl:
            raise SSL_PRIVATE("EnableSsl", "true", "NetworkType is private")
        check_tags(request.tag)

    def execute(self, call: Call, request: CreateVpnGatewayRequest) -> CreateVpnGatewayResponse:
        self._check_values(call, request)
        vpc = vpcs.find(call.transaction, call.account_id, request.vpc_id)
        if vpc is None or vpc.region_id != call.region.id:
            raise VPC_NOT_FOUND("VpcId", request.vpc_id, f"names no VPC of this account in {call.region.id}")
        gateway_id = ids.resource_id("vpn", call.region.id)
        halves = siting.halves_of(call, request, vpc, gateway_id)
        group_id = group_for(call, request.resource_group_id)
        siting.check_vswitches(halves)
        siting.check_zones(call, request, halves)
        self._check_quotas(call, request, halves)
        siting.take_capacity(call, halves)
        return self._create(call, request, vpc, gateway_id, halves, group_id)

    def _check_values(self, call: Call, request: CreateVpnGatewayRequest) -> None:
        """What depends on the region and the installation alone: parameters that are needed, and what is offered."""
        if call.region.dual_tunnel:
            for name, value in (
                ("VSwitchId", request.vswitch_id),
                ("DisasterRecoveryVSwitchId", request.disaster_recovery_vswitch_id),
            ):
                if value is None:
                    raise missing_parameter(name)
        if request.instance_charge_type not in call.installation.charge_types:
            raise CHARGE_TYPE(
                "InstanceChargeType",
                request.instance_charge_type,
                f"this installation offers {', '.join(call.installation.charge_types)}",
            )
        offered = call.region.bandwidths(request.network_type)
        if request.bandwidth not in offered:
            listed = ", ".join(map(str, offered))
            raise SPEC_NOT_FOUND(
                "Bandwidth",
                request.bandwidth,
                f"a {request.network_type} gateway in {call.region.id} has one of {listed} Mbit/s",
            )

    def _check_quotas(self, call: Call, request: CreateVpnGatewayRequest, halves: list[Half]) -> None:
        quotas = call.installation.quotas
        used = quota.used(call.transaction, call.account_id)
        if used >= quotas.vpn_gateways:
            raise QUOTA_FULL.because(f"The account has {quotas.vpn_gateways} VPN gateways, which is its quota.")
        wanted = _public_addresses(request, halves)
        if not quota.addresses_fit(call.transaction, call.account_id, used, wanted, quotas.public_addresses):
            raise QUOTA_REACHED.because(
                f"The gateway needs {wanted} public addresses, and the account's gateways may have "
                f"{quotas.public_addresses} together, which is its quota."
            )

    def _create(
        self,
        call: Call,
        request: CreateVpnGatewayRequest,
        vpc: VpcRow,
        gateway_id: str,
        halves: list[Half],
        group_id: str,
    ) -> CreateVpnGatewayResponse:
        transaction = call.transaction
        private, public, ssl_address = self._addresses(call, request, halves)
        prepaid = request.instance_charge_type == "PREPAY"
        period = request.period if prepaid else None
        charge_type = ChargeType.PREPAY if prepaid else ChargeType.POSTPAY
        order_id = ordering.place(
            transaction,
            account_id=call.account_id,
            resource_id=gateway_id,
            charge_type=charge_type,
            period=period,
            now=call.now,
        )
        name = request.name if request.name is not None else gateway_id
        row = GatewayRow(
            id=gateway_id,
            account_id=call.account_id,
            region_id=call.region.id,
            vpc_id=vpc.id,
            vswitch_id=halves[0].vswitch.id,
            disaster_recovery_vswitch_id=halves[1].vswitch.id if len(halves) > 1 else None,
            resource_group_id=group_id,
            name=name,
            description="",
            bandwidth=request.bandwidth,
            network_type=request.network_type,
            vpn_type=request.vpn_type,
            enable_ipsec=request.enable_ipsec,
            enable_ssl=request.enable_ssl,
            ssl_connections=(request.ssl_connections or SSL_CONNECTIONS[0]) if request.enable_ssl else 0,
            ssl_address=ssl_address,
            auto_propagate=False,
            charge_type=charge_type.value,
            order_id=order_id,
            status=GatewayStatus.INIT.value,
            generation=1,
            created_at=call.now,
            ends_at=ordering.end_of_term(call.now, period) if period else None,
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
        add_tags(call, ResourceType.VPN_GATEWAY, call.region.id, gateway_id, request.tag)
        placement.place_instances(
            transaction,
            call.account_id,
            gateway_id,
            [(half.instance_id, half.vswitch) for half in halves],
        )
        return CreateVpnGatewayResponse(vpn_gateway_id=gateway_id, name=name, order_id=order_id)

    def _addresses(
        self, call: Call, request: CreateVpnGatewayRequest, halves: list[Half]
    ) -> tuple[list[int], list[int | None], int | None]:
        """The halves' private addresses and their public ones, and SSL-VPN's own. Raises ApiError."""
        wanted = [half.vswitch.id for half in halves]
        wanted += [call.installation.public_pool] * _public_addresses(request, halves)
        taken = pools.take_several(call.transaction, wanted)
        private: list[int] = []
        for half, address in zip(halves, taken, strict=False):
            if address is None:
                raise NO_PRIVATE_ADDRESS(
                    half.parameter, half.vswitch.id, f"{half.vswitch.cidr_block} has no free address"
                )
            private.append(address)
        public = taken[len(halves) :]
        if None in public:
            raise NO_INVENTORY.because(f"The pool {call.installation.public_pool} has no free address for the gateway.")
        if not public:
            return private, [None] * len(halves), None
        return private, public[: len(halves)], public[len(halves)] if len(public) > len(halves) else None
