"""What Terraform's provider sends for ``examples/terraform``, replayed: create, poll, read, update, destroy.

From the sources of terraform-provider-alicloud 1.289.0, which cannot be run here: the parameters of each resource, what
is in the query and what in the form, the signature (V1 over both, ``Format=json``), what ends a poll, and what the
provider takes for gone. It reads fields into a typed schema, where a string for a boolean is drift without a word.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.clients.provider import REGION, Provider, check_types, network, tag, untag
from tests.support.service import Service

EXAMPLE = Path(__file__).parents[2] / "examples/terraform/main.tf"


def state_of(read: dict[str, Any]) -> dict[str, Any]:
    """What ``alicloud_vpn_gateway`` keeps of DescribeVpnGateway, by the names of the example."""
    assert isinstance(read["CreateTime"], int)
    assert isinstance(read["SslMaxConnections"], int)
    assert read["AutoPropagate"] is False
    return {
        "vpn_gateway_name": read["Name"],
        "description": read["Description"],
        "vpc_id": read["VpcId"],
        "vswitch_id": read["VSwitchId"],
        "disaster_recovery_vswitch_id": read["DisasterRecoveryVSwitchId"],
        "bandwidth": int(read["Spec"].partition("M")[0]),
        "network_type": read["NetworkType"],
        "payment_type": {"Prepay": "Subscription", "PostpayByFlow": "PayAsYouGo"}[read["ChargeType"]],
        "enable_ipsec": read["IpsecVpn"] == "enable",
        "enable_ssl": read["SslVpn"] == "enable",
        "tags": {tag["Key"]: tag["Value"] for tag in read.get("Tags", {}).get("Tag", [])},
    }


def test_the_example_is_made_changed_and_destroyed(cloud: Service) -> None:
    cloud.control("POST", "/v1/reset")
    cloud.control("POST", "/v1/delays", {"provisioning": 120, "deleting": 30})
    provider = Provider(cloud.client())
    started = provider.post("QueryAvailableInstances", query=REGION, version="2017-12-14")
    assert started.status == 200
    vpc, vswitches = network(cloud, provider)

    wanted = {
        "vpn_gateway_name": "gatewright-example",
        "description": "An example",
        "vpc_id": vpc,
        "vswitch_id": vswitches[0],
        "disaster_recovery_vswitch_id": vswitches[1],
        "bandwidth": 10,
        "network_type": "public",
        "payment_type": "PayAsYouGo",
        "enable_ipsec": True,
        "enable_ssl": False,
        "tags": {"example": "terraform"},
    }
    # the replay is of the example, and not of one that it once was
    block = EXAMPLE.read_text().partition('resource "alicloud_vpn_gateway" "this"')[2]
    assert set(re.findall(r"^  (\w+) +=", block, re.MULTILINE)) == set(wanted)
    gateway = provider.done(
        "CreateVpnGateway",
        {
            **REGION,
            "VpcId": vpc,
            "VSwitchId": vswitches[0],
            "DisasterRecoveryVSwitchId": vswitches[1],
            "Name": "gatewright-example",
            "NetworkType": "public",
            "AutoPay": "true",
            "EnableIpsec": "true",
            "EnableSsl": "false",
            "InstanceChargeType": "POSTPAY",
            "Bandwidth": "10",
        },
    )["VpnGatewayId"]
    which = {**REGION, "VpnGatewayId": gateway}
    assert provider.done("DescribeVpnGateway", **which)["Status"] in ("init", "provisioning")
    cloud.control("POST", "/v1/clock", {"advance": 120})
    assert provider.done("DescribeVpnGateway", **which)["Status"] == "active"
    # what CreateVpnGateway does not take is sent after it
    provider.done("ModifyVpnGatewayAttribute", {**REGION, "Description": "An example"}, VpnGatewayId=gateway)
    tag(provider, gateway, example="terraform")
    assert provider.done("DescribeVpnGateway", **which)["Status"] == "active"
    read = provider.done("DescribeVpnGateway", **which)
    assert state_of(read) == wanted
    assert len({read["InternetIp"], read["DisasterRecoveryInternetIp"], ""}) == 3

    provider.done(
        "ModifyVpnGatewayAttribute", {**REGION, "Description": "Changed", "Name": "other"}, VpnGatewayId=gateway
    )
    untag(provider, gateway, "example")
    tag(provider, gateway, another="one")
    changed = {"vpn_gateway_name": "other", "description": "Changed", "tags": {"another": "one"}}
    assert state_of(provider.done("DescribeVpnGateway", **which)) == wanted | changed

    # a vSwitch with a gateway in it is asked for again and again until it goes
    busy = provider.post("DeleteVSwitch", {**REGION, "VSwitchId": vswitches[0]}).json()["Code"]
    assert busy.startswith("DependencyViolation")
    provider.done("DeleteVpnGateway", REGION, VpnGatewayId=gateway)
    assert provider.done("DescribeVpnGateway", **which)["Status"] == "deleting"
    cloud.control("POST", "/v1/clock", {"advance": 30})
    assert provider.gone("DescribeVpnGateway", **which) == "InvalidVpnGatewayInstanceId.NotFound"
    for vswitch in vswitches:
        provider.done("DeleteVSwitch", {**REGION, "VSwitchId": vswitch})
        cloud.control("GET", "/v1/instances")
        provider.gone("DescribeVSwitchAttributes", REGION, VSwitchId=vswitch)
    provider.done("DeleteVpc", {**REGION, "VpcId": vpc})
    provider.gone("DescribeVpcAttribute", {**REGION, "VpcId": vpc})


def test_a_customer_gateway_is_made_changed_and_destroyed(cloud: Service) -> None:
    """``alicloud_vpn_customer_gateway``: its ``asn`` is the provider's own, so one that is not set must not be told."""
    cloud.control("POST", "/v1/reset")
    provider = Provider(cloud.client())
    plain = provider.done("CreateCustomerGateway", {**REGION, "IpAddress": "203.0.113.8"})["CustomerGatewayId"]
    read = provider.done("DescribeCustomerGateway", REGION, CustomerGatewayId=plain)
    assert "Asn" not in read
    assert (read["Name"], read["Description"], read["Tags"]["Tag"]) == ("", "", [])
    given = {"IpAddress": "203.0.113.7", "Asn": "65000", "Name": "office", "Description": "A device"}
    made = provider.done("CreateCustomerGateway", {**REGION, **given})["CustomerGatewayId"]
    tag(provider, made, "CUSTOMERGATEWAY", site="north")
    read = provider.done("DescribeCustomerGateway", REGION, CustomerGatewayId=made)
    assert {name: str(read[name]) for name in given} == given
    assert isinstance(read["CreateTime"], int)
    assert read["Tags"]["Tag"] == [{"Key": "site", "Value": "north"}]
    changed = {"Name": "other", "Description": "Changed"}
    provider.done("ModifyCustomerGatewayAttribute", {**REGION, "CustomerGatewayId": made, **changed})
    untag(provider, made, "site", "CUSTOMERGATEWAY")
    pages = provider.done("DescribeCustomerGateways", REGION, PageNumber="1", PageSize="50")
    listed = {each["CustomerGatewayId"]: each for each in pages["CustomerGateways"]["CustomerGateway"]}
    assert {name: listed[made][name] for name in changed} == changed
    assert listed[made]["Tags"]["Tag"] == []
    for identity in (made, plain):
        provider.done("DeleteCustomerGateway", {**REGION, "CustomerGatewayId": identity})
        told = provider.gone("DescribeCustomerGateway", REGION, CustomerGatewayId=identity)
        assert told == "InvalidCustomerGatewayInstanceId.NotFound"


def test_an_enhanced_gateway_is_made_changed_and_destroyed(cloud: Service) -> None:
    """``alicloud_vpn_gateway_enhanced_vpn_gateway``: what it has no parameter for on creation is sent after it."""
    cloud.control("POST", "/v1/reset")
    provider = Provider(cloud.client())
    vpc, vswitches = network(cloud, provider)
    given = {
        "VpcId": vpc,
        "VSwitchId": vswitches[0],
        "DisasterRecoveryVSwitchId": vswitches[1],
        "VpnType": "Normal",
        "NetworkType": "public",
        "GatewayType": "Enhanced.SiteToSite",
        "Name": "default",
    }
    gateway = provider.done("CreateEnhancedVpnGateway", {**REGION, **given})["VpnGatewayId"]
    which = {**REGION, "VpnGatewayId": gateway}
    for changes in ({"Description": "default", "AutoPropagate": "false"}, {"Name": "other", "AutoPropagate": "true"}):
        provider.done("UpdateEnhancedVpnGateway", {**which, **changes})
        cloud.control("GET", "/v1/instances")  # answered when the plane has settled
        read = provider.done("DescribeVpnGateway", which)
        given |= changes
        assert {name: str(read[name]) for name in given} == given | {"AutoPropagate": str(read["AutoPropagate"])}
        assert str(read["AutoPropagate"]).lower() == changes["AutoPropagate"]
        assert (read["Status"], type(read["CreateTime"])) == ("active", int)
    tag(provider, gateway, site="north")
    listed = provider.done("ListTagResources", {**REGION, "ResourceId.1": gateway, "ResourceType": "VpnGateWay"})
    assert [each["TagValue"] for each in listed["TagResources"]["TagResource"]] == ["north"]
    (found,) = provider.done("DescribeVpnGateways", {**which, "PageNumber": "1", "PageSize": "50"})["VpnGateways"][
        "VpnGateway"
    ]
    assert (found["GatewayType"], found["ChargeType"]) == ("Enhanced.SiteToSite", "PostpayByFlow")
    provider.done("DeleteEnhancedVpnGateway", which)
    cloud.control("GET", "/v1/instances")
    assert provider.done("DescribeVpnGateways", which)["TotalCount"] == 0


def connection_of(cloud: Service, provider: Provider, connection: str, region: dict[str, str]) -> dict[str, Any]:
    """``alicloud_vpn_connection`` as it is read, once it is what the provider waits for."""
    cloud.control("GET", "/v1/instances")  # answered when the plane has settled
    read = provider.done("DescribeVpnConnection", None, VpnConnectionId=connection, **region)
    assert read["State"] == "active"
    check_types(read)
    return read


def test_a_connection_with_two_tunnels_is_made_changed_and_destroyed(cloud: Service) -> None:
    """``alicloud_vpn_connection``: the provider makes it anew when ``CustomerGatewayId`` is told of it at the top."""
    cloud.control("POST", "/v1/reset")
    provider = Provider(cloud.client())
    vpc, vswitches = network(cloud, provider)
    order = {"VpcId": vpc, "VSwitchId": vswitches[0], "DisasterRecoveryVSwitchId": vswitches[1], "Bandwidth": "10"}
    gateway = provider.done("CreateVpnGateway", {**REGION, **order})["VpnGatewayId"]
    ends = [
        provider.done("CreateCustomerGateway", {**REGION, "IpAddress": f"203.0.113.{n}", "Asn": "65000"})[
            "CustomerGatewayId"
        ]
        for n in (7, 8)
    ]
    spec = "TunnelOptionsSpecification"
    tunnels = {
        f"{spec}.{n}.{name}": value
        for n, role in enumerate(("master", "slave"), 1)
        for name, value in {
            "Role": role,
            "CustomerGatewayId": ends[n - 1],
            "EnableDpd": "true",
            "EnableNatTraversal": "false",
            "TunnelIkeConfig.Psk": f"key-{n}",
            "TunnelIkeConfig.IkeVersion": "ikev2",
            "TunnelIkeConfig.IkeLifetime": "3600",
            "TunnelIpsecConfig.IpsecPfs": "group14",
            "TunnelBgpConfig.LocalAsn": "65100",
            "TunnelBgpConfig.TunnelCidr": f"169.254.3{n}.0/30",
            "TunnelBgpConfig.LocalBgpIp": f"169.254.3{n}.1",
        }.items()
    }
    given = {
        **REGION,
        "VpnGatewayId": gateway,
        "Name": "to-office",
        "LocalSubnet": "10.0.1.0/24,10.0.2.0/24",
        "RemoteSubnet": "192.168.0.0/24",
        "EffectImmediately": "false",
        "AutoConfigRoute": "false",
        "EnableTunnelsBgp": "true",
        "Tags.1.Key": "site",
        "Tags.1.Value": "north",
    }
    made = provider.done("CreateVpnConnection", {**given, **tunnels})["VpnConnectionId"]
    read = connection_of(cloud, provider, made, REGION)
    assert "CustomerGatewayId" not in read
    assert (read["LocalSubnet"], read["Name"], read["VpnGatewayId"]) == (given["LocalSubnet"], "to-office", gateway)
    told = read[spec]["TunnelOptions"]
    assert [each["CustomerGatewayId"] for each in told] == ends
    assert [each["TunnelBgpConfig"]["TunnelCidr"] for each in told] == ["169.254.31.0/30", "169.254.32.0/30"]
    assert told[0]["TunnelIkeConfig"]["LocalId"] == told[0]["InternetIp"]
    # an update sends everything again, without the customer gateways
    changed = {name: value for name, value in tunnels.items() if not name.endswith("CustomerGatewayId")}
    changed |= {f"{spec}.1.TunnelIkeConfig.Psk": "another", "LocalSubnet": "10.0.1.0/24", "EnableTunnelsBgp": "true"}
    provider.done(
        "ModifyVpnConnectionAttribute",
        {**REGION, "RemoteSubnet": given["RemoteSubnet"], **changed},
        VpnConnectionId=made,
    )
    after = connection_of(cloud, provider, made, REGION)
    assert after["LocalSubnet"] == "10.0.1.0/24"
    told[0]["TunnelIkeConfig"]["Psk"] = "another"
    assert after[spec]["TunnelOptions"] == told
    tag(provider, made, "VPNCONNECTION", site="south")
    untag(provider, made, "site", "VPNCONNECTION")
    assert connection_of(cloud, provider, made, REGION)["Tags"]["Tag"] == []
    provider.done("DeleteVpnConnection", REGION, VpnConnectionId=made)
    told_gone = provider.gone("DescribeVpnConnection", None, VpnConnectionId=made, **REGION)
    assert told_gone == "InvalidVpnConnectionInstanceId.NotFound"


def single_tunnel_gateway(provider: Provider, region: dict[str, str]) -> tuple[str, str]:
    """A gateway in a region of one tunnel a connection, and a customer gateway: their ids."""
    vpc = provider.done("CreateVpc", {**region, "CidrBlock": "10.0.0.0/8"})["VpcId"]
    inside = {"VpcId": vpc, "ZoneId": "ap-south-1a", "CidrBlock": "10.0.1.0/24"}
    vswitch = provider.done("CreateVSwitch", {**region, **inside})["VSwitchId"]
    order = {"VpcId": vpc, "VSwitchId": vswitch, "Bandwidth": "10"}
    gateway = provider.done("CreateVpnGateway", {**region, **order})["VpnGatewayId"]
    end = provider.done("CreateCustomerGateway", {**region, "IpAddress": "203.0.113.7", "Asn": "65000"})
    return str(gateway), str(end["CustomerGatewayId"])


def test_a_connection_with_one_tunnel_is_made_and_changed(cloud: Service) -> None:
    """Its configurations are texts of JSON, whose keys the provider writes in other cases when it changes them."""
    cloud.control("POST", "/v1/reset")
    provider, region = Provider(cloud.client()), {"RegionId": "ap-south-1"}
    gateway, end = single_tunnel_gateway(provider, region)
    ike = {"Psk": "key", "IkeVersion": "ikev1", "IkeMode": "main", "IkeLifetime": 600, "LocalId": "", "RemoteId": None}
    health = {"enable": True, "dip": "192.168.0.1", "sip": "10.0.1.7", "interval": "5", "retry": 2}
    given = {
        **region,
        "VpnGatewayId": gateway,
        "CustomerGatewayId": end,
        "LocalSubnet": "0.0.0.0/0",
        "RemoteSubnet": "0.0.0.0/0",
        "EnableDpd": "true",
        "IkeConfig": json.dumps(ike),
        "BgpConfig": json.dumps({"EnableBgp": "true", "TunnelCidr": "169.254.30.0/30", "LocalBgpIp": "169.254.30.1"}),
        "HealthCheckConfig": json.dumps(health),
    }
    made = provider.done("CreateVpnConnection", given)["VpnConnectionId"]
    upper = {name.capitalize(): value for name, value in health.items()}
    for _ in range(2):  # the provider changes it right after it made it
        provider.done(
            "ModifyVpnConnectionAttribute",
            {
                **region,
                "LocalSubnet": "0.0.0.0/0",
                "RemoteSubnet": "0.0.0.0/0",
                "HealthCheckConfig": json.dumps(upper),
            },
            VpnConnectionId=made,
        )
        upper["Retry"] = 4
    read = connection_of(cloud, provider, made, region)
    assert read["TunnelOptionsSpecification"]["TunnelOptions"] == []
    assert (read["CustomerGatewayId"], read["EnableDpd"]) == (end, True)
    assert (read["IkeConfig"]["IkeLifetime"], read["IkeConfig"]["LocalId"]) == (600, read["InternetIp"])
    assert (read["VcoHealthCheck"]["Enable"], read["VcoHealthCheck"]["Retry"]) == ("true", 4)
    assert (read["VpnBgpConfig"]["EnableBgp"], read["VpnBgpConfig"]["LocalAsn"]) == ("true", 45104)


def test_routes_of_a_gateway_are_made_changed_and_destroyed(cloud: Service) -> None:
    """``alicloud_vpn_route_entry`` and ``alicloud_vpn_pbr_route_entry``: each is one of a list, found by its parts."""
    cloud.control("POST", "/v1/reset")
    provider, region = Provider(cloud.client()), {"RegionId": "ap-south-1"}
    gateway, end = single_tunnel_gateway(provider, region)
    both = {"LocalSubnet": "0.0.0.0/0", "RemoteSubnet": "0.0.0.0/0"}
    order = {**region, "VpnGatewayId": gateway, "CustomerGatewayId": end, **both}
    connection = provider.done("CreateVpnConnection", order)["VpnConnectionId"]
    table = provider.done("DescribeVpcs", region)["Vpcs"]["Vpc"][0]["RouterTableIds"]["RouterTableIds"][0]
    for kind, infix, source in (("dbr", "", {}), ("pbr", "Pbr", {"RouteSource": "10.0.1.0/24"})):
        which = {**region, "VpnGatewayId": gateway, "NextHop": connection, "RouteDest": "192.168.0.0/16", **source}

        def read(infix: str = infix) -> list[dict[str, Any]]:
            pages = {**region, "VpnGatewayId": gateway, "PageNumber": "1", "PageSize": "20"}
            told = provider.done(f"DescribeVpn{infix}RouteEntries", pages)
            listed: list[dict[str, Any]] = told[f"Vpn{infix}RouteEntries"][f"Vpn{infix}RouteEntry"]
            return listed

        made = provider.done(f"CreateVpn{infix}RouteEntry", {**which, "Weight": "100", "PublishVpc": "false"})
        assert (made["VpnInstanceId"], made["NextHop"], made["RouteDest"]) == (gateway, connection, "192.168.0.0/16")
        (route,) = read()
        parts = {name: route[name] for name in (*source, "NextHop", "RouteDest")}
        assert parts == {name: which[name] for name in parts}
        assert (route["VpnInstanceId"], route["Weight"], route["State"]) == (gateway, 100, "normal")
        provider.done("PublishVpnRouteEntry", {**which, "PublishVpc": "true", "RouteType": kind})
        provider.done(f"ModifyVpn{infix}RouteEntryWeight", {**which, "Weight": "100", "NewWeight": "0"})
        assert [(each["State"], each["Weight"]) for each in read()] == [("published", 0)]
        custom = {**region, "RouteTableId": table, "RouteEntryType": "Custom"}
        (entry,) = provider.done("DescribeRouteEntryList", custom)["RouteEntrys"]["RouteEntry"]
        assert entry["NextHops"]["NextHop"] == [{"NextHopId": gateway, "NextHopType": "VpnGateway"}]
        provider.done(f"DeleteVpn{infix}RouteEntry", {**which, "Weight": "0"})
        assert read() == []
        assert provider.gone(f"DeleteVpn{infix}RouteEntry", {**which, "Weight": "0"}) == "InvalidRouteEntry.NotFound"
        assert provider.done("DescribeRouteEntryList", custom)["TotalCount"] == 0


def test_errors_are_of_the_form_that_the_provider_reads(cloud: Service) -> None:
    reply = Provider(cloud.client()).post("CreateVpnGateway", {**REGION, "VpcId": "vpc-nobody", "Bandwidth": "10"})
    answer = json.loads(reply.body)
    # a 5xx is sent again and again, an empty or short code stands for whatever is waited for
    assert 400 <= reply.status < 500
    assert len(answer["Code"]) > 5
    assert answer["Message"]
    assert answer["RequestId"]
