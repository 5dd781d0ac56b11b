"""How a certificate is named in the database; apart from what makes certificates, which is heavy to load."""

from __future__ import annotations

import hashlib


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate in DER, hexadecimal."""
    return hashlib.sha256(certificate).hexdigest()
