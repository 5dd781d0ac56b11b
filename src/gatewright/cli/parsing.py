"""How a command line is read: argparse, and what was probably meant where it cannot be understood."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from gatewright.cli.catalogue import did_you_mean, near


class Parser(argparse.ArgumentParser):
    """Also tells of an option that it does not know with its own command's usage, not with that of ``gatewright``."""

    def parse_known_args(  # type: ignore[override]  # its overloads let callers bring a namespace of their own
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse's, but a command without commands of its own takes every word or none. Exits with 2."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown and self._subparsers is None:
            meant = did_you_mean(near(unknown[0].partition("=")[0], self._option_string_actions))
            self.error(f"unrecognized arguments: {' '.join(unknown)}{meant}")
        return parsed, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            meant = did_you_mean(near(str(value), map(str, action.choices or ())))
            raise argparse.ArgumentError(action, f"{error.message}{meant}") from None
