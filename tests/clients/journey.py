"""The round that every SDK makes: build a network, order gateways, page, modify, delete, and err three times.

An SDK's own way of saying things is hidden behind :class:`Sdk`; what it saw comes back as one document. The Node
scripts beside this file make the same round and print the same document, so :func:`check` judges them all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Protocol

REGION = "cn-hangzhou"
ZONES = ("cn-hangzhou-k", "cn-hangzhou-j")
UNKNOWN_GATEWAY = "vpn-bp1aaaaaaaaaaaaaaaaaa"
GATEWAYS = 3
PAGE_SIZE = 2
#: A customer's device.
CUSTOMER: dict[str, Any] = {
    "IpAddress": "203.0.113.7",
    "Name": "office * ~ 办公室",
    "Asn": "1.10",
    "AuthKey": "k3y+/=&%*~()'",
    "Tags": [{"Key": "site", "Value": "north & 北"}],
}
PATIENCE = 20.0
PAUSE = 0.02

Seen = dict[str, Any]

_REQUEST_ID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")


class Failure(Exception):
    """What an SDK's exception says, under one set of names. ``message`` is the server's, without what the SDK adds."""

    def __init__(self, code: str, message: str, request_id: str, status: int) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.code = code
        self.message = message
        self.request_id = request_id
        self.status = status

    def document(self) -> Seen:
        return {"code": self.code, "message": self.message, "request_id": self.request_id, "status": self.status}


class Sdk(Protocol):
    """One SDK with one configuration."""

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        """The answer with the wire's names. Raises Failure."""
        ...

    def with_secret(self, secret: str) -> Sdk:
        """The same with another access key secret."""
        ...


def travel(sdk: Sdk) -> Seen:
    """Make the round. Returns what was seen on it."""
    seen: Seen = {"regions": _regions(sdk)}
    vpc = sdk.call("CreateVpc", RegionId=REGION, CidrBlock="10.20.0.0/16", VpcName="from-an-sdk")["VpcId"]
    vswitches = [_vswitch(sdk, vpc, zone, number) for number, zone in enumerate(ZONES)]
    created = [
        sdk.call(
            "CreateVpnGateway",
            RegionId=REGION,
            VpcId=vpc,
            VSwitchId=vswitches[0],
            DisasterRecoveryVSwitchId=vswitches[1],
            Bandwidth=10,
            EnableIpsec=True,
            EnableSsl=False,
            Name=f"gateway-{number}",
            ClientToken=f"{vpc}-{number}",
        )
        for number in range(GATEWAYS)
    ]
    gateways = [answer["VpnGatewayId"] for answer in created]
    seen |= {"vpc": vpc, "vswitches": vswitches, "created": created, "gateways": gateways}
    statuses: list[str] = []
    for gateway in gateways:
        seen["active"] = _until_active(sdk, gateway, statuses)
    seen["statuses"] = statuses
    seen["pages"] = [
        sdk.call("DescribeVpnGateways", RegionId=REGION, VpcId=vpc, PageNumber=number, PageSize=PAGE_SIZE)
        for number in (1, 2)
    ]
    seen["renamed"] = sdk.call(
        "ModifyVpnGatewayAttribute",
        RegionId=REGION,
        VpnGatewayId=gateways[0],
        Name="renamed",
        Description="a (new) description * with ~ and 中文",
    )
    seen["propagating"] = sdk.call(
        "ModifyVpnGatewayAttribute", RegionId=REGION, VpnGatewayId=gateways[0], AutoPropagate=True
    )
    seen["settled"] = _until_active(sdk, gateways[0], [])
    seen["tags"] = _tags(sdk, gateways[0])
    seen["connection"] = _connection(sdk, gateways[0])
    seen["zones"] = sdk.call("DescribeVpnGatewayAvailableZones", RegionId=REGION, Spec="10M")["AvailableZoneIdList"]
    seen["customer"] = _customer(sdk)
    seen["errors"] = _errors(sdk)
    for gateway in gateways:
        sdk.call("DeleteVpnGateway", RegionId=REGION, VpnGatewayId=gateway)
    seen["gone"] = [_until_gone(sdk, gateway) for gateway in gateways]
    for vswitch in vswitches:
        sdk.call("DeleteVSwitch", RegionId=REGION, VSwitchId=vswitch)
    _until(lambda: sdk.call("DescribeVSwitches", RegionId=REGION, VpcId=vpc), lambda seen: seen["TotalCount"] == 0)
    sdk.call("DeleteVpc", RegionId=REGION, VpcId=vpc)
    seen["left"] = sdk.call("DescribeVpcs", RegionId=REGION, VpcId=vpc)["TotalCount"]
    return seen


def tunnels(*customers: str) -> list[dict[str, Any]]:
    """What a dual-tunnel connection is made with: the slave first, an order that answers keep."""
    return [
        {
            "Role": role,
            "CustomerGatewayId": customer,
            "EnableDpd": False,
            "TunnelIkeConfig": {"Psk": f"of the {role}".replace(" ", "-"), "IkeVersion": "ikev2", "IkeLifetime": 3600},
            "TunnelBgpConfig": {"LocalAsn": 65100, "TunnelCidr": f"169.254.{number}.0/30"},
        }
        for number, (role, customer) in enumerate(zip(("slave", "master"), customers, strict=True), 10)
    ]


def check(seen: Seen) -> None:
    """Whether an SDK saw what there was to be seen."""
    assert REGION in seen["regions"]
    for answer in seen["created"]:
        assert re.fullmatch(r"vpn-[a-z0-9]+", answer["VpnGatewayId"])
        assert int(answer["OrderId"]) > 0
        assert _REQUEST_ID.fullmatch(answer["RequestId"])
    assert len({answer["RequestId"] for answer in seen["created"]}) == GATEWAYS
    assert seen["statuses"][-1] == "active"
    assert set(seen["statuses"]) <= {"init", "provisioning", "active"}
    _check_active(seen)
    _check_pages(seen)
    _check_modified(seen)
    _check_tags(seen)
    _check_connection(seen)
    assert [zone["ZoneId"] for zone in seen["zones"]][: len(ZONES)] == list(ZONES)
    _check_customer(seen["customer"])
    _check_errors(seen)
    assert seen["left"] == 0


def _check_active(seen: Seen) -> None:
    active = seen["active"]
    assert active["VpnGatewayId"] == seen["gateways"][-1]
    assert active["Name"] == f"gateway-{GATEWAYS - 1}"
    assert active["VpcId"] == seen["vpc"]
    assert [active["VSwitchId"], active["DisasterRecoveryVSwitchId"]] == seen["vswitches"]
    assert active["Spec"] == "10M"
    assert (active["IpsecVpn"], active["SslVpn"]) == ("enable", "disable")
    assert active["ChargeType"] == "PostpayByFlow"
    assert active["AutoPropagate"] is False
    addresses = {active["InternetIp"], active["DisasterRecoveryInternetIp"]}
    assert len(addresses) == 2
    assert all(re.fullmatch(r"\d+\.\d+\.\d+\.\d+", address) for address in addresses)


def _check_pages(seen: Seen) -> None:
    first, second = seen["pages"]
    assert [page["PageNumber"] for page in seen["pages"]] == [1, 2]
    assert [page["PageSize"] for page in seen["pages"]] == [PAGE_SIZE, PAGE_SIZE]
    assert [page["TotalCount"] for page in seen["pages"]] == [GATEWAYS, GATEWAYS]
    listed = [[gateway["VpnGatewayId"] for gateway in page["VpnGateways"]["VpnGateway"]] for page in (first, second)]
    assert [len(page) for page in listed] == [PAGE_SIZE, GATEWAYS - PAGE_SIZE]
    assert sorted(listed[0] + listed[1]) == sorted(seen["gateways"])


def _check_modified(seen: Seen) -> None:
    assert seen["renamed"]["Name"] == "renamed"
    assert seen["renamed"]["Description"] == "a (new) description * with ~ and 中文"
    assert seen["renamed"]["AutoPropagate"] is False
    assert seen["propagating"]["AutoPropagate"] is True
    assert seen["propagating"]["Name"] == "renamed"
    assert seen["settled"]["Status"] == "active"
    assert seen["settled"]["AutoPropagate"] is True
    assert seen["settled"]["Description"] == seen["renamed"]["Description"]


def _check_tags(seen: Seen) -> None:
    expected = [{"Key": "env", "Value": "test & 测试"}, {"Key": "team", "Value": "edge"}]
    tags = seen["tags"]
    assert tags["described"] == expected
    gateway = seen["gateways"][0]
    assert tags["listed"] == [
        {"ResourceId": gateway, "ResourceType": "VPNGATEWAY", "TagKey": tag["Key"], "TagValue": tag["Value"]}
        for tag in expected
    ]
    assert tags["filtered"] == [gateway]
    assert tags["left"] == [{"Key": "team", "Value": "edge"}]


def _check_customer(customer: Seen) -> None:
    made = customer["made"]
    assert re.fullmatch(r"cgw-[a-z0-9]+", made["CustomerGatewayId"])
    assert (made["IpAddress"], made["Name"], made["Description"]) == (CUSTOMER["IpAddress"], CUSTOMER["Name"], "")
    described = customer["described"]
    assert (described["Asn"], described["AuthKey"]) == (65546, CUSTOMER["AuthKey"])
    assert described["Tags"]["Tag"] == [{"Key": "site", "Value": "north & 北"}]
    assert customer["listed"] == [made["CustomerGatewayId"]]
    assert (customer["renamed"]["Name"], customer["renamed"]["Description"]) == ("renamed", "a device, 设备")
    assert without_request_id(customer["again"]) == {
        "code": "InvalidIpAddress.AlreadyExist",
        "message": "Specified IpAddress is already exist.",
        "status": 400,
    }
    assert without_request_id(customer["gone"]) == {
        "code": "InvalidCustomerGatewayInstanceId.NotFound",
        "message": "The specified customer gateway instance id does not exist.",
        "status": 404,
    }
    assert customer["bgp"] is True


def _check_connection(seen: Seen) -> None:
    told = seen["connection"]
    assert (told["State"], told["LocalSubnet"], told["RemoteSubnet"]) == ("active", "10.20.0.0/16", "192.168.0.0/16")
    assert (told["EnableTunnelsBgp"], told["EffectImmediately"]) == (True, True)
    slave, master = told["TunnelOptionsSpecification"]["TunnelOptions"]
    assert (slave["Role"], master["Role"]) == ("slave", "master")
    assert (slave["TunnelIkeConfig"]["Psk"], master["TunnelIkeConfig"]["Psk"]) == ("of-the-slave", "of-the-master")
    assert slave["TunnelIkeConfig"]["IkeVersion"] == "ikev2"
    # the answer has numbers and booleans; a model that declares texts makes texts of them
    assert int(slave["TunnelIkeConfig"]["IkeLifetime"]) == 3600
    assert str(slave["EnableDpd"]).lower() == "false"
    assert [int(master["TunnelBgpConfig"][name]) for name in ("LocalAsn", "PeerAsn")] == [65100, 65001]
    assert master["TunnelBgpConfig"]["TunnelCidr"] == "169.254.11.0/30"
    assert len({slave["InternetIp"], master["InternetIp"]}) == 2
    # one of each tunnel, at least
    assert len(told["Findings"]) >= 2
    assert "RouteMissing" not in told["Findings"]
    diagnosis = told["Diagnosis"]
    assert int(diagnosis["FinishedCount"]) == int(diagnosis["TotalCount"]) == len(diagnosis["DiagnoseResult"])


def _check_errors(seen: Seen) -> None:
    not_found = {
        "code": "InvalidVpnGatewayInstanceId.NotFound",
        "message": "The specified vpn gateway instance id does not exist.",
        "status": 404,
    }
    for failure in (seen["errors"]["unknown"], *seen["gone"]):
        assert without_request_id(failure) == not_found
    assert without_request_id(seen["errors"]["missing"]) == {
        "code": "MissingVpcId",
        "message": "VpcId is mandatory for this action.",
        "status": 400,
    }
    check_mismatch(seen["errors"]["secret"])


def check_mismatch(failure: Seen) -> None:
    """Whether a failure is that of a wrong secret: its message ends with what the server took for signed."""
    mismatch = without_request_id(failure)
    assert (mismatch["code"], mismatch["status"]) == ("SignatureDoesNotMatch", 400)
    assert re.match(
        r"Specified signature (is not matched with our calculation\. server string to sign is:"
        r"|does not match our calculation\. server StringToSign is \[ACS3-HMAC-SHA256\n)",
        mismatch["message"],
    )


def without_request_id(failure: Seen) -> Seen:
    """The failure without its request id, which is looked at here: an upper-case UUID."""
    assert _REQUEST_ID.fullmatch(failure["request_id"]), failure
    return {name: value for name, value in failure.items() if name != "request_id"}


def failure_of(ask: Callable[[], object]) -> Failure:
    """How a call fails, which must fail."""
    try:
        answer = ask()
    except Failure as failure:
        return failure
    raise AssertionError(f"it succeeded: {answer}")


def _regions(sdk: Sdk) -> list[str]:
    return [region["RegionId"] for region in sdk.call("DescribeRegions")["Regions"]["Region"]]


def _vswitch(sdk: Sdk, vpc: str, zone: str, number: int) -> str:
    answer = sdk.call("CreateVSwitch", RegionId=REGION, VpcId=vpc, ZoneId=zone, CidrBlock=f"10.20.{number}.0/24")
    vswitch: str = answer["VSwitchId"]
    _until(
        lambda: sdk.call("DescribeVSwitchAttributes", RegionId=REGION, VSwitchId=vswitch),
        lambda seen: seen["Status"] == "Available",
    )
    return vswitch


def _describe(sdk: Sdk, gateway: str) -> dict[str, Any]:
    return sdk.call("DescribeVpnGateway", RegionId=REGION, VpnGatewayId=gateway)


def _until_active(sdk: Sdk, gateway: str, statuses: list[str]) -> dict[str, Any]:
    def active(seen: dict[str, Any]) -> bool:
        statuses.append(seen["Status"])
        return bool(seen["Status"] == "active")

    return _until(lambda: _describe(sdk, gateway), active)


def _until(ask: Callable[[], dict[str, Any]], enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Poll as every client of this API must."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = ask()
        if enough(answer):
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer} after {PATIENCE} s")
        time.sleep(PAUSE)


def _until_gone(sdk: Sdk, gateway: str) -> Seen:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            _describe(sdk, gateway)
        except Failure as failure:
            return failure.document()
        time.sleep(PAUSE)
    raise AssertionError(f"{gateway} is still there after {PATIENCE} s")


def _tags(sdk: Sdk, gateway: str) -> Seen:
    """Lists of texts and of objects, as each SDK sends them."""
    named = {"RegionId": REGION, "ResourceType": "VpnGateWay", "ResourceId": [gateway]}
    given = [{"Key": "team", "Value": "edge"}, {"Key": "env", "Value": "test & 测试"}]
    sdk.call("TagResources", **named, Tag=given)
    described = _describe(sdk, gateway)["Tags"]["Tag"]
    listed = sdk.call("ListTagResources", **named)["TagResources"]["TagResource"]
    filtered = sdk.call("DescribeVpnGateways", RegionId=REGION, Tag=given)["VpnGateways"]["VpnGateway"]
    sdk.call("UnTagResources", **named, TagKey=["env"])
    left = _describe(sdk, gateway)["Tags"]["Tag"]
    return {
        "described": described,
        "listed": listed,
        "filtered": [found["VpnGatewayId"] for found in filtered],
        "left": left,
    }


def _customer(sdk: Sdk) -> Seen:
    """A customer's device, with the key of its BGP sessions."""
    made = sdk.call("CreateCustomerGateway", RegionId=REGION, **CUSTOMER)
    which = {"RegionId": REGION, "CustomerGatewayId": made["CustomerGatewayId"]}
    again = failure_of(lambda: sdk.call("CreateCustomerGateway", RegionId=REGION, IpAddress=CUSTOMER["IpAddress"]))
    described = sdk.call("DescribeCustomerGateway", **which)
    listed = sdk.call("DescribeCustomerGateways", RegionId=REGION, Tag=CUSTOMER["Tags"])["CustomerGateways"]
    renamed = sdk.call("ModifyCustomerGatewayAttribute", **which, Name="renamed", Description="a device, 设备")
    sdk.call("DeleteCustomerGateway", **which)
    return {
        "made": made,
        "again": again.document(),
        "described": described,
        "listed": [found["CustomerGatewayId"] for found in listed["CustomerGateway"]],
        "renamed": renamed,
        "gone": failure_of(lambda: sdk.call("DescribeCustomerGateway", **which)).document(),
        "bgp": sdk.call("CheckVpnBgpEnabled", RegionId=REGION)["BgpEnabled"],
    }


def _connection(sdk: Sdk, gateway: str) -> Seen:
    """Objects in lists and in one another, as each SDK sends them."""
    customers = [
        sdk.call("CreateCustomerGateway", RegionId=REGION, IpAddress=f"203.0.113.{number}", Asn="65001")
        for number in (1, 2)
    ]
    ends = [customer["CustomerGatewayId"] for customer in customers]
    connection = sdk.call(
        "CreateVpnConnection",
        RegionId=REGION,
        VpnGatewayId=gateway,
        LocalSubnet="10.20.0.0/16",
        RemoteSubnet="192.168.0.0/16",
        EffectImmediately=True,
        EnableTunnelsBgp=True,
        AutoConfigRoute=False,
        TunnelOptionsSpecification=tunnels(*ends),
    )["VpnConnectionId"]
    named = {"RegionId": REGION, "VpnConnectionId": connection}
    told = _until(lambda: sdk.call("DescribeVpnConnection", **named), lambda answer: answer["State"] == "active")
    found = sdk.call("DiagnoseVpnConnections", RegionId=REGION, VpnConnectionIds=[connection])
    asked = {"RegionId": REGION, "VpnGatewayId": gateway, "ResourceType": "IPsec", "ResourceId": connection}
    diagnosis = {"RegionId": REGION, "DiagnoseId": sdk.call("DiagnoseVpnGateway", **asked)["DiagnoseId"]}
    told["Diagnosis"] = sdk.call("GetVpnGatewayDiagnoseResult", **diagnosis)
    told["Findings"] = [each["FailedReasonCode"] for each in found["VpnConnections"]]
    sdk.call("DeleteVpnConnection", **named)
    for end in ends:
        sdk.call("DeleteCustomerGateway", RegionId=REGION, CustomerGatewayId=end)
    return told


def flat(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters as they are named on the wire, for what leaves lists to its caller."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        for number, each in enumerate(value if isinstance(value, list) else (), 1):
            found |= flat({f"{name}.{number}": each})
        if isinstance(value, dict):
            found |= flat({f"{name}.{key}": each for key, each in value.items()})
        elif not isinstance(value, list):
            found[name] = value
    return found


def _errors(sdk: Sdk) -> dict[str, Seen]:
    return {
        "unknown": failure_of(lambda: _describe(sdk, UNKNOWN_GATEWAY)).document(),
        "missing": failure_of(lambda: sdk.call("CreateVpnGateway", RegionId=REGION, Bandwidth=10)).document(),
        "secret": failure_of(lambda: _describe(sdk.with_secret("another"), UNKNOWN_GATEWAY)).document(),
    }
