"""Folding: from what was seen to what is told."""

from __future__ import annotations

import pytest

from gatewright.resources.specs import Phase
from gatewright.resources.statuses import GatewayStatus, PlainStatus, Seen, gateway_status, vswitch_status

INIT, PROVISIONING, ACTIVE, UPDATING, DELETING = GatewayStatus
NOTHING = Seen(1, 0, None)
APPLYING = Seen(1, 1, Phase.APPLYING)
FAILED = Seen(1, 1, Phase.FAILED)
READY = Seen(1, 1, Phase.READY)
BEHIND = Seen(2, 1, Phase.READY)
AHEAD = Seen(1, 2, Phase.READY)


@pytest.mark.parametrize(
    ("before", "seen", "after"),
    [
        (INIT, [NOTHING, NOTHING], INIT),
        (INIT, [APPLYING, NOTHING], PROVISIONING),
        (INIT, [READY, READY], ACTIVE),
        (PROVISIONING, [READY, NOTHING], PROVISIONING),
        (PROVISIONING, [READY, FAILED], PROVISIONING),
        (PROVISIONING, [READY, READY], ACTIVE),
        (ACTIVE, [READY, READY], ACTIVE),
        (ACTIVE, [READY, AHEAD], ACTIVE),
        (ACTIVE, [READY, APPLYING], UPDATING),
        (ACTIVE, [READY, BEHIND], UPDATING),
        (UPDATING, [BEHIND, BEHIND], UPDATING),
        (UPDATING, [READY, READY], ACTIVE),
        (UPDATING, [FAILED, READY], UPDATING),
        (DELETING, [READY, READY], DELETING),
        (DELETING, [], DELETING),
        (INIT, [], INIT),
        (ACTIVE, [], UPDATING),
    ],
)
def test_a_gateway(before: GatewayStatus, seen: list[Seen], after: GatewayStatus) -> None:
    assert gateway_status(before, seen) is after


def test_a_vswitch() -> None:
    pending, available = PlainStatus
    assert vswitch_status(pending, []) is pending
    assert vswitch_status(pending, [READY, NOTHING]) is pending
    assert vswitch_status(pending, [READY, READY]) is available
    assert vswitch_status(available, [NOTHING]) is available
