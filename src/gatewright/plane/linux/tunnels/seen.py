"""What charon's list of SAs says of a tunnel. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gatewright.resources.tunnel_states import TunnelStatus

#: States of an IKE SA that is agreed; one that was replaced is about to go.
_STANDING = (b"ESTABLISHED", b"REKEYING")
_BEGINNING = (b"CREATED", b"CONNECTING")
#: States of a CHILD SA that carries packets. One that has been replaced is listed for some seconds more, as DELETED.
_CARRYING = (b"INSTALLED", b"REKEYING", b"UPDATING")


class Seen(NamedTuple):
    """One tunnel at one moment."""

    #: Phase 1 stands, or is being agreed.
    established: bool = False
    connecting: bool = False
    #: The names of the CHILD SAs that carry packets.
    children: frozenset[str] = frozenset()


def seen(listed: Iterable[Mapping[str, Any]], name: str) -> Seen:
    """What VICI's list-sas tells of the connection ``name``: each item is an IKE SA by its connection's name."""
    established = connecting = False
    children: set[str] = set()
    for entry in listed:
        sa = entry.get(name)
        if sa is None:
            continue
        state = sa.get("state")
        established = established or state in _STANDING
        connecting = connecting or state in _BEGINNING
        carrying = [child for child in sa.get("child-sas", {}).values() if child.get("state") in _CARRYING]
        children.update(_text(child, "name") for child in carrying)
    return Seen(established, connecting, frozenset(children))


def standing(listed: Iterable[Mapping[str, Any]], name: str) -> frozenset[str]:
    """Charon's numbers of the IKE SAs of the connection ``name`` that are agreed, or being agreed, and not to go."""
    sas = [entry[name] for entry in listed if name in entry]
    return frozenset(_text(sa, "uniqueid") for sa in sas if sa.get("state") in _STANDING + _BEGINNING)


def status(now: Seen, *, phase_2_failed: bool) -> TunnelStatus:
    """``phase_2_failed``: within this IKE SA a CHILD SA was refused, or has gone."""
    if now.children:
        return TunnelStatus.IPSEC_SA_ESTABLISHED
    if not now.established:
        return TunnelStatus.IKE_SA_NOT_ESTABLISHED
    return TunnelStatus.IPSEC_SA_NOT_ESTABLISHED if phase_2_failed else TunnelStatus.IKE_SA_ESTABLISHED


def _text(section: Mapping[str, Any], key: str) -> str:
    value: bytes = section.get(key, b"")
    return value.decode(errors="replace")
