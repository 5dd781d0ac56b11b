"""A gateway with IPsec connections, and its routes as the API tells them."""

from __future__ import annotations

from typing import Any

from gatewright.resources.specs import InstanceSpec, ItemKey, Kind, RouterSpec
from gatewright.resources.tunnels import EVERYWHERE
from tests.support.cell import Cell

#: A region whose gateways have one tunnel.
SINGLE = "ap-south-1"
#: A network of customers.
THERE = "192.168.0.0/16"
#: A network of the VPC.
HERE = "10.0.0.0/24"


class Site:
    """A VPC with an active gateway, of one tunnel or two."""

    def __init__(self, cell: Cell, *, dual: bool = False) -> None:
        self.cell, self.dual = cell, dual
        if not dual:
            cell.region = SINGLE
        zones = [zone["ZoneId"] for zone in cell.call("DescribeZones")["Zones"]["Zone"]]
        self.network = cell.network() if dual else cell.network((zones[0], zones[0]))
        self.vpc = self.network[0]
        self.gateway = cell.gateway(self.network, **({} if dual else {"DisasterRecoveryVSwitchId": None}))
        self.settled()
        self.table = cell.call("DescribeVpcs", VpcId=self.vpc)["Vpcs"]["Vpc"][0]["RouterTableIds"]["RouterTableIds"][0]
        self._peers = 0

    def settled(self) -> None:
        """Wait until the hosts have all that was asked of the gateway."""
        self.cell.until_status(self.gateway, "active")

    def connection(
        self, local: str = EVERYWHERE, remote: str = EVERYWHERE, *, peer: str | None = None, **parameters: Any
    ) -> str:
        """A new connection to a new customer gateway; routes decide about it unless its networks are given."""
        self._peers += 1
        device = self.cell.customer_gateway(peer or f"203.0.113.{self._peers}", Asn="65001")
        wanted: dict[str, Any] = {"VpnGatewayId": self.gateway, "LocalSubnet": local, "RemoteSubnet": remote}
        if self.dual:
            for number, role in enumerate(("master", "slave"), 1):
                wanted[f"TunnelOptionsSpecification.{number}.Role"] = role
                wanted[f"TunnelOptionsSpecification.{number}.CustomerGatewayId"] = device
        else:
            wanted["CustomerGatewayId"] = device
        made: str = self.cell.call("CreateVpnConnection", **wanted, **parameters)["VpnConnectionId"]
        return made

    def route(self, connection: str, **changes: Any) -> dict[str, Any]:
        """The parameters of a destination-based route through a connection."""
        plain = {"RouteDest": THERE, "Weight": 100, "PublishVpc": False}
        return {"VpnGatewayId": self.gateway, "NextHop": connection, **plain, **changes}

    def policy(self, connection: str, **changes: Any) -> dict[str, Any]:
        """The parameters of a policy-based route."""
        return self.route(connection, **{"RouteSource": HERE, **changes})

    def routes(self) -> list[tuple[str, str, int, str]]:
        """Destination, next hop, weight and state of each route, newest first."""
        told = self.cell.call("DescribeVpnRouteEntries", VpnGatewayId=self.gateway, PageSize=50)
        rows = told["VpnRouteEntries"]["VpnRouteEntry"]
        assert told["TotalCount"] == len(rows)
        return [(row["RouteDest"], row["NextHop"], row["Weight"], row["State"]) for row in rows]

    def policies(self) -> list[tuple[str, str, str, int, int, str]]:
        """Source, destination, next hop, weight, priority and state of each policy-based route, newest first."""
        told = self.cell.call("DescribeVpnPbrRouteEntries", VpnGatewayId=self.gateway, PageSize=50)
        rows = told["VpnPbrRouteEntries"]["VpnPbrRouteEntry"]
        assert told["TotalCount"] == len(rows)
        return [
            (row["RouteSource"], row["RouteDest"], row["NextHop"], row["Weight"], row["Priority"], row["State"])
            for row in rows
        ]

    def entries(self) -> dict[str, str]:
        """The next hops of the VPC's custom entries, by destination."""
        told = self.cell.call("DescribeRouteEntryList", RouteTableId=self.table, MaxResult=100, RouteEntryType="Custom")
        return {
            entry["DestinationCidrBlock"]: entry["NextHops"]["NextHop"][0]["NextHopId"]
            for entry in told["RouteEntrys"]["RouteEntry"]
        }

    def spec(self, role: str = "master") -> InstanceSpec:
        """What the host has applied of one of the gateway's instances."""
        for spec in self.cell.plane.items.values():
            if isinstance(spec, InstanceSpec) and (spec.gateway_id, spec.role) == (self.gateway, role):
                return spec
        raise AssertionError(f"{self.gateway} has no {role} on the host")

    def router(self) -> RouterSpec:
        """What the host has applied of the VPC's router."""
        spec = self.cell.plane.items[ItemKey(Kind.ROUTER, self.vpc)]
        assert isinstance(spec, RouterSpec)
        return spec
