"""How answers are printed: tables that fit, JSON, YAML, bare text, and queries."""

from __future__ import annotations

import json

import pytest
import yaml

from gatewright.cli.output import compiled, show
from gatewright.cli.tables import printed
from gatewright.errors import ConfigurationError

GATEWAY = {
    "VpnGatewayId": "vpn-bp1q8bgx4xnkm2ogj0000",
    "Status": "active",
    "Name": "edge",
    "CreateTime": 1764046098000,
    "VpcId": "vpc-bp1uzrcsb3ijs3xy0000",
    "InternetIp": "240.0.0.17",
    "Description": "",
    "SslMaxConnections": 5,
    "EniInstanceIds": {"EniInstanceId": ["eni-1", "eni-2"]},
    "Tags": {"Tag": [{"Key": "env", "Value": "prod"}, {"Key": "bare", "Value": ""}]},
    "EnableBgp": False,
}
LIST = {
    "PageNumber": 1,
    "PageSize": 1,
    "TotalCount": 12,
    "VpnGateways": {"VpnGateway": [GATEWAY]},
    "RequestId": "R",
}


def test_a_route_is_told_by_what_it_leads_to_and_not_by_its_gateway() -> None:
    route = {
        "VpnInstanceId": "vpn-bp1q8bgx4xnkm2ogj0000",
        "RouteDest": "192.168.0.0/16",
        "NextHop": "vco-bp1uzrcsb3ijs3xy0000",
        "NextHopTunnelId": "tun-bp1uzrcsb3ijs3xy0000",
        "Weight": 100,
        "State": "published",
        "CreateTime": 1764046098000,
    }
    counts = {"VpnRouteCount": [{"RouteEntryType": "custom", "RouteCount": 1}]}
    answer = {"TotalCount": 1, "VpnRouteCounts": counts, "VpnRouteEntries": {"VpnRouteEntry": [route]}}
    assert printed(answer, 80)[0].split() == ["State", "RouteDest", "NextHop", "Weight"]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_list_is_a_table_that_fits(width: int) -> None:
    lines = printed(LIST, width)
    assert max(map(len, lines)) <= width
    head = lines[0].split()
    assert head[:3] == ["VpnGatewayId", "Name", "Status"]
    assert "vpn-bp1q8bgx4xnkm2ogj0000" in lines[1]
    assert lines[-1] == "1 of 12, page 1: --PageNumber and --PageSize show others"
    assert "Description" not in head  # empty in every row
    assert "RequestId" not in "".join(lines)


def test_what_does_not_fit_is_named_and_what_does_is_complete() -> None:
    narrow, wide = "\n".join(printed(LIST, 80)), "\n".join(printed(LIST, 300))
    assert "Not shown: " in narrow
    assert "(--output json shows all)" in narrow.replace("\n", " ")
    assert "Not shown" not in wide
    assert "env=prod, bare" in wide
    assert "eni-1, eni-2" in wide
    assert "2025-11-25T04:48:18Z" in wide


def test_an_id_is_never_cut_and_a_long_name_is() -> None:
    rows = [{"VpcId": "vpc-" + "x" * 40, "VpcName": "n" * 100, "Status": "Available"}]
    lines = printed({"Vpcs": {"Vpc": rows}}, 80)
    assert rows[0]["VpcId"] in lines[1]
    assert "n…" in lines[1]
    assert len(lines[1]) <= 80


def test_wide_characters_stay_in_their_columns() -> None:
    rows = [{"ZoneId": "a", "LocalName": "杭州", "Status": "x"}, {"ZoneId": "b", "LocalName": "abcd", "Status": "y"}]
    lines = printed({"Zones": {"Zone": rows}}, 80)
    assert lines[1] == "a       杭州       x"
    assert lines[2] == "b       abcd       y"


def test_control_characters_cannot_write_on_the_terminal() -> None:
    assert printed({"VpcId": "v\x1b[31m\n", "A": 1}, 80) == ["VpcId  v [31m", "A      1"]


def test_control_characters_cannot_come_as_json_either(capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"Name": "a\x1b[31m\x9b31m\x7f ü"}
    show(answer, "json", None)
    printed_text = capsys.readouterr().out
    assert json.loads(printed_text) == answer
    assert all(c.isprintable() or c == "\n" for c in printed_text)


def test_one_object_is_a_line_a_field_and_a_table_a_list() -> None:
    answer = {"RequestId": "R", **GATEWAY, "Routes": {"Route": [{"RouteId": "r-1", "Status": "ok"}]}, "Deep": {"A": 1}}
    lines = printed(answer, 80)
    assert lines[0] == "VpnGatewayId       vpn-bp1q8bgx4xnkm2ogj0000"
    assert "EnableBgp          false" in lines
    assert "Deep.A             1" in lines
    assert lines[-5:] == ["RequestId          R", "", "Routes:", "  RouteId  Status", "  r-1      ok"]


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        ([], ["(none)"]),
        (None, ["(none)"]),
        ("x", ["x"]),
        (["a", 2, True], ["a", "2", "true"]),
        ([["a", 1], ["bcd", None]], ["a    1", "bcd"]),
        ({"Vpcs": {"Vpc": []}, "TotalCount": 0}, ["(none)"]),
        ([{"Id": "a", "N": 5}, {"Id": "b", "N": 10}], ["Id   N", "a    5", "b   10"]),
    ],
)
def test_what_a_query_finds_is_printed(found: object, lines: list[str]) -> None:
    assert printed(found, 80) == lines


def test_programs_get_json_and_the_shell_bare_text(capsys: pytest.CaptureFixture[str]) -> None:
    show(LIST, None, None)  # not on a terminal
    assert json.loads(capsys.readouterr().out) == LIST
    show(LIST, "yaml", None)
    assert yaml.safe_load(capsys.readouterr().out) == LIST
    show(LIST, "text", "VpnGateways.VpnGateway[].[VpnGatewayId, Status]")
    assert capsys.readouterr().out == "vpn-bp1q8bgx4xnkm2ogj0000\tactive\n"
    show(LIST, "text", "TotalCount")
    assert capsys.readouterr().out == "12\n"
    show(LIST, "text", "Nothing")
    assert capsys.readouterr().out == ""
    show(LIST, "table", "VpnGateways.VpnGateway[].VpcId")
    assert capsys.readouterr().out == "vpc-bp1uzrcsb3ijs3xy0000\n"


def test_the_environment_may_choose_the_form(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWRIGHT_OUTPUT", "text")
    show(LIST, None, "TotalCount")
    assert capsys.readouterr().out == "12\n"
    show(LIST, "json", "PageSize")
    assert capsys.readouterr().out == "1\n"
    monkeypatch.setenv("GATEWRIGHT_OUTPUT", "xml")
    with pytest.raises(ConfigurationError, match="must be one of table, json, yaml, text"):
        show(LIST, None, None)


@pytest.mark.parametrize("expression", ["a[", "", "nofunction(", "a b", "a[?nofunction(b)]"])
def test_a_wrong_query_is_told_before_anything_is_called(expression: str) -> None:
    with pytest.raises(ConfigurationError, match="is no JMESPath expression") as caught:
        compiled(expression)
    assert "\n" not in str(caught.value)


def test_a_query_that_does_not_apply_is_told() -> None:
    with pytest.raises(ConfigurationError, match="does not apply"):
        show(LIST, "json", "length(TotalCount)")
