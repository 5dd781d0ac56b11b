"""What the two ends of a tunnel negotiate, and what they do not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gatewright.resources.tunnels import IkeSpec, IpsecSpec, TunnelSpec, negotiated
from tests.support.tunnels import NEGOTIATED, NOT_NEGOTIATED, TUNNEL


@pytest.mark.parametrize("change", NEGOTIATED)
def test_what_the_ends_agree_upon(change: dict[str, Any]) -> None:
    assert negotiated(msgspec.structs.replace(TUNNEL, **change)) != negotiated(TUNNEL)


@pytest.mark.parametrize("change", NOT_NEGOTIATED)
def test_what_they_do_not(change: dict[str, Any]) -> None:
    assert negotiated(msgspec.structs.replace(TUNNEL, **change)) == negotiated(TUNNEL)


def test_what_authenticates_by_itself() -> None:
    alike = [
        msgspec.structs.replace(TUNNEL.ipsec, encryption="aes128gcm16", authentication=word) for word in ("sha1", "md5")
    ]
    one, other = (negotiated(msgspec.structs.replace(TUNNEL, ipsec=ipsec)) for ipsec in alike)
    assert one == other


def test_each_field_is_one_or_the_other() -> None:
    for part, fixed in (
        (TunnelSpec, {"id", "connection_id", "number", "role", "ike", "ipsec"}),
        (IkeSpec, set[str]()),
        (IpsecSpec, set[str]()),
    ):
        tried = {name for change in (*NEGOTIATED, *NOT_NEGOTIATED) for name in _differing(change, part)}
        assert tried | fixed == set(part.__struct_fields__)


def _differing(change: dict[str, Any], part: type[msgspec.Struct]) -> set[str]:
    if part is TunnelSpec:
        return set(change)
    found = [(value, getattr(TUNNEL, name)) for name, value in change.items() if isinstance(value, part)]
    return {name for now, was in found for name in part.__struct_fields__ if getattr(now, name) != getattr(was, name)}
