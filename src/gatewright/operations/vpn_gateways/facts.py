"""What every operation on a VPN gateway needs: finding it, and telling how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    Part,
)
from gatewright.operations.tags import TagList, tag_list
from gatewright.resources.addresses import dotted
from gatewright.store import gateways
from gatewright.store.gateways import GatewayView
from gatewright.store.tags import KeyValue

NOT_FOUND = ErrorRow(
    404,
    "InvalidVpnGatewayInstanceId.NotFound",
    "The specified vpn gateway instance id does not exist.",
    "DescribeVpnGateways lists the gateways of a region.",
)
#: ``GatewayType``.
TRADITIONAL = "Traditional"
ENHANCED = "Enhanced.SiteToSite"
NAME_PATTERN = r"[A-Za-z][A-Za-z0-9._-]{1,99}"
NAME_RULE = "must be 2 to 100 letters, digits, '.', '_' or '-', starting with a letter"


class EniInstanceIds(Part, kw_only=True):
    eni_instance_id: list[str]


class VpnGatewayPart(Part, kw_only=True):
    vpn_gateway_id: str
    name: str
    description: str
    status: str
    business_status: str
    gateway_type: str
    network_type: str
    vpn_type: str
    vpc_id: str
    vswitch_id: str
    disaster_recovery_vswitch_id: str | None = None
    internet_ip: str
    disaster_recovery_internet_ip: str | None = None
    ssl_vpn_internet_ip: str | None = None
    spec: str
    ipsec_vpn: str
    ssl_vpn: str
    ssl_max_connections: int
    enable_bgp: bool
    auto_propagate: bool
    charge_type: str
    create_time: int
    end_time: int | None = None
    resource_group_id: str
    eni_instance_ids: EniInstanceIds
    tag: str
    tags: TagList


#: What a gateway can do, as a JSON text: clients look here before they use a feature.
CAPABILITIES = msgspec.json.encode(
    {"VpnEnableBgp": "true", "VisuallySsl": "false", "PbrPriority": "true", "VpnNewImage": "true"}
).decode()


def find_gateway(call: Call, gateway_id: str, parameter: str = "VpnGatewayId") -> GatewayView:
    """The account's gateway in the request's region. Raises InvalidVpnGatewayInstanceId.NotFound."""
    row = gateways.view(call.transaction, call.account_id, gateway_id)
    if row is None or not call.here(row.region_id):
        raise NOT_FOUND(parameter, gateway_id, f"names no VPN gateway of this account {call.where}")
    return row


def addresses_of(row: GatewayView) -> dict[str, str | None]:
    """A gateway's addresses: where it is reached, for a private gateway its private ones."""
    first, second, ssl = row.master_public, row.slave_public, row.ssl_address
    if row.network_type == "private":
        first, second = row.master_private, row.slave_private
    elif row.enable_ssl and second is None:
        ssl = first
    return {
        "internet_ip": dotted(first) if first is not None else "",
        "disaster_recovery_internet_ip": dotted(second) if second is not None else None,
        "ssl_vpn_internet_ip": dotted(ssl) if ssl is not None else None,
    }


def facts_of(row: GatewayView, tagged: Sequence[KeyValue] = ()) -> dict[str, Any]:
    """What both descriptions tell of a gateway."""
    return {
        **addresses_of(row),
        "vpn_gateway_id": row.id,
        "name": row.name,
        "description": row.description,
        "status": row.status,
        "business_status": "Normal",
        "gateway_type": row.gateway_type,
        "network_type": row.network_type,
        "vpn_type": row.vpn_type,
        "vpc_id": row.vpc_id,
        "vswitch_id": row.vswitch_id,
        "disaster_recovery_vswitch_id": row.disaster_recovery_vswitch_id,
        "spec": f"{row.bandwidth}M",
        "ipsec_vpn": "enable" if row.enable_ipsec else "disable",
        "ssl_vpn": "enable" if row.enable_ssl else "disable",
        "ssl_max_connections": row.ssl_connections,
        "enable_bgp": row.enable_ipsec,
        "auto_propagate": row.auto_propagate,
        "charge_type": row.charge_type,
        "create_time": row.created_at,
        "end_time": row.ends_at,
        "resource_group_id": row.resource_group_id,
        "eni_instance_ids": _NO_ENIS,
        "tag": CAPABILITIES,
        "tags": tag_list(tagged) if tagged else _NO_TAGS,
    }


_NO_ENIS = EniInstanceIds(eni_instance_id=[])
_NO_TAGS = TagList(tag=[])
