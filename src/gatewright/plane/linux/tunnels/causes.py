"""Why a negotiation failed, read from what charon logs of it. Pure.

charon tells by events only of what was agreed and of what ended; that a peer refused, or is silent, is in its log.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Cause(NamedTuple):
    """Why a tunnel does not come up."""

    #: One line for people, with the API's parameter that is to be looked at.
    text: str
    #: It is phase 2 that failed: phase 1 stands.
    phase_2: bool = False


_PHASE_2 = Cause("phase 2: the peer refused the proposal: compare IpsecConfig (algorithms, PFS) on both sides", True)
_SELECTORS = Cause("phase 2: the peer refused the traffic selectors: compare LocalSubnet and RemoteSubnet", True)
_PROPOSAL = Cause("phase 1: no proposal in common: compare IkeConfig (version, algorithms, group) on both sides")
_SECRET = Cause("phase 1: authentication failed: compare Psk, LocalId and RemoteId on both sides")
_IDENTITY = Cause("phase 1: the peer calls itself something else than RemoteId")
_SILENT = Cause("the peer does not answer: is its address right, and are UDP 500 and 4500 open on its side?")
_GONE = Cause("the peer has stopped answering (DPD)")
_ENDED = Cause("the peer has ended the tunnel")

#: By parts of lines, as regular expressions; the first that matches counts. Texts of strongSwan 5.9.8.
_PATTERNS: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    (
        _SELECTORS,
        (
            "TS_UNACCEPTABLE",
            "traffic selectors .* unacceptable",
            "no acceptable traffic selectors",
            "INVALID_ID_INFORMATION",
            "no matching CHILD_SA config",
        ),
    ),
    (_PHASE_2, ("NO_PROPOSAL_CHOSEN.*no CHILD_SA built", "no acceptable proposal found")),
    (
        _PROPOSAL,
        (
            "received NO_PROPOSAL_CHOSEN",
            "received proposals unacceptable",
            "no proposal found",
            "no IKE config found",
            "DH group .* (unacceptable|not supported|not contained)",
            "selection invalid",
            "INVALID_MAJOR",
        ),
    ),
    (_IDENTITY, ("IDir .* does not match", "constraint checking failed", "no (matching )?peer config found")),
    (
        _SECRET,
        (
            "received AUTH(ENTICATION)?_FAILED",
            "MAC mismatched",
            "HASH (payload )?does not match",
            "no shared key found",
            "could not decrypt payloads",
            "message parsing failed",
            "received (INVALID_HASH_INFORMATION|PAYLOAD_MALFORMED)",
        ),
    ),
    (_SILENT, ("peer not responding", r"giving up after \d+ retransmits")),
    (_ENDED, ("received DELETE for IKE_SA",)),
)
_COMPILED = tuple((found, re.compile("|".join(parts))) for found, parts in _PATTERNS)


def cause(line: str) -> Cause | None:
    """What a line of charon's log says of why, None if it says nothing of that."""
    return next((found for found, pattern in _COMPILED if pattern.search(line)), None)


def within(found: Cause, *, established: bool, was_up: bool) -> Cause:
    """What a cause means when phase 1 stands, or when the tunnel has carried packets."""
    if established and found is _PROPOSAL:
        return _PHASE_2  # IKEv1 says the same of both phases
    if was_up and found is _SILENT:
        return _GONE
    return found
