"""Identifiers: their shape, and that those made later sort behind."""

from __future__ import annotations

import re
import time

import pytest

from gatewright import ids

#: What an id's time is written in, most significant digit first.
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(("region", "code"), [("cn-hangzhou", "bp1"), ("ap-southeast-1", "t4n")])
def test_an_id_is_its_kind_its_region_its_time_and_chance(
    monkeypatch: pytest.MonkeyPatch, region: str, code: str
) -> None:
    now = 1_790_000_000_123
    monkeypatch.setattr(time, "time_ns", lambda: now * 1_000_000 + 999_999)
    one, other = ids.resource_id("vpn", region), ids.resource_id("vpn", region)
    assert re.fullmatch(f"vpn-{code}[0-9a-z]{{17}}", one)
    body = one.removeprefix(f"vpn-{code}")
    assert int(body[:8], 36) == now
    assert one != other
    assert one[:-9] == other[:-9]
    assert set(body) <= set(_DIGITS)


def test_ids_sort_by_the_time_that_they_were_made_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for milliseconds in (1, 35, 36, 1295, 1296, 36**7 - 1, 36**7, 1_790_000_000_000, 2_821_109_907_455):
        monkeypatch.setattr(time, "time_ns", lambda at=milliseconds: at * 1_000_000)
        made.append(ids.resource_id("vpn", "cn-hangzhou"))
    assert made == sorted(made)


def test_a_region_that_no_table_knows_has_a_code_of_its_own_that_stays() -> None:
    assert ids.region_code("xx-somewhere-1") == ids.region_code("xx-somewhere-1")
    assert re.fullmatch("[0-9a-z]{3}", ids.region_code("xx-somewhere-1"))
    assert ids.region_code("xx-somewhere-1") != ids.region_code("xx-somewhere-2")


def test_other_ids_have_the_documented_shapes() -> None:
    assert re.fullmatch("rg-[0-9a-z]{15}", ids.resource_group_id())
    assert re.fullmatch("[0-9a-z]{8}", ids.installation_id())
    assert ids.derived_id("vrt", "vpc-bp1abc") == "vrt-bp1abc"
