"""Tags in requests and answers, and the rules that they keep, whatever the operation.

A resource has at most 20 tags, and keys of its own. Keys are told apart by case where they are stored; two keys of one
request that differ only in case are refused.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import Item, Parameter, Part
from gatewright.store import tags
from gatewright.store.tags import KeyValue, TagRow

#: Tags a resource.
MOST_TAGS = 20
#: Characters of a key and of a value.
LONGEST_TAG = 128
#: Characters of a key that is given when an IPsec resource is made; TagResources takes longer ones for it.
LONGEST_NEW_KEY = 64
_RESERVED = ("aliyun", "acs:", "http://", "https://")

INVALID_KEY = ErrorRow(400, "InvalidParameter.TagKey", "The specified parameter TagKey is invalid.")
INVALID_VALUE = ErrorRow(400, "InvalidParameter.TagValue", "The specified parameter TagValue is invalid.")
DUPLICATED = ErrorRow(400, "Duplicated.TagKey", "The specified parameter TagKey is duplicated.")
DIFFERS_IN_CASE = ErrorRow(400, "Forbidden.TagKey.Duplicated", "The specified tag key already exists.")
TOO_MANY = ErrorRow(
    400, "SizeLimitExceeded.TagNum", "The maximum number of tags is exceeded.", "Take tags off with UnTagResources."
)
#: What giving tags can be refused with.
TAG_ERRORS = (INVALID_KEY, INVALID_VALUE, DUPLICATED, DIFFERS_IN_CASE, TOO_MANY)
#: What filtering by tags can be refused with.
FILTER_ERRORS = (INVALID_KEY, TOO_MANY)


class ResourceType(enum.StrEnum):
    """What can be tagged, as ``ResourceType`` spells it in answers. In requests the case does not matter."""

    VPC = "VPC"
    VSWITCH = "VSWITCH"
    ROUTE_TABLE = "ROUTETABLE"
    VPN_GATEWAY = "VPNGATEWAY"
    CUSTOMER_GATEWAY = "CUSTOMERGATEWAY"
    VPN_CONNECTION = "VPNCONNECTION"
    VPN_ATTACHMENT = "VPNATTACHMENT"


class Tag(Item, kw_only=True, frozen=True):
    """A tag in a request: ``Tag.1.Key``, ``Tag.1.Value``."""

    key: Annotated[str | None, Parameter()] = None
    value: Annotated[str | None, Parameter()] = None


#: ``Tag.N`` of an operation that creates something, or filters by all of them; a filter's missing value is any.
Tags = Annotated[tuple[Tag, ...], Parameter()]


class TagPart(Part, kw_only=True):
    key: str
    value: str


class TagList(Part, kw_only=True):
    tag: list[TagPart]


def tag_list(found: Sequence[KeyValue]) -> TagList:
    """Tags as answers tell them."""
    return TagList(tag=[TagPart(key=tag.key, value=tag.value) for tag in found])


def check_tags(given: Sequence[Tag], parameter: str = "Tag", longest_key: int = LONGEST_TAG) -> None:
    """Refuse tags that no resource may have. Raises ApiError.

    ``parameter`` is what the operation calls them, ``longest_key`` the characters that it allows a key.
    """
    if len(given) > MOST_TAGS:
        raise TOO_MANY(parameter, f"{len(given)} tags", f"a resource has at most {MOST_TAGS}")
    seen: dict[str, str] = {}
    for number, tag in enumerate(given, 1):
        key, value = tag.key or "", tag.value or ""
        if not 1 <= len(key) <= longest_key:
            raise INVALID_KEY(f"{parameter}.{number}.Key", key, f"must be 1 to {longest_key} characters")
        if key.lower().startswith(_RESERVED):
            raise INVALID_KEY(f"{parameter}.{number}.Key", key, f"must not begin with {', '.join(_RESERVED)}")
        if len(value) > LONGEST_TAG:
            raise INVALID_VALUE(f"{parameter}.{number}.Value", value, f"must be at most {LONGEST_TAG} characters")
        if value.lower().startswith(_RESERVED):
            raise INVALID_VALUE(f"{parameter}.{number}.Value", value, f"must not begin with {', '.join(_RESERVED)}")
        earlier = seen.get(key.lower())
        if earlier == key:
            raise DUPLICATED(f"{parameter}.{number}.Key", key, "stands twice in the request")
        if earlier is not None:
            raise DIFFERS_IN_CASE(f"{parameter}.{number}.Key", key, f"differs only in case from {earlier}")
        seen[key.lower()] = key


def add_tags(call: Call, kind: str, region_id: str, resource_id: str, given: Sequence[Tag]) -> None:
    """Give a resource tags that have been checked. ``kind`` is a ResourceType, or what another product tags."""
    for tag in given:
        tags.put(
            call.transaction,
            TagRow(call.account_id, region_id, str(kind), resource_id, tag.key or "", tag.value or ""),
        )


def wanted_tags(given: Sequence[Tag], invalid_key: ErrorRow = INVALID_KEY) -> tuple[tuple[str, str | None], ...]:
    """A filter's tags as the store takes them. Raises ``invalid_key`` for one without a key, or TOO_MANY."""
    if len(given) > MOST_TAGS:
        raise TOO_MANY("Tag", f"{len(given)} tags", f"at most {MOST_TAGS} are filtered by")
    for number, tag in enumerate(given, 1):
        if not tag.key:
            raise invalid_key(f"Tag.{number}.Key", tag.key or "", "is empty: a tag is filtered by its key")
    return tuple((tag.key or "", tag.value) for tag in given)
