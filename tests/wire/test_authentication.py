"""Who may call: times, nonces, keys, and signatures in all their places."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from gatewright.clock import iso_seconds
from tests.support.cell import Cell
from tests.support.client import Reply, sign_v1, v1_parameters


def request(cell: Cell, parameters: dict[str, str]) -> Reply:
    return cell.run(cell.request(parameters))


def sign(cell: Cell, parameters: dict[str, str], method: str = "POST") -> dict[str, str]:
    unsigned = {name: value for name, value in parameters.items() if name != "Signature"}
    return {**unsigned, "Signature": sign_v1(method, unsigned, cell.secret)}


def code(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json()["Code"]


def test_a_request_is_served_once(cell: Cell) -> None:
    signed = cell.signed("DescribeRegions")
    assert request(cell, signed).status == 200
    refused = request(cell, signed)
    assert code(refused) == (400, "SignatureNonceUsed")
    assert refused.json()["Message"] == "Specified signature nonce was used already."


def test_a_writes_nonce_is_refused_after_a_restart_too(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell()
    signed = cell.signed("CreateVpc", RegionId="cn-hangzhou")
    assert request(cell, signed).status == 200
    cell.close()
    again = make_cell()
    assert code(request(again, signed)) == (400, "SignatureNonceUsed")
    assert again.call("DescribeVpcs")["TotalCount"] == 1


@pytest.mark.parametrize("seconds", [-901, 901, -86400])
def test_a_clock_off_by_more_than_15_minutes_is_refused(cell: Cell, seconds: int) -> None:
    signed = cell.signed("DescribeRegions")
    signed["Timestamp"] = iso_seconds(cell.clock.now() + seconds * 1000)
    assert code(request(cell, sign(cell, signed))) == (400, "InvalidTimeStamp.Expired")


@pytest.mark.parametrize("seconds", [-899, 899])
def test_a_clock_off_by_less_is_accepted(cell: Cell, seconds: int) -> None:
    signed = cell.signed("DescribeRegions")
    signed["Timestamp"] = iso_seconds(cell.clock.now() + seconds * 1000)
    assert request(cell, sign(cell, signed)).status == 200


@pytest.mark.parametrize("seconds", [-890, 890])
def test_a_nonce_is_remembered_for_as_long_as_its_request_is_accepted(cell: Cell, seconds: int) -> None:
    signed = cell.signed("DescribeRegions")
    signed["Timestamp"] = iso_seconds(cell.clock.now() + seconds * 1000)
    signed = sign(cell, signed)
    assert request(cell, signed).status == 200
    while True:
        cell.clock.advance(59)
        refused = code(request(cell, signed))
        if refused == (400, "InvalidTimeStamp.Expired"):
            break
        assert refused == (400, "SignatureNonceUsed")


@pytest.mark.parametrize("time", ["yesterday", "2026-13-01T00:00:00Z", "2026-11-23T08:00:00", "2026-11-23 08:00:00Z"])
def test_a_time_of_another_form_is_refused(cell: Cell, time: str) -> None:
    signed = cell.signed("DescribeRegions")
    signed["Timestamp"] = time
    assert code(request(cell, sign(cell, signed))) == (400, "InvalidTimeStamp.Format")


@pytest.mark.parametrize(
    "name", ["AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"]
)
def test_what_is_missing_of_a_signature_is_named(cell: Cell, name: str) -> None:
    signed = cell.signed("DescribeRegions")
    del signed[name]
    assert code(request(cell, signed)) == (400, f"Missing{name}")


def test_an_unknown_key_and_a_wrong_secret(cell: Cell) -> None:
    signed = cell.signed("DescribeRegions")
    assert code(request(cell, sign(cell, {**signed, "AccessKeyId": "other"}))) == (404, "InvalidAccessKeyId.NotFound")
    cell.secret = "wrong"
    refused = request(cell, sign(cell, signed))
    assert code(refused) == (400, "SignatureDoesNotMatch")
    # Old SDKs split the message at its colon and compare the rest with their own string.
    before, _, echoed = refused.json()["Message"].partition(":")
    assert before == "Specified signature is not matched with our calculation. server string to sign is"
    assert echoed.startswith("POST&%2F&AccessKeyId%3Dtest%26Action%3DDescribeRegions")


def test_a_changed_parameter_breaks_the_signature(cell: Cell) -> None:
    signed = cell.signed("CreateVpc", RegionId="cn-hangzhou", CidrBlock="10.0.0.0/8")
    assert code(request(cell, {**signed, "CidrBlock": "10.0.0.0/9"})) == (400, "SignatureDoesNotMatch")
    assert code(request(cell, {**signed, "VpcName": "more"})) == (400, "SignatureDoesNotMatch")


@pytest.mark.parametrize(("name", "value"), [("SignatureMethod", "HMAC-MD5"), ("SignatureVersion", "2.0")])
def test_another_kind_of_signature_is_refused(cell: Cell, name: str, value: str) -> None:
    signed = cell.signed("DescribeRegions")
    assert code(request(cell, sign(cell, {**signed, name: value}))) == (400, "IncompleteSignature")


def test_the_signature_method_is_compared_without_case(cell: Cell) -> None:
    signed = {**cell.signed("DescribeRegions"), "SignatureMethod": "Hmac-SHA1", "SignatureType": ""}
    assert request(cell, sign(cell, signed)).status == 200


def test_actions_and_versions_that_are_not_served(cell: Cell) -> None:
    assert code(request(cell, cell.signed("CreateNothing"))) == (404, "InvalidAction.NotFound")
    assert code(request(cell, cell.signed("DescribeRegions", version="2014-05-27"))) == (404, "InvalidAction.NotFound")
    assert code(request(cell, cell.signed("DescribeRegions", version="new"))) == (400, "InvalidVersion")
    assert code(request(cell, {"Action": "DescribeRegions"})) == (400, "MissingVersion")
    assert code(request(cell, {})) == (400, "MissingAction")


def test_formats(cell: Cell) -> None:
    xml = request(cell, cell.signed("DescribeZones", Format="xml", RegionId="cn-nanjing"))
    assert xml.headers["content-type"] == "text/xml;charset=utf-8"
    root = ElementTree.fromstring(xml.body)  # noqa: S314 - our own answer
    assert root.tag == "DescribeZonesResponse"
    assert root.findtext("Zones/Zone/ZoneId") == "cn-nanjing-a"
    refused = request(cell, cell.signed("DescribeZones", Format="XML"))
    root = ElementTree.fromstring(refused.body)  # noqa: S314 - our own answer
    assert (refused.status, root.tag) == (400, "Error")
    assert [child.tag for child in root] == ["RequestId", "HostId", "Code", "Message", "Recommend", "Detail"]
    assert root.findtext("Code") == "MissingRegionId"
    json_reply = request(cell, cell.signed("DescribeRegions", Format="json"))
    assert json_reply.headers["content-type"] == "application/json;charset=utf-8"
    assert code(request(cell, cell.signed("DescribeRegions", Format="YAML"))) == (400, "InvalidParameter.Format")


def test_the_error_body_is_exactly_what_clients_read(cell: Cell) -> None:
    refused = request(cell, cell.signed("DescribeVpnGateway", RegionId="cn-hangzhou", VpnGatewayId="vpn-x"))
    body: dict[str, Any] = json.loads(refused.body)
    assert list(body) == ["RequestId", "HostId", "Code", "Message", "Recommend", "Detail"]
    assert body["HostId"] == "gw.test"
    assert all(isinstance(value, str) for value in body.values())


def test_the_signature_of_a_get_is_another_one(cell: Cell) -> None:
    parameters = v1_parameters("DescribeRegions", {}, cell.key)
    parameters["Timestamp"] = iso_seconds(cell.clock.now())
    assert code(request(cell, sign(cell, parameters, "GET"))) == (400, "SignatureDoesNotMatch")


def test_query_and_body_together_are_what_is_signed(cell: Cell) -> None:
    signed = cell.signed("CreateVpc", RegionId="cn-hangzhou", VpcName="both")
    query = urlencode({name: signed[name] for name in list(signed)[:5]}).encode()
    rest = {name: signed[name] for name in list(signed)[5:]}
    events: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": urlencode(rest).encode()}

    async def send(event: Any) -> None:
        events.append(event)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": query, "headers": []}
    cell.run(cell.endpoint(scope, receive, send))
    assert events[0]["status"] == 200
    assert cell.call("DescribeVpcs", VpcName="both")["TotalCount"] == 1


def test_a_wrong_signature_echoes_no_megabytes(cell: Cell) -> None:
    signed = {**cell.signed("CreateVpc", RegionId="cn-hangzhou"), "VpcName": "ü" * 100_000}
    refused = request(cell, signed)
    assert code(refused) == (400, "SignatureDoesNotMatch")
    assert len(refused.json()["Message"]) < 66_000


@pytest.mark.parametrize("malformed", [b"A=%zz", b"A=1&A=2", b"A=\xff"])
@pytest.mark.parametrize(
    ("asked", "headers", "begins"),
    [
        (b"&Format=XML", {}, b"<?xml"),
        (b"&Format=xml", {}, b"<?xml"),
        (b"&Format=JSON", {"accept": "text/xml"}, b"{"),
        (b"", {"accept": "text/xml"}, b"<?xml"),
        (b"&Format=%zz", {}, b"{"),
        (b"", {}, b"{"),
    ],
)
def test_what_cannot_be_decoded_is_refused_in_the_format_that_it_asks_for(
    cell: Cell, malformed: bytes, asked: bytes, headers: dict[str, str], begins: bytes
) -> None:
    for query, body in ((malformed + asked, b""), (b"", malformed + asked)):
        refused = cell.run(cell.http("POST", query, headers, body))
        assert refused.status == 400
        assert refused.body.startswith(begins)
