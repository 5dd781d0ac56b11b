"""Connections to devices that nobody has: with one, a gateway's instances have all the daemons that there are."""

from __future__ import annotations

import json

from tests.support.client import Client

#: Of a gateway with one: of its instances a BIRD and a tunnel's charon each, of its VPC's router a BIRD.
DAEMONS = 5


def connect(client: Client, gateway: str, first: int = 7) -> str:
    """A connection of a dual-tunnel gateway to 203.0.113.<first> and the address after that."""
    ends = [
        client.call("CreateCustomerGateway", IpAddress=f"203.0.113.{number}")["CustomerGatewayId"]
        for number in (first, first + 1)
    ]
    options = [
        {
            "Role": role,
            "CustomerGatewayId": end,
            "TunnelIkeConfig": {"Psk": "a-key.of_tests", "IkeVersion": "ikev2"},
        }
        for role, end in zip(("master", "slave"), ends, strict=True)
    ]
    made: str = client.call(
        "CreateVpnConnection",
        VpnGatewayId=gateway,
        LocalSubnet="10.0.0.0/8",
        RemoteSubnet="172.16.1.0/24",
        EffectImmediately=True,
        TunnelOptionsSpecification=json.dumps(options),
    )["VpnConnectionId"]
    return made
