"""Certificates that the API could show: what is wrong with one is said."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from gatewright.secrets.certificates import Authority, Unusable
from gatewright.secrets.server_certificates import examine, good_for, issued_by, load

OURS = Authority.make("0123abcd", "local")
OTHERS = Authority.make("0123abcd", "local")
ISSUED = OURS.issue_server("Gatewright", ["gw.example.com", "192.0.2.1", "::1"], timedelta(days=30))
NOW = datetime.now(UTC)


def refusal(certificate: str, private_key: str, now: datetime = NOW) -> str:
    with pytest.raises(Unusable) as refused:
        examine(certificate, private_key, now)
    return str(refused.value)


def locked(private_key: str) -> str:
    """The key with a passphrase."""
    key = serialization.load_pem_private_key(private_key.encode(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    return key.private_bytes(*form, serialization.BestAvailableEncryption(b"x")).decode()


def test_a_certificate_that_can_be_served_with() -> None:
    found = examine(ISSUED.certificate + OURS.certificate, ISSUED.private_key, NOW)
    assert found.names == ("gw.example.com", "192.0.2.1", "::1")
    assert timedelta(days=29) < found.until - NOW < timedelta(days=31)
    load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ISSUED.certificate + OURS.certificate, ISSUED.private_key)


def test_what_is_wrong_is_said() -> None:
    other = OURS.issue_server("Gatewright", ["a"], timedelta(days=1))
    assert "not that of the first certificate" in refusal(ISSUED.certificate, other.private_key)
    assert "not that of the first certificate" in refusal(OURS.certificate + ISSUED.certificate, ISSUED.private_key)
    assert "passphrase" in refusal(ISSUED.certificate, locked(ISSUED.private_key))
    assert "the key is no private key" in refusal(ISSUED.certificate, ISSUED.certificate)
    assert "the certificate is no certificate" in refusal(ISSUED.private_key, ISSUED.private_key)
    assert "the certificate is no certificate" in refusal("", ISSUED.private_key)
    assert "was valid until" in refusal(ISSUED.certificate, ISSUED.private_key, NOW + timedelta(days=31))
    assert "not valid before" in refusal(ISSUED.certificate, ISSUED.private_key, NOW - timedelta(days=2))
    host = OURS.issue_host("one", "")
    assert "serverAuth" in refusal(host.certificate, host.private_key)
    nameless = OURS.issue_server("Gatewright", [], timedelta(days=1))
    assert "no names" in refusal(nameless.certificate, nameless.private_key)


def test_it_is_known_who_issued_it() -> None:
    assert issued_by(ISSUED.certificate, OURS.certificate)
    assert not issued_by(ISSUED.certificate, OTHERS.certificate)
    assert not issued_by(ISSUED.certificate, "")


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("gw.example.com", True),
        ("GW.example.com", True),
        ("a.example.org", True),
        ("a.b.example.org", False),
        ("example.org", False),
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("0:0:0:0:0:0:0:1", True),
    ],
)
def test_what_clients_accept_it_for(host: str, good: bool) -> None:
    assert good_for(("gw.example.com", "*.example.org", "192.0.2.1", "::1"), host) is good


def test_an_authority_without_its_own_key_is_refused() -> None:
    assert Authority.load(OURS.certificate, OURS.private_key).certificate == OURS.certificate
    for certificate, key, reason in (
        (OURS.certificate, OTHERS.private_key, "another certificate's"),
        (OURS.certificate, locked(OURS.private_key), "passphrase"),
        ("", OURS.private_key, "cannot be read"),
    ):
        with pytest.raises(Unusable, match=reason):
            Authority.load(certificate, key)
