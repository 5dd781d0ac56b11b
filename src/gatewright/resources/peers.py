"""What a customer's device is known by: its address and its AS number. Pure."""

from __future__ import annotations

import ipaddress
import re

#: The AS number that gateways have unless a connection says another; no customer has it.
GATEWAY_ASN = 45104
_LARGEST_ASN = 2**32 - 1
_HALF = 2**16
_NUMBER = r"(0|[1-9][0-9]{0,9})"
_PLAIN = re.compile(_NUMBER, re.ASCII)
_DOTTED = re.compile(rf"{_NUMBER}\.{_NUMBER}", re.ASCII)
ASN_RULE = (
    f"must be 1 to {_LARGEST_ASN} and not {GATEWAY_ASN}, written as one number or as two of at most {_HALF - 1} with a "
    "dot between"
)

#: Where no device can be that gateways call: what the API's documentation excludes, and "this network" (RFC 1122),
#: whose 0.0.0.0 would stand for any device (*assumed*).
_NOWHERE = tuple(
    ipaddress.IPv4Network(network)
    for network in ("0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.0.0.0/8")
)
ADDRESS_RULE = f"must be an IPv4 address such as 203.0.113.7, and in none of {', '.join(map(str, _NOWHERE))}"


def asn_of(text: str) -> int | None:
    """An AS number from its text, ``65000`` or ``1.10`` (the higher and the lower 16 bits); None for anything else."""
    if _PLAIN.fullmatch(text):
        number = int(text)
    elif dotted := _DOTTED.fullmatch(text):
        high, low = int(dotted[1]), int(dotted[2])
        if high >= _HALF or low >= _HALF:
            return None
        number = high * _HALF + low
    else:
        return None
    return number if 1 <= number <= _LARGEST_ASN and number != GATEWAY_ASN else None


def is_asn(text: str) -> bool:
    """Whether a text is an AS number that a customer's device may have."""
    return asn_of(text) is not None


def is_peer_address(text: str) -> bool:
    """Whether a text is an IPv4 address at which a customer's device may be."""
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return not any(address in network for network in _NOWHERE)
