"""Taking secrets out of the parameters of a call, so that it can be shown.

What is looked at is bounded first: anybody can send a call, signed or not, and it is looked at on the event loop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from gatewright.errors import HIDDEN

#: What stands for what was cut off, and the name that tells how many parameters were left out.
CUT = "…"
#: What the ends of names of secrets are; without regard to case, ``-``, ``_`` and blanks.
_NAMES = (
    "psk",
    "presharedkey",
    "authkey",
    "authenticationkey",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "secretkey",
    "accesskey",
    "privatekey",
    "clientkey",
    "securitytoken",
    "bearertoken",
    "accesstoken",
    "signature",
)
_ENDINGS = (*_NAMES, *(f"{name}s" for name in _NAMES))
#: What a text has that is no plain prose but may hold names and values: JSON, a form, markup, something encoded.
_STRUCTURE = re.compile(r"""[{}\[\]"':=%\\<>&;]""")
_INSIGNIFICANT = re.compile(r"[-_\s]+")
_PRIVATE_PEM = "PRIVATE KEY-----"
#: Names of parameters and operations, versions, ids of keys: anything else may be a value in the wrong place.
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,256}\Z")
LONGEST_IDENTIFIER = 256
#: Characters of a value that are kept.
_LONGEST = 8192
#: Characters of all names and values of a call that are kept.
_MOST = 64 * 1024


def without_secrets(parameters: Mapping[str, str]) -> dict[str, str]:
    """The same parameters with secrets replaced, those inside JSON texts too, and what is very long cut.

    A name that is none is replaced too, with its value. Of a call that is too large the last parameters are left out.
    """
    shown: dict[str, str] = {}
    left = _MOST
    for number, (name, value) in enumerate(parameters.items()):
        left -= len(name) + min(len(value), _LONGEST)
        if left < 0:
            shown[CUT] = f"{len(parameters) - number} more"
            break
        if _IDENTIFIER.match(name):
            shown[name] = HIDDEN if _is_secret(name) else _shown(value)
        else:
            shown[HIDDEN] = HIDDEN
    return shown


def identifier(text: str) -> str:
    """An operation's name, a version or a key's id, cut if it is long; hidden if it cannot be one."""
    cut = text[:LONGEST_IDENTIFIER]
    return cut if not cut or _IDENTIFIER.match(cut) else HIDDEN


def _shown(value: str) -> str:
    """A value, cut and without the secrets in what is left of it."""
    if len(value) <= _LONGEST:
        return _inside(value)
    inside = _inside(value[:_LONGEST])
    return inside if inside == HIDDEN else inside + CUT


def _is_secret(name: str) -> bool:
    """Whether a parameter's or key's name says so, in any of its parts."""
    return any(_plain(part).endswith(_ENDINGS) for part in name.split("."))


def _inside(text: str) -> str:
    """A value without the secrets in it."""
    if _PRIVATE_PEM in text:
        return HIDDEN
    if not _STRUCTURE.search(text):
        return text
    plain = _plain(text)
    mentioned = any(name in plain for name in _NAMES)
    if not mentioned and "\\" not in text:
        return text
    if not mentioned and text.lstrip()[:1] not in ("{", "[", '"'):
        return text
    try:
        cleaned = _clean(json.loads(text))
    except (ValueError, RecursionError):
        # What an escape hides is not looked for.
        return HIDDEN
    # Of keys that stand twice the reader sees one only.
    return json.dumps(cleaned, ensure_ascii=False)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key if _IDENTIFIER.match(key.strip()) else HIDDEN: HIDDEN if _hides(key) else _clean(each)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return _inside(value) if isinstance(value, str) else value


def _hides(key: str) -> bool:
    return _is_secret(key) or not _IDENTIFIER.match(key.strip())


def _plain(name: str) -> str:
    return _INSIGNIFICANT.sub("", name.lower())
