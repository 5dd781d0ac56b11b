"""vSwitches: one module an operation, or two that belong together."""

from gatewright.operations.vswitches.create import CreateVSwitch
from gatewright.operations.vswitches.delete import DeleteVSwitch
from gatewright.operations.vswitches.describe import DescribeVSwitchAttributes, DescribeVSwitches

OPERATIONS = (CreateVSwitch, DescribeVSwitches, DescribeVSwitchAttributes, DeleteVSwitch)
