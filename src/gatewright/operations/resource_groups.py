"""Resource groups in the requests of other resources: ``ResourceGroupId``.

VPCs, VPN gateways and customer gateways are in a group; what belongs to one (vSwitches, route tables, connections) is
in its group too.
"""

from __future__ import annotations

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.store import resource_groups

NO_SUCH_GROUP = ErrorRow(
    400,
    "InvalidResourceGroupId",
    "The specified ResourceGroupId does not exist.",
    "ListResourceGroups lists the account's resource groups.",
)


def group_for(call: Call, named: str | None, parameter: str = "ResourceGroupId") -> str:
    """The group that a new resource belongs to: the named one, else the default. Raises InvalidResourceGroupId."""
    default = resource_groups.default_id(call.account_id)
    if named is None or named == default:
        return default
    if resource_groups.find(call.transaction, call.account_id, named) is None:
        raise NO_SUCH_GROUP(parameter, named, "names no resource group of this account")
    return named
