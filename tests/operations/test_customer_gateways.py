"""Customer gateways: registered, told, found, changed, deleted; what is refused; and their keys, which are secrets."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Integer, insert

from gatewright.operations.call import Quotas
from gatewright.secrets import Place, Sealer
from gatewright.store import customer_gateways, tunnel_states
from gatewright.store.customer_gateways import CustomerGatewayRow
from gatewright.store.schema import tunnels, vpn_connections
from gatewright.store.statement import Statement
from gatewright.store.transaction import Transaction
from tests.support.cell import ACCOUNT, Cell
from tests.support.rows import Rows

ADDRESS = "203.0.113.7"
DEFAULT_GROUP = f"rg-{ACCOUNT}"
NOT_FOUND = (404, "InvalidCustomerGatewayInstanceId.NotFound")
KEY = "never-to-be-seen-!$%&~"


def registered(cell: Cell, address: str = ADDRESS, **parameters: Any) -> str:
    """Register a device. Returns its id."""
    identity: str = cell.call("CreateCustomerGateway", IpAddress=address, **parameters)["CustomerGatewayId"]
    return identity


def described(cell: Cell, identity: str) -> dict[str, Any]:
    answer = cell.call("DescribeCustomerGateway", CustomerGatewayId=identity)
    del answer["RequestId"]
    return answer


def listed(cell: Cell, **parameters: Any) -> list[str]:
    answer = cell.call("DescribeCustomerGateways", **parameters)
    rows = answer["CustomerGateways"]["CustomerGateway"]
    assert answer["TotalCount"] == len(rows)
    return [row["CustomerGatewayId"] for row in rows]


def stored(cell: Cell, identity: str) -> CustomerGatewayRow:
    def find(transaction: Transaction) -> CustomerGatewayRow | None:
        return customer_gateways.find(transaction, ACCOUNT, identity)

    row = cell.run(cell.database.read(find))
    assert row is not None
    return row


def lead_there(cell: Cell, identity: str, gateway: str | None) -> None:
    """Have the tunnel of an IPsec connection, with BGP, lead to a customer gateway."""
    connection = {
        "id": "vco-test",
        "account_id": ACCOUNT,
        "region_id": "cn-hangzhou",
        "resource_group_id": DEFAULT_GROUP,
        "gateway_id": gateway,
        "attach_type": "VPNGW" if gateway else "NO_ASSOCIATED",
        "local_subnets": "0.0.0.0/0",
        "remote_subnets": "0.0.0.0/0",
    }
    tunnel = {
        "id": "tun-test",
        "connection_id": "vco-test",
        "gateway_id": gateway,
        "instance_id": f"{gateway}-1" if gateway else None,
        "role": "master",
        "number": 1,
        "customer_gateway_id": identity,
        "psk": cell.sealer.seal("passphrase", Place("tunnels", "tun-test", "psk")),
        "status": "ike_sa_not_established",
        "troubles": tunnel_states.NOTHING,
        "learned": tunnel_states.NOTHING,
        "bgp_enabled": True,
        "ike_version": "ikev2",
    }

    def add(transaction: Transaction) -> None:
        for table, given in ((vpn_connections, connection), (tunnels, tunnel)):
            transaction.run(Statement(insert(table)), **{c.name: given.get(c.name, _blank(c)) for c in table.columns})

    cell.run(cell.database.write(add))


def _blank(column: Column[Any]) -> Any:
    if column.nullable:
        return None
    return {Boolean: False, Integer: 0, BigInteger: 0}.get(type(column.type), "")


def test_what_is_not_given_is_empty_or_not_there(cell: Cell) -> None:
    answer = cell.call("CreateCustomerGateway", IpAddress=ADDRESS)
    del answer["RequestId"]
    identity = answer["CustomerGatewayId"]
    assert identity.startswith("cgw-bp1")
    assert answer == {
        "CustomerGatewayId": identity,
        "IpAddress": ADDRESS,
        "Name": "",
        "Description": "",
        "CreateTime": cell.clock.now(),
    }
    assert described(cell, identity) == {
        **answer,
        "ResourceGroupId": DEFAULT_GROUP,
        "Tags": {"Tag": []},
    }


def test_what_is_given_is_told_in_both_descriptions(cell: Cell) -> None:
    identity = registered(
        cell,
        Name="office 中文",
        Description="a device",
        Asn="1.10",
        AuthKey=KEY,
        **{"Tags.1.Key": "site", "Tags.1.Value": "north", "Tags.2.Key": "k" * 64},
    )
    told = described(cell, identity)
    assert told == {
        "CustomerGatewayId": identity,
        "IpAddress": ADDRESS,
        "Name": "office 中文",
        "Description": "a device",
        "Asn": 65546,
        "AuthKey": KEY,
        "CreateTime": cell.clock.now(),
        "ResourceGroupId": DEFAULT_GROUP,
        "Tags": {"Tag": [{"Key": "k" * 64, "Value": ""}, {"Key": "site", "Value": "north"}]},
    }
    answer = cell.call("DescribeCustomerGateways")
    assert answer["CustomerGateways"]["CustomerGateway"] == [told]
    assert (answer["PageNumber"], answer["PageSize"], answer["TotalCount"]) == (1, 10, 1)


def test_they_are_found_by_id_group_and_tags_newest_first(cell: Cell) -> None:
    first, second = registered(cell, "203.0.113.1", **{"Tags.1.Key": "site", "Tags.1.Value": "north"}), ""
    cell.clock.advance(1000)
    second = registered(cell, "203.0.113.2", **{"Tags.1.Key": "site", "Tags.1.Value": "south"})
    registered(cell, "203.0.113.1", RegionId="cn-beijing")
    assert listed(cell) == [second, first]
    assert listed(cell, CustomerGatewayId=first) == [first]
    assert listed(cell, CustomerGatewayId="cgw-none") == []
    assert listed(cell, ResourceGroupId=DEFAULT_GROUP) == [second, first]
    assert listed(cell, ResourceGroupId="rg-none") == []
    assert listed(cell, **{"Tag.1.Key": "site"}) == [second, first]
    assert listed(cell, **{"Tag.1.Key": "site", "Tag.1.Value": "north"}) == [first]
    page = cell.call("DescribeCustomerGateways", PageSize=1, PageNumber=2)
    assert [row["CustomerGatewayId"] for row in page["CustomerGateways"]["CustomerGateway"]] == [first]
    assert page["TotalCount"] == 2


def test_name_description_and_key_change_and_what_is_not_given_stays(cell: Cell) -> None:
    identity = registered(cell, Name="old", Description="first", Asn="65000", AuthKey="one")
    before = described(cell, identity)
    answer = cell.call("ModifyCustomerGatewayAttribute", CustomerGatewayId=identity, Name="new")
    del answer["RequestId"]
    assert answer == {
        "CustomerGatewayId": identity,
        "IpAddress": ADDRESS,
        "Name": "new",
        "Description": "first",
        "CreateTime": before["CreateTime"],
        "ResourceGroupId": DEFAULT_GROUP,
    }
    cell.call("ModifyCustomerGatewayAttribute", CustomerGatewayId=identity, Description="second", AuthKey="two")
    assert described(cell, identity) == {**before, "Name": "new", "Description": "second", "AuthKey": "two"}


def test_a_key_has_a_new_version_when_it_is_another(cell: Cell) -> None:
    identity = registered(cell)
    versions = []
    for change in ({"AuthKey": "one"}, {"AuthKey": "one"}, {"Name": "other"}, {"AuthKey": "two"}):
        cell.call("ModifyCustomerGatewayAttribute", CustomerGatewayId=identity, **change)
        versions.append(stored(cell, identity).auth_key_version)
    assert versions == [2, 2, 2, 3]


def test_a_deleted_one_is_gone_with_its_tags_and_its_address_is_free(cell: Cell) -> None:
    identity = registered(cell, **{"Tags.1.Key": "site"})
    cell.call("DeleteCustomerGateway", CustomerGatewayId=identity)
    assert listed(cell) == []
    assert cell.call("DescribeTags")["TagResources"]["TagResource"] == []
    for action in ("DescribeCustomerGateway", "ModifyCustomerGatewayAttribute", "DeleteCustomerGateway"):
        refused = cell.refusal(action, CustomerGatewayId=identity)
        assert (refused.status, refused.code) == NOT_FOUND
        assert refused.body["Detail"] == (
            f'CustomerGatewayId "{identity}": names no customer gateway of this account in cn-hangzhou'
        )
    assert registered(cell) != identity


def test_one_of_another_region_or_account_is_as_none(cell: Cell) -> None:
    identity = registered(cell)
    for refused in (
        cell.refusal("DescribeCustomerGateway", CustomerGatewayId=identity, RegionId="cn-beijing"),
        cell.other().refusal("DeleteCustomerGateway", CustomerGatewayId=identity),
    ):
        assert (refused.status, refused.code) == NOT_FOUND


def test_an_address_is_registered_once_by_an_account_in_a_region(cell: Cell) -> None:
    identity = registered(cell)
    refused = cell.refusal("CreateCustomerGateway", IpAddress=ADDRESS, Asn="65000")
    assert (refused.status, refused.code) == (400, "InvalidIpAddress.AlreadyExist")
    assert refused.body["Message"] == "Specified IpAddress is already exist."
    assert refused.body["Detail"] == f'IpAddress "{ADDRESS}": is that of customer gateway {identity}'
    registered(cell, RegionId="cn-beijing")
    registered(cell.other())


def test_a_client_token_registers_one_and_keeps_no_key(cell: Cell) -> None:
    given = {"IpAddress": ADDRESS, "AuthKey": KEY, "ClientToken": "once"}
    first, second = (cell.call("CreateCustomerGateway", **given) for _ in range(2))
    assert first["CustomerGatewayId"] == second["CustomerGatewayId"]
    refused = cell.refusal("CreateCustomerGateway", **{**given, "AuthKey": "another"})
    assert (refused.status, refused.code) == (400, "IdempotentParameterMismatch")
    assert KEY not in refused.body["Detail"]


def test_the_quota_is_of_a_region(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(quotas=Quotas(customer_gateways=2))
    first = registered(cell, "203.0.113.1")
    registered(cell, "203.0.113.2")
    refused = cell.refusal("CreateCustomerGateway", IpAddress="203.0.113.3")
    assert (refused.status, refused.code, refused.body["Message"]) == (
        400,
        "Resource.QuotaFull",
        "The quota of resource is full",
    )
    # an address that is there already is told first
    assert cell.refusal("CreateCustomerGateway", IpAddress="203.0.113.1").code == "InvalidIpAddress.AlreadyExist"
    registered(cell, "203.0.113.3", RegionId="cn-beijing")
    registered(cell.other(), "203.0.113.3")
    cell.call("DeleteCustomerGateway", CustomerGatewayId=first)
    registered(cell, "203.0.113.3")


@pytest.mark.parametrize(
    ("parameters", "code", "told"),
    [
        ({"IpAddress": None}, "MissingIpAddress", "IpAddress is absent or empty"),
        ({"IpAddress": "100.64.0.1"}, "InvalidIpAddress.WrongFormat", 'IpAddress "100.64.0.1": must be an IPv4'),
        ({"IpAddress": "203.0.113.0/24"}, "InvalidIpAddress.WrongFormat", "IpAddress"),
        ({"Asn": "45104"}, "InvalidParameter", 'Asn "45104": must be 1 to 4294967295 and not 45104'),
        ({"Asn": "65536.1"}, "InvalidParameter", "Asn"),
        ({"AuthKey": 'a"b'}, "InvalidParameter", "AuthKey"),
        ({"Name": "n" * 101}, "InvalidName", "Name"),
        ({"Name": "https://name"}, "InvalidName", "Name"),
        ({"Description": "d" * 101}, "InvalidDescription", "Description"),
        ({"Description": "http://text"}, "InvalidDescription", "Description"),
        ({"ResourceGroupId": "rg-none"}, "InvalidResourceGroupId", "ResourceGroupId"),
        ({"Tags.1.Key": "k" * 65}, "InvalidParameter.TagKey", "Tags.1.Key"),
        ({"Tags.1.Key": "acs:x"}, "InvalidParameter.TagKey", "Tags.1.Key"),
        ({"Tags.1.Key": "k", "Tags.1.Value": "v" * 129}, "InvalidParameter.TagValue", "Tags.1.Value"),
        ({f"Tags.{n}.Key": f"k{n}" for n in range(1, 22)}, "SizeLimitExceeded.TagNum", "Tags "),
    ],
)
def test_what_is_refused(cell: Cell, parameters: dict[str, Any], code: str, told: str) -> None:
    refused = cell.refusal("CreateCustomerGateway", **{"IpAddress": ADDRESS, **parameters})
    assert (refused.status, refused.code) == (400, code)
    assert refused.body["Detail"].startswith(told)
    assert listed(cell) == []


def test_a_wrong_key_is_refused_without_repeating_it(cell: Cell) -> None:
    identity = registered(cell, AuthKey="right")
    asked = (
        ("CreateCustomerGateway", {"IpAddress": "203.0.113.8"}),
        ("ModifyCustomerGatewayAttribute", {"CustomerGatewayId": identity}),
    )
    wrong = ("with blanks", "with?", "l" * 65, "ключ", "tab\there", "nul\0")
    for (action, parameters), key in itertools.product(asked, wrong):
        refused = cell.refusal(action, AuthKey=key, **parameters)
        assert (refused.status, refused.code) == (400, "InvalidParameter")
        assert refused.body["Detail"].startswith('AuthKey "***": must ')
        assert key not in str(refused.body)
    assert described(cell, identity)["AuthKey"] == "right"


def test_a_key_is_sealed_where_it_is_stored(cell: Cell, database_url: str) -> None:
    identity = registered(cell, AuthKey=KEY, ClientToken="once")
    cell.call("ModifyCustomerGatewayAttribute", CustomerGatewayId=identity, AuthKey=KEY + "2", ClientToken="twice")
    sealed = stored(cell, identity).auth_key
    assert sealed is not None
    place = Place("customer_gateways", identity, "auth_key")
    assert Sealer(b"k" * 32).open(sealed, place) == KEY + "2"
    with Rows(database_url) as rows:
        assert identity in rows.text()
        assert KEY not in rows.text()


def test_one_that_a_connection_leads_to_stays(cell: Cell) -> None:
    identity = registered(cell)
    lead_there(cell, identity, gateway=None)
    refused = cell.refusal("DeleteCustomerGateway", CustomerGatewayId=identity)
    assert (refused.status, refused.code, refused.body["Message"]) == (
        400,
        "DependencyViolation.VpnConnection",
        "There are vpn connections on specified customer gateway not deleted.",
    )
    assert refused.body["Detail"].endswith("is where IPsec connection vco-test leads")
    assert listed(cell) == [identity]


def test_a_new_key_reaches_the_gateways_that_speak_bgp_with_it(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(with_agent=False)
    network = cell.network()
    speaking, other = cell.gateway(network), cell.gateway(network)

    def active() -> bool:
        told = [cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] for gateway in (speaking, other)]
        return told == ["active", "active"]

    cell.settle(active)
    identity = registered(cell, AuthKey="one")
    lead_there(cell, identity, gateway=speaking)

    def statuses() -> list[str]:
        return [cell.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"] for gateway in (speaking, other)]

    for change in ({"Name": "other"}, {"AuthKey": "one"}):
        cell.call("ModifyCustomerGatewayAttribute", CustomerGatewayId=identity, **change)
        assert statuses() == ["active", "active"]
    cell.call("ModifyCustomerGatewayAttribute", CustomerGatewayId=identity, AuthKey="two")
    assert statuses() == ["updating", "active"]
    (told,) = cell.call("DescribeEvents", version="2026-11-01", ResourceId=speaking)["Events"]["Event"][-1:]
    assert (told["From"], told["To"], told["Text"]) == ("active", "updating", f"the key of {identity} changes")
    cell.settle(active)
