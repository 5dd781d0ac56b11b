"""What a value of a spec has to be: each function raises ValueError, for people, if it is not. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection

from gatewright.resources.addresses import is_hosts_address, parse_network
from gatewright.resources.specs import ID_PATTERN

_ID = re.compile(ID_PATTERN)
_LONGEST_SHOWN = 60


def identifier(name: str, text: str) -> None:
    if not _ID.search(text):
        raise ValueError(f"{name} is {shown(text)}: only letters, digits, '-' and '_', at most 100")


def number(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}: it must be {least} to {most}")


def one_of(name: str, text: str, words: Collection[str]) -> None:
    if text not in words:
        raise ValueError(f"{name} is {shown(text)}: it must be {' or '.join(words)}")


def some_network(name: str, text: str) -> ipaddress.IPv4Network:
    network = parse_network(text)
    if network is None:
        raise ValueError(f"{name} is {shown(text)}: it is no IPv4 network such as 10.0.0.0/16")
    return network


def address(name: str, text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise ValueError(f"{name} has the address {shown(text)}, which is none") from None


def hosts_address(name: str, text: str) -> None:
    """One that one host can have; those of class E are for the simulated plane and tests."""
    found = address(name, text)
    if not is_hosts_address(str(found)):
        raise ValueError(f"{name} has the address {text}, which no host can have")


def shown(text: str) -> str:
    """A text as it may be told: not all of a long one."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")
