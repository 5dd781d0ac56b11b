"""What is remembered of calls, and what of them is not shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatewright.control import calls as calls_module
from gatewright.control import redaction
from gatewright.control.redaction import CUT, without_secrets
from gatewright.errors import HIDDEN
from tests.support.cell import Cell
from tests.support.client import ControlRefused, Refused


def test_calls_are_told_in_their_order(cell_with_control: Cell) -> None:
    cell = cell_with_control
    cell.control("POST", "/v1/clock", {"set": "2031-01-01T00:00:00Z"})
    vpc = cell.call("CreateVpc", VpcName="first")
    refused = cell.refusal("DescribeVpcAttribute", VpcId="vpc-none")
    first, second = cell.control("GET", "/v1/calls")
    assert first["parameters"].pop("Signature") == HIDDEN
    assert first["parameters"].pop("SignatureNonce")
    assert first == {
        "number": 1,
        "time": "2031-01-01T00:00:00Z",
        "operation": "CreateVpc",
        "version": "2016-04-28",
        "parameters": {
            "Action": "CreateVpc",
            "Version": "2016-04-28",
            "Format": "JSON",
            "AccessKeyId": "test",
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "Timestamp": second["parameters"]["Timestamp"],
            "RegionId": "cn-hangzhou",
            "VpcName": "first",
        },
        "access_key_id": "test",
        "signature_version": "1.0",
        "status": 200,
        "code": None,
        "request_id": vpc["RequestId"],
    }
    assert (second["number"], second["status"], second["code"]) == (2, refused.status, refused.code)
    assert second["request_id"] == refused.body["RequestId"]


def test_refused_and_faulted_calls_are_told_too(cell_with_control: Cell) -> None:
    cell = cell_with_control
    with pytest.raises(Refused):
        cell.call("Nonsense")
    cell.run(cell.request({}))
    cell.run(cell.request({**cell.signed("DescribeVpcs"), "Signature": "forged"}))
    cell.run(cell.request({"Action": "x" * 70_000}))
    cell.control("POST", "/v1/faults", {"operation": "DescribeVpcs", "drop": True, "count": 1})
    with pytest.raises(ConnectionError):
        cell.call("DescribeVpcs")
    cell.control("POST", "/v1/faults", {"operation": "DescribeVpcs", "code": "ServiceUnavailable"})
    with pytest.raises(Refused):
        cell.call("DescribeVpcs")
    told = [(call["operation"][:12], call["status"], call["code"]) for call in cell.control("GET", "/v1/calls")]
    assert told == [
        ("Nonsense", 404, "InvalidAction.NotFound"),
        ("", 400, "MissingAction"),
        ("DescribeVpcs", 400, "SignatureDoesNotMatch"),
        ("xxxxxxxxxxxx", 400, "MissingVersion"),
        ("DescribeVpcs", None, None),
        ("DescribeVpcs", 503, "ServiceUnavailable"),
    ]


def test_calls_are_filtered_paged_and_cleared(cell_with_control: Cell) -> None:
    cell = cell_with_control

    def numbers(query: str = "") -> list[int]:
        return [call["number"] for call in cell.control("GET", f"/v1/calls{query}")]

    for action in ("DescribeVpcs", "DescribeRegions", "DescribeVpcs", "DescribeVpcs"):
        cell.call(action)
    assert numbers() == [1, 2, 3, 4]
    assert numbers("?operation=DescribeVpcs") == [1, 3, 4]
    assert numbers("?limit=2") == [3, 4]
    assert numbers("?after=1&limit=2") == [2, 3]
    assert numbers("?after=1&operation=DescribeVpcs") == [3, 4]
    assert numbers("?after=4") == []
    assert cell.control("DELETE", "/v1/calls") == {}
    assert numbers() == []
    cell.call("DescribeVpcs")
    assert numbers() == [5]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("limit=0", "limit"), ("limit=10001", "limit"), ("after=-1", "after"), ("limit=x", "limit"), ("from=1", "from")],
)
def test_a_wrong_query_is_refused_by_name(cell_with_control: Cell, query: str, parameter: str) -> None:
    with pytest.raises(ControlRefused) as refused:
        cell_with_control.control("GET", f"/v1/calls?{query}")
    assert (refused.value.status, refused.value.parameter) == (400, parameter)


@pytest.mark.parametrize("bound", ["MOST", "_LARGEST"])
def test_only_so_many_are_remembered(cell_with_control: Cell, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = cell_with_control
    monkeypatch.setattr(calls_module, bound, {"MOST": 3, "_LARGEST": 16_000}[bound])
    for _ in range(9):
        cell.call("DescribeVpcs", VpcName="n" * 100)
    told = [call["number"] for call in cell.control("GET", "/v1/calls?limit=3")]
    assert told == [7, 8, 9]
    everything = cell.control("GET", "/v1/calls?after=0&limit=3")
    assert everything[0]["number"] > 1


TUNNELS = "TunnelOptionsSpecification"


@pytest.mark.parametrize(
    "name",
    [
        "Signature",
        "SecurityToken",
        "BearerToken",
        "Psk",
        "PSK",
        f"{TUNNELS}.1.TunnelIkeConfig.Psk",
        "AuthKey",
        "Passwords.1",
        "User.password",
        "AccessKeySecret",
        "EncryptPrivateKey",
        "pre_shared-key",
        "IkeConfig.Psk.Value",
        "Psk.1.Value",
    ],
)
def test_a_secret_is_hidden_by_its_name(name: str) -> None:
    assert without_secrets({name: "hunter2"}) == {name: HIDDEN}


@pytest.mark.parametrize("name", ["Tag.1.Key", "TagKey.1", "ClientToken", "NextToken", "AccessKeyId", "PskEnabled"])
def test_what_is_no_secret_is_shown(name: str) -> None:
    assert without_secrets({name: "seen"}) == {name: "seen"}


@pytest.mark.parametrize(
    "value",
    [
        {"Psk": "hunter2", "IkeVersion": "ikev2"},
        {"psk": {"deep": "hunter2"}},
        {"Psk": 12345},
        [{"TunnelIkeConfig": {"PSK": "hunter2"}}],
        {" Psk ": "hunter2"},
        {"Pre Shared Key": "hunter2"},
        {"Psk.Value": "hunter2"},
        {"psk=hunter2": 1},
        {"inner": json.dumps({"Psk": "hunter2"})},
        {"inner": json.dumps(json.dumps({"inner": [{"auth_key": "hunter2"}]}))},
        {"cert": "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n"},
    ],
)
def test_a_secret_is_hidden_inside_json(value: Any) -> None:
    text = without_secrets({"IkeConfig": json.dumps(value)})["IkeConfig"]
    assert "hunter2" not in text
    assert "12345" not in text
    assert HIDDEN in text
    if isinstance(value, dict) and "IkeVersion" in value:
        assert json.loads(text) == {"Psk": HIDDEN, "IkeVersion": "ikev2"}


@pytest.mark.parametrize(
    "text",
    [
        '{"Psk": "hunter2"',
        "{'psk': 'hunter2'}",
        '{"Psk": "other"} {"Psk": "hunter2"}',
        '{"\\u0050sk": "hunter2"',
        '{"a": {"Psk": "hunter2"}, "a": 1}',
        '{"a": {"\\u0050sk": "hunter2"}, "a": 1}',
        "%7B%22Psk%22%3A%22hunter2%22%7D",
        "psk=hunter2",
        "<Psk>hunter2</Psk>",
        "&lt;Psk&gt;hunter2",
        '{"Psk": "hunter2", "a": "' + "x" * 100_000 + '"}',
        "[" * 100_000 + '"psk": "hunter2"',
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
    ],
)
def test_what_cannot_be_read_and_may_be_a_secret_is_hidden(text: str) -> None:
    assert "hunter2" not in without_secrets({"IkeConfig": text})["IkeConfig"]


@pytest.mark.parametrize(
    "text",
    ["plain", '{"IkeVersion":  "ikev2"}', "[1, 2", "my secret gateway", '{"a":1e400}', "", "10.0.0.0/8", '["x"]'],
)
def test_a_value_without_secrets_stays_as_it_came(text: str) -> None:
    assert without_secrets({"Value": text}) == {"Value": text}


def test_a_long_value_is_cut() -> None:
    assert len(without_secrets({"Value": "x" * 100_000})["Value"]) < 9000


def test_a_version_3_call_is_told_with_its_key(cell_with_control: Cell) -> None:
    cell = cell_with_control
    headers = [
        (b"host", b"x"),
        (b"authorization", b"ACS3-HMAC-SHA256 Credential=somebody,SignedHeaders=host,Signature=abc"),
        (b"x-acs-action", b"DescribeVpcs"),
        (b"x-acs-version", b"2016-04-28"),
    ]
    assert cell.send("POST", "/?RegionId=cn-hangzhou", headers).status == 400
    (call,) = cell.control("GET", "/v1/calls")
    assert (call["operation"], call["version"], call["signature_version"]) == ("DescribeVpcs", "2016-04-28", "3.0")
    assert (call["access_key_id"], call["parameters"]) == ("somebody", {"RegionId": "cn-hangzhou"})


@pytest.mark.parametrize("name", ['{"Psk":"hunter2"}', "psk=hunter2", "hunter2 ", "", "h\u00fcnter2", "x" * 257])
def test_a_name_that_is_none_is_hidden_with_its_value(name: str) -> None:
    assert without_secrets({name: "hunter2", "VpcId": "vpc"}) == {HIDDEN: HIDDEN, "VpcId": "vpc"}


def test_of_a_call_with_too_many_parameters_the_last_are_left_out() -> None:
    given = {f"{number:0200}": "x" for number in range(5000)}
    shown = without_secrets(given)
    assert shown.pop(CUT) == f"{5000 - len(shown)} more"
    assert 100 < len(shown) < 400
    assert shown.items() <= given.items()


@pytest.mark.parametrize("place", ["Action", "Version", "AccessKeyId", "SignatureVersion"])
def test_only_what_can_be_a_name_is_shown_as_one(cell_with_control: Cell, place: str) -> None:
    cell = cell_with_control
    for value in ('{"Psk":"hunter2"}', "hunter2 ", "x" * 100_000):
        cell.run(cell.request({**cell.signed("DescribeVpcs"), place: value}))
    field = {"Action": "operation", "AccessKeyId": "access_key_id", "SignatureVersion": "signature_version"}
    told = [call[field.get(place, place.lower())] for call in cell.control("GET", "/v1/calls")]
    assert told == [HIDDEN, HIDDEN, "x" * 256]


LARGE = "x" * 1_000_000


@pytest.mark.parametrize("place", ["Action", "Version", "AccessKeyId", "VpcName", "Psk", "AccessKeyIds"])
def test_large_calls_take_little_memory(cell_with_control: Cell, place: str) -> None:
    cell = cell_with_control
    for _ in range(5):
        # Not signed: anybody can send it.
        cell.run(cell.request({"Action": "DescribeVpcs", "Version": "2016-04-28", place: LARGE}))
    assert len(json.dumps(cell.control("GET", "/v1/calls"))) < 5 * 20_000


def test_all_that_is_remembered_is_counted() -> None:
    record: dict[str, Any] = {
        "number": 1,
        "time": "",
        "operation": "",
        "version": "",
        "parameters": {},
        "access_key_id": "",
        "signature_version": "",
        "status": None,
        "code": None,
        "request_id": "",
    }
    empty = calls_module.size_of(calls_module.CallRecord(**record))
    for field, value in record.items():
        if value == "" or field == "code":
            larger = calls_module.CallRecord(**{**record, field: "x" * 1000})
            assert calls_module.size_of(larger) >= empty + 1000, field
    for parameters in ({"x" * 1000: ""}, {"": "x" * 1000}):
        assert calls_module.size_of(calls_module.CallRecord(**{**record, "parameters": parameters})) >= empty + 1000


@pytest.mark.parametrize("text", ["psk" * 300_000, '{"a": "' + "psk-" * 200_000 + '"}', "<" * 1_000_000])
def test_only_the_beginning_of_a_value_is_searched(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    inside = redaction._inside

    def watched(value: str) -> str:
        searched.append(len(value))
        return inside(value)

    monkeypatch.setattr(redaction, "_inside", watched)
    without_secrets({"Value": text})
    assert max(searched) <= 8192
