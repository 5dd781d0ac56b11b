"""Taking secrets out of the parameters of a call, so that it can be shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
#: The end of a name whose value is a secret; without regard to case, ``-`` and ``_``.
_NAMES = (
    "psk|presharedkey|authkey|authenticationkey|passw(?:or)?d|passphrase|secret|secretkey|accesskey|privatekey|"
    "clientkey|securitytoken|bearertoken|accesstoken|signature"
)
_SECRET_NAME = re.compile(rf"(?:{_NAMES})s?\Z")
_MENTIONED = re.compile(_NAMES)
#: What a text has that is no plain prose but may hold names and values: JSON, a form, something encoded.
_STRUCTURE = re.compile(r"""[{}\[\]"':=%\\]""")
_PRIVATE_PEM = "PRIVATE KEY-----"
#: Characters of a value that are kept.
_LONGEST = 8192


def without_secrets(parameters: Mapping[str, str]) -> dict[str, str]:
    """The same parameters with secrets replaced, those inside JSON texts too, and very long values cut."""
    return {name: _shortened(HIDDEN if _is_secret(name) else _inside(value)) for name, value in parameters.items()}


def _is_secret(name: str) -> bool:
    """Whether a parameter's or key's name says so: its last part that is no number."""
    parts = [part for part in name.split(".") if not part.isdigit()]
    return bool(parts) and _SECRET_NAME.search(_plain(parts[-1])) is not None


def _inside(text: str) -> str:
    """A value without the secrets in it."""
    if _PRIVATE_PEM in text:
        return HIDDEN
    mentioned = _MENTIONED.search(_plain(text)) is not None
    looks_like_json = text.lstrip()[:1] in ("{", "[", '"')
    if not looks_like_json and not (mentioned and _STRUCTURE.search(text)):
        return text
    try:
        cleaned = _clean(json.loads(text))
    except (ValueError, RecursionError):
        # What an escape hides is not looked for.
        return HIDDEN if mentioned or "\\" in text else text
    # A text in which nothing can be hidden stays as it came. Of keys that stand twice the reader sees one only.
    return json.dumps(cleaned, ensure_ascii=False) if mentioned or "\\" in text else text


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if _is_secret(key) else _clean(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return _inside(value) if isinstance(value, str) else value


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
