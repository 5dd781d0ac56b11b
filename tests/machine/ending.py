"""How a random life ends: all of it is deleted in the order that the API asks for, and then nothing may be left.

Not a row in the database, not an item on the host, not a tunnel that anything remembers.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence

from tests.support import remains
from tests.support.cell import Cell

#: How long the host's last word may take to be noted, seconds.
_PATIENCE = 60.0


def end_lives(cells: Sequence[Cell]) -> None:
    """Delete all that these accounts have, and nobody else may. Raises AssertionError that names what is left.

    After a life that has failed, or was broken off, only as far as it can be done: the next one begins with nothing.
    """
    if sys.exc_info()[0] is not None:
        with contextlib.suppress(Exception):
            _end(cells)
    else:
        _end(cells)


def _end(cells: Sequence[Cell]) -> None:
    for cell in cells:
        _delete_everything(cell)
    first = cells[0]
    deadline = time.monotonic() + _PATIENCE
    while (left := remains.rows(first.url) + _on_the_host(first)) and time.monotonic() < deadline:
        time.sleep(0.002)
    assert not left, "\n".join(left[:40])


def _on_the_host(cell: Cell) -> list[str]:
    left = [f"item {each}" for each in cell.plane.memory()]
    return left if not len(cell.plane.tunnels) else [*left, f"{len(cell.plane.tunnels)} tunnels"]


def _delete_everything(cell: Cell) -> None:
    for action, collection, thing, delete in (
        ("DescribeVpnConnections", "VpnConnections", "VpnConnection", "DeleteVpnConnection"),
        ("DescribeVpnGateways", "VpnGateways", "VpnGateway", "DeleteVpnGateway"),
        ("DescribeCustomerGateways", "CustomerGateways", "CustomerGateway", "DeleteCustomerGateway"),
        ("DescribeVSwitches", "VSwitches", "VSwitch", "DeleteVSwitch"),
        ("DescribeVpcs", "Vpcs", "Vpc", "DeleteVpc"),
    ):
        # connections and gateways that go are told of until their hosts have confirmed
        named = f"{thing}Id" if thing != "VSwitch" else "VSwitchId"
        for each in cell.call(action, PageSize=50)[collection][thing]:
            if action == "DescribeVpnGateways":
                cell.until_status(each[named], "active")
            attached = each.get("AttachType") == "NO_ASSOCIATED"
            cell.call("DeleteVpnAttachment" if attached else delete, **{named: each[named]})
        cell.until(action, lambda answer: answer["TotalCount"] == 0, PageSize=50)
