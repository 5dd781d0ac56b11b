"""What anybody would do with the Alibaba Cloud SDK: order a network, a gateway and a connection, and look at them."""

from __future__ import annotations

import secrets
import time
from typing import Any, NamedTuple

from alibabacloud_tea_openapi.models import Config
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client

REGION = "cn-hangzhou"
ZONES = ("cn-hangzhou-k", "cn-hangzhou-j")
VPC, SUBNETS = "10.0.0.0/16", ("10.0.0.0/24", "10.0.1.0/24")
#: Autonomous systems of the gateway and of the office.
GATEWAY_ASN, OFFICE_ASN = 65001, 65010
ROLES = ("master", "slave")
UP = "ipsec_sa_established"
_EVERYWHERE = "0.0.0.0/0"
#: Inside each tunnel; the gateway has the first address of it.
_TUNNEL_CIDRS = ("169.254.11.0/30", "169.254.12.0/30")
#: Between two looks at something that is being made, and how long it may take, seconds.
_PAUSE, _PATIENCE = 0.05, 30.0


class Unfinished(Exception):
    """Something that was ordered does not come about."""


class Ordered(NamedTuple):
    """Ids of what was ordered, and the gateway's public addresses, the master's first."""

    vswitches: tuple[str, str]
    gateway: str
    addresses: tuple[str, str]
    connection: str


class TunnelStatus(NamedTuple):
    """One tunnel as DescribeVpnConnection tells of it."""

    role: str
    status: str
    bgp: str

    @property
    def up(self) -> bool:
        return self.status == UP and self.bgp == "success"


class Cloud:
    """Calls the service at a port of this machine."""

    def __init__(self, port: int, key_id: str, key_secret: str) -> None:
        self._client: Any = Client(
            Config(
                access_key_id=key_id,
                access_key_secret=key_secret,
                region_id=REGION,
                endpoint=f"127.0.0.1:{port}",
                protocol="HTTP",
            )
        )

    def gateway(self) -> tuple[str, tuple[str, str], tuple[str, str]]:
        """A VPC with two vSwitches and a gateway in them; gives its id, its addresses and the vSwitches.

        Raises Unfinished.
        """
        call = self._client
        vpc = call.create_vpc(models.CreateVpcRequest(region_id=REGION, cidr_block=VPC, vpc_name="demo")).body.vpc_id
        vswitches = [
            call.create_vswitch(
                models.CreateVSwitchRequest(region_id=REGION, vpc_id=vpc, zone_id=zone, cidr_block=subnet)
            ).body.v_switch_id
            for zone, subnet in zip(ZONES, SUBNETS, strict=True)
        ]
        gateway = call.create_vpn_gateway(
            models.CreateVpnGatewayRequest(
                region_id=REGION,
                name="demo",
                vpc_id=vpc,
                v_switch_id=vswitches[0],
                disaster_recovery_vswitch_id=vswitches[1],
                bandwidth=100,
            )
        ).body.vpn_gateway_id
        told = self._until_active(gateway)
        # what the office announces by BGP comes into the VPC's route table
        call.modify_vpn_gateway_attribute(
            models.ModifyVpnGatewayAttributeRequest(region_id=REGION, vpn_gateway_id=gateway, auto_propagate=True)
        )
        self._until_active(gateway)
        return gateway, (told.internet_ip, told.disaster_recovery_internet_ip), (vswitches[0], vswitches[1])

    def connection(self, gateway: str, devices: tuple[str, str]) -> str:
        """A connection with two tunnels and BGP in each, to the office's devices at these addresses."""
        options = []
        for role, device, cidr in zip(ROLES, devices, _TUNNEL_CIDRS, strict=True):
            customer = self._client.create_customer_gateway(
                models.CreateCustomerGatewayRequest(
                    region_id=REGION, name=f"office-{role}", ip_address=device, asn=str(OFFICE_ASN)
                )
            ).body.customer_gateway_id
            options.append(_tunnel(role, customer, cidr))
        return str(
            self._client.create_vpn_connection(
                models.CreateVpnConnectionRequest(
                    region_id=REGION,
                    name="office",
                    vpn_gateway_id=gateway,
                    local_subnet=_EVERYWHERE,
                    remote_subnet=_EVERYWHERE,
                    effect_immediately=True,
                    enable_tunnels_bgp=True,
                    tunnel_options_specification=options,
                )
            ).body.vpn_connection_id
        )

    def tunnels(self, connection: str) -> list[TunnelStatus]:
        """How the tunnels stand, the master's first."""
        told = self._client.describe_vpn_connection(
            models.DescribeVpnConnectionRequest(region_id=REGION, vpn_connection_id=connection)
        ).body
        found = {
            each.role: TunnelStatus(each.role, each.status, (each.tunnel_bgp_config.bgp_status or "-").lower())
            for each in told.tunnel_options_specification.tunnel_options
        }
        return [found[role] for role in ROLES]

    def _until_active(self, gateway: str) -> Any:
        deadline = time.monotonic() + _PATIENCE
        while True:
            told = self._client.describe_vpn_gateway(
                models.DescribeVpnGatewayRequest(region_id=REGION, vpn_gateway_id=gateway)
            ).body
            if told.status == "active":
                return told
            if time.monotonic() > deadline:
                raise Unfinished(f"gateway {gateway} is still {told.status} after {_PATIENCE:.0f} s")
            time.sleep(_PAUSE)


def _tunnel(role: str, customer: str, cidr: str) -> Any:
    """One tunnel with a key of its own, and what is strong of the documented algorithms."""
    strong = {"enc_alg": "aes256", "auth_alg": "sha256", "pfs": "group14"}
    ike = models.CreateVpnConnectionRequestTunnelOptionsSpecificationTunnelIkeConfig(
        ike_version="ikev2", psk=secrets.token_urlsafe(24), **{f"ike_{name}": value for name, value in strong.items()}
    )
    ipsec = models.CreateVpnConnectionRequestTunnelOptionsSpecificationTunnelIpsecConfig(
        **{f"ipsec_{name}": value for name, value in strong.items()}
    )
    bgp = models.CreateVpnConnectionRequestTunnelOptionsSpecificationTunnelBgpConfig(
        local_asn=GATEWAY_ASN, tunnel_cidr=cidr, local_bgp_ip=cidr.replace(".0/30", ".1")
    )
    return models.CreateVpnConnectionRequestTunnelOptionsSpecification(
        role=role,
        customer_gateway_id=customer,
        enable_dpd=True,
        enable_nat_traversal=True,
        tunnel_ike_config=ike,
        tunnel_ipsec_config=ipsec,
        tunnel_bgp_config=bgp,
    )
