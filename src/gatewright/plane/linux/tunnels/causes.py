"""Why a negotiation failed, read from what charon logs of it. Pure.

charon tells by events only of what was agreed and of what ended; that a peer refused, or is silent, is in its log. What
the peer wanted instead is there only if it was the peer that began: whoever is refused is not told why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from gatewright.plane.linux.tunnels import proposals
from gatewright.plane.linux.vici_conn import identity
from gatewright.resources.troubles import IN_PHASE_2, Cause
from gatewright.resources.tunnels import TunnelSpec


class Read(NamedTuple):
    """What a line says is wrong."""

    cause: Cause
    line: str
    ours: str = ""
    theirs: str = ""


class Reader:
    """Reads one tunnel's log. Lines are remembered as far as later ones need them to be understood."""

    def __init__(self, spec: TunnelSpec) -> None:
        self._spec = spec
        self._offered = ""
        #: What the peer called us, where it said so, and itself.
        self._called: tuple[str, str] | None = None

    def read(self, line: str) -> Read | None:
        """What a line of charon's log says of why, None if it says nothing of that. Texts of strongSwan 5.9.8."""
        for pattern, reading in _READINGS:
            if (match := pattern.search(line[:_LONGEST])) is not None:
                return reading(self, match)
        return None

    # the readings

    def _remember_offer(self, match: re.Match[str]) -> None:
        self._offered = match["offered"]

    def _remember_names(self, match: re.Match[str]) -> None:
        self._called = match["us"] or "", match["them"]

    def _ike(self, match: re.Match[str]) -> Read:
        return self._differing(match, "IKE")

    def _esp(self, match: re.Match[str]) -> Read:
        return self._differing(match, "ESP")

    def _differing(self, match: re.Match[str], phase: str) -> Read:
        offered, self._offered = self._offered, ""
        found = proposals.difference(offered, self._spec, phase)
        return Read(found.cause, match.string, found.ours, found.theirs)

    def _group(self, match: re.Match[str]) -> Read:
        return Read(Cause.IKE_GROUP, match.string, self._spec.ike.group, proposals.group(match["group"]))

    def _version(self, match: re.Match[str]) -> Read:
        ours = self._spec.ike.version
        if match["peer"] != self._spec.peer:
            return Read(Cause.IKE_PROPOSAL, match.string)
        return Read(Cause.IKE_VERSION, match.string, ours, "ikev1" if ours == "ikev2" else "ikev2")

    def _mode(self, match: re.Match[str]) -> Read:
        return Read(Cause.IKE_MODE, match.string, self._spec.ike.mode, match["mode"].lower())

    def _names(self, match: re.Match[str]) -> Read:
        called, self._called = self._called, None
        ours, theirs = _spoken(self._spec.ike.local_id), _spoken(self._spec.ike.remote_id)
        if called is not None and called[1] == theirs and called[0] not in ("", ours):
            return Read(Cause.LOCAL_ID, match.string, ours, called[0])
        if called is not None and called[1] != theirs:
            return Read(Cause.REMOTE_ID, match.string, theirs, called[1])
        return Read(Cause.REMOTE_ID, match.string)

    def _other_name(self, match: re.Match[str]) -> Read:
        return Read(Cause.REMOTE_ID, match.string, _spoken(self._spec.ike.remote_id), match["theirs"])

    def _subnets(self, match: re.Match[str]) -> Read:
        groups = match.groupdict()
        wanted = f"{groups['local']} === {groups['remote']}" if groups.get("local") else ""
        ours = f"{' '.join(self._spec.local_subnets)} === {' '.join(self._spec.remote_subnets)}"
        return Read(Cause.SUBNETS, match.string, ours if wanted else "", wanted)

    def _lifetime(self, match: re.Match[str]) -> Read:
        return Read(Cause.LIFETIME, match.string, str(self._spec.ipsec.lifetime), match["theirs"])


def _plain(cause: Cause) -> Callable[[Reader, re.Match[str]], Read]:
    return lambda _, match: Read(cause, match.string)


#: Characters of a line that are looked at: what a peer says of itself may be long.
_LONGEST = 1000
#: By parts of lines, as regular expressions; the first that matches counts.
_READINGS: tuple[tuple[re.Pattern[str], Callable[[Reader, re.Match[str]], Read | None]], ...] = tuple(
    (re.compile(pattern), reading)
    for pattern, reading in (
        (r"received proposals: (?P<offered>.+)", Reader._remember_offer),
        (
            r"looking for [\w -]*peer configs matching [\d.]+(?:\[(?P<us>[^]]*)\])?\.\.\.[\d.]+\[(?P<them>.*)\]$",
            Reader._remember_names,
        ),
        # phase 2
        (r"traffic selectors (?P<local>.+) === (?P<remote>.+) unacceptable", Reader._subnets),
        (r"no matching CHILD_SA config found for (?P<remote>.+) === (?P<local>.+)", Reader._subnets),
        ("TS_UNACCEPTABLE|no acceptable traffic selectors|INVALID_ID_INFORMATION", Reader._subnets),
        ("no acceptable proposal found|no matching proposal found", Reader._esp),
        ("NO_PROPOSAL_CHOSEN.*no CHILD_SA built", _plain(Cause.IPSEC_PROPOSAL)),
        (
            r"received (?:lifetime )?(?P<theirs>\d+)s (?:lifetime, configured|does not match configured lifetime)",
            Reader._lifetime,
        ),
        # phase 1, or with IKEv1 either
        (r"no IKE config found for .*\.\.\.(?P<peer>[\d.]+),", Reader._version),
        ("INVALID_MAJOR", _plain(Cause.IKE_VERSION)),
        ("none allows .* authentication using (?P<mode>Main|Aggressive) Mode", Reader._mode),
        ("peer didn't accept DH group .*, it requested (?P<group>[A-Z0-9_]+)", Reader._group),
        ("received proposals unacceptable|no proposal found", Reader._ike),
        (
            "received NO_PROPOSAL_CHOSEN|no IKE config found"
            "|DH group .* (?:unacceptable|not supported|not contained)|selection invalid",
            _plain(Cause.IKE_PROPOSAL),
        ),
        ("IDir '(?P<theirs>.*)' does not match to", Reader._other_name),
        ("constraint checking failed|no (?:matching )?peer config found", Reader._names),
        (
            "received AUTH(?:ENTICATION)?_FAILED|MAC mismatched|HASH (?:payload )?does not match|no shared key found"
            "|could not decrypt payloads|message parsing failed"
            "|received (?:INVALID_HASH_INFORMATION|PAYLOAD_MALFORMED)",
            _plain(Cause.KEY),
        ),
        (r"peer not responding|giving up after \d+ retransmits", _plain(Cause.PEER_SILENT)),
        ("received DELETE for IKE_SA", _plain(Cause.PEER_ENDED)),
        ("remote host is behind NAT", _plain(Cause.NAT)),
    )
)


def within(read: Read, *, established: bool, was_up: bool) -> Read:
    """What a reading means when phase 1 stands, or when the tunnel has carried packets."""
    if established and read.cause in IN_PHASE_2:
        return read._replace(cause=IN_PHASE_2[read.cause], ours="")
    if was_up and read.cause is Cause.PEER_SILENT:
        return read._replace(cause=Cause.PEER_GONE)
    return read


def _spoken(name: str) -> str:
    """An identity of ours as charon logs it: without its type."""
    spelled = identity(name)
    return spelled.partition(":")[2] if spelled.startswith(("fqdn:", "email:")) else spelled
