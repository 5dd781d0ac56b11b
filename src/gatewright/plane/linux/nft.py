"""Puts tables into nftables with the program nft: each run of it is one transaction, or nothing at all.

The library behind the program is under the GPL, so it is run and not loaded.
"""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterable

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.ruleset import Chain, Table

EXECUTABLE = "nft"
_OPTIONS = ("-j", "-f", "-")

#: How long nft may take, in seconds: the kernel does one namespace's transactions one after the other.
_PATIENCE = 30.0


def put(table: Table, *, replacing: bool) -> None:
    """Put a table in the calling thread's namespace: where there is none, or in place of the one before.

    For some 0.1 ms, or as long as the kernel is kept from going on, packets are dropped that either would let through:
    see :func:`exchange`. Raises PlaneError.
    """
    _run(table.document(replacing=replacing), f"setting table {table.family} {table.name} of nftables")


def exchange(table: Table, standing: Collection[Chain], sets: Collection[str] = ()) -> None:
    """Put what a table is to be in the place of chains without their rules, and of sets, of which nobody else knows.

    No packet meets anything but the old rules or the new ones. Two transactions if there are sets that are not there
    yet. Raises PlaneError.
    """
    doing, wanted = f"setting table {table.family} {table.name} of nftables", table.sets().keys()
    if missing := wanted - set(sets):
        _run(table.sets_document(missing), doing)
    _run(table.rules_document(standing, set(sets) - wanted), doing)


def put_chains(table: Table, replacing: Iterable[str] = ()) -> None:
    """Put chains in a table that may have others, in the place of those that are named. Raises PlaneError."""
    names = ", ".join(chain.name for chain in table.chains) or "no chains"
    _run(table.chains_document(replacing), f"setting {names} in table {table.family} {table.name} of nftables")


def _run(document: bytes, doing: str) -> None:
    with step(doing):
        try:
            done = subprocess.run(
                [EXECUTABLE, *_OPTIONS], input=document, capture_output=True, timeout=_PATIENCE, check=False
            )
        except FileNotFoundError as error:
            raise PlaneError(f"{doing}: nft is not installed: apt-get install nftables") from error
        except subprocess.TimeoutExpired as error:
            raise PlaneError(
                f"{doing}: nft has not ended after {_PATIENCE:.0f} s: look at what else changes rules on this host"
            ) from error
    if done.returncode != 0:
        said = " ".join((done.stderr + done.stdout).decode(errors="replace").split())[:500]
        raise PlaneError(
            f"{doing}: nft says: {said or f'nothing, and ended with status {done.returncode}'};"
            " try `nft list ruleset`: it fails too if this kernel lacks nf_tables"
        )
