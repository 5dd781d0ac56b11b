"""What a person is told of a call that was refused: the code, what is wrong, what to do, and where to read on."""

from __future__ import annotations

import sys
from collections.abc import Callable

from gatewright.cli.output import one_line
from gatewright.client import Profile, Refused, Unreachable

#: Documented texts that are longer than this echo what was signed.
_LONGEST = 300


def lines(refused: Refused, profile: Profile, advice: str = "") -> list[str]:
    """The lines, the first of which begins with what was called. ``advice`` is what the declarations say to do."""
    told = [f"{refused.action} was refused: {refused.code or 'no code'} ({refused.status})"]
    message = refused.message if len(refused.message) <= _LONGEST else ""
    told += [f"  {one_line(text)}" for text in dict.fromkeys((message, refused.detail)) if text]
    remedy = _of_the_key(refused.code, profile) or advice
    if remedy:
        told.append(f"  What to do: {remedy}")
    ends = [refused.recommend, f"request id {refused.request_id}" if refused.request_id else ""]
    told += ["  " + "  ".join(end for end in ends if end)] if any(ends) else []
    return told


def tell(error: Refused | Unreachable, profile: Callable[[], Profile]) -> int:
    """Print why a call came to nothing; the exit status. Where nobody answers, ``profile`` may be gone too."""
    first, *others = lines(error, profile()) if isinstance(error, Refused) else [str(error)]
    print(f"gatewright: {first}", *others, sep="\n", file=sys.stderr)
    return 1


def _of_the_key(code: str, profile: Profile) -> str:
    """What to do about a key, which only who chose it knows."""
    if code == "SignatureDoesNotMatch":
        return f"the secret of {profile.access_key_id}, which is from {profile.source}, is another one at this service."
    if code == "InvalidAccessKeyId.NotFound":
        return f"{profile.endpoint} does not know {profile.access_key_id}, which is from {profile.source}."
    return ""
