"""CreateVpnGateway: ordering a gateway, and wanting it built."""

from __future__ import annotations

from typing import Annotated

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
from gatewright.operations.tags import TAG_ERRORS, Tags, check_tags
from gatewright.operations.vpn_gateways.building import BUILDING_ERRORS, Order, build
from gatewright.operations.vpn_gateways.facts import NAME_PATTERN, NAME_RULE, TRADITIONAL
from gatewright.orders.ordering import ChargeType

SSL_CONNECTIONS = (5, 10, 20, 50, 100, 200, 500, 1000)
PERIODS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24, 36)

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


class CreateVpnGateway(Operation[CreateVpnGatewayRequest, CreateVpnGatewayResponse]):
    """Order a VPN gateway, and have it built.

    The answer comes as soon as the order is durable; the gateway is ``init``, then ``provisioning``, then ``active``.
    Every order counts as paid, with and without ``AutoPay``.
    """

    access = Access.WRITE
    errors = (
        *BUILDING_ERRORS,
        INVALID_NAME,
        SPEC_NOT_FOUND,
        INVALID_PERIOD,
        CHARGE_TYPE,
        UNNECESSARY_SSL,
        NOTHING_ENABLED,
        STANDARD_PRIVATE,
        SSL_PRIVATE,
        SHARED_RESOURCE,
        NO_SLR_PERMISSION,
        INTERNAL,
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
        prepaid = request.instance_charge_type == "PREPAY"
        row = build(
            call,
            Order(
                gateway_type=TRADITIONAL,
                vpc_id=request.vpc_id,
                vswitch_id=request.vswitch_id,
                disaster_recovery_vswitch_id=request.disaster_recovery_vswitch_id,
                network_type=request.network_type,
                vpn_type=request.vpn_type,
                name=request.name,
                bandwidth=request.bandwidth,
                resource_group_id=request.resource_group_id,
                enable_ipsec=request.enable_ipsec,
                ssl_connections=(request.ssl_connections or SSL_CONNECTIONS[0]) if request.enable_ssl else 0,
                charge_type=ChargeType.PREPAY if prepaid else ChargeType.POSTPAY,
                period=request.period if prepaid else None,
                tags=request.tag,
            ),
        )
        return CreateVpnGatewayResponse(vpn_gateway_id=row.id, name=row.name, order_id=row.order_id)

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
