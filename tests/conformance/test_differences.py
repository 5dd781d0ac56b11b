"""The comparison notices every kind of difference."""

from __future__ import annotations

from typing import Annotated

import pytest

from gatewright.errors import ErrorRow
from gatewright.operations.declaration import Access, Item, NotYet, Operation, Parameter, Part, Request, Response
from gatewright.operations.deviations import Kind
from tests.conformance.differences import differences, in_operation, in_request, in_response, type_name
from tests.conformance.reference_data import ReferenceOperation, ReferenceParameter


class Ingredient(Item, kw_only=True, frozen=True):
    key: Annotated[str, Parameter()]
    ours: Annotated[str, Parameter()] = ""


class MadeUpRequest(Request, kw_only=True, frozen=True):
    not_yet = (NotYet("Later", "string"), NotYet("LaterRequired", "string"))

    same: Annotated[str, Parameter()]
    other_type: Annotated[int, Parameter()] = 0
    too_strict: Annotated[str, Parameter()]
    too_lax: Annotated[bool | None, Parameter()] = None
    ours: Annotated[str | None, Parameter()] = None
    texts: Annotated[tuple[str, ...], Parameter()] = ()
    not_texts: Annotated[tuple[str, ...], Parameter()] = ()
    things: Annotated[tuple[Ingredient, ...], Parameter()] = ()


class ItemPart(Part, kw_only=True):
    key: str
    size: str
    ours: bool


class ItemList(Part, kw_only=True):
    item: list[ItemPart]


class MadeUpResponse(Response, kw_only=True):
    count: int | None = None
    names: list[str]
    flat: str
    items: ItemList


class MadeUp(Operation[MadeUpRequest, MadeUpResponse]):
    access = Access.WRITE
    errors = (ErrorRow(400, "InvalidName", "The name is not valid"),)

    def execute(self, call: object, request: MadeUpRequest) -> MadeUpResponse:
        raise AssertionError("only the declaration is looked at")


REFERENCE = ReferenceOperation(
    name="MadeUp",
    family="made-up",
    product="Vpc",
    version="2016-04-28",
    access="read",
    request=[
        ReferenceParameter("Same", "string", required=True),
        ReferenceParameter("OtherType", "boolean"),
        ReferenceParameter("TooStrict", "string"),
        ReferenceParameter("TooLax", "boolean", required=True),
        ReferenceParameter("Later", "string"),
        ReferenceParameter("LaterRequired", "array<string>", required=True),
        ReferenceParameter("Theirs", "string"),
        ReferenceParameter("Texts", "array<string>"),
        ReferenceParameter("NotTexts", "string"),
        ReferenceParameter(
            "Things",
            "array<object>",
            fields=[ReferenceParameter("Key", "string"), ReferenceParameter("Size", "integer")],
        ),
    ],
    response={
        "Count": "integer",
        "Names": "array<string>",
        "Flat": {"Deep": "string"},
        "Items": {"Item": [{"Key": "string", "Size": "integer", "Theirs": "string"}]},
        "RequestId": "string",
        "Untold": {"Field": "string"},
    },
)


def test_the_operation_itself() -> None:
    assert [(found.subject, found.what) for found in in_operation(MadeUp, REFERENCE)] == [
        ("access level", "write, reference read")
    ]


def test_requests() -> None:
    assert {(found.subject, found.what) for found in in_request(MadeUp, REFERENCE)} == {
        ("OtherType", "type integer, reference boolean"),
        ("TooStrict", "required, reference optional"),
        ("TooLax", "optional, reference required"),
        ("LaterRequired", "type string, reference array<string>"),
        ("LaterRequired", "optional, reference required"),
        ("Theirs", "not declared"),
        ("Ours", "not in the reference"),
        ("NotTexts", "type array<string>, reference string"),
        ("Things[].Key", "required, reference optional"),
        ("Things[].Size", "not declared"),
        ("Things[].Ours", "not in the reference"),
    }


def test_responses_at_every_depth() -> None:
    assert {(found.subject, found.what) for found in in_response(MadeUp, REFERENCE)} == {
        ("Flat", "type string, reference object"),
        ("Items.Item[].Size", "type string, reference integer"),
        ("Items.Item[].Ours", "not in the reference"),
        ("Items.Item[].Theirs", "not told"),
        ("Untold", "not told"),
    }


def test_errors_are_compared_with_the_operations_own_table() -> None:
    class DescribeVpnGateways(MadeUp):
        pass

    class ModifyVpnGatewayAttribute(MadeUp):
        pass

    undocumented = ("InvalidName", "answers 400 The name is not valid")
    for operation, expected in ((DescribeVpnGateways, [undocumented]), (ModifyVpnGatewayAttribute, [])):
        found = [(f.subject, f.what) for f in differences(operation) if f.kind is Kind.ERROR]
        assert found == expected


def test_an_operation_that_the_api_does_not_have() -> None:
    (found,) = differences(MadeUp)
    assert (found.kind, found.what) == (Kind.OPERATION, "not in the reference")


def test_a_type_that_the_wire_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="no type of the wire's"):
        type_name(float)
