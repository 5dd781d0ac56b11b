"""Two sites whose hosts talk through a gateway: ordered by the API, carried by strongSwan at both ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gatewright.plane.linux.names import Names
from gatewright.resources.tunnels import TunnelSpec
from tests.faults.test_by_hand import Host
from tests.plane.linux.customer import customer
from tests.plane.linux.machines import Machines
from tests.support.service import Service


@pytest.fixture
def machines() -> Iterator[Machines]:
    made = Machines()
    yield made
    made.remove()


def tunnels(host: Host) -> dict[str, TunnelSpec]:
    """By their roles, as the host's instances have them."""
    return {tunnel.role: tunnel for spec in host.instances for tunnel in spec.tunnels}


def test_two_sites_talk_through_a_gateway(linux: Service, machines: Machines) -> None:
    host = Host(linux)
    client = linux.client()
    names = Names(host.installation)
    peers = ("198.18.200.50", "198.18.200.51")
    ends = [client.call("CreateCustomerGateway", IpAddress=one)["CustomerGatewayId"] for one in peers]
    options = [
        {
            "Role": role,
            "CustomerGatewayId": end,
            "TunnelIkeConfig": {"Psk": psk, "IkeVersion": "ikev2", "IkeAuthAlg": "sha256", "IkePfs": "group14"},
            "TunnelIpsecConfig": {"IpsecAuthAlg": "sha256", "IpsecPfs": "group14"},
        }
        for role, end, psk in zip(("master", "slave"), ends, ("first-key", "second-key"), strict=True)
    ]
    connection = client.call(
        "CreateVpnConnection",
        VpnGatewayId=host.gateway,
        LocalSubnet="10.0.0.0/8",
        RemoteSubnet="172.16.1.0/24",
        EffectImmediately="true",
        AutoConfigRoute="true",
        TunnelOptionsSpecification=json.dumps(options),
    )["VpnConnectionId"]

    def told() -> dict[str, str]:
        answer = client.call("DescribeVpnConnection", VpnConnectionId=connection)
        return {one["Role"]: one["Status"] for one in answer["TunnelOptionsSpecification"]["TunnelOptions"]}

    host.until(lambda: len(tunnels(host)) == 2, 20)
    with ExitStack() as stack:
        sites = []
        for role, address, psk in zip(("master", "slave"), peers, ("first-key", "second-key"), strict=True):
            one = stack.enter_context(customer(machines, names.uplink.name, f"{address}/15", "172.16.1.0/24"))
            one.route("10.1.0.0/24")
            one.answer(tunnels(host)[role], psk)
            sites.append(one)
        host.until(lambda: told() == dict.fromkeys(("master", "slave"), "ipsec_sa_established"), 40)
        client.call(
            "PublishVpnRouteEntry",
            VpnGatewayId=host.gateway,
            RouteDest="172.16.1.0/24",
            NextHop=connection,
            RouteType="pbr",
            PublishVpc="true",
        )
        # with no route but to the VPC's router
        inside = machines.plug(names.vswitch(host.first).name, "10.1.0.100/24", "10.1.0.253")
        host.until(lambda: inside.reaches(sites[0].inside), 10)
        assert sites[0].host.reaches("10.1.0.100")
        # the master's peer ends its tunnel and wants it no more: the slave's carries, to the same network
        sites[0].vici.unload_conn({"name": tunnels(host)["master"].link})
        sites[0].terminate(tunnels(host)["master"].link)
        host.until(lambda: inside.reaches(sites[1].inside), 10)
        host.until(lambda: told()["master"] != "ipsec_sa_established", 10)
        assert told()["slave"] == "ipsec_sa_established"
        client.call("DeleteVpnConnection", VpnConnectionId=connection)
        host.until(lambda: not tunnels(host), 20)
        assert sites[0].sas() == sites[1].sas() == []
