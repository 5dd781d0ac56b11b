"""The certificate authority of an installation's hosts, kept in the database with its key sealed."""

from __future__ import annotations

from gatewright.errors import ConfigurationError
from gatewright.secrets import Place, Sealer, SealError
from gatewright.secrets.certificates import Authority, Unusable
from gatewright.store import authorities
from gatewright.store.authorities import HOSTS, AuthorityRow
from gatewright.store.transaction import Transaction

_PLACE = Place("authorities", HOSTS, "private_key")


def load_authority(transaction: Transaction, sealer: Sealer) -> Authority | None:
    """The authority; None before the first host was added. Raises ConfigurationError."""
    row = authorities.find(transaction, HOSTS)
    if row is None:
        return None
    try:
        return Authority.load(row.certificate, sealer.open(row.private_key, _PLACE))
    except SealError as error:
        raise ConfigurationError(f"{error}: is this the secret key that belongs to the database?") from error
    except Unusable as error:
        raise ConfigurationError(f"the hosts' certificate authority in the database is damaged: {error}") from error


def ensure_authority(transaction: Transaction, sealer: Sealer, installation: str, now: int) -> Authority:
    """The authority, made for an installation if there is none yet. Raises ConfigurationError."""
    found = load_authority(transaction, sealer)
    if found is None:
        found = Authority.make(installation)
        sealed = sealer.seal(found.private_key, _PLACE)
        authorities.add(transaction, AuthorityRow(HOSTS, found.certificate, sealed, now))
    return found
