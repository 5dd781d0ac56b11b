"""Deviations of the operations on IPsec connections."""

from __future__ import annotations

from gatewright.operations.customer_gateways.facts import NOT_FOUND as CUSTOMER_GATEWAY_NOT_FOUND
from gatewright.operations.deviations.entries import Deviation, Difference, Kind, answers, not_told
from gatewright.operations.vpn_connections.facts import NOT_FOUND
from gatewright.operations.vpn_connections.wishes import ALREADY_EXISTS
from gatewright.operations.vpn_gateways.facts import NOT_FOUND as GATEWAY_NOT_FOUND
from gatewright.operations.vpn_gateways.updating import CONFIGURING

#: Both descriptions, and what stands before a connection's fields in each.
_DESCRIPTIONS = (("DescribeVpnConnection", ""), ("DescribeVpnConnections", "VpnConnections.VpnConnection[]."))
_TUNNEL = "TunnelOptionsSpecification.TunnelOptions[]."
_SM = "It is for SM cryptography, which is not served."
_TRANSIT = "It tells of a transit router, which there is none of here."
_SDK = "alibabacloud_vpc20160428 7.2.2"

ENTRIES: tuple[Deviation, ...] = (
    *answers(
        ("DiagnoseVpnGateway",),
        (GATEWAY_NOT_FOUND, NOT_FOUND),
        reason="Its table is not among those of 2018-2021; the API's metadata have these rows.",
        source="error codes of DiagnoseVpnGateway in the API's metadata",
    ),
    *answers(
        ("GetVpnGatewayDiagnoseResult",),
        (GATEWAY_NOT_FOUND,),
        reason="It has no error table; an unknown gateway is told as DiagnoseVpnGateway tells it.",
        source="error codes of DiagnoseVpnGateway in the API's metadata",
    ),
    *answers(
        ("DescribeVpnConnectionLogs",),
        (NOT_FOUND,),
        reason="It has no error table; an unknown connection is told as DescribeVpnConnection's tells it.",
        source="error table of DescribeVpnConnection",
    ),
    *(
        Deviation(
            Difference(operation, Kind.RESPONSE, prefix + _TUNNEL + path, f"type {ours}, reference string"),
            reason="Terraform's provider stores the value unconverted where it declares this type, so a text is lost; "
            "the SDKs take either.",
            source="terraform-provider-alicloud 1.289.0",
        )
        for operation, prefix in _DESCRIPTIONS
        for path, ours in (
            ("EnableDpd", "boolean"),
            ("EnableNatTraversal", "boolean"),
            ("TunnelIkeConfig.IkeLifetime", "integer"),
            ("TunnelIpsecConfig.IpsecLifetime", "integer"),
            ("TunnelBgpConfig.LocalAsn", "integer"),
            ("TunnelBgpConfig.PeerAsn", "integer"),
        )
    ),
    *(
        deviation
        for operation, prefix in _DESCRIPTIONS
        for reason, paths in (
            (_SM, ("RemoteCaCertificate", f"{_TUNNEL}RemoteCaCertificate")),
            (_TRANSIT, ("TransitRouterId", "TransitRouterName", "AttachInstanceId")),
        )
        for deviation in not_told(operation, *(prefix + path for path in paths), reason=reason, source=_SDK)
    ),
    *not_told(
        "ModifyVpnConnectionAttribute",
        "Description",
        reason="A connection has a name and no description: no operation takes one.",
        source=_SDK,
    ),
    *not_told("ModifyVpnConnectionAttribute", f"{_TUNNEL}RemoteCaCertificate", reason=_SM, source=_SDK),
    *not_told("ModifyTunnelAttribute", "RemoteCaCertificate", reason=_SM, source=_SDK),
    *answers(
        ("ModifyVpnConnectionAttribute", "ModifyTunnelAttribute"),
        (CUSTOMER_GATEWAY_NOT_FOUND, ALREADY_EXISTS),
        reason="A tunnel can be given another customer gateway, of which the rows of CreateVpnConnection are true.",
        source="error table of CreateVpnConnection",
    ),
    *answers(
        ("ModifyTunnelAttribute",),
        (NOT_FOUND, CONFIGURING),
        reason="No table was found for the operation; the rows are those of ModifyVpnConnectionAttribute.",
        source="error table of ModifyVpnConnectionAttribute",
    ),
)
