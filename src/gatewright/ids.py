"""Identifiers: what a resource, a request and an order are called."""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid

_last_order = 0
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
#: Two digits at a time.
_PAIRS = tuple(low + high for high in _ALPHABET for low in _ALPHABET)
_BODY = 17
#: Base-36 characters of the milliseconds since the epoch: enough until the year 2059.
_TIME = 8

#: The three characters that stand for a region in real ids. Regions that are not here get a derived code.
_REGION_CODES = {
    "cn-hangzhou": "bp1",
    "cn-shanghai": "uf6",
    "cn-shenzhen": "wz9",
    "cn-beijing": "2ze",
    "cn-qingdao": "m5e",
    "cn-zhangjiakou": "8vb",
    "cn-huhehaote": "hp3",
    "cn-wulanchabu": "0jl",
    "cn-chengdu": "2vc",
    "cn-guangzhou": "7xv",
    "cn-heyuan": "f8z",
    "cn-hongkong": "j6c",
    "ap-southeast-1": "t4n",
    "ap-southeast-3": "8ps",
    "ap-southeast-5": "k1a",
    "ap-northeast-1": "6we",
    "ap-south-1": "a2d",
    "eu-central-1": "gw8",
    "eu-west-1": "d7o",
    "us-west-1": "rj9",
    "us-east-1": "0xi",
    "me-east-1": "eb3",
}


def _base36(number: int, length: int) -> str:
    """The last digits of a number, the least significant first."""
    pairs = []
    for _ in range(0, length, 2):
        number, rest = divmod(number, 36 * 36)
        pairs.append(_PAIRS[rest])
    return "".join(pairs)[:length]


def region_code(region_id: str) -> str:
    """Three base-36 characters that stand for a region in its resources' ids."""
    known = _REGION_CODES.get(region_id)
    if known is not None:
        return known
    return _base36(int.from_bytes(hashlib.sha256(region_id.encode()).digest()[:8], "big"), 3)


def resource_id(prefix: str, region_id: str) -> str:
    """A new id such as ``vpn-bp1`` and 17 base-36 characters.

    Eight of them are the time and nine are random (46 bits a millisecond): what is made together lies together in the
    database's indexes, which halves what a commit writes (measured).
    """
    return f"{prefix}-{region_code(region_id)}{_time_part()}{_base36(secrets.randbits(64), _BODY - _TIME)}"


def _time_part() -> str:
    """The time, so that ids sort by it."""
    return _base36(time.time_ns() // 1_000_000, _TIME)[::-1]


def resource_group_id() -> str:
    """A new resource group's id: ``rg-`` and 15 base-36 characters, the most that the API allows.

    Eight are the time and seven are random (36 bits a millisecond). Groups belong to no region.
    """
    return f"rg-{_time_part()}{_base36(secrets.randbits(64), 15 - _TIME)}"


def derived_id(prefix: str, parent_id: str) -> str:
    """The id of what exists exactly once per parent (a VPC's router): the parent's body behind another prefix."""
    return f"{prefix}-{parent_id.partition('-')[2]}"


def request_id() -> str:
    """An upper-case UUID, as every answer carries one."""
    return str(uuid.UUID(int=secrets.randbits(128), version=4)).upper()


def order_id() -> int:
    """A number that no earlier order of this process has: the time in microseconds, or the next number after the last.

    16 digits, about the size of the real service's, and exact as a floating-point number.
    """
    global _last_order
    _last_order = max(_last_order + 1, time.time_ns() // 1000)
    return _last_order


def account_id() -> str:
    """A 16-digit account number."""
    return str(1_000_000_000_000_000 + secrets.randbelow(9_000_000_000_000_000))


def access_key_id() -> str:
    """A new access key's id: the real service's shape, recognisable prefix and all."""
    return "LTAI" + _letters(20)


def access_key_secret() -> str:
    """A new access key's secret: 30 letters and digits (178 bits)."""
    return _letters(30)


def installation_id() -> str:
    """Eight base-36 characters that mark everything an installation makes on its hosts."""
    return _base36(secrets.randbits(64), 8)


def _letters(length: int) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(secrets.choice(alphabet) for _ in range(length))
