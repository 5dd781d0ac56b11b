"""VPCs: one module an operation, or two that belong together."""

from gatewright.operations.vpcs.cidr_blocks import AssociateVpcCidrBlock, UnassociateVpcCidrBlock
from gatewright.operations.vpcs.create import CreateVpc
from gatewright.operations.vpcs.default import CreateDefaultVpc
from gatewright.operations.vpcs.delete import DeleteVpc
from gatewright.operations.vpcs.describe import DescribeVpcAttribute, DescribeVpcs
from gatewright.operations.vpcs.facts import find_vpc
from gatewright.operations.vpcs.modify import ModifyVpcAttribute

__all__ = ["OPERATIONS", "find_vpc"]

OPERATIONS = (
    CreateVpc,
    CreateDefaultVpc,
    DescribeVpcs,
    DescribeVpcAttribute,
    ModifyVpcAttribute,
    AssociateVpcCidrBlock,
    UnassociateVpcCidrBlock,
    DeleteVpc,
)
