"""Every row of CreateVpnGateway's error table, each by what it takes to get it, and their order where several apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from gatewright.operations.call import Quotas
from gatewright.store import capacities
from gatewright.store.transaction import Transaction
from tests.conformance import reference_data
from tests.conformance.reference_data import ReferenceRow
from tests.support.cell import Cell
from tests.support.client import Refused

MakeCell = Callable[..., Cell]
Network = tuple[str, str, str]
ZONES = ("cn-hangzhou-k", "cn-hangzhou-j")


def order(network: Network, **changes: Any) -> dict[str, Any]:
    vpc, first, second = network
    return {"VpcId": vpc, "VSwitchId": first, "DisasterRecoveryVSwitchId": second, "Bandwidth": 10, **changes}


def capacity(cell: Cell, zone: str, instances: int) -> None:
    def put(transaction: Transaction) -> None:
        capacities.put(transaction, "cn-hangzhou", zone, instances)

    cell.run(cell.database.write(put))


class Case(NamedTuple):
    """What leads to a row: a cell, an order in it, and how the detail begins."""

    cell: Cell
    parameters: dict[str, Any]
    named: str


Scenario = Callable[[MakeCell], Case]


def changed(named: str, **changes: Any) -> Scenario:
    """An order in a good network with something wrong in it."""

    def scenario(make_cell: MakeCell) -> Case:
        cell = make_cell()
        return Case(cell, order(cell.network(), **changes), named)

    return scenario


def in_zones(named: str, first: str, second: str) -> Scenario:
    def scenario(make_cell: MakeCell) -> Case:
        cell = make_cell()
        return Case(cell, order(cell.network((first, second))), named)

    return scenario


def vswitch_of_another_vpc(make_cell: MakeCell) -> Case:
    cell = make_cell()
    network, other = cell.network(), cell.network()
    return Case(cell, order(network, DisasterRecoveryVSwitchId=other[2]), f'DisasterRecoveryVSwitchId "{other[2]}"')


def vswitch_of_another_region(make_cell: MakeCell) -> Case:
    cell = make_cell()
    vpc = cell.call("CreateVpc", RegionId="cn-beijing")["VpcId"]
    away = {"RegionId": "cn-beijing", "VpcId": vpc, "ZoneId": "cn-beijing-f", "CidrBlock": "172.16.0.0/24"}
    vswitch = cell.call("CreateVSwitch", **away)["VSwitchId"]
    return Case(cell, order(cell.network(), VSwitchId=vswitch), f'VSwitchId "{vswitch}"')


def no_zone_has_room(make_cell: MakeCell) -> Case:
    cell = make_cell()
    for letter in "kjihg":
        capacity(cell, f"cn-hangzhou-{letter}", 0)
    return Case(cell, order(cell.network()), 'RegionId "cn-hangzhou"')


def the_public_pool_is_empty(make_cell: MakeCell) -> Case:
    cell = make_cell(public_pool="198.51.100.0/29")
    network = cell.network()
    for _ in range(2):
        cell.gateway(network)
    return Case(cell, order(network), "The pool public:198.51.100.0/29 has no free address")


def another_zone_has_room(make_cell: MakeCell) -> Case:
    cell = make_cell()
    network = cell.network()
    capacity(cell, "cn-hangzhou-j", 1)
    cell.gateway(network)
    return Case(cell, order(network), f'DisasterRecoveryVSwitchId "{network[2]}": its zone cn-hangzhou-j is full')


def the_only_zone_with_room_is_the_other_halfs(make_cell: MakeCell) -> Case:
    cell = make_cell()
    network = cell.network()
    for letter in "kihg":
        capacity(cell, f"cn-hangzhou-{letter}", 0)
    return Case(cell, order(network), 'RegionId "cn-hangzhou"')


def no_free_private_address(make_cell: MakeCell) -> Case:
    cell = make_cell()
    vpc = cell.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    # A /29 has four addresses to give.
    first, second = (
        cell.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in zip(ZONES, ("10.0.0.0/24", "10.1.0.0/29"), strict=True)
    )
    for _ in range(4):
        cell.gateway((vpc, first, second))
    return Case(cell, order((vpc, first, second)), f'DisasterRecoveryVSwitchId "{second}"')


def in_network(vpc_cidr: str, first: str, second: str) -> Scenario:
    def scenario(make_cell: MakeCell) -> Case:
        cell = make_cell()
        vpc = cell.call("CreateVpc", CidrBlock=vpc_cidr)["VpcId"]
        ids = [
            cell.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=cidr)["VSwitchId"]
            for zone, cidr in zip(ZONES, (first, second), strict=True)
        ]
        return Case(cell, order((vpc, ids[0], ids[1])), f'DisasterRecoveryVSwitchId "{ids[1]}": its network {second}')

    return scenario


def vswitch_that_is_being_deleted(make_cell: MakeCell) -> Case:
    cell = make_cell(with_agent=False)
    network = cell.network()
    cell.call("DeleteVSwitch", VSwitchId=network[1])
    return Case(cell, order(network), f'VSwitchId "{network[1]}": is being deleted')


def quota_of_gateways(make_cell: MakeCell) -> Case:
    cell = make_cell(quotas=Quotas(vpn_gateways=1))
    network = cell.network()
    cell.gateway(network)
    return Case(cell, order(network), "The account has 1 VPN gateways")


def quota_of_addresses(make_cell: MakeCell) -> Case:
    cell = make_cell(quotas=Quotas(public_addresses=4))
    network = cell.network()
    cell.gateway(network)
    cell.gateway(network, NetworkType="private", Bandwidth=200)
    return Case(cell, order(network, EnableSsl=True), "The gateway needs 3 public addresses")


def quota_of_addresses_with_those_of_ssl(make_cell: MakeCell) -> Case:
    cell = make_cell(quotas=Quotas(public_addresses=4))
    network = cell.network()
    cell.gateway(network, EnableSsl=True)
    return Case(cell, order(network), "The gateway needs 2 public addresses")


def a_charge_type_that_is_not_offered(make_cell: MakeCell) -> Case:
    cell = make_cell(charge_types=("POSTPAY",))
    wanted = order(cell.network(), InstanceChargeType="PREPAY", Period=1)
    return Case(cell, wanted, 'InstanceChargeType "PREPAY": this installation offers POSTPAY')


def on_the_linux_plane(make_cell: MakeCell) -> Case:
    cell = make_cell(plane="linux")
    return Case(cell, order(cell.network(), VpnType="NationalStandard"), 'VpnType "NationalStandard"')


def by_a_fault(code: str) -> Scenario:
    """What nothing but a fault, asked for over the control API, leads to."""

    def scenario(make_cell: MakeCell) -> Case:
        cell = make_cell(control=True)
        made = cell.control("POST", "/v1/faults", {"operation": "CreateVpnGateway", "code": code})
        return Case(cell, order(cell.network()), f"{made['id']} of the control API made this fail.")

    return scenario


PRIVATE = {"NetworkType": "private", "Bandwidth": 200}

#: By code, and where a code has two texts by the beginning of its text too: all ways to get the row.
WAYS: dict[str, list[Scenario]] = {
    "InvalidVpcId.NotFound": [
        changed('VpcId "vpc-nowhere"', VpcId="vpc-nowhere"),
        changed('VpcId "', RegionId="cn-beijing"),
    ],
    "InvalidName": [
        changed('Name "1st"', Name="1st"),
        changed('Name "a"', Name="a"),
        changed('Name "', Name="a" * 101),
        changed('Name "a b"', Name="a b"),
        changed('Name "http://x"', Name="http://x"),
    ],
    "InvalidSpec.NotFound": [
        changed('Bandwidth "5"', Bandwidth=5),
        changed('Bandwidth "0"', Bandwidth=0),
        changed('Bandwidth "-10"', Bandwidth=-10),
        changed('Bandwidth "10"', NetworkType="private"),
    ],
    "InvalidPeriod": [
        changed('Period ""', InstanceChargeType="PREPAY"),
        changed('Period "10"', InstanceChargeType="PREPAY", Period=10),
        changed('Period "0"', Period=0),
    ],
    "ChargeType.NotSupport": [
        changed('InstanceChargeType "FREE"', InstanceChargeType="FREE"),
        changed('InstanceChargeType "prepay"', InstanceChargeType="prepay"),
        a_charge_type_that_is_not_offered,
    ],
    "InventoryNotEnough": [
        no_zone_has_room,
        the_only_zone_with_room_is_the_other_halfs,
        the_public_pool_is_empty,
    ],
    "UnnecessarySslConnection": [changed('SslConnections "5"', SslConnections=5)],
    "InvalidVpnEnable": [changed('EnableIpsec "false"', EnableIpsec=False)],
    "Resource.QuotaFull The quota": [quota_of_gateways],
    "Resource.QuotaFull The resources": [quota_of_addresses, quota_of_addresses_with_those_of_ssl],
    "InvalidVSwitchId.NotFound": [
        changed('VSwitchId "vsw-nowhere"', VSwitchId="vsw-nowhere"),
        changed('DisasterRecoveryVSwitchId "vsw-nowhere"', DisasterRecoveryVSwitchId="vsw-nowhere"),
        vswitch_of_another_vpc,
        vswitch_of_another_region,
    ],
    "OperationFailed.InventoryNotEnough": [another_zone_has_room],
    "OperationFailed.IpNotEnough": [no_free_private_address],
    "OperationFailed.VSwitchConflict": [
        in_network("100.0.0.0/8", "100.0.0.0/24", "100.100.0.0/24"),
        in_network("169.0.0.0/8", "169.0.0.0/24", "169.254.0.0/16"),
        vswitch_that_is_being_deleted,
    ],
    "OperationFailed.AzNotSupport": [in_zones('VSwitchId "', "cn-hangzhou-b", "cn-hangzhou-k"), on_the_linux_plane],
    "InvalidVSwitchId.SecondVswitchNotSupport": [
        in_zones('DisasterRecoveryVSwitchId "', "cn-hangzhou-k", "cn-hangzhou-b"),
        in_zones('DisasterRecoveryVSwitchId "', "cn-hangzhou-k", "cn-hangzhou-k"),
    ],
    "OperationFailed.NetworkTypeNotMatch": [
        changed('NetworkType "private"', **PRIVATE, VpnType="NationalStandard"),
    ],
    "OperationFailed.SslNotSupport": [changed('EnableSsl "true"', **PRIVATE, EnableSsl=True)],
    "Duplicated.TagKey": [changed('Tag.2.Key "k"', **{"Tag.1.Key": "k", "Tag.2.Key": "k"})],
    "Forbidden.TagKey.Duplicated": [changed('Tag.2.Key "K"', **{"Tag.1.Key": "k", "Tag.2.Key": "K"})],
    "InvalidParameter.TagKey": [
        changed('Tag.1.Key ""', **{"Tag.1.Value": "v"}),
        changed('Tag.1.Key "acs:k"', **{"Tag.1.Key": "acs:k"}),
    ],
    "InvalidParameter.TagValue": [
        changed('Tag.1.Value "https://x"', **{"Tag.1.Key": "k", "Tag.1.Value": "https://x"}),
    ],
    "InternalError": [by_a_fault("InternalError")],
    "Forbidden.OperateShareResource": [by_a_fault("Forbidden.OperateShareResource")],
    "Forbidden.NoSLRPermission": [by_a_fault("Forbidden.NoSLRPermission")],
    "SizeLimitExceeded.TagNum": [changed('Tag "21 tags"', **{f"Tag.{n}.Key": f"k{n}" for n in range(1, 22)})],
    "InvalidRegionId.NotFound": [changed('RegionId "mars-1"', RegionId="mars-1")],
}

ROWS = reference_data.errors_of("CreateVpnGateway")


def ways_to(row: ReferenceRow) -> list[Scenario]:
    (found,) = (
        ways for key, ways in WAYS.items() if f"{row.code} {row.message}".startswith(key) and row.code == key.split()[0]
    )
    return found


def test_the_page_has_27_rows_and_each_has_its_way() -> None:
    assert len(ROWS) == 27
    assert sum(len(ways_to(row)) for row in ROWS) == sum(map(len, WAYS.values()))


@pytest.mark.parametrize(
    ("row", "scenario"),
    [
        pytest.param(row, scenario, id=f"{row.code}-{number}")
        for row in ROWS
        for number, scenario in enumerate(ways_to(row), 1)
    ],
)
def test_a_row_is_answered_to_the_letter_and_nothing_is_left(
    make_cell: MakeCell, row: ReferenceRow, scenario: Scenario
) -> None:
    cell, parameters, named = scenario(make_cell)
    before = [cell.call(action) for action in ("DescribeVpnGateways", "DescribeVSwitches", "DescribeTags")]
    refused = cell.refusal("CreateVpnGateway", **parameters)
    assert (refused.status, refused.code, refused.message) == (row.status, row.code, row.message)
    assert refused.detail.startswith(named)
    after = [cell.call(action) for action in ("DescribeVpnGateways", "DescribeVSwitches", "DescribeTags")]
    for earlier, later in zip(before, after, strict=True):
        assert _lasting(later) == _lasting(earlier)


def _lasting(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what passes by itself: its id, and statuses that the agent is still bringing about."""
    listed = {name: value for name, value in answer.items() if name != "RequestId"}
    for wrapper in ("VpnGateways", "VSwitches"):
        for items in listed.get(wrapper, {}).values():
            for item in items:
                item.pop("Status")
    return listed


def test_where_several_apply_the_first_in_this_order_is_answered(make_cell: MakeCell) -> None:
    cell = make_cell(quotas=Quotas(vpn_gateways=1, public_addresses=2), public_pool="198.51.100.0/29")
    vpc = cell.call("CreateVpc", CidrBlock="100.0.0.0/8")["VpcId"]

    def vswitch(zone: str, cidr: str) -> str:
        made: str = cell.call("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=cidr)["VSwitchId"]
        return made

    conflicting = vswitch("cn-hangzhou-b", "100.64.0.0/24")
    without_gateways = vswitch("cn-hangzhou-b", "100.1.0.0/24")
    first, second = vswitch(ZONES[0], "100.2.0.0/24"), vswitch(ZONES[1], "100.3.0.0/24")
    cell.gateway((vpc, first, second))
    capacity(cell, ZONES[1], 1)
    wrong: dict[str, Any] = {
        "Format": "YAML",
        "SignatureMethod": "ROT13",
        "RegionId": "mars-1",
        "VpcId": "vpc-nowhere",
        "Bandwidth": None,
        "EnableSsl": "maybe",
        "Name": "1st",
        "InstanceChargeType": "FREE",
        "SslConnections": 5,
        "Tag.1.Key": "aliyun",
        "VSwitchId": None,
        "DisasterRecoveryVSwitchId": "vsw-nowhere",
        "ResourceGroupId": "rg-nowhere",
    }
    #: What is answered, and what is mended after it.
    steps: list[tuple[str, dict[str, Any]]] = [
        ("InvalidParameter.Format", {"Format": "JSON"}),
        ("IncompleteSignature", {"SignatureMethod": "HMAC-SHA1"}),
        ("MissingBandwidth", {"Bandwidth": 7}),
        ("InvalidParameter", {"EnableSsl": "false"}),
        ("InvalidName", {"Name": "fine"}),
        ("ChargeType.NotSupport", {"InstanceChargeType": "POSTPAY"}),
        ("UnnecessarySslConnection", {"SslConnections": None}),
        ("InvalidParameter.TagKey", {"Tag.1.Key": "fine"}),
        ("InvalidRegionId.NotFound", {"RegionId": "cn-hangzhou"}),
        ("MissingVSwitchId", {"VSwitchId": conflicting}),
        ("InvalidSpec.NotFound", {"Bandwidth": 10}),
        ("InvalidVpcId.NotFound", {"VpcId": vpc}),
        ("InvalidVSwitchId.NotFound", {"DisasterRecoveryVSwitchId": second}),
        ("InvalidResourceGroupId", {"ResourceGroupId": None}),
        ("OperationFailed.VSwitchConflict", {"VSwitchId": without_gateways}),
        ("OperationFailed.AzNotSupport", {"VSwitchId": first}),
        ("Resource.QuotaFull", {}),
    ]
    for code, mended in steps:
        assert answer(cell, wrong).code == code
        wrong |= mended
    # The quotas are the installation's: the same database under others.
    later = make_cell(quotas=Quotas(vpn_gateways=9, public_addresses=3), public_pool="198.51.100.0/29")
    assert answer(later, wrong).message.startswith("The resources you are operating")
    last = make_cell(public_pool="198.51.100.0/29")
    assert answer(last, wrong).code == "OperationFailed.InventoryNotEnough"
    capacity(last, ZONES[1], 9)
    assert last.call("CreateVpnGateway", **wrong)["VpnGatewayId"].startswith("vpn-")
    assert answer(last, wrong).code == "InventoryNotEnough"


def answer(cell: Cell, parameters: dict[str, Any]) -> Refused:
    """How a call is refused whose signature may be of a method that is not served."""
    reply = cell.run(cell.request(cell.signed("CreateVpnGateway", **parameters)))
    refused = Refused(reply.status, reply.json())
    assert refused.status >= 400, refused.body
    return refused
