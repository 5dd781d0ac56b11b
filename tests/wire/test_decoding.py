"""From the wire's parameters to requests: lists in both forms, missing before mistyped before wrong."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest

from gatewright.errors import ApiError, ErrorRow
from gatewright.operations.declaration import (
    Access,
    Between,
    Count,
    Item,
    Length,
    Operation,
    Parameter,
    Request,
    Response,
)
from gatewright.wire.decoding import decode

TOO_MANY = ErrorRow(400, "NumberExceed.Tags", "Too many.")


class Label(Item, kw_only=True, frozen=True):
    key: Annotated[str, Parameter(Length(1, 5))]
    value: Annotated[str, Parameter()] = ""
    weight: Annotated[int | None, Parameter(Between(0, 100))] = None


class MadeUpRequest(Request, kw_only=True, frozen=True):
    resource_id: Annotated[tuple[str, ...], Parameter(Length(1, 10), Count(3))]
    tag: Annotated[tuple[Label, ...], Parameter(Count(2, error=TOO_MANY))] = ()
    size: Annotated[int | None, Parameter(Between(1, 9))] = None


class MadeUpResponse(Response, kw_only=True):
    pass


class MadeUp(Operation[MadeUpRequest, MadeUpResponse]):
    access = Access.READ

    def execute(self, call: object, request: MadeUpRequest) -> MadeUpResponse:
        raise AssertionError("only the request is looked at")


def decoded(**parameters: str) -> Any:
    return decode(MadeUp(), {name.replace("__", "."): text for name, text in parameters.items()})


def refused(**parameters: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        decoded(**parameters)
    return caught.value


class PairRequest(Request, kw_only=True, frozen=True):
    label: Annotated[Label, Parameter()] = Label(key="k")


class Pair(Operation[PairRequest, MadeUpResponse]):
    access = Access.WRITE

    def execute(self, call: object, request: PairRequest) -> MadeUpResponse:
        raise AssertionError("only the request is looked at")


@pytest.mark.parametrize(
    "parameters",
    [
        {"Label.1.Key": "x"},
        {"Label.1": "x"},
        {"Label": '{"1": {"Key": "x"}}'},
        {"Label.Key": "x", "Label.2.Key": "x"},
    ],
)
def test_an_object_is_no_list(parameters: dict[str, str]) -> None:
    with pytest.raises(ApiError) as caught:
        decode(Pair(), parameters)
    assert caught.value.code == "InvalidParameter"
    assert caught.value.detail.startswith("Label.")
    assert caught.value.detail.endswith("is of no list: write Label.Key")


@pytest.mark.parametrize("value", ["true", "TRUE", "1", "yes"])
def test_a_write_without_a_dry_run_is_not_carried_out_as_one(value: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode(Pair(), {"DryRun": value})
    assert caught.value.code == "UnsupportedOperation"
    assert caught.value.detail.startswith(f'DryRun "{value}": ')
    for harmless in ({"DryRun": "false"}, {"DryRun": ""}, {}):
        decode(Pair(), harmless)
    # a read changes nothing whatever it is told
    assert decoded(ResourceId__1="a", DryRun="true").resource_id == ("a",)


def test_lists_of_texts_are_in_the_order_of_their_numbers_gaps_or_not() -> None:
    assert decoded(ResourceId__10="c", ResourceId__2="b", ResourceId__1="a").resource_id == ("a", "b", "c")


def test_lists_of_objects() -> None:
    request = decoded(ResourceId__1="a", Tag__2__Key="k2", Tag__1__Value="v1", Tag__1__Key="k1", Tag__2__Weight="7")
    assert request.tag == (Label(key="k1", value="v1"), Label(key="k2", weight=7))


def test_a_list_may_come_as_one_json_text_with_keys_in_any_case() -> None:
    request = decoded(
        ResourceId='["a", "b"]', Tag=json.dumps([{"KEY": "k", "value": "v", "Weight": 3}, {"key": "x", "value": None}])
    )
    assert request.resource_id == ("a", "b")
    assert request.tag == (Label(key="k", value="v", weight=3), Label(key="x"))


@pytest.mark.parametrize(
    ("parameters", "code", "named"),
    [
        ({}, "MissingResourceId", "ResourceId"),
        ({"ResourceId__1": ""}, "MissingResourceId", "ResourceId"),
        ({"ResourceId__1": "a", "Tag__2__Value": "v"}, "MissingTagKey", "Tag.2.Key"),
        ({"Tag__1__Value": "v", "Size": "x"}, "MissingResourceId", "ResourceId"),
        ({"ResourceId__0": "a"}, "InvalidParameter", "ResourceId.0"),
        ({"ResourceId__01": "a"}, "InvalidParameter", "ResourceId.01"),
        ({"ResourceId__x": "a"}, "InvalidParameter", "ResourceId.x"),
        ({"ResourceId__1001": "a"}, "InvalidParameter", "ResourceId.1001"),
        ({"ResourceId__99999999999": "a"}, "InvalidParameter", "ResourceId.99999999999"),
        ({"ResourceId__1__Key": "a"}, "InvalidParameter", "ResourceId.1.Key"),
        ({"ResourceId__1": "a", "Tag__1": "k"}, "InvalidParameter", "Tag.1"),
        ({"ResourceId__1": "a", "ResourceId": '["b"]'}, "InvalidParameter", "ResourceId"),
        ({"ResourceId": "a"}, "InvalidParameter", "ResourceId"),
        ({"ResourceId": '{"a": 1}'}, "InvalidParameter", "ResourceId"),
        ({"ResourceId": "[1]"}, "InvalidParameter", "ResourceId"),
        ({"ResourceId": "[" * 50_000}, "InvalidParameter", "ResourceId"),
        ({"ResourceId": json.dumps(["a"] * 1001)}, "InvalidParameter", "ResourceId"),
        ({"ResourceId": json.dumps(["a" * 65_600])}, "InvalidParameter", "ResourceId"),
        ({"ResourceId": "[" + "9" * 5000 + "]"}, "InvalidParameter", "ResourceId"),
        ({"ResourceId__1": "a", "Tag": '["k"]'}, "InvalidParameter", "Tag"),
        ({"ResourceId__1": "a", "Tag": '[{"Key": {"deep": 1}}]'}, "InvalidParameter", "Tag.1.Key"),
        ({"ResourceId__1": "a", "Tag": '[{"Key": 1.5}]'}, "InvalidParameter", "Tag.1.Key"),
        ({"ResourceId__1": "a" * 11}, "InvalidParameter", "ResourceId.1"),
        ({"ResourceId__1": "a\x00"}, "InvalidParameter", "ResourceId.1"),
        ({f"ResourceId__{n}": "a" for n in range(1, 5)}, "InvalidParameter", "ResourceId"),
        ({"ResourceId__1": "a", "Tag__1__Key": "toolong"}, "InvalidParameter", "Tag.1.Key"),
        ({"ResourceId__1": "a", "Tag__1__Key": "k", "Tag__1__Weight": "1e1"}, "InvalidParameter", "Tag.1.Weight"),
        ({"ResourceId__1": "a", "Tag__1__Key": "k", "Tag__1__Weight": "101"}, "InvalidParameter", "Tag.1.Weight"),
        ({"ResourceId__1": "a", **{f"Tag__{n}__Key": "k" for n in (1, 2, 3)}}, "NumberExceed.Tags", "Tag"),
        ({"ResourceId__1": "a", "Size": "10"}, "InvalidParameter", "Size"),
    ],
)
def test_what_is_wrong_is_named(parameters: dict[str, str], code: str, named: str) -> None:
    error = refused(**parameters)
    assert (error.status, error.code) == (400, code)
    assert error.detail.startswith(f"{named} ")


def test_a_truth_inside_of_a_json_text_reads_as_it_would_outside() -> None:
    request = decoded(ResourceId="""["a"]""", Tag="""[{"Key": "k", "Value": true}]""")
    assert request.tag == (Label(key="k", value="true"),)


def test_missing_comes_before_mistyped_and_mistyped_before_wrong() -> None:
    assert refused(Size="x", Tag__1__Key="toolong").code == "MissingResourceId"
    error = refused(ResourceId__1="a", Tag__1__Key="toolong", Size="x")
    assert (error.code, error.detail.partition(" ")[0]) == ("InvalidParameter", "Size")


def test_names_inside_of_an_object_that_nobody_knows_are_ignored() -> None:
    assert decoded(ResourceId__1="a", Tag__1__Key="k", Tag__1__Colour="red").tag == (Label(key="k"),)


class Inside(Item, kw_only=True, frozen=True):
    psk: Annotated[str | None, Parameter(Length(1, 5), secret=True)] = None
    local_asn: Annotated[int | None, Parameter(Between(1, 9))] = None
    enable: Annotated[bool | None, Parameter()] = None


class Tunnel(Item, kw_only=True, frozen=True):
    role: Annotated[str | None, Parameter()] = None
    inside: Annotated[Inside, Parameter()] = Inside()


class NestedRequest(Request, kw_only=True, frozen=True):
    config: Annotated[Inside | None, Parameter(text=True)] = None
    tunnels: Annotated[tuple[Tunnel, ...], Parameter(Count(2))] = ()
    one: Annotated[Tunnel | None, Parameter()] = None


class Nested(Operation[NestedRequest, MadeUpResponse]):
    access = Access.READ

    def execute(self, call: object, request: NestedRequest) -> MadeUpResponse:
        raise AssertionError("only the request is looked at")


TUNNELS = (Tunnel(role="slave", inside=Inside(psk="s", local_asn=3)), Tunnel(role="master", inside=Inside(enable=True)))


@pytest.mark.parametrize(
    "parameters",
    [
        {
            "Tunnels.1.Role": "slave",
            "Tunnels.1.Inside.Psk": "s",
            "Tunnels.1.Inside.LocalAsn": "3",
            "Tunnels.2.Role": "master",
            "Tunnels.2.Inside.Enable": "True",
        },
        {
            "Tunnels.5.inside.ENABLE": "true",
            "Tunnels.5.ROLE": "master",
            "Tunnels.3.role": "slave",
            "Tunnels.3.inside": '{"PSK": "s", "localasn": "3"}',
        },
        {
            "Tunnels": '[{"role": "slave", "INSIDE": {"psk": "s", "LocalAsn": 3, "Enable": null, "new": [1.5]}},'
            ' {"Role": "master", "inside": "{\\"enable\\": \\"TRUE\\"}"}]'
        },
    ],
    ids=["dotted", "dotted in any case", "JSON"],
)
def test_objects_in_lists_come_dotted_or_as_json_in_any_case(parameters: dict[str, str]) -> None:
    request: Any = decode(Nested(), parameters)
    assert request.tunnels == TUNNELS


def test_an_object_comes_dotted_or_as_json() -> None:
    for parameters in ({"One.Role": "r", "One.Inside.Psk": "s"}, {"One": '{"role": "r", "inside": {"psk": "s"}}'}):
        request: Any = decode(Nested(), parameters)
        assert request.one == Tunnel(role="r", inside=Inside(psk="s"))
    config: Any = decode(Nested(), {"Config": '{"Enable": false}', "One": "", "One.Inside.Psk": ""})
    assert (config.config, config.one) == (Inside(enable=False), None)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"Config": '{"Psk": "never-seen"'}, "Config"),
        ({"Config": '["never-seen"]'}, "Config"),
        ({"Config": "never-seen"}, "Config"),
        ({"Config": "{" * 50_000}, "Config"),
        ({"Config": '{"Psk": "never-seen"}'}, "Config.Psk"),
        ({"Config": '{"Psk": ["never-seen"]}'}, "Config.Psk"),
        ({"Config": '{"Psk": "a", "psk": "never-seen"}'}, "Config.Psk"),
        ({"Config": '{"Enable": "yes"}'}, "Config.Enable"),
        ({"Config": '{"LocalAsn": 1.5}'}, "Config.LocalAsn"),
        ({"Config": '{"LocalAsn": 10}'}, "Config.LocalAsn"),
        ({"Config": '{"Psk": "a"}', "Config.Psk": "never-seen"}, "Config"),
        ({"Tunnels.1.Inside": '{"Psk": never-seen}'}, "Tunnels.1.Inside"),
        ({"Tunnels.1.Inside": '{"Psk": "a"}', "Tunnels.1.Inside.Psk": "never-seen"}, "Tunnels.1.Inside.Psk"),
        ({"Tunnels.1.Inside.Psk": "a", "Tunnels.1.inside.psk": "never-seen"}, "Tunnels.1.Inside"),
        ({"Tunnels": '[{"Inside": ["never-seen"]}]'}, "Tunnels.1.Inside"),
        ({"Tunnels.1.Inside.Psk.x": "never-seen"}, "Tunnels.1.Inside.Psk"),
        ({"Tunnels.1": "never-seen"}, "Tunnels.1"),
        ({f"Tunnels.{n}.Role": "r" for n in (1, 2, 3)}, "Tunnels"),
    ],
)
def test_what_is_wrong_in_an_object_is_named_and_its_secrets_are_not_told(
    parameters: dict[str, str], named: str
) -> None:
    with pytest.raises(ApiError) as caught:
        decode(Nested(), parameters)
    assert (caught.value.status, caught.value.code) == (400, "InvalidParameter")
    assert caught.value.detail.startswith(f"{named} ")
    assert "never-seen" not in caught.value.detail + caught.value.message
