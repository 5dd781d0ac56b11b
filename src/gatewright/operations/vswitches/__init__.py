"""vSwitches: one module an operation, or two that belong together."""

from gatewright.operations.vswitches.create import CreateVSwitch
from gatewright.operations.vswitches.default import CreateDefaultVSwitch
from gatewright.operations.vswitches.delete import DeleteVSwitch
from gatewright.operations.vswitches.describe import DescribeVSwitchAttributes, DescribeVSwitches
from gatewright.operations.vswitches.modify import ModifyVSwitchAttribute

OPERATIONS = (
    CreateVSwitch,
    CreateDefaultVSwitch,
    DescribeVSwitches,
    DescribeVSwitchAttributes,
    ModifyVSwitchAttribute,
    DeleteVSwitch,
)
