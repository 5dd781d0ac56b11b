"""The tokens that lead to the next page."""

from __future__ import annotations

import base64

import pytest

from gatewright.errors import ApiError
from gatewright.operations.paging import next_token, place_of


def test_a_token_leads_back_to_its_place() -> None:
    assert place_of(next_token("vpc-1", "schlüssel"), 2) == ("vpc-1", "schlüssel")
    assert place_of(next_token("", "two\nlines"), 2) == ("", "two\nlines")
    assert place_of(None, 2) == ("", "")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "%%%",
        "é",
        "\ud800",
        next_token("one"),
        next_token("a", "b", "c"),
        next_token("a", "b\0"),
        next_token("a", "\ud800"),
        base64.urlsafe_b64encode(b"[1, 2]").decode(),
        base64.urlsafe_b64encode(b"[" * 60_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ApiError) as refused:
        place_of(token, 2)
    assert (refused.value.status, refused.value.code) == (400, "InvalidParameter")
    assert refused.value.detail.startswith("NextToken ")
