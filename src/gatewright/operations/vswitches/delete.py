"""DeleteVSwitch."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import Access, Operation, Parameter, Request, Response
from gatewright.operations.route_tables.dependencies import VSWITCH_HAS_ROUTE_TABLE
from gatewright.operations.vswitches.facts import NOT_FOUND, find_vswitch
from gatewright.reconcile import placement
from gatewright.reconcile.telling import of_vswitch
from gatewright.resources.statuses import PlainStatus
from gatewright.store import events, gateways, vpcs, vswitches

IN_USE = ErrorRow(
    400,
    "DependencyViolation",
    "Specified object has dependent resources.",
    "Delete what the detail names first.",
)


class DeleteVSwitchRequest(Request, kw_only=True, frozen=True):
    vswitch_id: Annotated[str, Parameter()]
    region_id: Annotated[str | None, Parameter()] = None
    dry_run: Annotated[bool, Parameter()] = False


class DeleteVSwitchResponse(Response, kw_only=True):
    pass


class DeleteVSwitch(Operation[DeleteVSwitchRequest, DeleteVSwitchResponse]):
    """Delete a vSwitch that no gateway is in and that is associated with no custom route table.

    It is ``Pending`` until its hosts have confirmed that nothing of it is left, and then gone. Meanwhile it is in
    nobody's way: its network can be used again, and its VPC can be deleted. It counts towards the VPC's quota until it
    is gone. Deleting it again succeeds (*assumed*).
    One that its hosts do not have yet can be deleted too, where the documentation allows only what is Available: what a
    host cannot make must not stay for ever (*assumed*).
    """

    access = Access.WRITE
    errors = (NOT_FOUND, IN_USE, VSWITCH_HAS_ROUTE_TABLE)

    def execute(self, call: Call, request: DeleteVSwitchRequest) -> DeleteVSwitchResponse:
        row = find_vswitch(call, request.vswitch_id, NOT_FOUND)
        gateway = gateways.one_in_vswitch(call.transaction, row.id)
        if gateway is not None:
            raise IN_USE("VSwitchId", row.id, f"still holds an instance of VPN gateway {gateway}")
        vpc = vpcs.find(call.transaction, call.account_id, row.vpc_id)
        if vpc is not None and row.route_table_id != vpc.route_table_id:
            raise VSWITCH_HAS_ROUTE_TABLE(
                "VSwitchId", row.id, f"is associated with custom route table {row.route_table_id}"
            )
        if not row.deleting:
            placement.bury_vswitch(call.transaction, row)
            vswitches.change(
                call.transaction,
                msgspec.structs.replace(row, status=PlainStatus.PENDING.value, deleting=True),
            )
            events.add(call.transaction, [of_vswitch(row, PlainStatus.PENDING, call.now, "is being deleted")])
        return DeleteVSwitchResponse()
