"""Agents of other versions than the control plane's.

Within a version of the specs fields are added with a default only, and a reader passes over those that it does not
know. A new kind raises the version. The control plane is updated first: it tells an older agent what that knows, and
refuses a newer one, whose specs would lack what it needs.
"""

from __future__ import annotations

import msgspec

from gatewright.link.contract import HostChanges, Wanted
from gatewright.resources.specs import SCHEMA_VERSION, InstanceSpec, Kind

#: An agent that tells no version.
FIRST = 1
#: The version that each kind came with.
_SINCE = {Kind.VSWITCH: 1, Kind.INSTANCE: 1, Kind.ROUTER: 2}

#: The version that secrets came with.
_SECRETS_SINCE = 3


def refusal(version: int) -> str | None:
    """Why an agent of this version is not served, or None."""
    if version > SCHEMA_VERSION:
        return (
            f"this agent knows version {version} of the specs and the control plane {SCHEMA_VERSION}: update the "
            "control plane first; what runs here carries on"
        )
    return None


def secrets_refusal(version: int) -> str | None:
    """Why an agent of this version is told no secrets, or None."""
    if version < _SECRETS_SINCE:
        return f"this agent knows version {version} of the specs, in which no secrets are referred to: update it"
    return None


def _has_tunnels(item: Wanted) -> bool:
    """Whether an agent that knows no tunnels would say of an item that it stands, and build half of it."""
    return isinstance(item, InstanceSpec) and bool(item.tunnels)


def known_to(version: int, changes: HostChanges) -> HostChanges:
    """Those of the changes that an agent of this version can bring about; the others wait until it is updated."""
    if version >= SCHEMA_VERSION:
        return changes
    items = tuple(
        item
        for item in changes.items
        if _SINCE[item.key.kind] <= version and (version >= _SECRETS_SINCE or not _has_tunnels(item))
    )
    return msgspec.structs.replace(changes, items=items, traces=())
