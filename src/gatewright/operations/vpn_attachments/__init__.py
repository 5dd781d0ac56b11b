"""Attachments, which are IPsec connections without a VPN gateway: one module an operation, or two that describe."""

from gatewright.operations.vpn_attachments.create import CreateVpnAttachment
from gatewright.operations.vpn_attachments.delete import DeleteVpnAttachment
from gatewright.operations.vpn_attachments.describe import (
    DescribeVpnAttachments,
    DescribeVpnCrossAccountAuthorizations,
)
from gatewright.operations.vpn_attachments.modify import ModifyVpnAttachmentAttribute

OPERATIONS = (
    CreateVpnAttachment,
    DescribeVpnAttachments,
    DescribeVpnCrossAccountAuthorizations,
    ModifyVpnAttachmentAttribute,
    DeleteVpnAttachment,
)
