"""DiagnoseVpnGateway, GetVpnGatewayDiagnoseResult."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from typing import Annotated

import msgspec

from gatewright import ids
from gatewright.clock import iso_seconds
from gatewright.errors import invalid_parameter, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import (
    Access,
    Item,
    OneOf,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
    Satisfies,
)
from gatewright.operations.diagnosis.items import items_of
from gatewright.operations.vpn_connections.facts import NOT_FOUND as CONNECTION_NOT_FOUND
from gatewright.operations.vpn_connections.facts import find_connection
from gatewright.operations.vpn_gateways.facts import NOT_FOUND, find_gateway
from gatewright.resources.gateway_diagnosis import Item as Found
from gatewright.resources.gateway_diagnosis import Pair
from gatewright.store import diagnoses
from gatewright.store.diagnoses import DiagnosisRow

#: The only ``ResourceType``.
IPSEC = "IPsec"
_FOUND = msgspec.json.Decoder(list[Found])


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


_Address = Annotated[str | None, Parameter(Satisfies(_is_address, "must be an IPv4 address"))]


class ExtendInfo(Item, kw_only=True, frozen=True):
    private_source_ip: _Address = None
    private_destination_ip: _Address = None


class DiagnoseVpnGatewayRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    vpn_gateway_id: Annotated[str, Parameter()]
    resource_type: Annotated[str, Parameter(OneOf(IPSEC, any_case=True))]
    resource_id: Annotated[str, Parameter()]
    ipsec_extend_info: Annotated[ExtendInfo | None, Parameter(name="IPsecExtendInfo", text=True)] = None
    client_token: ClientToken = None


class DiagnoseVpnGatewayResponse(Response, kw_only=True):
    diagnose_id: str


class DiagnoseVpnGateway(Operation[DiagnoseVpnGatewayRequest, DiagnoseVpnGatewayResponse]):
    """Find out how a gateway and one of its IPsec connections stand; GetVpnGatewayDiagnoseResult tells it.

    All is known here, from what hosts have told, so a diagnosis is finished when its id is told (*assumed*); no packets
    are sent for it. Addresses of both sides are given together. The newest 100 diagnoses of an account are kept
    (*assumed*), those of a gateway as long as there is the gateway.
    """

    access = Access.WRITE
    errors = (NOT_FOUND, CONNECTION_NOT_FOUND)

    def validate(self, request: DiagnoseVpnGatewayRequest) -> None:
        _pair(request)

    def execute(self, call: Call, request: DiagnoseVpnGatewayRequest) -> DiagnoseVpnGatewayResponse:
        gateway = find_gateway(call, request.vpn_gateway_id)
        connection = find_connection(call, request.resource_id, "ResourceId")
        if connection.gateway_id != gateway.id:
            raise CONNECTION_NOT_FOUND("ResourceId", connection.id, f"names no IPsec connection of {gateway.id}")
        found = items_of(call, gateway, connection, _pair(request))
        row = DiagnosisRow(
            id=ids.resource_id("vpndgn", gateway.region_id),
            account_id=call.account_id,
            region_id=gateway.region_id,
            gateway_id=gateway.id,
            resource_type=IPSEC,
            resource_id=connection.id,
            items=msgspec.json.encode(found).decode(),
            begun_at=call.now,
            finished_at=call.now,
        )
        diagnoses.add(call.transaction, row)
        return DiagnoseVpnGatewayResponse(diagnose_id=row.id)


def _pair(request: DiagnoseVpnGatewayRequest) -> Pair | None:
    info = request.ipsec_extend_info
    if info is None or info == ExtendInfo():
        return None
    if info.private_source_ip is None:
        raise missing_parameter("IPsecExtendInfo.PrivateSourceIp")
    if info.private_destination_ip is None:
        raise missing_parameter("IPsecExtendInfo.PrivateDestinationIp")
    return Pair(info.private_source_ip, info.private_destination_ip)


class GetVpnGatewayDiagnoseResultRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    diagnose_id: Annotated[str | None, Parameter()] = None
    vpn_gateway_id: Annotated[str | None, Parameter()] = None
    client_token: ClientToken = None


class DiagnoseResultPart(Part, kw_only=True):
    diagnose_name: str
    diagnose_result_level: str
    #: JSON.
    diagnose_result_description: str


class GetVpnGatewayDiagnoseResultResponse(Response, kw_only=True):
    diagnose_id: str
    vpn_gateway_id: str
    resource_type: str
    resource_instance_id: str
    begin_time: str
    finish_time: str
    finished_count: int
    total_count: int
    diagnose_result: list[DiagnoseResultPart]


class GetVpnGatewayDiagnoseResult(Operation[GetVpnGatewayDiagnoseResultRequest, GetVpnGatewayDiagnoseResultResponse]):
    """Tell what a diagnosis has found: the one that is named, or the last one of a gateway.

    One of ``DiagnoseId`` and ``VpnGatewayId`` has to be given; with both the diagnosis has to be the gateway's. Each
    ``DiagnoseResultDescription`` is JSON. Items named ``Gatewright...`` are ours, for what the documented ones leave
    out. A quota is ``warning`` from 80 % on and ``error`` when it is full (*assumed*).
    """

    access = Access.READ
    errors = (NOT_FOUND,)

    def validate(self, request: GetVpnGatewayDiagnoseResultRequest) -> None:
        if request.diagnose_id is None and request.vpn_gateway_id is None:
            raise missing_parameter("DiagnoseId")

    def execute(self, call: Call, request: GetVpnGatewayDiagnoseResultRequest) -> GetVpnGatewayDiagnoseResultResponse:
        row = _row(call, request)
        found = _FOUND.decode(row.items)
        return GetVpnGatewayDiagnoseResultResponse(
            diagnose_id=row.id,
            vpn_gateway_id=row.gateway_id,
            resource_type=row.resource_type,
            resource_instance_id=row.resource_id,
            begin_time=iso_seconds(row.begun_at),
            finish_time=iso_seconds(row.finished_at),
            finished_count=len(found),
            total_count=len(found),
            diagnose_result=[
                DiagnoseResultPart(
                    diagnose_name=each.name,
                    diagnose_result_level=each.level.value,
                    diagnose_result_description=msgspec.json.encode(each.description).decode(),
                )
                for each in found
            ],
        )


def _row(call: Call, request: GetVpnGatewayDiagnoseResultRequest) -> DiagnosisRow:
    """The diagnosis that is asked for. Raises ApiError."""
    if request.vpn_gateway_id is not None:
        find_gateway(call, request.vpn_gateway_id)
    if request.diagnose_id is not None:
        row = diagnoses.find(call.transaction, call.account_id, request.diagnose_id)
        of_it = row is not None and request.vpn_gateway_id in (None, row.gateway_id)
        if row is None or not of_it or not call.here(row.region_id):
            whose = f" of {request.vpn_gateway_id}" if request.vpn_gateway_id else ""
            detail = f"names no diagnosis{whose} of this account {call.where}, or one that is not kept any more"
            raise invalid_parameter("DiagnoseId", request.diagnose_id, detail)
        return row
    wanted = request.vpn_gateway_id or ""
    row = diagnoses.newest(call.transaction, call.account_id, wanted)
    if row is None or not call.here(row.region_id):
        raise invalid_parameter("VpnGatewayId", wanted, "names a gateway of which no diagnosis is kept")
    return row
