"""Certificates of hosts, of the endpoint that their agents call, and of the API: X.509, by an authority of one's own.

A host's certificate says which host of which installation its holder is and the host's address in the network between
the hosts, and is good for nothing but to show it to the endpoint. Whether it still counts the endpoint's side decides,
at every request: there are no revocation lists.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from gatewright.secrets.fingerprints import fingerprint

#: What the authority of an installation's hosts is called.
HOSTS = "Gatewright hosts"
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_AUTHORITY_LIFE = timedelta(days=20 * 365)
_HOST_LIFE = timedelta(days=5 * 365)
#: The endpoint's are made at its every start, and once a month.
_ENDPOINT_LIFE = timedelta(days=90)
#: How far other machines' clocks may be behind.
_SKEW = timedelta(days=1)


class Unusable(Exception):
    """A certificate or key that is not what it should be."""


class Issued(NamedTuple):
    """A certificate with its private key, both PEM."""

    certificate: str
    private_key: str
    fingerprint: str

    def __repr__(self) -> str:
        return f"Issued(fingerprint={self.fingerprint!r}, private_key=***)"


class HostIdentity(NamedTuple):
    """What a host's certificate says."""

    name: str
    installation: str
    #: Empty for a host without one.
    address: str


class Authority:
    """Issues certificates."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def make(cls, owner: str, common: str = HOSTS) -> Authority:
        """A new one. ``owner`` is whose it is, an installation or a machine; ``common`` what it is for."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(common, owner)
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + _AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def load(cls, certificate: str, private_key: str) -> Authority:
        """One that was made before, from PEM. Raises Unusable."""
        try:
            key = serialization.load_pem_private_key(private_key.encode(), None)
            found = x509.load_pem_x509_certificate(certificate.encode())
        except ValueError as error:
            raise Unusable("its certificate or its key cannot be read") from error
        except TypeError as error:
            raise Unusable("its key has a passphrase") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != found.public_key():
            raise Unusable("its key is another certificate's")
        return cls(found, key)

    @property
    def owner(self) -> str:
        return _attribute(self._certificate, NameOID.ORGANIZATION_NAME)

    @property
    def until(self) -> datetime:
        """When it ends, and with it what it has issued."""
        return self._certificate.not_valid_after_utc

    @property
    def certificate(self) -> str:
        """PEM: what tells that something was issued here."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def private_key(self) -> str:
        """PEM, not encrypted."""
        return _key_pem(self._key)

    def issue_host(self, name: str, address: str) -> Issued:
        """A host's certificate; its address in the network between the hosts may be empty."""
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if address:
            names.append(x509.IPAddress(ipaddress.IPv4Address(address)))
        return self._issue(name, names, ExtendedKeyUsageOID.CLIENT_AUTH, _HOST_LIFE)

    def issue_endpoint(self, host: str) -> Issued:
        """The certificate of the endpoint that agents call at a name or an address."""
        return self.issue_server("Gatewright link", [host], _ENDPOINT_LIFE)

    def issue_server(self, common: str, names: Iterable[str], life: timedelta) -> Issued:
        """The certificate of what is called at these names and addresses."""
        return self._issue(common, [_general(name) for name in names], ExtendedKeyUsageOID.SERVER_AUTH, life)

    def _issue(self, name: str, names: list[x509.GeneralName], purpose: ObjectIdentifier, life: timedelta) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(name, self.owner))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        der = certificate.public_bytes(serialization.Encoding.DER)
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        return Issued(pem, _key_pem(key), fingerprint(der))


def read_host(certificate: str) -> HostIdentity:
    """What a host's certificate, as PEM, says. Raises Unusable."""
    try:
        found = x509.load_pem_x509_certificate(certificate.encode())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise Unusable("it is no certificate of a host") from error
    if found.not_valid_after_utc < datetime.now(UTC):
        raise Unusable(f"it was valid until {found.not_valid_after_utc:%Y-%m-%d}")
    addresses = names.get_values_for_type(x509.IPAddress)
    name, installation = _attribute(found, NameOID.COMMON_NAME), _attribute(found, NameOID.ORGANIZATION_NAME)
    if not HOST_NAME.fullmatch(name) or not re.fullmatch(r"[0-9a-z]{8}", installation):
        raise Unusable("it is no certificate of a host")
    return HostIdentity(name, installation, str(addresses[0]) if addresses else "")


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common: str, owner: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, owner),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _attribute(certificate: x509.Certificate, which: ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(which)
    return str(found[0].value) if found else ""


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
