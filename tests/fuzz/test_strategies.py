"""The generated requests themselves: right ones are decoded, wrong ones are refused, for lists and items too.

The operation is made up, so that what no served operation declares yet is generated as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from hypothesis import given

from gatewright.errors import ApiError
from gatewright.operations.declaration import (
    Access,
    Between,
    Count,
    Item,
    Length,
    Matches,
    NotYet,
    OneOf,
    Operation,
    Parameter,
    Request,
    Response,
)
from gatewright.wire.decoding import decode
from tests.fuzz.effort import effort
from tests.fuzz.strategies import Case, Known, Raw, case_of, right_case_of


class Peer(Item, kw_only=True, frozen=True):
    address: Annotated[str, Parameter()]
    key: Annotated[str, Parameter(Matches(r"[a-z]{2,5}", "must be two to five letters"))]
    weight: Annotated[int | None, Parameter(Between(0, 100))] = None
    enabled: Annotated[bool | None, Parameter()] = None


class MadeUpRequest(Request, kw_only=True, frozen=True):
    not_yet = (NotYet("Later", "array<string>"),)

    vpn_gateway_id: Annotated[str, Parameter()]
    peer: Annotated[tuple[Peer, ...], Parameter(Count(3))]
    resource_id: Annotated[tuple[str, ...], Parameter(Length(1, 10), Count(2))] = ()
    mode: Annotated[str, Parameter(OneOf("a", "b"))] = "a"


class MadeUpResponse(Response, kw_only=True):
    pass


class MadeUp(Operation[MadeUpRequest, MadeUpResponse]):
    access = Access.WRITE

    def execute(self, call: object, request: MadeUpRequest) -> MadeUpResponse:
        raise AssertionError("only the request is looked at")


def texts(case: Case) -> dict[str, str]:
    return {
        name: value
        if isinstance(value, str)
        else "an-id"
        if isinstance(value, Known)
        else value.encoded.decode("latin-1")
        for name, value in case.pairs
    }


@effort(100)
@given(case=right_case_of(MadeUp))
def test_right_requests_are_decoded(case: Case) -> None:
    request: Any = decode(MadeUp(), texts(case))
    assert 1 <= len(request.peer) <= 3


@effort(300)
@given(case=case_of(MadeUp))
def test_wrong_requests_are_decoded_or_refused_with_the_parameter_named(case: Case) -> None:
    try:
        decode(MadeUp(), texts(case))
    except ApiError as refused:
        assert refused.status == 400
        assert refused.detail.startswith(("VpnGatewayId", "Peer", "ResourceId", "Mode", "Later"))


def test_every_kind_of_wrong_is_generated() -> None:
    cases: list[Case] = []

    @effort(1000)
    @given(case=case_of(MadeUp))
    def collect(case: Case) -> None:
        cases.append(case)

    collect()
    wanted: dict[str, Callable[[Case], bool]] = {
        "every place": lambda case: case.signature == "V3" and case.form == "XML" and case.place == "split",
        "an item without a part": lambda case: "Peer.1.Key" in case.names and "Peer.1.Address" not in case.names,
        "a list too long": lambda case: len({name.split(".")[1] for name in case.names if "Peer." in name}) > 20,
        "a wrong number": lambda case: any(re.match(r"(Peer|ResourceId)\.(0|1001|x|01)", name) for name in case.names),
        "a list as JSON": lambda case: str(dict(case.pairs).get("Peer", "")).startswith("[{"),
        "both forms": lambda case: any(
            whole in case.names and any(name.startswith(whole + ".") for name in case.names)
            for whole in ("Peer", "ResourceId")
        ),
        "twice": lambda case: len(case.names) < len(case.pairs),
        "missing": lambda case: "VpnGatewayId" not in case.names,
        "another's": lambda case: dict(case.pairs).get("VpnGatewayId") == Known("VpnGatewayId", "others"),
        "no UTF-8": lambda case: any(isinstance(value, Raw) for _, value in case.pairs),
        "huge": lambda case: any(isinstance(value, str) and len(value) > 65_536 for _, value in case.pairs),
        "not served": lambda case: bool({"Later", "Later.1"} & case.names),
    }
    assert [kind for kind, shows in wanted.items() if not any(map(shows, cases))] == []
