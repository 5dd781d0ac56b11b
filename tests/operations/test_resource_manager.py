"""Resource groups: made, found, renamed, and deleted when nothing is in them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from gatewright.operations.call import Quotas
from gatewright.operations.declaration import RESOURCE_MANAGER
from gatewright.resources.regions import regions
from gatewright.store import accounts, resource_groups
from gatewright.store.resource_groups import ResourceGroupRow
from gatewright.store.transaction import Transaction
from tests.support.cell import ACCOUNT, Cell
from tests.support.client import Refused

DEFAULT = f"rg-{ACCOUNT}"
OTHER_ACCOUNT = "9876543210987654"


def call(cell: Cell, action: str, **parameters: Any) -> dict[str, Any]:
    return cell.call(action, RESOURCE_MANAGER.version, **parameters)


def refusal(cell: Cell, action: str, **parameters: Any) -> Refused:
    return cell.refusal(action, version=RESOURCE_MANAGER.version, **parameters)


def make(cell: Cell, name: str, **parameters: Any) -> str:
    """Create a group. Returns its id."""
    group: str = call(cell, "CreateResourceGroup", Name=name, DisplayName=f"the {name}"[:50], **parameters)[
        "ResourceGroup"
    ]["Id"]
    return group


def listed(cell: Cell, **filters: Any) -> list[str]:
    """The names of the groups that pass the filters."""
    answer = call(cell, "ListResourceGroups", **filters)
    names = [group["Name"] for group in answer["ResourceGroups"]["ResourceGroup"]]
    assert answer["TotalCount"] >= len(names)
    return names


def test_a_group_is_described_as_it_was_made(cell: Cell) -> None:
    made = call(cell, "CreateResourceGroup", Name="my-project", DisplayName="Mein Projekt 中文")["ResourceGroup"]
    assert re.fullmatch(r"rg-[0-9a-z]{15}", made["Id"])
    assert made["AccountId"] == ACCOUNT
    assert made["Status"] == "OK"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["CreateDate"])
    assert (made["Name"], made["DisplayName"]) == ("my-project", "Mein Projekt 中文")
    statuses = {status["RegionId"]: status["Status"] for status in made["RegionStatuses"]["RegionStatus"]}
    assert statuses == dict.fromkeys(regions(), "OK")

    described = call(cell, "GetResourceGroup", ResourceGroupId=made["Id"])["ResourceGroup"]
    assert described == made
    (found,) = call(cell, "ListResourceGroups", Name="my-project")["ResourceGroups"]["ResourceGroup"]
    assert found == {name: value for name, value in made.items() if name != "RegionStatuses"}


def test_every_account_has_a_default_group(cell: Cell) -> None:
    (group,) = call(cell, "ListResourceGroups")["ResourceGroups"]["ResourceGroup"]
    assert (group["Id"], group["Name"], group["DisplayName"]) == (DEFAULT, "default", "default resource group")


def test_the_default_group_cannot_be_deleted(cell: Cell) -> None:
    refused = refusal(cell, "DeleteResourceGroup", ResourceGroupId=DEFAULT)
    assert (refused.status, refused.code) == (400, "InvalidParameter.ResourceGroupId")
    assert refused.message == "The ResourceGroupId is invalid."
    assert refused.detail.startswith("ResourceGroupId ")
    assert listed(cell) == ["default"]


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"Name": None}, 400, "MissingName", "Name is mandatory for this action."),
        ({"DisplayName": None}, 400, "MissingDisplayName", "DisplayName is mandatory for this action."),
        ({"Name": "a"}, 400, "InvalidParameter.Name.InvalidChars", "The Name is invalid."),
        ({"Name": "1ab"}, 400, "InvalidParameter.Name.InvalidChars", "The Name is invalid."),
        ({"Name": "a_b"}, 400, "InvalidParameter.Name.InvalidChars", "The Name is invalid."),
        ({"Name": "ä-b"}, 400, "InvalidParameter.Name.InvalidChars", "The Name is invalid."),
        ({"Name": "a" * 51}, 400, "InvalidParameter.Name.Length", "The maximum length of Name is exceeded."),
        (
            {"DisplayName": "x" * 51},
            400,
            "InvalidParameter.DisplayName.Length",
            "The maximum length of DisplayName is exceeded.",
        ),
        ({"Tag.1.Key": "acs:x"}, 400, "InvalidParameter.TagKey", "The specified parameter TagKey is invalid."),
        ({"Name": "default"}, 409, "EntityAlreadyExists.ResourceGroup", "The specified resource group already exists."),
    ],
)
def test_what_no_group_may_be_is_refused(
    cell: Cell, changes: dict[str, Any], status: int, code: str, message: str
) -> None:
    refused = refusal(cell, "CreateResourceGroup", **{"Name": "my-project", "DisplayName": "d", **changes})
    assert (refused.status, refused.code, refused.message) == (status, code, message)
    assert refused.detail.startswith(next(iter(changes)))
    assert listed(cell) == ["default"]


@pytest.mark.parametrize("name", ["ab", "A9", "a-", "x" * 50])
def test_names_at_the_limits_are_taken(cell: Cell, name: str) -> None:
    make(cell, name)
    assert listed(cell) == [name, "default"]


def test_a_name_is_taken_once_and_free_after_deletion(cell: Cell) -> None:
    first = make(cell, "twice")
    refused = refusal(cell, "CreateResourceGroup", Name="twice", DisplayName="another")
    assert (refused.status, refused.code) == (409, "EntityAlreadyExists.ResourceGroup")
    assert first in refused.detail
    call(cell, "DeleteResourceGroup", ResourceGroupId=first)
    assert make(cell, "twice") != first


def test_of_concurrent_creations_of_one_name_one_succeeds(cell: Cell) -> None:
    async def race() -> list[dict[str, Any] | BaseException]:
        create = ("CreateResourceGroup", RESOURCE_MANAGER.version)
        racers = [cell.acall(*create, Name="raced", DisplayName="d") for _ in range(8)]
        return await asyncio.gather(*racers, return_exceptions=True)

    outcomes = cell.run(race())
    made = [outcome for outcome in outcomes if not isinstance(outcome, Refused)]
    assert len(made) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Refused)} == {
        "EntityAlreadyExists.ResourceGroup"
    }
    assert listed(cell) == ["raced", "default"]


def test_there_are_so_many_groups_besides_the_default_one(make_cell: Callable[..., Cell]) -> None:
    cell = make_cell(quotas=Quotas(resource_groups=2))
    make(cell, "g1")
    second = make(cell, "g2")
    refused = refusal(cell, "CreateResourceGroup", Name="g3", DisplayName="d")
    assert (refused.status, refused.code) == (409, "LimitExceeded.ResourceGroup")
    assert refused.message == "The count of resource groups beyond the current limits."
    call(cell, "DeleteResourceGroup", ResourceGroupId=second)
    make(cell, "g3")


def test_by_default_an_account_has_thirty(cell: Cell) -> None:
    for number in range(30):
        make(cell, f"group-{number}")
    assert refusal(cell, "CreateResourceGroup", Name="one-more", DisplayName="d").code == (
        "LimitExceeded.ResourceGroup"
    )


def test_pages_are_newest_first_and_tell_the_total(cell: Cell) -> None:
    for number in range(4):
        make(cell, f"group-{number}")
        cell.clock.advance(1000)
    pages = [call(cell, "ListResourceGroups", PageNumber=number, PageSize=2) for number in (1, 2, 3, 4)]
    assert [[group["Name"] for group in page["ResourceGroups"]["ResourceGroup"]] for page in pages] == [
        ["group-3", "group-2"],
        ["group-1", "group-0"],
        ["default"],
        [],
    ]
    assert {page["TotalCount"] for page in pages} == {5}
    assert [(page["PageNumber"], page["PageSize"]) for page in pages] == [(1, 2), (2, 2), (3, 2), (4, 2)]


def test_groups_are_filtered(cell: Cell) -> None:
    first, second = make(cell, "web-blue"), make(cell, "web-green")
    assert listed(cell, Name="web-g") == ["web-green"]
    assert listed(cell, Name="eb-") == ["web-green", "web-blue"]
    assert listed(cell, Name="%") == []
    assert listed(cell, Name="WEB") == []
    assert listed(cell, DisplayName="the web-b") == ["web-blue"]
    assert listed(cell, DisplayName="resource group") == ["default"]
    assert listed(cell, ResourceGroupId=first) == ["web-blue"]
    assert listed(cell, **{"ResourceGroupIds.1": second, "ResourceGroupIds.2": DEFAULT}) == ["web-green", "default"]
    assert listed(cell, **{"ResourceGroupIds.1": second}, ResourceGroupId=first) == ["web-green"]
    assert listed(cell, Status="OK") == ["web-green", "web-blue", "default"]
    assert listed(cell, Status="Creating") == []
    assert listed(cell, Name="web", DisplayName="green") == ["web-green"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"PageSize": 101},
        {"PageSize": 0},
        {"PageNumber": 0},
        {"Status": "Deleted"},
        {"Name": "x" * 51},
        {"ResourceGroupIds.1001": "rg-x"},
    ],
)
def test_a_wrong_filter_is_refused(cell: Cell, wrong: dict[str, Any]) -> None:
    refused = refusal(cell, "ListResourceGroups", **wrong)
    assert (refused.status, refused.code) == (400, "InvalidParameter")
    assert refused.detail.startswith(next(iter(wrong)))


def test_tags_are_told_when_they_are_asked_for(cell: Cell) -> None:
    group = make(cell, "tagged", **{"Tag.1.Key": "k", "Tag.1.Value": "v", "Tag.2.Key": "bare"})
    make(cell, "plain")
    described = call(cell, "GetResourceGroup", ResourceGroupId=group)["ResourceGroup"]
    assert "Tags" not in described
    described = call(cell, "GetResourceGroup", ResourceGroupId=group, IncludeTags=True)["ResourceGroup"]
    tagged = [{"TagKey": "bare", "TagValue": ""}, {"TagKey": "k", "TagValue": "v"}]
    assert described["Tags"] == {"Tag": tagged}
    groups = call(cell, "ListResourceGroups", IncludeTags=True)["ResourceGroups"]["ResourceGroup"]
    assert {found["Name"]: found["Tags"]["Tag"] for found in groups} == {"tagged": tagged, "plain": [], "default": []}
    (found,) = call(cell, "ListResourceGroups", **{"Tag.1.Key": "k", "Tag.1.Value": "v"})["ResourceGroups"][
        "ResourceGroup"
    ]
    assert (found["Id"], found["Tags"]["Tag"]) == (group, tagged)
    assert listed(cell, **{"Tag.1.Key": "k", "Tag.1.Value": "other"}) == []


def test_a_display_name_is_changed(cell: Cell) -> None:
    group = make(cell, "renamed")
    answer = call(cell, "UpdateResourceGroup", ResourceGroupId=group, NewDisplayName="another")["ResourceGroup"]
    assert (answer["Id"], answer["Name"], answer["DisplayName"]) == (group, "renamed", "another")
    described = call(cell, "GetResourceGroup", ResourceGroupId=group)["ResourceGroup"]
    assert described["DisplayName"] == "another"
    refused = refusal(cell, "UpdateResourceGroup", ResourceGroupId=group, NewDisplayName="x" * 51)
    assert refused.code == "InvalidParameter.DisplayName.Length"


def test_a_group_that_holds_something_is_not_deleted(cell: Cell) -> None:
    group = make(cell, "full")
    vpc = cell.call("CreateVpc", ResourceGroupId=group)["VpcId"]
    refused = refusal(cell, "DeleteResourceGroup", ResourceGroupId=group)
    assert (refused.status, refused.code) == (409, "DeleteConflict.ResourceGroup.Resource")
    assert refused.message == (
        "Failed to delete the resource group because one or more cloud resources exist in the resource group. "
        "Try again later after you release the cloud resources."
    )
    assert refused.detail == f'ResourceGroupId "{group}": still holds {vpc}'
    cell.call("DeleteVpc", VpcId=vpc)
    deleted = call(cell, "DeleteResourceGroup", ResourceGroupId=group)["ResourceGroup"]
    assert (deleted["Id"], deleted["Status"]) == (group, "PendingDelete")
    assert {status["Status"] for status in deleted["RegionStatuses"]["RegionStatus"]} == {"PendingDelete"}


def test_a_gateway_keeps_its_group_until_it_is_gone(cell: Cell) -> None:
    group = make(cell, "gateways")
    gateway = cell.gateway(cell.network(), ResourceGroupId=group)
    assert gateway in refusal(cell, "DeleteResourceGroup", ResourceGroupId=group).detail
    cell.until_status(gateway, "active")
    cell.call("DeleteVpnGateway", VpnGatewayId=gateway)
    cell.until_gone(gateway)
    call(cell, "DeleteResourceGroup", ResourceGroupId=group)


def test_a_deleted_group_takes_its_tags_along(cell: Cell) -> None:
    group = make(cell, "tagged", **{"Tag.1.Key": "k"})
    call(cell, "DeleteResourceGroup", ResourceGroupId=group)
    assert listed(cell, **{"Tag.1.Key": "k"}) == []
    again = make(cell, "tagged")
    described = call(cell, "GetResourceGroup", ResourceGroupId=again, IncludeTags=True)["ResourceGroup"]
    assert described["Tags"] == {"Tag": []}


@pytest.mark.parametrize(
    ("action", "more"),
    [("GetResourceGroup", {}), ("UpdateResourceGroup", {"NewDisplayName": "x"}), ("DeleteResourceGroup", {})],
)
def test_anothers_group_is_as_one_that_there_is_not(cell: Cell, action: str, more: dict[str, str]) -> None:
    theirs = ResourceGroupRow("rg-theirs", OTHER_ACCOUNT, "theirs", "theirs", 1)

    def add(transaction: Transaction) -> None:
        accounts.ensure(transaction, OTHER_ACCOUNT, 1)
        resource_groups.add(transaction, theirs)

    cell.run(cell.database.write(add))
    make(cell, "theirs")
    told = []
    for group in (theirs.id, "rg-nothing", f"rg-{OTHER_ACCOUNT}"):
        refused = refusal(cell, action, ResourceGroupId=group, **more)
        told.append((refused.status, refused.code, refused.message, refused.detail.replace(group, "ID")))
    assert (
        told
        == [
            (
                404,
                "EntityNotExists.ResourceGroup",
                "The specified resource group does not exist. You must first create a resource group.",
                'ResourceGroupId "ID": names no resource group of this account',
            )
        ]
        * 3
    )
    assert listed(cell) == ["theirs", "default"]
    assert listed(cell, ResourceGroupId=theirs.id) == []


@pytest.mark.parametrize("group", ["x", "rg-", "rg-a b", "RG-abc"])
def test_what_is_no_id_is_refused_as_such(cell: Cell, group: str) -> None:
    refused = refusal(cell, "GetResourceGroup", ResourceGroupId=group)
    assert (refused.status, refused.code) == (400, "InvalidParameter.ResourceGroupId")


def test_regions_do_not_matter(cell: Cell) -> None:
    group = make(cell, "anywhere", RegionId="no-region")
    assert call(cell, "GetResourceGroup", RegionId="eu-central-1", ResourceGroupId=group)["ResourceGroup"]
