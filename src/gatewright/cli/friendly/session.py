"""One run of a friendly command: the calls it makes, what it waits for, and what it shows."""

from __future__ import annotations

import argparse
import shlex
import sys
import uuid
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from gatewright.cli import call_checks, call_waits, connection, output
from gatewright.cli.asking import agreed
from gatewright.cli.call_waits import GONE, Settling
from gatewright.cli.catalogue import Catalogue
from gatewright.cli.friendly.keys import without_keys
from gatewright.cli.progress import Progress, Wait
from gatewright.client import Caller, Unreachable
from gatewright.errors import ConfigurationError

#: The most that a page may have.
_PAGE = 50


class NotSent(Exception):
    """A call that the service would refuse, so that it was not made."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(lines[0])
        self.lines = lines


class Declined(Exception):
    """A person does not want it after all."""


class Impossible(Exception):
    """What was asked for cannot be had, with the reason."""


class Session:
    """What a command has at hand."""

    def __init__(self, parsed: argparse.Namespace, caller: Caller, progress: Progress, known: Catalogue) -> None:
        self.parsed = parsed
        self.progress = progress
        self.known = known
        self._caller = caller

    @property
    def region(self) -> str:
        """The region of all calls."""
        return self._caller.profile.region

    @cached_property
    def _options(self) -> tuple[str, ...]:
        return connection.options_of(self.parsed, self._caller.profile)

    def command(self, *words: str) -> str:
        """What to type for the same service."""
        from gatewright.app.program import program

        return shlex.join((program(), *words, *self._options))

    def warn(self, text: str) -> None:
        """Say what must be known, also with ``--quiet``."""
        if self.parsed.quiet:
            print(text, file=sys.stderr, flush=True)
        else:
            self.progress.note(text)

    def call(self, action: str, **parameters: str) -> dict[str, Any]:
        """Call an operation that reads. Raises Refused, Unreachable."""
        return self._caller.call(action, parameters)

    def check(self, action: str, parameters: Mapping[str, str]) -> None:
        """Hold a call against the rules of its operation. Raises NotSent."""
        told = call_checks.not_sent(self.known.find(None, action), {"RegionId": self.region, **parameters})
        if told:
            raise NotSent(told)

    def order(self, action: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Call an operation that writes, once whatever happens. Raises NotSent, Refused, Unreachable."""
        self.check(action, parameters)
        if not any(each.name == "ClientToken" for each in self.known.find(None, action).parameters):
            return self._caller.call(action, parameters)
        asked = {**parameters, "ClientToken": uuid.uuid4().hex}
        try:
            return self._caller.call(action, asked)
        except Unreachable:
            # it may have been carried out: the same token is answered the same, and makes nothing a second time
            return self._caller.call(action, asked)

    def settled(self, settling: Settling, identity: str, subject: str, again: str = "") -> dict[str, Any]:
        """How it stands when it has settled; with ``--no-wait`` how it stands now. Raises Ended, Refused, Unreachable.

        ``again`` is the command that waits again. What is gone is described by nothing.
        """
        asked = {settling.identity: identity}
        if self.parsed.no_wait:
            return {} if settling.goal == GONE else self._caller.call(settling.describe, asked)
        meanwhile = "The service goes on with it."
        wait = Wait(subject, settling.goal, meanwhile, again, self.parsed.timeout)
        return call_waits.follow(self._caller, self.progress, settling, asked, wait)

    def every(self, action: str, within: tuple[str, str], **parameters: str) -> list[dict[str, Any]]:
        """All objects of a list, page by page; ``within`` is where an answer has them. Raises Refused, Unreachable."""
        found: list[dict[str, Any]] = []
        number = 1
        while True:
            asked = {**parameters, "PageNumber": str(number), "PageSize": str(_PAGE)}
            answer = self._caller.call(action, asked)
            rows = answer[within[0]][within[1]]
            found += rows
            if len(rows) < _PAGE:
                return found
            number += 1

    def agree(self, things: Sequence[str]) -> None:
        """Ask whether these are to be deleted, unless ``--yes`` was said. Raises Declined, ConfigurationError."""
        if self.parsed.yes:
            return
        question = f"Delete {things[0]}?"
        if len(things) > 1:
            question = "\n".join(["To be deleted:", *(f"  {thing}" for thing in things), "Delete all of it?"])
        if not agreed(question):
            raise Declined("nothing was deleted")

    def show(self, answer: Mapping[str, Any], brief: Sequence[str] = ()) -> None:
        """Print an answer without its keys; as a table only these fields of it."""
        if brief and self._is_table:
            answer = _only(answer, brief)
        output.show(without_keys(answer), self.parsed.output, self.parsed.query)

    def show_all(self, within: tuple[str, str], rows: Sequence[Mapping[str, Any]], brief: Sequence[str]) -> None:
        """Print a list without its keys; as a table only these fields of its objects."""
        if self._is_table:
            rows = [_only(row, brief) for row in rows]
        answer = {within[0]: {within[1]: without_keys(list(rows))}}
        output.show(answer, self.parsed.output, self.parsed.query)

    @property
    def _is_table(self) -> bool:
        return (self.parsed.output or output.usual()) == "table" and self.parsed.query is None


def _only(resource: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    return {name: resource[name] for name in fields if resource.get(name) not in (None, "")}


def chosen(
    rows: Sequence[Mapping[str, Any]], name: str, identity: str, named: str, what: str, lists: str
) -> dict[str, Any]:
    """The one of these that somebody means by an id or a name; ``lists`` is the command line that lists them.

    Raises ConfigurationError.
    """
    by_id = [row for row in rows if row.get(identity) == name]
    found = by_id or [row for row in rows if row.get(named) == name]
    if len(found) == 1:
        return dict(found[0])
    if found:
        ids = ", ".join(str(row[identity]) for row in found)
        raise ConfigurationError(f"{len(found)} {what}s are called {name}: name one by its id, {ids}")
    raise ConfigurationError(f"no {what} here has the id or the name {name}: `{lists}` shows what there is")
