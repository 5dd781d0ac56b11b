"""What a customer's device may be known by."""

from __future__ import annotations

import pytest

from gatewright.resources.peers import asn_of, is_peer_address


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("65000", 65000),
        ("45103", 45103),
        ("45105", 45105),
        ("4294967295", 4294967295),
        ("0.1", 1),
        ("1.0", 65536),
        ("1.10", 65546),
        ("1.45104", 65536 + 45104),
        ("65535.65535", 4294967295),
    ],
)
def test_as_numbers_are_plain_or_dotted(text: str, number: int) -> None:
    assert asn_of(text) == number


@pytest.mark.parametrize(
    "text",
    [
        *("0", "0.0", "45104", "0.45104", "4294967296", "-1", "+1", "01", "1.", ".1", "1.2.3", "65536.0", "0.65536"),
        *("", " 1", "1\n", "1e3", "0x10", "AS65000", "\u0661", "9" * 5000),
    ],
)
def test_what_is_no_as_number_of_a_customer(text: str) -> None:
    assert asn_of(text) is None


@pytest.mark.parametrize("text", ["1.0.0.0", "203.0.113.7", "10.0.0.1", "100.63.255.255", "100.128.0.0", "240.0.0.2"])
def test_addresses_of_devices(text: str) -> None:
    assert is_peer_address(text)


@pytest.mark.parametrize(
    "text",
    [
        *("0.0.0.1", "0.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "169.254.10.1", "224.0.0.1"),
        *("239.255.255.255", "255.0.0.0", "255.255.255.255", "203.0.113", "203.0.113.256", "203.0.113.07"),
        *("203.0.113.7/32", " 203.0.113.7", "203.0.113.7\n", "2001:db8::1", "::ffff:203.0.113.7", "host.example", ""),
        "\u0662\u0660\u0663.0.113.7",
    ],
)
def test_where_no_device_is(text: str) -> None:
    assert not is_peer_address(text)
