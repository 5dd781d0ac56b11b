"""Attachments, which are IPsec connections without a VPN gateway, and their routes."""

from gatewright.operations.vpn_attachments.create import CreateVpnAttachment
from gatewright.operations.vpn_attachments.delete import DeleteVpnAttachment
from gatewright.operations.vpn_attachments.describe import (
    DescribeVpnAttachments,
    DescribeVpnCrossAccountAuthorizations,
)
from gatewright.operations.vpn_attachments.modify import ModifyVpnAttachmentAttribute
from gatewright.operations.vpn_attachments.routes import (
    CreateVcoRouteEntry,
    DeleteVcoRouteEntry,
    DescribeVcoRouteEntries,
    ModifyVcoRouteEntryWeight,
)

OPERATIONS = (
    CreateVpnAttachment,
    DescribeVpnAttachments,
    DescribeVpnCrossAccountAuthorizations,
    ModifyVpnAttachmentAttribute,
    DeleteVpnAttachment,
    CreateVcoRouteEntry,
    DescribeVcoRouteEntries,
    ModifyVcoRouteEntryWeight,
    DeleteVcoRouteEntry,
)
