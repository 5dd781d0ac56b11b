"""What becomes of a simulated tunnel's negotiation, and the words that charon has for it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from gatewright.plane.simulated.peers import Peer
from gatewright.resources.troubles import Cause
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.resources.tunnels import TunnelSpec


class Outcome(NamedTuple):
    """How a negotiation ends."""

    status: TunnelStatus
    #: Why it does not carry; None if it does.
    cause: Cause | None
    #: The last one says why.
    lines: tuple[str, ...]


_REFUSED = {
    Peer.SILENT: Outcome(
        TunnelStatus.IKE_SA_NOT_ESTABLISHED,
        Cause.PEER_SILENT,
        ("[IKE] retransmit 5 of request with message ID 0", "[IKE] giving up after 5 retransmits"),
    ),
    Peer.REFUSES_PROPOSAL: Outcome(
        TunnelStatus.IKE_SA_NOT_ESTABLISHED,
        Cause.IKE_PROPOSAL,
        ("[IKE] received NO_PROPOSAL_CHOSEN notify error",),
    ),
    Peer.REFUSES_AUTHENTICATION: Outcome(
        TunnelStatus.IKE_SA_NOT_ESTABLISHED,
        Cause.KEY,
        ("[IKE] received AUTHENTICATION_FAILED notify error",),
    ),
    Peer.REFUSES_SUBNETS: Outcome(
        TunnelStatus.IPSEC_SA_NOT_ESTABLISHED,
        Cause.SUBNETS,
        ("[IKE] received TS_UNACCEPTABLE notify, no CHILD_SA built",),
    ),
}


def reaches_phase_2(peer: Peer) -> bool:
    """Whether phase 1 comes to stand."""
    return peer in (Peer.READY, Peer.REFUSES_SUBNETS)


def outcome(spec: TunnelSpec, peer: Peer) -> Outcome:
    """How the negotiation with such a peer ends."""
    if peer is not Peer.READY:
        return _REFUSED[peer]
    selectors = f"{' '.join(spec.local_subnets)} === {' '.join(spec.remote_subnets)}"
    line = f"[IKE] CHILD_SA {spec.link} established with TS {selectors}"
    return Outcome(TunnelStatus.IPSEC_SA_ESTABLISHED, None, (line,))


def begun(spec: TunnelSpec) -> str:
    """The line that a negotiation begins with."""
    mode = "IKE_SA" if spec.ike.version == "ikev2" else f"{spec.ike.mode.capitalize()} Mode IKE_SA"
    return f"[IKE] initiating {mode} {spec.link} to {spec.peer}"


def phase_1_stands(spec: TunnelSpec) -> str:
    """The line that tells that phase 1 is agreed."""
    return f"[IKE] IKE_SA {spec.link} established between {spec.ike.local_id}...{spec.peer}[{spec.ike.remote_id}]"


def ended(spec: TunnelSpec, peer: Peer) -> tuple[str, ...]:
    """The lines that tell that what stood goes: because the peer is silent, or to be negotiated anew."""
    if peer is Peer.SILENT:
        return ("[IKE] sending DPD request", *_REFUSED[Peer.SILENT].lines[1:])
    return (f"[IKE] deleting IKE_SA {spec.link} between {spec.ike.local_id}...{spec.peer}[{spec.ike.remote_id}]",)
