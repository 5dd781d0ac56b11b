"""What a look at a host finds, as `gatewright doctor` tells it."""

from __future__ import annotations

import enum

import msgspec


class State(enum.StrEnum):
    """How one thing is."""

    OK = "ok"
    #: It is there, and something about it may get in the way.
    WARNING = "warning"
    MISSING = "missing"
    #: Neither good nor bad.
    INFORMATION = "information"
    #: We may not look.
    UNSEEN = "unseen"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    area: str
    name: str
    state: State
    #: What was found, for people.
    found: str
    #: What it is for, if it is missing, and how to get it.
    advice: str = ""
    #: Debian's package that has it.
    package: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A look at a host."""

    #: Whether `serve --plane linux` starts here, and if not, why: the sentences that it says itself.
    ready: bool
    problems: tuple[str, ...]
    findings: tuple[Finding, ...]
    #: A shell command that installs the missing packages without starting a service; empty if none is missing.
    install: str = ""
