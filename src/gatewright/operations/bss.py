"""BssOpenApi QueryAvailableInstances: Terraform's provider asks it when it starts, to learn the kind of account."""

from __future__ import annotations

from typing import Annotated

from gatewright.clock import parse_iso_seconds
from gatewright.errors import ErrorRow, missing_parameter
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    BSS,
    Access,
    Between,
    Matches,
    OneOf,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.paging import FIRST_PAGE


class IsoTime:
    """A UTC time to the second."""

    error: ErrorRow | None = None
    rule = "must be a UTC time such as 2026-11-23T08:00:00Z"

    def holds(self, value: str) -> bool:
        return parse_iso_seconds(value) is not None


_Time = Annotated[str | None, Parameter(IsoTime())]


class QueryAvailableInstancesRequest(Request, kw_only=True, frozen=True):
    region: Annotated[str | None, Parameter()] = None
    page_num: Annotated[int, Parameter(Between(1, 2_000_000))] = FIRST_PAGE
    page_size: Annotated[int, Parameter(Between(1, 300))] = 20
    product_code: Annotated[str | None, Parameter()] = None
    product_type: Annotated[str | None, Parameter()] = None
    subscription_type: Annotated[str | None, Parameter(OneOf("Subscription", "PayAsYouGo"))] = None
    instance_ids: Annotated[
        str | None,
        Parameter(Matches(r"[^,]+(,[^,]+){0,99}", "must be 1 to 100 ids with commas between"), name="InstanceIDs"),
    ] = None
    end_time_start: _Time = None
    end_time_end: _Time = None
    create_time_start: _Time = None
    create_time_end: _Time = None
    renew_status: Annotated[str | None, Parameter(OneOf("AutoRenewal", "NotRenewal", "ManualRenewal"))] = None


class InstancePart(Part, kw_only=True):
    """A billed instance. There is none, so nothing of it is told."""


class InstancePage(Part, kw_only=True):
    instance_list: list[InstancePart]
    page_num: int
    page_size: int
    total_count: int


class QueryAvailableInstancesResponse(Response, kw_only=True):
    code: str
    message: str
    success: bool
    data: InstancePage


class QueryAvailableInstances(Operation[QueryAvailableInstancesRequest, QueryAvailableInstancesResponse]):
    """Page through the billed instances of the account: none, because nothing is billed here (*assumed*).

    ``Region`` needs ``ProductCode`` beside it, as the page says; without it, that is told to be missing (*assumed*).
    """

    product = BSS
    access = Access.READ

    def validate(self, request: QueryAvailableInstancesRequest) -> None:
        if request.region and not request.product_code:
            raise missing_parameter("ProductCode")

    def execute(self, call: Call, request: QueryAvailableInstancesRequest) -> QueryAvailableInstancesResponse:
        return QueryAvailableInstancesResponse(
            # The one word that the real service has for it. A 200 with another code is an error to pop-core
            # and to Terraform; this one, with Success beside it, is none to any client.
            code="Success",
            message="Successful!",
            success=True,
            data=InstancePage(instance_list=[], page_num=request.page_num, page_size=request.page_size, total_count=0),
        )


OPERATIONS = (QueryAvailableInstances,)
