"""Location DescribeEndpoints: where a product answers. Here everything answers where it was asked.

SDKs, the command line and Terraform ask it when nobody configured an endpoint, so that one address is enough.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    LOCATION,
    PRODUCTS,
    Access,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)

ILLEGAL_PARAMETER = ErrorRow(
    400,
    "Illegal Parameter",
    "Please check the parameters",
    "ServiceCode is a product in lower case (vpc, ecs, alb, resourcemanager, location, bssopenapi, sts), Id a region.",
)
REGION_NOT_FOUND = ErrorRow(
    404, "InvalidRegionId", "The specified region does not exist.", "DescribeRegions lists the regions."
)

#: Service codes by product: the product's code in lower case, as the SDKs' requests carry them.
SERVICE_CODES = {product.code.lower(): product for product in PRODUCTS}
#: The only type of endpoint that there is.
OPEN_API = "openAPI"


class DescribeEndpointsRequest(Request, kw_only=True, frozen=True):
    id: Annotated[str, Parameter()] = ""
    service_code: Annotated[str, Parameter()] = ""
    type: Annotated[str, Parameter()] = OPEN_API


class ProtocolList(Part, kw_only=True):
    protocols: list[str]


class EndpointPart(Part, kw_only=True):
    endpoint: str
    id: str
    namespace: str
    #: The API's own spelling, which every SDK reads.
    service_code: str = msgspec.field(name="SerivceCode")
    type: str
    protocols: ProtocolList


class EndpointList(Part, kw_only=True):
    endpoint: list[EndpointPart]


class DescribeEndpointsResponse(Response, kw_only=True):
    endpoints: EndpointList
    success: bool


class DescribeEndpoints(Operation[DescribeEndpointsRequest, DescribeEndpointsResponse]):
    """Tell where a product answers in a region: at the host and port of this very request.

    ``Id`` and ``ServiceCode`` are needed; without them it is answered as an unknown product is (*assumed*). An unknown
    product has the status 400, an unknown region 404 (*assumed*). Of a type other than ``openAPI`` there are no
    endpoints. ``Protocols`` has what Gatewright itself speaks, HTTP or HTTPS; whether something in front of it ends
    TLS, only the caller knows (*assumed*). ``Namespace`` is empty (*assumed*).
    """

    product = LOCATION
    access = Access.LIST
    errors = (ILLEGAL_PARAMETER, REGION_NOT_FOUND)

    def validate(self, request: DescribeEndpointsRequest) -> None:
        if not request.service_code:
            raise ILLEGAL_PARAMETER("ServiceCode", "", "is absent or empty")
        if request.service_code.lower() not in SERVICE_CODES:
            raise ILLEGAL_PARAMETER(
                "ServiceCode", request.service_code, f"must be one of {', '.join(SERVICE_CODES)}: no other is served"
            )
        if not request.id:
            raise ILLEGAL_PARAMETER("Id", "", "is absent or empty: it names the region")

    def execute(self, call: Call, request: DescribeEndpointsRequest) -> DescribeEndpointsResponse:
        if request.id not in call.installation.regions:
            raise REGION_NOT_FOUND("Id", request.id, "must be a region that DescribeRegions lists")
        if not call.endpoint:
            raise missing_parameter("Host")
        endpoint = EndpointPart(
            endpoint=call.endpoint,
            id=request.id,
            namespace="",
            service_code=request.service_code,
            type=OPEN_API,
            protocols=ProtocolList(protocols=[call.installation.protocol]),
        )
        found = [endpoint] if request.type.lower() == OPEN_API.lower() else []
        return DescribeEndpointsResponse(endpoints=EndpointList(endpoint=found), success=True)


OPERATIONS = (DescribeEndpoints,)
