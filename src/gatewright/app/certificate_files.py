"""The files that the API's certificate is in: read, and looked at, before anything is served with them.

On the linux plane the supervisor does so, which is root: the API may not see the files, and is handed what is in them.
"""

from __future__ import annotations

import logging
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from gatewright.errors import ConfigurationError
from gatewright.settings import Settings
from gatewright.state_files import told

#: Bytes of a file: a chain of certificates has a few KiB.
LARGEST = 64 * 1024
#: What `gatewright certs` calls the authority's certificate, which lies beside the server's.
AUTHORITY = "ca.crt"
_log = logging.getLogger(__name__)


class Certificate(msgspec.Struct, frozen=True):
    """A certificate that can be served with."""

    #: PEM: the server's, then those between it and the authority.
    chain: str
    #: PEM.
    private_key: str
    #: What it is for.
    names: tuple[str, ...]
    until: datetime
    #: The file with the authority that issued it, if that lies beside it.
    authority: str | None

    @property
    def description(self) -> str:
        """For people: what for, and until when."""
        return f"for {', '.join(self.names)}, until {self.until:%Y-%m-%d}"

    def __repr__(self) -> str:
        return f"Certificate(names={self.names!r}, until={self.until:%Y-%m-%d}, private_key=***)"


def tell_kept(error: ConfigurationError) -> None:
    """Say in the log why the certificate that is served with was not replaced."""
    _log.error("the certificate was not read again, and the one before stays: %s", error)


class _Files(NamedTuple):
    certificate: Path
    key: Path


def read_certificate(settings: Settings) -> Certificate | None:
    """What the settings name; None if they name nothing. Raises ConfigurationError."""
    files = _files(settings)
    if files is None:
        return None
    chain, key = _read("tls_cert", files.certificate), _read("tls_key", files.key)
    # `serve` without TLS has no use for it
    from gatewright.secrets.certificates import Unusable
    from gatewright.secrets.server_certificates import examine

    try:
        examined = examine(chain, key, datetime.now(UTC))
    except Unusable as error:
        raise ConfigurationError(
            f"tls_cert {files.certificate} and tls_key {files.key} cannot be used: {error}"
        ) from error
    return Certificate(chain, key, examined.names, examined.until, _authority(files.certificate, chain))


def _files(settings: Settings) -> _Files | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return _Files(settings.tls_cert, settings.tls_key)


def _read(setting: str, path: Path) -> str:
    try:
        # links are followed: certbot's and Kubernetes' files are links
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ConfigurationError(
            f"{setting} is {path}, and there is no such file: `gatewright certs` makes a certificate and its key"
        ) from None
    except PermissionError:
        raise ConfigurationError(f"{setting} is {path}, which user {os.geteuid()} may not read") from None
    except OSError as error:
        raise ConfigurationError(f"{setting} is {path}, which cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ConfigurationError(f"{setting} is {path}, which is no file")
    with os.fdopen(descriptor, "rb") as file, told(f"{setting}: reading {path}"):
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ConfigurationError(f"{setting} is {path}, which is no certificate or key: it has over {LARGEST} bytes")
    return content.decode("ascii", "replace")


def _authority(certificate: Path, chain: str) -> str | None:
    """The file with the authority that issued a certificate, if it lies beside that."""
    from gatewright.secrets.server_certificates import issued_by

    path = certificate.with_name(AUTHORITY)
    try:
        content = _read("", path)
    except ConfigurationError:
        return None
    return str(path) if issued_by(chain, content) else None
