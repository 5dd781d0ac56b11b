"""TagResources, UnTagResources, ListTagResources, DescribeTags, DescribeTagKeys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Protocol

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    Access,
    Between,
    Count,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.paging import NextToken, next_token, place_of
from gatewright.operations.tags import (
    FILTER_ERRORS,
    INVALID_KEY,
    LONGEST_TAG,
    MOST_TAGS,
    TAG_ERRORS,
    TOO_MANY,
    ResourceType,
    Tags,
    add_tags,
    check_tags,
    wanted_tags,
)
from gatewright.store import connections, customer_gateways, gateways, route_tables, tags, vpcs, vswitches
from gatewright.store.tags import Selection
from gatewright.store.transaction import Transaction

#: Resources that one request may name.
MOST_RESOURCES = 50
#: The keys' ``Type``: all are made by people.
_CUSTOM = "Custom"

UNKNOWN_TYPE = ErrorRow(
    400,
    "InvalidInstanceType.NotFound",
    "The instance type is not found",
    "VPC, VSWITCH, ROUTETABLE, VPNGATEWAY, CUSTOMERGATEWAY and VPNCONNECTION can be tagged.",
)
UNKNOWN_RESOURCE = ErrorRow(
    400,
    "InvalidInstanceIds.NotFound",
    "The instanceIds are not found",
    "Name resources of the given type that are in the given region.",
)
TOO_MANY_RESOURCES = ErrorRow(
    400,
    "SizeLimitExceeded.ResourceId",
    "The maximum number of resource IDs is exceeded.",
    f"Name at most {MOST_RESOURCES} resources at a time.",
)
NOTHING_NAMED = ErrorRow(
    403,
    "BothEmpty.TagsAndResources",
    "The specified Tags and ResourcesIds are not allow to both empty.",
    "Say which: ResourceId.N, or Tag.N, or both.",
)

#: What the API can tag. A type that is not one of ours has no resources here.
_TYPES = frozenset(
    {
        *(kind.value for kind in ResourceType),
        "EIP",
        "NATGATEWAY",
        "COMMONBANDWIDTHPACKAGE",
        "PREFIXLIST",
        "PUBLICIPADDRESSPOOL",
        "IPV4GATEWAY",
        "IPV6GATEWAY",
        "NETWORKACL",
        "TRAFFICMIRRORFILTER",
        "TRAFFICMIRRORSESSION",
        "FLOWLOG",
        "HAVIP",
        "DHCPOPTIONSSET",
        "GATEWAYENDPOINT",
        "IPV6ADDRESS",
        "SSLVPNSERVER",
        "IPSECSERVER",
    }
)


class _Regional(Protocol):
    """A row of a resource that is in a region."""

    @property
    def region_id(self) -> str: ...


#: How an account's resource of each type is found.
_FIND: dict[str, Callable[[Transaction, str, str], _Regional | None]] = {
    ResourceType.VPC: vpcs.find,
    ResourceType.VSWITCH: vswitches.find,
    ResourceType.ROUTE_TABLE: route_tables.view,
    ResourceType.VPN_GATEWAY: gateways.view,
    ResourceType.CUSTOMER_GATEWAY: customer_gateways.find,
    ResourceType.VPN_CONNECTION: connections.of_a_gateway,
    ResourceType.VPN_ATTACHMENT: connections.attachment,
}

ResourceIds = Annotated[tuple[str, ...], Parameter(Count(MOST_RESOURCES, error=TOO_MANY_RESOURCES))]


def _kind(given: str) -> str:
    """A ``ResourceType`` in answers' spelling: clients write VpnGateWay, VPNGATEWAY and VpnGateway. Raises ApiError."""
    kind = given.upper()
    if kind not in _TYPES:
        raise UNKNOWN_TYPE("ResourceType", given, f"must be one of {', '.join(ResourceType)}")
    return kind


def _existing(call: Call, kind: str, resource_ids: tuple[str, ...]) -> None:
    """Refuse resources that there are not, before anything is written. Raises ApiError."""
    find = _FIND.get(kind)
    for number, resource_id in enumerate(resource_ids, 1):
        row = find(call.transaction, call.account_id, resource_id) if find is not None else None
        if row is None or row.region_id != call.region.id:
            raise UNKNOWN_RESOURCE(
                f"ResourceId.{number}", resource_id, f"names no {kind} of this account in {call.region.id}"
            )


class TagResourcesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    resource_type: Annotated[str, Parameter()]
    resource_id: ResourceIds
    tag: Tags


class TagResourcesResponse(Response, kw_only=True):
    pass


class TagResources(Operation[TagResourcesRequest, TagResourcesResponse]):
    """Give resources tags; a key that a resource has already gets the new value.

    All resources get all tags, or none gets any. Resources named twice count once (*assumed*).
    """

    access = Access.WRITE
    errors = (*TAG_ERRORS, UNKNOWN_TYPE, UNKNOWN_RESOURCE, TOO_MANY_RESOURCES)

    def validate(self, request: TagResourcesRequest) -> None:
        check_tags(request.tag)
        _kind(request.resource_type)

    def execute(self, call: Call, request: TagResourcesRequest) -> TagResourcesResponse:
        kind = _kind(request.resource_type)
        _existing(call, kind, request.resource_id)
        resource_ids = tuple(dict.fromkeys(request.resource_id))
        found = tags.of(call.transaction, resource_ids)
        new = {tag.key for tag in request.tag}
        for resource_id in resource_ids:
            together = new | {tag.key for tag in found.get(resource_id, ())}
            if len(together) > MOST_TAGS:
                raise TOO_MANY("Tag", f"{len(new)} tags", f"{resource_id} would have {len(together)} of {MOST_TAGS}")
        for resource_id in resource_ids:
            add_tags(call, kind, call.region.id, resource_id, request.tag)
        return TagResourcesResponse()


class UnTagResourcesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    resource_type: Annotated[str, Parameter()]
    resource_id: ResourceIds
    tag_key: Annotated[tuple[str, ...], Parameter()] = ()
    all: Annotated[bool, Parameter()] = False


class UnTagResourcesResponse(Response, kw_only=True):
    pass


class UnTagResources(Operation[UnTagResourcesRequest, UnTagResourcesResponse]):
    """Take tags from resources: those of the keys, or with ``All`` and no keys every one.

    A key that a resource does not have is no error, and without keys and ``All`` nothing happens (*assumed*).
    """

    access = Access.WRITE
    errors = (INVALID_KEY, TOO_MANY, UNKNOWN_TYPE, UNKNOWN_RESOURCE, TOO_MANY_RESOURCES)

    def validate(self, request: UnTagResourcesRequest) -> None:
        if len(request.tag_key) > MOST_TAGS:
            raise TOO_MANY("TagKey", f"{len(request.tag_key)} keys", f"a resource has at most {MOST_TAGS}")
        for number, key in enumerate(request.tag_key, 1):
            if len(key) > LONGEST_TAG:
                raise INVALID_KEY(f"TagKey.{number}", key, f"must be at most {LONGEST_TAG} characters")
        _kind(request.resource_type)

    def execute(self, call: Call, request: UnTagResourcesRequest) -> UnTagResourcesResponse:
        _existing(call, _kind(request.resource_type), request.resource_id)
        if request.tag_key or request.all:
            tags.drop(call.transaction, request.resource_id, request.tag_key or None)
        return UnTagResourcesResponse()


class TagResourcePart(Part, kw_only=True):
    resource_id: str
    resource_type: str
    tag_key: str
    tag_value: str


class TagResourceList(Part, kw_only=True):
    tag_resource: list[TagResourcePart]


class ListTagResourcesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    resource_type: Annotated[str, Parameter()]
    resource_id: ResourceIds = ()
    tag: Tags = ()
    next_token: NextToken = None
    max_results: Annotated[int, Parameter(Between(1, 50))] = 50


class ListTagResourcesResponse(Response, kw_only=True):
    next_token: str | None = None
    tag_resources: TagResourceList


class ListTagResources(Operation[ListTagResourcesRequest, ListTagResourcesResponse]):
    """Page through the tags of some resources, or of the resources that have all of some tags, or of both at once."""

    access = Access.LIST
    errors = (*FILTER_ERRORS, UNKNOWN_TYPE, TOO_MANY_RESOURCES, NOTHING_NAMED)

    def validate(self, request: ListTagResourcesRequest) -> None:
        wanted_tags(request.tag)
        _kind(request.resource_type)
        place_of(request.next_token, 2)
        if not request.resource_id and not request.tag:
            raise NOTHING_NAMED("ResourceId", "", "neither ResourceId.N nor Tag.N is given")

    def execute(self, call: Call, request: ListTagResourcesRequest) -> ListTagResourcesResponse:
        selection = Selection(
            account_id=call.account_id,
            region_id=call.region.id,
            resource_type=_kind(request.resource_type),
            resource_ids=request.resource_id,
            having=wanted_tags(request.tag),
        )
        resource_id, key = place_of(request.next_token, 2)
        rows = tags.page(call.transaction, selection, after=(resource_id, key), size=request.max_results + 1)
        told = rows[: request.max_results]
        return ListTagResourcesResponse(
            next_token=next_token(told[-1].resource_id, told[-1].key) if len(rows) > len(told) else None,
            tag_resources=TagResourceList(
                tag_resource=[
                    TagResourcePart(
                        resource_id=row.resource_id,
                        resource_type=row.resource_type,
                        tag_key=row.key,
                        tag_value=row.value,
                    )
                    for row in told
                ]
            ),
        )


class _TagsInUseRequest(Request, kw_only=True, frozen=True):
    """What both listings of tags in use are asked with."""

    region_id: Annotated[str, Parameter()]
    resource_type: Annotated[str | None, Parameter()] = None
    resource_id: ResourceIds = ()
    next_token: NextToken = None
    max_result: Annotated[int, Parameter(Between(1, 50))] = 50


class DescribeTagsRequest(_TagsInUseRequest, kw_only=True, frozen=True):
    tag: Tags = ()


class TagInUsePart(Part, kw_only=True):
    tag_key: str
    tag_value: str


class TagInUseList(Part, kw_only=True):
    tag_resource: list[TagInUsePart]


class DescribeTagsResponse(Response, kw_only=True):
    next_token: str | None = None
    tag_resources: TagInUseList


class DescribeTags(Operation[DescribeTagsRequest, DescribeTagsResponse]):
    """Page through the tags that are in use in a region, each once. ``Tag.N`` keeps those of resources that have it."""

    access = Access.LIST
    errors = (*FILTER_ERRORS, UNKNOWN_TYPE, TOO_MANY_RESOURCES)

    def validate(self, request: DescribeTagsRequest) -> None:
        wanted_tags(request.tag)
        _optional_kind(request.resource_type)
        place_of(request.next_token, 2)

    def execute(self, call: Call, request: DescribeTagsRequest) -> DescribeTagsResponse:
        selection = Selection(
            account_id=call.account_id,
            region_id=call.region.id,
            resource_type=_optional_kind(request.resource_type),
            resource_ids=request.resource_id,
            having=wanted_tags(request.tag),
        )
        key, value = place_of(request.next_token, 2)
        rows = tags.distinct_page(call.transaction, selection, after=(key, value), size=request.max_result + 1)
        told = rows[: request.max_result]
        return DescribeTagsResponse(
            next_token=next_token(told[-1].key, told[-1].value) if len(rows) > len(told) else None,
            tag_resources=TagInUseList(
                tag_resource=[TagInUsePart(tag_key=row.key, tag_value=row.value) for row in told]
            ),
        )


class DescribeTagKeysRequest(_TagsInUseRequest, kw_only=True, frozen=True):
    keyword: Annotated[str | None, Parameter()] = None


class TagKeyPart(Part, kw_only=True):
    tag_key: str
    type: str


class TagKeyList(Part, kw_only=True):
    tag_key: list[TagKeyPart]


class DescribeTagKeysResponse(Response, kw_only=True):
    next_token: str | None = None
    tag_keys: TagKeyList


class DescribeTagKeys(Operation[DescribeTagKeysRequest, DescribeTagKeysResponse]):
    """Page through the tag keys that are in use in a region. ``Keyword`` keeps those that contain it, case and all."""

    access = Access.LIST
    errors = (UNKNOWN_TYPE, TOO_MANY_RESOURCES)

    def validate(self, request: DescribeTagKeysRequest) -> None:
        _optional_kind(request.resource_type)
        place_of(request.next_token, 1)

    def execute(self, call: Call, request: DescribeTagKeysRequest) -> DescribeTagKeysResponse:
        selection = Selection(
            account_id=call.account_id,
            region_id=call.region.id,
            resource_type=_optional_kind(request.resource_type),
            resource_ids=request.resource_id,
            keyword=request.keyword,
        )
        (after,) = place_of(request.next_token, 1)
        keys = tags.keys_page(call.transaction, selection, after=after, size=request.max_result + 1)
        told = keys[: request.max_result]
        return DescribeTagKeysResponse(
            next_token=next_token(told[-1]) if len(keys) > len(told) else None,
            tag_keys=TagKeyList(tag_key=[TagKeyPart(tag_key=key, type=_CUSTOM) for key in told]),
        )


def _optional_kind(given: str | None) -> str | None:
    return None if given is None else _kind(given)


OPERATIONS = (TagResources, UnTagResources, ListTagResources, DescribeTags, DescribeTagKeys)
