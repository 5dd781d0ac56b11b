"""How the customers' devices of a simulated plane behave. By themselves they agree to everything."""

from __future__ import annotations

import enum

import msgspec


class Peer(enum.StrEnum):
    """What a device answers when a tunnel is negotiated."""

    READY = "ready"
    #: It does not answer at all; what stands goes down.
    SILENT = "silent"
    REFUSES_PROPOSAL = "refuses_proposal"
    REFUSES_AUTHENTICATION = "refuses_authentication"
    #: Phase 1 comes to stand, phase 2 does not.
    REFUSES_SUBNETS = "refuses_subnets"


class Session(enum.StrEnum):
    """BGP inside a tunnel that has it."""

    UP = "up"
    DOWN = "down"


class Probes(enum.StrEnum):
    """What the health check of a tunnel that has one finds."""

    GOOD = "good"
    FAILED = "failed"


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device's, towards one tunnel."""

    peer: Peer = Peer.READY
    bgp: Session = Session.UP
    health: Probes = Probes.GOOD


class Peers:
    """How the devices of tunnels behave that come to be from now on."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
