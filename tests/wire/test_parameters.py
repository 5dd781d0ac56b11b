"""What a query or a form may hold, to the last parameter and character."""

from __future__ import annotations

import pytest

from gatewright.errors import ApiError
from gatewright.wire.parameters import LONGEST_NAME, MOST_PARAMETERS, decode_pairs


def refused(raw: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        decode_pairs(raw, "the query")
    assert (caught.value.status, caught.value.code) == (400, "InvalidParameter")
    return caught.value


def test_so_many_parameters_and_no_more() -> None:
    pairs = [b"p%d=" % number for number in range(MOST_PARAMETERS + 1)]
    assert len(decode_pairs(b"&".join(pairs[:-1]), "the query")) == MOST_PARAMETERS
    assert str(MOST_PARAMETERS) in refused(b"&".join(pairs)).detail


@pytest.mark.parametrize("letter", [b"a", b"%C3%BC"])
def test_a_name_of_so_many_characters_and_no_more(letter: bytes) -> None:
    assert len(decode_pairs(letter * LONGEST_NAME + b"=x", "the query")) == 1
    assert len(refused(letter * (LONGEST_NAME + 1) + b"=x").detail) < 300


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"Name=%", "Name"),
        (b"Name=%4", "Name"),
        (b"Name=%zz", "Name"),
        (b"Name=%ff", "Name"),
        (b"Name=%ED%A0%80", "Name"),
        (b"Name=a&Name=b", "Name"),
        (b"Name=a&%4Eame=b", "Name"),
        (b"Name=a&Name=a", "Name"),
        (b"\xff=a", "Action"),
    ],
)
def test_what_is_no_url_encoding_of_utf_8_is_refused(raw: bytes, named: str) -> None:
    assert refused(raw).detail.startswith(f"{named} ")
