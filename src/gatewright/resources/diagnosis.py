"""What is found out about a tunnel: from what its host tells of it, and from what the rows say around it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gatewright.resources.troubles import (
    MEANINGS,
    Cause,
    Severity,
    cause_of,
    specifics,
    spelled,
)
from gatewright.resources.tunnel_states import Trouble, TunnelStatus

#: By how much a host's clock may be wrong, milliseconds.
CLOCK_TOLERANCE = 30_000
_GRAVITY = (Severity.CRITICAL, Severity.WARN, Severity.NORMAL)


class Situation(NamedTuple):
    """One tunnel, all that its diagnosis depends on."""

    #: Whether it is one of two.
    dual: bool
    #: Whether it ends at an instance, which an attachment's does not.
    attached: bool
    nat_traversal: bool
    #: Whether anything was seen of it since it was changed; if so, when, how it stands, and what its host says.
    seen: bool
    at: int
    status: TunnelStatus
    troubles: Sequence[Trouble]
    detail: str
    #: By how many milliseconds its host's clock is ahead; None if that is not known.
    clock_ahead: int | None
    #: Whether its host runs what is wanted now, and has been heard of lately.
    current: bool
    away: bool
    #: Networks behind it that lie within its VPC's: nothing that comes from them is let out of a tunnel.
    own: Sequence[str]
    #: Whether its selectors, a route, a policy or BGP lead something into it.
    led_into: bool
    #: Whether anything in the VPC leads to the gateway for what is behind it.
    led_to: bool


class Finding(NamedTuple):
    """One thing that was found out."""

    cause: Cause
    code: str
    severity: Severity
    #: What is wrong, where the sides differ, and what to do, with the names of parameters.
    text: str
    #: Where to change it, the likeliest first.
    parameters: tuple[str, ...] = ()
    #: Milliseconds since the epoch, by the host's clock; None for what is so in general.
    at: int | None = None
    ours: str = ""
    theirs: str = ""
    #: What a daemon said.
    line: str = ""


def diagnose(situation: Situation) -> list[Finding]:
    """All that is to be said of a tunnel, the gravest first: never nothing."""
    troubles = [_meant(each, situation) for each in _troubles(situation)]
    if not any(MEANINGS[cause_of(each)].severity is not Severity.NORMAL for each in troubles):
        troubles.insert(0, Trouble(cause=Cause.NONE, at=0))
    found = [finding(each, dual=situation.dual) for each in troubles]
    return sorted(found, key=lambda each: _GRAVITY.index(each.severity))


def finding(trouble: Trouble, *, dual: bool) -> Finding:
    """What a trouble means, for people."""
    cause = cause_of(trouble)
    meaning = MEANINGS[cause]
    said = ": ".join(filter(None, (meaning.reason, specifics(trouble))))
    text = f"{said}. {meaning.advice}" if meaning.advice else said
    return Finding(
        cause=cause,
        code=meaning.code,
        severity=meaning.severity,
        text=spelled(text, dual=dual),
        parameters=tuple(spelled(each, dual=dual) for each in meaning.parameters),
        at=trouble.at or None,
        ours=trouble.ours if trouble.theirs else "",
        theirs=trouble.theirs,
        line=trouble.line,
    )


def _troubles(situation: Situation) -> list[Trouble]:
    if not situation.attached:
        return [_trouble(Cause.UNATTACHED)]
    found = list(situation.troubles)
    if not situation.current:
        found.append(_trouble(Cause.UPDATING))
    elif not situation.seen:
        found.append(_trouble(Cause.UNSEEN))
    if situation.seen and not _explained(situation):
        found.append(Trouble(cause=Cause.DOWN, at=situation.at, about=situation.detail))
    if situation.away:
        found.append(_trouble(Cause.AWAY))
    if situation.own:
        found.append(Trouble(cause=Cause.OWN_NETWORK, at=0, about=", ".join(situation.own)))
    if not situation.led_into:
        found.append(_trouble(Cause.NO_ROUTE))
    elif not situation.led_to:
        found.append(_trouble(Cause.NOT_PUBLISHED))
    ahead = situation.clock_ahead
    if ahead is not None and abs(ahead) > CLOCK_TOLERANCE:
        how = "ahead" if ahead > 0 else "behind"
        found.append(Trouble(cause=Cause.CLOCK, at=0, about=f"it is {abs(ahead) // 1000} s {how}"))
    return found


def _explained(situation: Situation) -> bool:
    """Whether a tunnel carries, is on its way, or its host says why it does not."""
    if situation.status is TunnelStatus.IPSEC_SA_ESTABLISHED:
        return True
    causes = [cause_of(each) for each in situation.troubles]
    return Cause.NEGOTIATING in causes or any(MEANINGS[each].severity is not Severity.NORMAL for each in causes)


def _meant(trouble: Trouble, situation: Situation) -> Trouble:
    """NAT is no trouble, unless nobody wants to cope with it."""
    if cause_of(trouble) is Cause.NAT and not situation.nat_traversal:
        return Trouble(cause=Cause.NAT_UNWANTED, at=trouble.at, line=trouble.line)
    return trouble


def _trouble(cause: Cause) -> Trouble:
    return Trouble(cause=cause, at=0)
