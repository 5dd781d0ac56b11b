"""ResourceManager: CreateResourceGroup, GetResourceGroup, ListResourceGroups, UpdateResourceGroup, DeleteResourceGroup.

Resource groups belong to an account and to no region: a ``RegionId`` that clients send along is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from gatewright import ids
from gatewright.clock import iso_seconds
from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    RESOURCE_MANAGER,
    Access,
    Between,
    Count,
    Matches,
    OneOf,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.paging import DEFAULT_PAGE_SIZE, FIRST_PAGE, PageNumber
from gatewright.operations.tags import FILTER_ERRORS, TAG_ERRORS, Tags, add_tags, check_tags, wanted_tags
from gatewright.store import resource_groups, tags
from gatewright.store.paging import TAGS, Contains
from gatewright.store.resource_groups import ResourceGroupRow
from gatewright.store.tags import KeyValue

#: How tags of resource groups are stored: in no region, and of a type that Vpc's tag operations do not know.
_TAGGED, _NO_REGION = "RESOURCEGROUP", ""

OK, PENDING_DELETE = "OK", "PendingDelete"

INVALID_NAME = ErrorRow(400, "InvalidParameter.Name.InvalidChars", "The Name is invalid.")
NAME_TOO_LONG = ErrorRow(400, "InvalidParameter.Name.Length", "The maximum length of Name is exceeded.")
DISPLAY_NAME_TOO_LONG = ErrorRow(
    400, "InvalidParameter.DisplayName.Length", "The maximum length of DisplayName is exceeded."
)
INVALID_ID = ErrorRow(
    400,
    "InvalidParameter.ResourceGroupId",
    "The ResourceGroupId is invalid.",
    "ListResourceGroups lists the account's resource groups. The default one cannot be deleted.",
)
NOT_FOUND = ErrorRow(
    404,
    "EntityNotExists.ResourceGroup",
    "The specified resource group does not exist. You must first create a resource group.",
    "ListResourceGroups lists the account's resource groups.",
)
ALREADY_EXISTS = ErrorRow(
    409,
    "EntityAlreadyExists.ResourceGroup",
    "The specified resource group already exists.",
    "Choose another Name, or use the group that has it.",
)
TOO_MANY_GROUPS = ErrorRow(
    409,
    "LimitExceeded.ResourceGroup",
    "The count of resource groups beyond the current limits.",
    "Delete a group that nothing is in.",
)
NOT_EMPTY = ErrorRow(
    409,
    "DeleteConflict.ResourceGroup.Resource",
    "Failed to delete the resource group because one or more cloud resources exist in the resource group. Try again "
    "later after you release the cloud resources.",
    "Delete what the detail names first, or move it to another group.",
)

_DisplayName = Annotated[
    str, Parameter(Matches(r"(?s).{1,50}", "must be 1 to 50 characters", error=DISPLAY_NAME_TOO_LONG))
]
_GroupId = Annotated[
    str, Parameter(Matches(r"rg-[0-9A-Za-z]+", "must be rg- and letters and digits", error=INVALID_ID))
]
_Fuzzy = Annotated[str | None, Parameter(Matches(r"(?s).{1,50}", "must be at most 50 characters"))]


class TagPart(Part, kw_only=True):
    tag_key: str
    tag_value: str


class TagList(Part, kw_only=True):
    tag: list[TagPart]


class RegionStatusPart(Part, kw_only=True):
    region_id: str
    status: str


class RegionStatusList(Part, kw_only=True):
    region_status: list[RegionStatusPart]


class GroupNames(Part, kw_only=True):
    id: str
    name: str
    display_name: str
    account_id: str
    create_date: str


class GroupPart(GroupNames, kw_only=True):
    status: str
    region_statuses: RegionStatusList


class TaggedGroupPart(GroupPart, kw_only=True):
    tags: TagList | None = None


class ListedGroupPart(GroupNames, kw_only=True):
    status: str
    tags: TagList | None = None


def _names(row: ResourceGroupRow) -> dict[str, Any]:
    """What every answer tells of a group."""
    return {
        "id": row.id,
        "name": row.name,
        "display_name": row.display_name,
        "account_id": row.account_id,
        "create_date": iso_seconds(row.created_at),
    }


def _facts(call: Call, row: ResourceGroupRow, status: str = OK) -> dict[str, Any]:
    """What answers about one group tell of it: also its status, which is the same in all regions."""
    regions = [RegionStatusPart(region_id=region_id, status=status) for region_id in call.installation.regions]
    return {**_names(row), "status": status, "region_statuses": RegionStatusList(region_status=regions)}


def _tag_list(found: Sequence[KeyValue]) -> TagList:
    return TagList(tag=[TagPart(tag_key=tag.key, tag_value=tag.value) for tag in found])


def _find(call: Call, group_id: str) -> ResourceGroupRow:
    row = resource_groups.find(call.transaction, call.account_id, group_id)
    if row is None:
        raise NOT_FOUND("ResourceGroupId", group_id, "names no resource group of this account")
    return row


class CreateResourceGroupRequest(Request, kw_only=True, frozen=True):
    name: Annotated[
        str,
        Parameter(
            Matches(
                r"[A-Za-z][A-Za-z0-9-]+",
                "must be at least 2 letters, digits and hyphens, and begin with a letter",
                error=INVALID_NAME,
            ),
            Matches(r".{2,50}", "must be at most 50 characters", error=NAME_TOO_LONG),
        ),
    ]
    display_name: _DisplayName
    tag: Tags = ()


class CreateResourceGroupResponse(Response, kw_only=True):
    resource_group: GroupPart


class CreateResourceGroup(Operation[CreateResourceGroupRequest, CreateResourceGroupResponse]):
    """Create a resource group, whose name no other group of the account has, the default one included.

    It is ``OK`` at once; the real service takes a while, and calls it ``Creating`` meanwhile (*assumed*). The limit of
    30 groups does not count the default one (*assumed*).
    """

    product = RESOURCE_MANAGER
    access = Access.WRITE
    errors = (INVALID_NAME, NAME_TOO_LONG, DISPLAY_NAME_TOO_LONG, ALREADY_EXISTS, TOO_MANY_GROUPS, *TAG_ERRORS)

    def validate(self, request: CreateResourceGroupRequest) -> None:
        check_tags(request.tag)

    def execute(self, call: Call, request: CreateResourceGroupRequest) -> CreateResourceGroupResponse:
        other = resource_groups.named(call.transaction, call.account_id, request.name)
        if other is not None:
            raise ALREADY_EXISTS("Name", request.name, f"is the name of {other.id}")
        most = call.installation.quotas.resource_groups
        if resource_groups.count(call.transaction, call.account_id) > most:
            raise TOO_MANY_GROUPS("Name", request.name, f"the account has {most} groups besides its default one")
        row = ResourceGroupRow(
            id=ids.resource_group_id(),
            account_id=call.account_id,
            name=request.name,
            display_name=request.display_name,
            created_at=call.now,
        )
        resource_groups.add(call.transaction, row)
        add_tags(call, _TAGGED, _NO_REGION, row.id, request.tag)
        return CreateResourceGroupResponse(resource_group=GroupPart(**_facts(call, row)))


class GetResourceGroupRequest(Request, kw_only=True, frozen=True):
    resource_group_id: _GroupId
    include_tags: Annotated[bool, Parameter()] = False


class GetResourceGroupResponse(Response, kw_only=True):
    resource_group: TaggedGroupPart


class GetResourceGroup(Operation[GetResourceGroupRequest, GetResourceGroupResponse]):
    """Describe one resource group."""

    product = RESOURCE_MANAGER
    access = Access.READ
    errors = (INVALID_ID, NOT_FOUND)

    def execute(self, call: Call, request: GetResourceGroupRequest) -> GetResourceGroupResponse:
        row = _find(call, request.resource_group_id)
        tagged = None
        if request.include_tags:
            tagged = _tag_list(tags.of(call.transaction, [row.id]).get(row.id, ()))
        return GetResourceGroupResponse(resource_group=TaggedGroupPart(**_facts(call, row), tags=tagged))


class ListResourceGroupsRequest(Request, kw_only=True, frozen=True):
    status: Annotated[str | None, Parameter(OneOf("Creating", OK, PENDING_DELETE))] = None
    page_number: PageNumber = FIRST_PAGE
    page_size: Annotated[int, Parameter(Between(1, 100))] = DEFAULT_PAGE_SIZE
    resource_group_id: Annotated[str | None, Parameter()] = None
    resource_group_ids: Annotated[tuple[str, ...], Parameter(Count(100))] = ()
    name: _Fuzzy = None
    display_name: _Fuzzy = None
    tag: Tags = ()
    include_tags: Annotated[bool, Parameter()] = False


class ListedGroups(Part, kw_only=True):
    resource_group: list[ListedGroupPart]


class ListResourceGroupsResponse(Response, kw_only=True):
    page_number: int
    page_size: int
    total_count: int
    resource_groups: ListedGroups


class ListResourceGroups(Operation[ListResourceGroupsRequest, ListResourceGroupsResponse]):
    """Page through the account's resource groups, newest first (*assumed*).

    ``Name`` and ``DisplayName`` find the groups whose names contain them, cases told apart (*assumed*).
    ``ResourceGroupIds`` counts where ``ResourceGroupId`` stands beside it.
    """

    product = RESOURCE_MANAGER
    access = Access.LIST
    errors = FILTER_ERRORS

    def execute(self, call: Call, request: ListResourceGroupsRequest) -> ListResourceGroupsResponse:
        filters: dict[str, Any] = {"account_id": call.account_id}
        wanted = {
            "id": request.resource_group_ids or request.resource_group_id,
            "name": Contains(request.name) if request.name else None,
            "display_name": Contains(request.display_name) if request.display_name else None,
            TAGS: wanted_tags(request.tag) or None,
        }
        filters.update({name: value for name, value in wanted.items() if value is not None})
        rows: list[ResourceGroupRow] = []
        total = 0
        # Every group there is has this status.
        if request.status in (None, OK):
            rows, total = resource_groups.page(
                call.transaction, filters, number=request.page_number, size=request.page_size
            )
        tagged: dict[str, list[KeyValue]] | None = None
        if request.include_tags or request.tag:
            tagged = tags.of(call.transaction, [row.id for row in rows])
        return ListResourceGroupsResponse(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            resource_groups=ListedGroups(
                resource_group=[
                    ListedGroupPart(
                        **_names(row),
                        status=OK,
                        tags=None if tagged is None else _tag_list(tagged.get(row.id, ())),
                    )
                    for row in rows
                ]
            ),
        )


class UpdateResourceGroupRequest(Request, kw_only=True, frozen=True):
    resource_group_id: _GroupId
    new_display_name: _DisplayName


class UpdateResourceGroupResponse(Response, kw_only=True):
    resource_group: GroupNames


class UpdateResourceGroup(Operation[UpdateResourceGroupRequest, UpdateResourceGroupResponse]):
    """Give a resource group another display name, the default one too (*assumed*)."""

    product = RESOURCE_MANAGER
    access = Access.WRITE
    errors = (INVALID_ID, DISPLAY_NAME_TOO_LONG, NOT_FOUND)

    def execute(self, call: Call, request: UpdateResourceGroupRequest) -> UpdateResourceGroupResponse:
        row = msgspec.structs.replace(_find(call, request.resource_group_id), display_name=request.new_display_name)
        resource_groups.rename(call.transaction, row.id, row.display_name)
        return UpdateResourceGroupResponse(resource_group=GroupNames(**_names(row)))


class DeleteResourceGroupRequest(Request, kw_only=True, frozen=True):
    resource_group_id: _GroupId


class DeleteResourceGroupResponse(Response, kw_only=True):
    resource_group: GroupPart


class DeleteResourceGroup(Operation[DeleteResourceGroupRequest, DeleteResourceGroupResponse]):
    """Delete a resource group that nothing is in.

    The answer calls it ``PendingDelete``, and it is gone at once; with the real service that takes a while
    (*assumed*). The default group cannot be deleted; that is told as an invalid id, for no row of the table says it
    better (*assumed*).
    """

    product = RESOURCE_MANAGER
    access = Access.WRITE
    errors = (INVALID_ID, NOT_FOUND, NOT_EMPTY)

    def execute(self, call: Call, request: DeleteResourceGroupRequest) -> DeleteResourceGroupResponse:
        row = _find(call, request.resource_group_id)
        if row.is_default:
            raise INVALID_ID("ResourceGroupId", row.id, "is the account's default group, which cannot be deleted")
        inside = resource_groups.one_inside(call.transaction, call.account_id, row.id)
        if inside is not None:
            raise NOT_EMPTY("ResourceGroupId", row.id, f"still holds {inside}")
        tags.drop(call.transaction, [row.id])
        resource_groups.drop(call.transaction, row.id)
        return DeleteResourceGroupResponse(resource_group=GroupPart(**_facts(call, row, PENDING_DELETE)))


OPERATIONS = (
    CreateResourceGroup,
    GetResourceGroup,
    ListResourceGroups,
    UpdateResourceGroup,
    DeleteResourceGroup,
)
