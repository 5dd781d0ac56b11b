"""Accounts do not see each other: another's id is answered as one that nobody has, to the letter.

The requests follow from the declarations, so this holds for every operation with a parameter that names a resource. So
that the other account has something of every kind, each operation that creates something is called for it first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from gatewright.operations.declaration import Access, Operation
from gatewright.operations.registry import ALL
from tests.fuzz.effort import effort
from tests.fuzz.strategies import OTHERS, Case, Known, right_case_of
from tests.fuzz.world import World, ids_of
from tests.support.cell import Cell

_CREATES = ("Create", "Allocate")
_furnished: set[World] = set()


@pytest.fixture
def full_world(world: World) -> World:
    """A world in which the other account has one of everything that can be created."""
    if world not in _furnished:
        _furnished.add(world)
        for operation in ALL:
            if operation.name.startswith(_CREATES) and operation.access is Access.WRITE:
                _create(world, operation)
    return world


def _create(world: World, operation: type[Operation[Any, Any]]) -> None:
    found: dict[str, str] = {}

    @effort(20)
    @given(case=right_case_of(operation))
    def once(case: Case) -> None:
        if not found:
            pairs = tuple((name, _of_others(value)) for name, value in case.pairs if name != "DryRun")
            reply = world.send(operation, replace(case, pairs=pairs, form="JSON"), world.other)
            if reply.status == 200:
                found.update(ids_of(reply.json()))

    once()
    for name, value in found.items():
        world.others.setdefault(name, value)


def _of_others(value: Any) -> Any:
    return Known(value.parameter, OTHERS) if isinstance(value, Known) else value


def ids_for(world: World, parameter: str) -> Iterator[str]:
    """The other account's ids that a parameter may be about: those of its kind, else all."""
    own_kind = [value for name, value in world.others.items() if parameter.endswith(name)]
    yield from own_kind or world.others.values()


def answered(
    world: World, operation: type[Operation[Any, Any]], case: Case, at: int, value: str, masked: tuple[str, ...]
) -> tuple[int, Any]:
    """Status and body when the ``at``-th parameter has a value; some ids and the request's own are masked."""
    name = case.pairs[at][0]
    reply = world.send(operation, replace(case, pairs=(*case.pairs[:at], (name, value), *case.pairs[at + 1 :])))
    text = reply.body.decode()
    for each in masked:
        text = text.replace(each, "<the id>")
    return reply.status, {key: told for key, told in json.loads(text).items() if key != "RequestId"}


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
def test_anothers_id_is_answered_as_one_that_nobody_has(
    full_world: World, operation: type[Operation[Any, Any]]
) -> None:
    world = full_world

    @effort(8)
    @given(case=right_case_of(operation))
    def one(case: Case) -> None:
        pairs = tuple((name, value) for name, value in case.pairs if name not in ("ClientToken", "DryRun"))
        case = replace(case, pairs=pairs, form="JSON")
        for at, (name, value) in enumerate(case.pairs):
            if isinstance(value, Known):
                for others in ids_for(world, name):
                    made_up = others[:-4] + ("zzzz" if others[-4:] != "zzzz" else "yyyy")
                    both = (others, made_up)
                    first, second = (answered(world, operation, case, at, given, both) for given in both)
                    assert first == second

    one()


def test_lists_show_ones_own_alone(world: World) -> None:
    for cell, stranger in ((world.cell, world.other), (world.other, world.cell)):
        theirs = {vpc["VpcId"] for vpc in vpcs_of(stranger)}
        assert theirs
        assert theirs.isdisjoint(vpc["VpcId"] for vpc in vpcs_of(cell))


def vpcs_of(cell: Cell) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cell.call("DescribeVpcs", PageSize=50)["Vpcs"]["Vpc"]
    return found
