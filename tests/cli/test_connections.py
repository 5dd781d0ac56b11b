"""``gatewright connections``: from a gateway and a device to tunnels, with no key on a command line."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from gatewright.client import Caller, Unreachable
from tests.cli.command import Friendly, answered
from tests.support.service import Service

KEY = "correct-horse-battery"


@pytest.fixture
def gateway(friendly: Friendly) -> str:
    """``shop``, with two halves, and the device ``office``."""
    made = answered(friendly("gateways", "create", "--name", "shop", "--quiet"))
    answered(friendly("customer-gateways", "create", "203.0.113.7", "--name", "office", "--asn", "65010"))
    return str(made["VpnGatewayId"])


def tunnels(service: Service, connection: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.client().call("DescribeVpnConnection", VpnConnectionId=connection)[
        "TunnelOptionsSpecification"
    ]["TunnelOptions"]
    return found


def test_networks_are_connected_shown_and_parted(
    service: Service,
    friendly: Friendly,
    gateway: str,
    tmp_path: Path,
) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    file.chmod(0o600)
    words = ("--name", "main", "--local", "10.0.0.0/16", "--remote", "172.16.1.0/24", "--psk-file", str(file))
    ran = friendly("connections", "create", "shop", "office", *words)
    made = answered(ran)
    identity = made["VpnConnectionId"]
    assert (made["State"], [each["Role"] for each in made["Tunnels"]]) == ("active", ["master", "slave"])
    assert f"gatewright peer-config {identity}" in ran.err
    for each in tunnels(service, identity):
        ike = each["TunnelIkeConfig"]
        assert [ike[name] for name in ("Psk", "IkeVersion", "IkeEncAlg", "IkePfs")] == [
            KEY,
            "ikev2",
            "aes256",
            "group14",
        ]
    policies = service.client().call("DescribeVpnPbrRouteEntries", VpnGatewayId=gateway)["VpnPbrRouteEntries"]
    (policy,) = policies["VpnPbrRouteEntry"]
    assert (policy["RouteDest"], policy["State"]) == ("172.16.1.0/24", "published")
    assert answered(friendly("connections", "show", "main", "--wait"))["Status"] == "ipsec_sa_established"
    assert KEY not in ran.out + ran.err
    for shows in (["show", identity], ["list", "--gateway", "shop"]):
        for form in ("table", "json", "yaml", "text"):
            shown = friendly("connections", *shows, "--output", form).out
            assert identity in shown
            assert KEY not in shown
            assert form != "table" or max(map(len, shown.splitlines())) <= 80
    queried = "TunnelOptionsSpecification.TunnelOptions[].TunnelIkeConfig.[IkeVersion,Psk]"
    assert friendly("connections", "show", identity, "--query", queried, "--output", "text").out == "ikev2\t\n" * 2
    assert friendly("connections", "delete", "main").err == "gatewright: nobody is here to be asked: say --yes\n"
    assert f"connection main ({identity}) is deleted" in friendly("connections", "delete", "main", "--yes").err
    # one without a gateway has an operation of its own for that
    client = service.client()
    office = client.call("DescribeCustomerGateways")["CustomerGateways"]["CustomerGateway"][0]["CustomerGatewayId"]
    everywhere = {"LocalSubnet": "0.0.0.0/0", "RemoteSubnet": "0.0.0.0/0"}
    client.call("CreateVpnAttachment", **everywhere, CustomerGatewayId=office, Name="loose")
    assert "connection loose" in friendly("connections", "delete", "loose", "--yes").err
    assert answered(friendly("connections", "list"))["VpnConnections"]["VpnConnection"] == []


def test_with_bgp_each_tunnel_has_a_free_network_and_routes_are_published(
    service: Service,
    friendly: Friendly,
    gateway: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered(friendly("customer-gateways", "create", "203.0.113.8", "--name", "branch", "--asn", "65011"))
    monkeypatch.setattr("sys.stdin", io.StringIO("of-the-master\nof-the-slave\n"))
    keys = ("--psk-file", "-", "--psk-file", "-")
    ran = friendly("connections", "create", "shop", "office", "branch", "--bgp", "--asn", "65001", *keys)
    first = answered(ran)
    assert "ModifyVpnGatewayAttribute" in ran.err
    ends = tunnels(service, first["VpnConnectionId"])
    assert [each["TunnelBgpConfig"]["TunnelCidr"] for each in ends] == ["169.254.10.0/30", "169.254.10.4/30"]
    assert [each["TunnelIkeConfig"]["Psk"] for each in ends] == ["of-the-master", "of-the-slave"]
    assert len({each["CustomerGatewayId"] for each in ends}) == 2
    answered(friendly("customer-gateways", "create", "203.0.113.9", "--name", "third", "--asn", "65012"))
    words = ("--bgp", "--asn", "65001", "--route", "172.16.3.0/24")
    second = answered(friendly("connections", "create", gateway, "203.0.113.9", *words))
    ends = tunnels(service, second["VpnConnectionId"])
    assert [each["TunnelBgpConfig"]["TunnelCidr"] for each in ends] == ["169.254.10.8/30", "169.254.10.12/30"]
    (route,) = service.client().call("DescribeVpnRouteEntries", VpnGatewayId=gateway)["VpnRouteEntries"][
        "VpnRouteEntry"
    ]
    assert (route["RouteDest"], route["State"]) == ("172.16.3.0/24", "published")


def test_a_gateway_with_one_half_gets_one_tunnel(service: Service, friendly: Friendly) -> None:
    region = ("--region", "ap-south-1")
    answered(friendly("gateways", "create", "--name", "single", "--quiet", *region))
    answered(friendly("customer-gateways", "create", "203.0.113.7", "--name", "office", "--asn", "65010", *region))
    made = answered(friendly("connections", "create", "single", "office", "--bgp", "--no-publish", *region))
    answered(friendly("customer-gateways", "create", "203.0.113.8", *region))
    unrouted = friendly("connections", "create", "single", "203.0.113.8", *region)
    assert (unrouted.status, "and there is none yet" in unrouted.err) == (0, True)
    assert (made["VpnBgpConfig"]["EnableBgp"], "Tunnels" in made) == ("true", False)
    two = friendly("connections", "create", "single", "office", "office", *region)
    assert (two.status, "has one tunnel a connection" in two.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody", "office"), "gatewright gateways list` shows what there is"),
        (("shop", "nobody"), "gatewright customer-gateways list` shows what there is"),
        (("shop", "office", "--remote", "172.16.0.0/16"), "--local and --remote belong together"),
        (("shop", "office", "--psk-file", "/nowhere/key"), "/nowhere/key cannot be read: No such file"),
        (("shop", "office", "--encryption", "aes512"), "aes512"),
        (("shop", "office", "--route", "172.16.0.1/16"), "172.16.0.1/16"),
        (("shop", "office", "--local", "10.0.0.0/16", "--remote", "0.0.0.0/0"), "neither 0.0.0.0/0 nor overlapping"),
        (("shop", "office", "--local", "10.0.0.0/16", "--remote", "0.0.0.0/0"), "route table: --no-publish"),
        (("shop", "office", "--local", "10.0.0.0/16", "--remote", "172.16.0.0/24,"), "RemoteSubnet"),
        (("shop", "office", "--local", "10.0.0.0/16", "--remote", "172.16.0.0/24,172.16.1.1/24"), "172.16.1.1/24"),
        (("shop", "office", "--local", "0.0.0.0/0", "--remote", "0.0.0.0/0", "--route", "0.0.0.0/0"), "RouteDest"),
        (("shop", "office", "--asn", "65001"), "--asn is for --bgp"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_made(
    words: tuple[str, ...],
    said: str,
    friendly: Friendly,
    gateway: str,
) -> None:
    ran = friendly("connections", "create", *words)

    assert (ran.status != 0, said in ran.err) == (True, True), ran.err
    assert answered(friendly("connections", "list"))["VpnConnections"]["VpnConnection"] == []


def test_several_networks_are_told_with_commas(service: Service, friendly: Friendly, gateway: str) -> None:
    networks = ("--local", "10.0.0.0/24, 10.0.1.0/24", "--remote", "172.16.0.0/24,172.16.1.0/24")
    made = answered(friendly("connections", "create", "shop", "office", *networks, "--remote", "172.16.1.0/24"))
    assert (made["LocalSubnet"], made["RemoteSubnet"]) == ("10.0.0.0/24,10.0.1.0/24", "172.16.0.0/24,172.16.1.0/24")
    policies = service.client().call("DescribeVpnPbrRouteEntries", VpnGatewayId=gateway)["VpnPbrRouteEntries"]
    states = [(row["RouteDest"], row["State"]) for row in policies["VpnPbrRouteEntry"]]
    assert sorted(states) == [(f"172.16.{number}.0/24", "published") for number in (0, 0, 1, 1)]


def test_from_everywhere_to_everywhere_routes_decide(service: Service, friendly: Friendly, gateway: str) -> None:
    everywhere = ("--local", "0.0.0.0/0", "--remote", "0.0.0.0/0", "--route", "172.16.3.0/24,172.16.4.0/24")
    ran = friendly("connections", "create", "shop", "office", *everywhere)
    assert answered(ran)["RemoteSubnet"] == "0.0.0.0/0"
    assert "routes decide" in ran.err
    routes = service.client().call("DescribeVpnRouteEntries", VpnGatewayId=gateway)["VpnRouteEntries"]["VpnRouteEntry"]
    assert {(row["RouteDest"], row["State"]) for row in routes} == {
        ("172.16.3.0/24", "published"),
        ("172.16.4.0/24", "published"),
    }


NETWORKS = ("--name", "main", "--local", "10.0.0.0/16", "--remote", "172.16.1.0/24")


@pytest.mark.parametrize(
    ("operation", "told"),
    [("PublishVpnRouteEntry", "is made, but not all its routes; to"), ("DescribeVpnConnection", "is made; to")],
)
@pytest.mark.parametrize("how", ["lost", "interrupted", "refused"])
def test_who_hears_no_more_half_way_knows_what_was_made(
    operation: str,
    told: str,
    how: str,
    service: Service,
    friendly: Friendly,
    gateway: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:
        if how == "refused":
            fault = {"operation": operation, "code": "InternalError", "status": 400, "message": "No.", "count": 1}
            service.control("POST", "/v1/faults", fault)
        else:
            _fail(patched, operation, KeyboardInterrupt() if how == "interrupted" else Unreachable("nobody answers"))
        ran = friendly("connections", "create", "shop", "office", *NETWORKS, "--quiet", "--no-wait")
    assert (ran.status, ran.out) == (130 if how == "interrupted" else 1, "")
    (row,) = answered(friendly("connections", "list"))["VpnConnections"]["VpnConnection"]
    assert f"connection main ({row['VpnConnectionId']}) {told} remove it: " in ran.err
    (words,) = re.findall("to remove it: (.*)$", ran.err, re.MULTILINE)
    assert friendly(*shlex.split(words)[1:], "--yes").status == 0
    assert answered(friendly("connections", "list"))["VpnConnections"]["VpnConnection"] == []


def test_an_order_without_an_answer_is_said_to_be_one(friendly: Friendly, service: Service, gateway: str) -> None:
    fault = {"operation": "CreateVpnConnection", "drop": True, "when": "after", "count": 2}
    service.control("POST", "/v1/faults", fault)
    ran = friendly("connections", "create", "shop", "office", *NETWORKS)
    assert ran.status == 1
    (words,) = re.findall("it may have been made all the same; to see: (.*)$", ran.err, re.MULTILINE)
    (row,) = answered(friendly(*shlex.split(words)[1:]))["VpnConnections"]["VpnConnection"]
    assert row["Name"] == "main"


def _fail(patched: pytest.MonkeyPatch, operation: str, how: BaseException) -> None:
    """Have calls of an operation end so."""
    calls = Caller.call

    def call(self: Caller, action: str, *more: Any, **words: Any) -> dict[str, Any]:
        if action == operation:
            raise how
        return calls(self, action, *more, **words)

    patched.setattr(Caller, "call", call)
