"""VPCs: one module an operation, or two that belong together."""

from gatewright.operations.vpcs.create import CreateVpc, add_vpc
from gatewright.operations.vpcs.delete import DeleteVpc
from gatewright.operations.vpcs.describe import DescribeVpcAttribute, DescribeVpcs
from gatewright.operations.vpcs.facts import find_vpc

__all__ = ["OPERATIONS", "add_vpc", "find_vpc"]

OPERATIONS = (CreateVpc, DescribeVpcs, DescribeVpcAttribute, DeleteVpc)
