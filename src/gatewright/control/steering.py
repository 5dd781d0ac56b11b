"""Everything that is steered and is not in the database: it lives as long as the process."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

import msgspec

from gatewright.clock import Clock
from gatewright.control.calls import Calls
from gatewright.control.clock import SteeredClock
from gatewright.control.delays import Delays, DelayValues, check
from gatewright.control.faults import Fault, Faults
from gatewright.control.interception import FaultsAndCalls
from gatewright.control.routes import wrong
from gatewright.operations.declaration import Operation
from gatewright.plane.simulated import Behaviour, Peers


class SteeringState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of it a snapshot keeps."""

    #: The service's time, milliseconds since the epoch; null when it is the machine's.
    clock: int | None
    delays: DelayValues
    faults: list[Fault]
    #: How the devices of new tunnels behave.
    peers: Behaviour = Behaviour()


class Steering:
    """At its defaults until somebody steers."""

    def __init__(self, machine: Clock, operations: Collection[Operation[Any, Any]]) -> None:
        self.clock = SteeredClock(machine)
        self.delays = Delays(self.clock)
        self.faults = Faults(operations)
        self.peers = Peers()
        self.calls = Calls(self.clock)
        self.interception = FaultsAndCalls(self.faults, self.calls)

    def reset(self) -> None:
        """Back to the defaults, and no calls remembered."""
        self.restore(SteeringState(clock=None, delays=DelayValues(), faults=[]))
        self.calls.clear()

    def state(self) -> SteeringState:
        """What a snapshot keeps."""
        return SteeringState(
            clock=self.clock.now() if self.clock.ahead else None,
            delays=self.delays.values,
            # Calls go on being counted.
            faults=[copy.copy(fault) for fault in self.faults.every()],
            peers=self.peers.behaviour,
        )

    def check(self, state: SteeringState) -> None:
        """Whether a snapshot's state can be taken over. Raises Refusal."""
        check(state.delays)
        self.faults.check(state.faults)
        try:
            self.clock.check(state.clock)
        except ValueError as error:
            raise wrong("clock", f"cannot be that: {error}") from error

    def restore(self, state: SteeringState) -> None:
        """Take over what was checked."""
        self.clock.restore(state.clock)
        self.delays.values = state.delays
        self.faults.restore(state.faults)
        self.peers.behaviour = state.peers
