"""CreateVpnGateway, DescribeVpnGateway, DescribeVpnGateways, ModifyVpnGatewayAttribute, DeleteVpnGateway."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import msgspec

from gatewright import ids
from gatewright.errors import ApiError, ErrorRow, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Length,
    Matches,
    NotYet,
    OneOf,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber, PageSize
from gatewright.operations.resource_groups import default_group
from gatewright.operations.tags import TagList
from gatewright.orders import ordering
from gatewright.orders.ordering import ChargeType
from gatewright.quotas import gateways as quota
from gatewright.reconcile import placement
from gatewright.resources.addresses import dotted
from gatewright.resources.statuses import GatewayStatus
from gatewright.store import gateways, pools, vpcs, vswitches
from gatewright.store.gateways import GatewayRow, GatewayView, InstanceRow
from gatewright.store.vpcs import VpcRow
from gatewright.store.vswitches import VSwitchRow

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
VSWITCH_NOT_FOUND = ErrorRow(
    400,
    "InvalidVSwitchId.NotFound",
    "The specified vswitchId is not found.",
    "DescribeVSwitches lists the vSwitches of a VPC.",
)
NO_INVENTORY = ErrorRow(400, "InventoryNotEnough", "The inventory is not enough.", "Widen the public pool.")
NO_PRIVATE_ADDRESS = ErrorRow(
    400,
    "OperationFailed.IpNotEnough",
    "Operation failed because private ip address of the virtual switch is not enough.",
    "Use a larger vSwitch; AvailableIpAddressCount tells how many addresses one has.",
)
ZONE_UNSUPPORTED = ErrorRow(
    400,
    "OperationFailed.AzNotSupport",
    "Current available zone can't create vpn. Try another vswitch with different available zone.",
    "DescribeZones lists the zones with VPN gateways first.",
)
SECOND_ZONE_UNSUPPORTED = ErrorRow(
    400, "InvalidVSwitchId.SecondVswitchNotSupport", "The available zone of vswitch2 not supported."
)
STANDARD_PRIVATE = ErrorRow(
    400,
    "OperationFailed.NetworkTypeNotMatch",
    "Create NationalStandard vpn with private networkType is unsupported.",
)
SSL_PRIVATE = ErrorRow(400, "OperationFailed.SslNotSupport", "Enable ssl vpn with private networkType is unsupported.")

NOT_FOUND = ErrorRow(
    404,
    "InvalidVpnGatewayInstanceId.NotFound",
    "The specified vpn gateway instance id does not exist.",
    "DescribeVpnGateways lists the gateways of a region.",
)
MODIFY_INVALID_NAME = ErrorRow(400, "InvalidName", "The name is not valid")
INVALID_DESCRIPTION = ErrorRow(400, "InvalidDescription", "The description is not valid")
CONFIGURING = ErrorRow(
    400, "VpnGateway.Configuring", "The specified service is configuring.", "The gateway is being deleted."
)
WITHIN_TERM = ErrorRow(
    403,
    "ForbiddenRelease",
    "Forbidden to release a prepaid instance within validity period",
    "A PREPAY gateway can be deleted after its EndTime; order test gateways with POSTPAY.",
)

_NAME_PATTERN = r"[A-Za-z][A-Za-z0-9._-]{1,99}"
_NAME_RULE = "must be 2 to 100 letters, digits, '.', '_' or '-', starting with a letter"

MASTER = "master"
SLAVE = "slave"


class CreateVpnGatewayRequest(Request, kw_only=True, frozen=True):
    not_yet = (NotYet("ResourceGroupId", "string"),)

    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str, Parameter()]
    bandwidth: Annotated[int, Parameter()]
    name: Annotated[str | None, Parameter(Matches(_NAME_PATTERN, _NAME_RULE, error=INVALID_NAME))] = None
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
    client_token: ClientToken = None


class CreateVpnGatewayResponse(Response, kw_only=True):
    vpn_gateway_id: str
    name: str
    order_id: int


class _Half(NamedTuple):
    """Where one instance of a new gateway goes."""

    role: str
    instance_id: str
    vswitch: VSwitchRow


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
        VSWITCH_NOT_FOUND,
        NO_INVENTORY,
        NO_PRIVATE_ADDRESS,
        ZONE_UNSUPPORTED,
        SECOND_ZONE_UNSUPPORTED,
        STANDARD_PRIVATE,
        SSL_PRIVATE,
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

    def execute(self, call: Call, request: CreateVpnGatewayRequest) -> CreateVpnGatewayResponse:
        offered = call.region.bandwidths(request.network_type)
        if request.bandwidth not in offered:
            listed = ", ".join(map(str, offered))
            raise SPEC_NOT_FOUND(
                "Bandwidth",
                request.bandwidth,
                f"a {request.network_type} gateway in {call.region.id} has one of {listed} Mbit/s",
            )
        vpc = vpcs.find(call.transaction, call.account_id, request.vpc_id)
        if vpc is None or vpc.region_id != call.region.id:
            raise VPC_NOT_FOUND("VpcId", request.vpc_id, f"names no VPC of this account in {call.region.id}")
        gateway_id = ids.resource_id("vpn", call.region.id)
        halves = self._halves(call, request, vpc, gateway_id)
        self._check_zones(call, request, halves)
        if quota.used(call.transaction, call.account_id) >= call.installation.quota_vpn_gateways:
            raise QUOTA_FULL.because(
                f"The account has {call.installation.quota_vpn_gateways} VPN gateways, which is its quota."
            )
        return self._create(call, request, vpc, gateway_id, halves)

    def _halves(self, call: Call, request: CreateVpnGatewayRequest, vpc: VpcRow, gateway_id: str) -> list[_Half]:
        """Which vSwitches the instances go into: both named ones in a dual-tunnel region, else the first or any."""
        if call.region.dual_tunnel:
            for name, value in (
                ("VSwitchId", request.vswitch_id),
                ("DisasterRecoveryVSwitchId", request.disaster_recovery_vswitch_id),
            ):
                if value is None:
                    raise missing_parameter(name)
            first = self._vswitch(call, vpc, "VSwitchId", request.vswitch_id)
            second = self._vswitch(call, vpc, "DisasterRecoveryVSwitchId", request.disaster_recovery_vswitch_id)
            return [_Half(MASTER, f"{gateway_id}-1", first), _Half(SLAVE, f"{gateway_id}-2", second)]
        if request.disaster_recovery_vswitch_id is not None:
            self._vswitch(call, vpc, "DisasterRecoveryVSwitchId", request.disaster_recovery_vswitch_id)
        if request.vswitch_id is not None:
            chosen = self._vswitch(call, vpc, "VSwitchId", request.vswitch_id)
        else:
            chosen = self._any_vswitch(call, vpc)
        return [_Half(MASTER, f"{gateway_id}-1", chosen)]

    def _vswitch(self, call: Call, vpc: VpcRow, parameter: str, vswitch_id: str | None) -> VSwitchRow:
        row = vswitches.find(call.transaction, call.account_id, vswitch_id or "")
        if row is None or row.vpc_id != vpc.id:
            raise VSWITCH_NOT_FOUND(parameter, vswitch_id, f"names no vSwitch of VPC {vpc.id}")
        return row

    def _any_vswitch(self, call: Call, vpc: VpcRow) -> VSwitchRow:
        """The oldest vSwitch of the VPC that lies in a zone with VPN gateways and has a free address."""
        for row in vswitches.of_vpc(call.transaction, vpc.id):
            pool = pools.find(call.transaction, row.id)
            if row.zone_id in call.region.gateway_zones and pool is not None and pool.available > 0:
                return row
        raise VSWITCH_NOT_FOUND(
            "VSwitchId", "", f"VPC {vpc.id} has no vSwitch with a free address in a zone with VPN gateways"
        )

    def _check_zones(self, call: Call, request: CreateVpnGatewayRequest, halves: list[_Half]) -> None:
        zones = call.region.gateway_zones
        first = halves[0].vswitch
        if request.vpn_type == "NationalStandard" and call.installation.plane == "linux":
            raise ZONE_UNSUPPORTED("VpnType", "NationalStandard", "no host of this installation offers SM ciphers")
        if first.zone_id not in zones:
            raise ZONE_UNSUPPORTED(
                "VSwitchId",
                first.id,
                f"its zone {first.zone_id} has no VPN gateways; {', '.join(zones)} have",
            )
        if len(halves) == 1:
            return
        second = halves[1].vswitch
        if second.zone_id not in zones:
            raise SECOND_ZONE_UNSUPPORTED(
                "DisasterRecoveryVSwitchId",
                second.id,
                f"its zone {second.zone_id} has no VPN gateways; {', '.join(zones)} have",
            )
        if second.zone_id == first.zone_id and len(zones) > 1:
            raise SECOND_ZONE_UNSUPPORTED(
                "DisasterRecoveryVSwitchId",
                second.id,
                f"its zone {second.zone_id} is that of VSwitchId; {call.region.id} has {len(zones)} zones for two",
            )

    def _create(
        self, call: Call, request: CreateVpnGatewayRequest, vpc: VpcRow, gateway_id: str, halves: list[_Half]
    ) -> CreateVpnGatewayResponse:
        transaction = call.transaction
        private = [self._private_address(call, half) for half in halves]
        public = [
            self._public_address(call, half.instance_id) if request.network_type == "public" else None
            for half in halves
        ]
        ssl_address = None
        if request.enable_ssl and len(halves) > 1:
            ssl_address = self._public_address(call, halves[0].instance_id)
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
        gateways.add(
            transaction,
            GatewayRow(
                id=gateway_id,
                account_id=call.account_id,
                region_id=call.region.id,
                vpc_id=vpc.id,
                vswitch_id=halves[0].vswitch.id,
                disaster_recovery_vswitch_id=halves[1].vswitch.id if len(halves) > 1 else None,
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
            ),
        )
        for half, private_address, public_address in zip(halves, private, public, strict=True):
            gateways.add_instance(
                transaction,
                InstanceRow(
                    id=half.instance_id,
                    gateway_id=gateway_id,
                    role=half.role,
                    zone_id=half.vswitch.zone_id,
                    vswitch_id=half.vswitch.id,
                    private_address=private_address,
                    public_address=public_address,
                ),
            )
        quota.take(transaction, call.account_id, call.region.id)
        placement.place_instances(
            transaction,
            call.account_id,
            gateway_id,
            call.region.id,
            [(half.instance_id, half.vswitch.zone_id) for half in halves],
        )
        return CreateVpnGatewayResponse(vpn_gateway_id=gateway_id, name=name, order_id=order_id)

    def _private_address(self, call: Call, half: _Half) -> int:
        address = pools.take(call.transaction, half.vswitch.id, half.instance_id)
        if address is None:
            parameter = "VSwitchId" if half.role == MASTER else "DisasterRecoveryVSwitchId"
            raise NO_PRIVATE_ADDRESS(parameter, half.vswitch.id, f"{half.vswitch.cidr_block} has no free address")
        return address

    def _public_address(self, call: Call, instance_id: str) -> int:
        address = pools.take(call.transaction, pools.PUBLIC, instance_id)
        if address is None:
            raise NO_INVENTORY.because(
                f"The public pool {call.installation.public_network} has no free address for the gateway."
            )
        return address


class EniInstanceIds(Part, kw_only=True):
    eni_instance_id: list[str]


class VpnGatewayPart(Part, kw_only=True):
    vpn_gateway_id: str
    name: str
    description: str
    status: str
    business_status: str
    gateway_type: str
    network_type: str
    vpn_type: str
    vpc_id: str
    vswitch_id: str
    disaster_recovery_vswitch_id: str | None = None
    internet_ip: str
    disaster_recovery_internet_ip: str | None = None
    ssl_vpn_internet_ip: str | None = None
    spec: str
    ipsec_vpn: str
    ssl_vpn: str
    ssl_max_connections: int
    enable_bgp: bool
    auto_propagate: bool
    charge_type: str
    create_time: int
    end_time: int | None = None
    resource_group_id: str
    eni_instance_ids: EniInstanceIds
    tag: str
    tags: TagList


class DescribeVpnGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str, Parameter()]
    include_reservation_data: Annotated[bool, Parameter()] = False


class DescribeVpnGatewayResponse(VpnGatewayPart, kw_only=True):
    pass


#: What a gateway can do, as a JSON text: clients look here before they use a feature.
CAPABILITIES = msgspec.json.encode(
    {"VpnEnableBgp": "false", "VisuallySsl": "false", "PbrPriority": "false", "VpnNewImage": "true"}
).decode()


def find_gateway(call: Call, gateway_id: str) -> GatewayView:
    """The account's gateway in the request's region. Raises InvalidVpnGatewayInstanceId.NotFound."""
    row = gateways.view(call.transaction, call.account_id, gateway_id)
    if row is None or not call.here(row.region_id):
        raise NOT_FOUND("VpnGatewayId", gateway_id, f"names no VPN gateway of this account in {call.region.id}")
    return row


def addresses_of(row: GatewayView) -> dict[str, str | None]:
    """A gateway's addresses: where it is reached, for a private gateway its private ones."""
    first, second, ssl = row.master_public, row.slave_public, row.ssl_address
    if row.network_type == "private":
        first, second = row.master_private, row.slave_private
    elif row.enable_ssl and second is None:
        ssl = first
    return {
        "internet_ip": dotted(first) if first is not None else "",
        "disaster_recovery_internet_ip": dotted(second) if second is not None else None,
        "ssl_vpn_internet_ip": dotted(ssl) if ssl is not None else None,
    }


def _facts(row: GatewayView) -> dict[str, Any]:
    """What both descriptions tell of a gateway."""
    return {
        **addresses_of(row),
        "vpn_gateway_id": row.id,
        "name": row.name,
        "description": row.description,
        "status": row.status,
        "business_status": "Normal",
        "gateway_type": "Traditional",
        "network_type": row.network_type,
        "vpn_type": row.vpn_type,
        "vpc_id": row.vpc_id,
        "vswitch_id": row.vswitch_id,
        "disaster_recovery_vswitch_id": row.disaster_recovery_vswitch_id,
        "spec": f"{row.bandwidth}M",
        "ipsec_vpn": "enable" if row.enable_ipsec else "disable",
        "ssl_vpn": "enable" if row.enable_ssl else "disable",
        "ssl_max_connections": row.ssl_connections,
        "enable_bgp": False,
        "auto_propagate": row.auto_propagate,
        "charge_type": row.charge_type,
        "create_time": row.created_at,
        "end_time": row.ends_at,
        "resource_group_id": default_group(row.account_id),
        "eni_instance_ids": _NO_ENIS,
        "tag": CAPABILITIES,
        "tags": _NO_TAGS,
    }


_NO_ENIS = EniInstanceIds(eni_instance_id=[])
_NO_TAGS = TagList(tag=[])


class DescribeVpnGateway(Operation[DescribeVpnGatewayRequest, DescribeVpnGatewayResponse]):
    """Describe one gateway. No order is ever pending, so there is no ``ReservationData`` to include."""

    access = Access.READ
    errors = (NOT_FOUND,)

    def execute(self, call: Call, request: DescribeVpnGatewayRequest) -> DescribeVpnGatewayResponse:
        return DescribeVpnGatewayResponse(**_facts(find_gateway(call, request.vpn_gateway_id)))


class DescribeVpnGatewaysRequest(Request, kw_only=True, frozen=True):
    not_yet = (NotYet("ResourceGroupId", "string"), NotYet("Tag", "array<object>"))

    region_id: Annotated[str, Parameter()]
    vpc_id: Annotated[str | None, Parameter()] = None
    vpn_gateway_id: Annotated[str | None, Parameter()] = None
    status: Annotated[str | None, Parameter(OneOf(*(status.value for status in GatewayStatus)))] = None
    business_status: Annotated[str | None, Parameter(OneOf("Normal", "FinancialLocked"))] = None
    gateway_type: Annotated[str | None, Parameter(OneOf("Traditional", "Enhanced.SiteToSite"))] = None
    include_reservation_data: Annotated[bool, Parameter()] = False
    page_number: PageNumber = FIRST_PAGE
    page_size: PageSize = DEFAULT_PAGE_SIZE


class VpnGatewayList(Part, kw_only=True):
    vpn_gateway: list[VpnGatewayPart]


class DescribeVpnGatewaysResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    vpn_gateways: VpnGatewayList


class DescribeVpnGateways(Operation[DescribeVpnGatewaysRequest, DescribeVpnGatewaysResponse]):
    """Page through the gateways of a region, newest first."""

    access = Access.LIST

    def execute(self, call: Call, request: DescribeVpnGatewaysRequest) -> DescribeVpnGatewaysResponse:
        rows, total = self._page(call, request)
        return DescribeVpnGatewaysResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            vpn_gateways=VpnGatewayList(vpn_gateway=[VpnGatewayPart(**_facts(row)) for row in rows]),
        )

    def _page(self, call: Call, request: DescribeVpnGatewaysRequest) -> tuple[list[GatewayView], int]:
        if request.business_status == "FinancialLocked" or request.gateway_type == "Enhanced.SiteToSite":
            return [], 0
        filters: dict[str, Any] = {"account_id": call.account_id, "region_id": call.region.id}
        wanted = {"vpc_id": request.vpc_id, "id": request.vpn_gateway_id, "status": request.status}
        chosen = {name: value for name, value in wanted.items() if value is not None}
        number, size = request.page_number, request.page_size
        if chosen:
            return gateways.page(call.transaction, filters | chosen, number=number, size=size)
        rows = gateways.rows(call.transaction, filters, number=number, size=size)
        return rows, quota.in_region(call.transaction, call.account_id, call.region.id)


class ModifyVpnGatewayAttributeRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str, Parameter()]
    name: Annotated[str | None, Parameter(Matches(_NAME_PATTERN, _NAME_RULE, error=MODIFY_INVALID_NAME))] = None
    description: Annotated[str | None, Parameter(Length(1, 100, INVALID_DESCRIPTION))] = None
    auto_propagate: Annotated[bool | None, Parameter()] = None
    client_token: ClientToken = None


class ModifyVpnGatewayAttributeResponse(Response, kw_only=True):
    vpn_gateway_id: str
    name: str
    description: str
    status: str
    business_status: str
    vpc_id: str
    vswitch_id: str
    disaster_recovery_vswitch_id: str | None = None
    internet_ip: str
    disaster_recovery_internet_ip: str | None = None
    ssl_vpn_internet_ip: str | None = None
    intranet_ip: str
    spec: str
    enable_bgp: bool
    auto_propagate: bool
    create_time: int
    end_time: int | None = None
    resource_group_id: str


class ModifyVpnGatewayAttribute(Operation[ModifyVpnGatewayAttributeRequest, ModifyVpnGatewayAttributeResponse]):
    """Change name, description or route propagation.

    A new name or description changes nothing on a host, and the gateway stays ``active``; changed propagation makes
    it ``updating`` until its hosts have it. A gateway that is being deleted is not changed any more.
    """

    access = Access.WRITE
    errors = (NOT_FOUND, MODIFY_INVALID_NAME, INVALID_DESCRIPTION, CONFIGURING)

    def execute(self, call: Call, request: ModifyVpnGatewayAttributeRequest) -> ModifyVpnGatewayAttributeResponse:
        row = find_gateway(call, request.vpn_gateway_id)
        if row.status == GatewayStatus.DELETING:
            raise CONFIGURING("VpnGatewayId", row.id, "is being deleted")
        auto_propagate = row.auto_propagate if request.auto_propagate is None else request.auto_propagate
        generation, status = row.generation, row.status
        if auto_propagate != row.auto_propagate:
            generation += 1
            placement.want_generation(call.transaction, row.id, generation)
            if status == GatewayStatus.ACTIVE:
                status = GatewayStatus.UPDATING.value
        changed = msgspec.structs.replace(
            row,
            name=row.name if request.name is None else request.name,
            description=row.description if request.description is None else request.description,
            auto_propagate=auto_propagate,
            generation=generation,
            status=status,
        )
        gateways.change(
            call.transaction,
            row.id,
            name=changed.name,
            description=changed.description,
            auto_propagate=changed.auto_propagate,
            generation=changed.generation,
            status=changed.status,
        )
        facts = _facts(changed)
        told = {name: facts[name] for name in _MODIFY_FIELDS if name in facts}
        return ModifyVpnGatewayAttributeResponse(**told, intranet_ip=dotted(row.master_private))


_MODIFY_FIELDS = ModifyVpnGatewayAttributeResponse.__struct_fields__


class DeleteVpnGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str, Parameter()]
    client_token: ClientToken = None


class DeleteVpnGatewayResponse(Response, kw_only=True):
    pass


class DeleteVpnGateway(Operation[DeleteVpnGatewayRequest, DeleteVpnGatewayResponse]):
    """Delete a gateway: ``deleting`` until its hosts have removed every trace, then gone.

    Deleting it again meanwhile succeeds and changes nothing (*assumed*).
    """

    access = Access.WRITE
    errors = (NOT_FOUND, WITHIN_TERM)

    def execute(self, call: Call, request: DeleteVpnGatewayRequest) -> DeleteVpnGatewayResponse:
        row = find_gateway(call, request.vpn_gateway_id)
        refusal = self._refusal(call, row)
        if refusal is not None:
            raise refusal
        if row.status != GatewayStatus.DELETING:
            gateways.set_status(call.transaction, row.id, GatewayStatus.DELETING.value)
            placement.bury(call.transaction, row.id)
        return DeleteVpnGatewayResponse()

    def _refusal(self, call: Call, row: GatewayView) -> ApiError | None:
        if row.ends_at is not None and call.now < row.ends_at:
            return WITHIN_TERM("VpnGatewayId", row.id, "is a subscription whose term has not ended")
        return None


OPERATIONS = (
    CreateVpnGateway,
    DescribeVpnGateway,
    DescribeVpnGateways,
    ModifyVpnGatewayAttribute,
    DeleteVpnGateway,
)
