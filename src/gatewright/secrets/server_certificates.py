"""The certificate that the API shows: whether it can be served with, and for what names it is good."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatewright.secrets.certificates import Unusable


class Examined(NamedTuple):
    """What a certificate says of itself."""

    #: Names and addresses as they stand in it, ``*.example.com`` too.
    names: tuple[str, ...]
    until: datetime


def examine(certificate: str, private_key: str, now: datetime) -> Examined:
    """Look at a chain, the server's certificate first, and its key; both PEM. Raises Unusable that says which is wrong.

    The text says "the certificate" and "the key": who calls knows the files.
    """
    leaf = _chain(certificate)[0]
    try:
        key = load_pem_private_key(private_key.encode(), None)
    except TypeError as error:
        raise Unusable("the key has a passphrase, and nobody is there to be asked for it") from error
    except ValueError as error:
        raise Unusable("the key is no private key in PEM") from error
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*spki) != leaf.public_key().public_bytes(*spki):
        raise Unusable("the key is not that of the first certificate in the certificate's file")
    if leaf.not_valid_after_utc <= now:
        raise Unusable(f"the certificate was valid until {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if leaf.not_valid_before_utc > now:
        raise Unusable(f"the certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is not None and not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & {
        *usage
    }:
        raise Unusable("the certificate is not for servers (its extended key usage has no serverAuth)")
    names = names_of(certificate)
    if not names:
        raise Unusable("the certificate has no names (subjectAltName), so no client would take it")
    return Examined(names, leaf.not_valid_after_utc)


def names_of(certificate: str) -> tuple[str, ...]:
    """The names and addresses that the first certificate is for. Raises Unusable."""
    try:
        found = _chain(certificate)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress)))


def issued_by(certificate: str, authority: str) -> bool:
    """Whether one of the certificates of a chain was issued by this authority; PEM. Nothing is raised."""
    try:
        issuer = _chain(authority)[0]
        chain = _chain(certificate)
    except Unusable:
        return False
    for each in chain:
        try:
            each.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


def good_for(names: Sequence[str], host: str) -> bool:
    """Whether clients that call a host accept a certificate for these names."""
    try:
        return any(ipaddress.ip_address(host) == _address(name) for name in names)
    except ValueError:
        host, wider = host.lower(), "*." + host.lower().partition(".")[2]
        return any(name.lower() in (host, wider) for name in names)


def load(context: ssl.SSLContext, certificate: str, private_key: str) -> None:
    """Have a context show a certificate.

    The key is put on no disk: OpenSSL reads it from memory that looks like a file. Raises OSError, also as SSLError.
    """
    descriptor = os.memfd_create("gatewright-certificate")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(f"{private_key.rstrip()}\n{certificate}".encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _chain(certificate: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(certificate.encode())
    except ValueError as error:
        raise Unusable("the certificate is no certificate in PEM") from error
