"""Secrets at rest: they open only in their place, with their key, unchanged."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from gatewright.errors import ConfigurationError
from gatewright.secrets import Place, Sealer, SealError, load_key

PLACE = Place("access_keys", "id", "secret")


def test_a_secret_opens_where_it_was_sealed_and_nowhere_else() -> None:
    sealer = Sealer(os.urandom(32))
    sealed = sealer.seal("s3cret", PLACE)
    assert b"s3cret" not in sealed
    assert sealer.open(sealed, PLACE) == "s3cret"
    assert sealer.seal("s3cret", PLACE) != sealed
    for place in (PLACE._replace(table="t"), PLACE._replace(row="r"), PLACE._replace(column="c")):
        with pytest.raises(SealError, match="changed or moved"):
            sealer.open(sealed, place)


def test_every_changed_byte_is_noticed() -> None:
    sealer = Sealer(os.urandom(32))
    sealed = sealer.seal("s3cret", PLACE)
    for index in range(len(sealed)):
        changed = sealed[:index] + bytes([sealed[index] ^ 1]) + sealed[index + 1 :]
        with pytest.raises(SealError):
            sealer.open(changed, PLACE)
    with pytest.raises(SealError):
        sealer.open(sealed[:10], PLACE)


def test_another_key_says_so() -> None:
    sealed = Sealer(os.urandom(32)).seal("s3cret", PLACE)
    with pytest.raises(SealError, match="another key"):
        Sealer(os.urandom(32)).open(sealed, PLACE)


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = load_key(path, None)
    assert load_key(path, None) == key
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_key(path, None)


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    assert load_key(path, base64.b64encode(b"k" * 32).decode()) == b"k" * 32
    assert not path.exists()
    for wrong in ("x", base64.b64encode(b"short").decode()):
        with pytest.raises(ConfigurationError, match="GATEWRIGHT_SECRET_KEY"):
            load_key(path, wrong)
