"""Every operation under generated requests: right, wrong, strange, huge. New operations are picked up by themselves.

Whatever arrives, the answer comes soon, is no 5xx, is of the asked format, and says what is wrong and where; and what
is refused, or only reads, or is a dry run, changes nothing in the database. ``tests/fuzz/effort.py`` tells how to look
longer.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.operations.declaration import Access, Operation
from gatewright.operations.registry import ALL
from gatewright.wire.gathering import LONGEST
from tests.fuzz.effort import effort
from tests.fuzz.strategies import Case, case_of
from tests.fuzz.world import World
from tests.support.client import Reply

#: Examples of all operations together, on one database.
_EXAMPLES = 500
#: Seconds within which every answer is there, on a machine that does other things besides.
_SOON = 5.0
#: Bytes of an answer: a wrong value is echoed in part only, and pages are bounded.
_LARGEST = 256 * 1024
#: Codes that say that a parameter is wrong: their Detail begins with its name.
_ABOUT_A_PARAMETER = ("Missing", "Invalid", "Illegal", "Malformed", "NumberExceed", "UnsupportedOperation")
_NAME = re.compile(r'(\S.*?) (?:"|is absent or empty)', re.DOTALL)


def body_of(reply: Reply, form: str, root: str) -> dict[str, Any]:
    """The answer, parsed in the format that was asked for; of XML only what stands at the top."""
    if form == "JSON":
        assert reply.headers["content-type"] == "application/json;charset=utf-8"
        parsed: dict[str, Any] = json.loads(reply.body)
        return parsed
    assert reply.headers["content-type"] == "text/xml;charset=utf-8"
    document = ElementTree.fromstring(reply.body)  # noqa: S314 - it is our own
    assert document.tag == (root if reply.status == 200 else "Error")
    return {child.tag: child.text or "" for child in document}


def names_of(operation: type[Operation[Any, Any]], case: Case) -> set[str]:
    """What a Detail may begin with: parameters that are declared or were sent."""
    declared = {field.name for field in operation.fields} | {absent.name for absent in operation.request_type.not_yet}
    sent = case.names | {name[:100] for name in case.names}
    return declared | sent | {"Format", "Action", "Signature", "Content-Type"}


def is_named(name: str, names: set[str]) -> bool:
    """Whether it names one of them: itself, or the values and their parts of a list or an object (``Tag.1.Key``)."""
    return name in names or any(name.startswith(known + ".") for known in names)


def check_refusal(operation: type[Operation[Any, Any]], case: Case, body: dict[str, Any]) -> None:
    assert body["Code"]
    assert body["Message"]
    assert body["Detail"]
    assert body["HostId"]
    assert body["Recommend"].endswith(f"/errors/{quote(body['Code'])}")
    if body["Code"].startswith(_ABOUT_A_PARAMETER):
        named = _NAME.match(body["Detail"])
        assert named, body["Detail"]
        assert is_named(named[1], names_of(operation, case)), body["Detail"]


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
def test_whatever_arrives(world: World, operation: type[Operation[Any, Any]]) -> None:
    @effort(max(12, _EXAMPLES // len(ALL)))
    @given(case=case_of(operation))
    def one(case: Case) -> None:
        before = world.before()
        started = time.monotonic()
        reply = world.send(operation, case)
        assert time.monotonic() - started < _SOON
        assert len(reply.body) < _LARGEST
        assert reply.status == 200 or 400 <= reply.status < 500, reply.body
        body = body_of(reply, case.form, f"{operation.name}Response")
        assert re.fullmatch(r"[0-9A-F-]{36}", body["RequestId"])
        if reply.status != 200:
            check_refusal(operation, case, body)
        elif operation.access is Access.WRITE:
            world.changed()
            if case.form == "JSON":
                world.harvest(body)
            if operation.name.startswith(("Delete", "Release")):
                world.furnish()
            return
        assert world.rows.digests() == before

    one()


def test_the_longest_value_is_answered_in_a_bound(world: World) -> None:
    """Every operation's every text at once, at its longest and of characters that grow when they are encoded."""
    for operation in ALL:
        texts = [field.name for field in operation.fields if field.type is str and not field.many][:4]
        pairs = tuple((name, "ü" * (LONGEST // 4)) for name in texts)
        started = time.monotonic()
        reply = world.send(operation, Case(pairs, "V3", "JSON", "body"))
        assert time.monotonic() - started < _SOON
        assert reply.status == 200 or 400 <= reply.status < 500
        assert len(reply.body) < _LARGEST


def test_bytes_that_are_no_request(world: World) -> None:
    before = world.before()

    @effort(100)
    @given(
        method=st.sampled_from(("GET", "POST", "PUT", "HEAD")),
        query=st.one_of(st.binary(max_size=60), st.sampled_from((b"Action=DescribeVpcs&Version=2016-04-28",))),
        kind=st.sampled_from(("", "application/x-www-form-urlencoded", "application/json", "text/plain;charset=x")),
        headers=st.dictionaries(
            st.sampled_from(("authorization", "accept", "x-acs-action", "x-acs-date", "x-acs-version")),
            st.one_of(
                st.text(st.characters(max_codepoint=255), max_size=30),
                st.sampled_from(("ACS3-HMAC-SHA256 ", "ACS3-HMAC-SHA256 Credential=test,SignedHeaders=;,Signature=é")),
            ),
        ),
        body=st.binary(max_size=60),
    )
    def one(method: str, query: bytes, kind: str, headers: dict[str, str], body: bytes) -> None:
        reply = world.cell.run(world.cell.http(method, query, {"content-type": kind, **headers}, body))
        assert 400 <= reply.status < 500
        assert reply.body

    one()
    assert world.rows.digests() == before
