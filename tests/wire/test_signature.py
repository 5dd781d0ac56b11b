"""Both signatures against the published vectors."""

from __future__ import annotations

import hashlib

import pytest

from gatewright.errors import ApiError
from gatewright.wire.parameters import decode_pairs, percent_encode
from gatewright.wire.signature import (
    parse_v3_authorization,
    v1_signature,
    v1_string_to_sign,
    v3_canonical_request,
    v3_signature,
    v3_string_to_sign,
)

EMPTY = hashlib.sha256(b"").hexdigest()


def test_the_published_vector_of_version_1() -> None:
    parameters = {
        "Timestamp": "2016-02-23T12:46:24Z",
        "Format": "XML",
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "Version": "2014-05-26",
        "SignatureVersion": "1.0",
        "Signature": "is left out",
    }
    assert v1_signature("testsecret", v1_string_to_sign("GET", parameters)) == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


def test_the_published_vector_of_version_3() -> None:
    headers = {
        "host": ["ecs.cn-shanghai.aliyuncs.com"],
        "x-acs-action": ["RunInstances"],
        "x-acs-content-sha256": [EMPTY],
        "x-acs-date": ["2023-10-26T10:22:32Z"],
        "x-acs-signature-nonce": ["3156853299f313e23d1673dc12e1703d"],
        "x-acs-version": ["2014-05-26"],
        "user-agent": ["not signed"],
    }
    query = {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"}
    signed = [name for name in headers if name != "user-agent"]
    canonical = v3_canonical_request("POST", "/", query, headers, signed, EMPTY)
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    assert hashed == "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
    assert (
        v3_signature("YourAccessKeySecret", v3_string_to_sign(canonical))
        == "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_repeated_headers_are_sorted_and_joined() -> None:
    canonical = v3_canonical_request("GET", "", {}, {"x-acs-a": [" b ", "a"]}, ["x-acs-a"], EMPTY)
    assert canonical == f"GET\n/\n\nx-acs-a:a,b\n\nx-acs-a\n{EMPTY}"


def test_encoding_is_that_of_rfc_3986() -> None:
    assert percent_encode("a b*c~d+/é") == "a%20b%2Ac~d%2B%2F%C3%A9"


@pytest.mark.parametrize(
    "header",
    [
        "Basic abc",
        "ACS3-HMAC-SM3 Credential=a,SignedHeaders=b,Signature=c",
        "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b",
        "ACS3-HMAC-SHA256",
        "ACS3-HMAC-SHA256 ,,,",
    ],
)
def test_an_authorization_of_another_form_is_refused(header: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_v3_authorization(header)
    assert refused.value.code == "IncompleteSignature"


def test_pairs_are_decoded_strictly() -> None:
    assert decode_pairs(b"a=1&b=x+y&c=%C3%A9&d=&e", "the query") == {"a": "1", "b": "x y", "c": "é", "d": "", "e": ""}
    assert decode_pairs(b"", "the query") == {}


@pytest.mark.parametrize(
    "raw", [b"a=%zz", b"a=%", b"a=%ff", b"\xff=1", b"a=1&a=2", b"&".join([b"a"] * 5001), b"n" * 257 + b"=1"]
)
def test_what_is_no_url_encoding_is_refused(raw: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        decode_pairs(raw, "the query")
    assert (refused.value.status, refused.value.code) == (400, "InvalidParameter")
