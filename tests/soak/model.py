"""What a service has acknowledged: networks and gateways as they must be found at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Gateway:
    """One gateway, as its client knows it."""

    token: str
    #: The parameters that it was ordered with.
    ordered: dict[str, Any]
    id: str = ""
    order_id: int = 0
    #: What a description must tell, as it was acknowledged last.
    facts: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    deleted: bool = False
    #: Customer gateways that stand for its instances, the master's first, while it is connected with others.
    devices: list[str] = field(default_factory=list)

    def acknowledged(self, answer: dict[str, Any]) -> None:
        """Take over what the order's answer says."""
        self.id, self.order_id = answer["VpnGatewayId"], answer["OrderId"]
        ordered = self.ordered
        self.facts = {
            "Spec": f"{ordered['Bandwidth']}M",
            "Name": answer["Name"],
            "NetworkType": ordered["NetworkType"],
            "IpsecVpn": "enable" if ordered["EnableIpsec"] else "disable",
            "SslVpn": "enable" if ordered["EnableSsl"] else "disable",
            "VpcId": ordered["VpcId"],
            "VSwitchId": ordered["VSwitchId"],
            "DisasterRecoveryVSwitchId": ordered["DisasterRecoveryVSwitchId"],
            "Description": "",
        }
        if ordered["EnableSsl"]:
            self.facts["SslMaxConnections"] = ordered["SslConnections"]

    def differences(self, told: dict[str, Any]) -> list[str]:
        """What a description tells otherwise than it was acknowledged."""
        found = [
            f"{self.id}: {name} is {told.get(name)!r}, acknowledged was {value!r}"
            for name, value in self.facts.items()
            if told.get(name) != value
        ]
        tags = {tag["Key"]: tag["Value"] for tag in told["Tags"]["Tag"]}
        if tags != self.tags:
            found.append(f"{self.id}: its tags are {tags}, acknowledged were {self.tags}")
        return found


@dataclass
class Network:
    """A VPC with a vSwitch in each of two zones, and what else is in it."""

    vpc: str
    token: str
    name: str
    #: The system route table.
    route_table: str = ""
    #: Custom route tables.
    tables: list[str] = field(default_factory=list)
    vswitches: list[str] = field(default_factory=list)
    #: vSwitches that no gateway is in.
    further: list[str] = field(default_factory=list)
    #: The custom route table that a vSwitch uses, for those that use one.
    uses: dict[str, str] = field(default_factory=dict)
    gateways: list[Gateway] = field(default_factory=list)
    #: Custom entries: table and destination, and the gateway that they lead to.
    routes: dict[tuple[str, str], str] = field(default_factory=dict)
    #: Routes of gateways that the system route table has: destination, and gateway.
    published: dict[str, str] = field(default_factory=dict)

    def table_of(self, vswitch: str) -> str:
        return self.uses.get(vswitch, self.route_table)

    def destinations(self, table: str) -> dict[str, str]:
        """The custom entries of one table: destination, and gateway."""
        own = {cidr: hop for (where, cidr), hop in self.routes.items() if where == table}
        return own | (self.published if table == self.route_table else {})


@dataclass(eq=False)
class Pair:
    """Two gateways with a connection to each other."""

    gateways: tuple[Gateway, Gateway]
    key: str
    algorithms: dict[str, str]
    #: Of the first gateway and of the second, as their names.
    connections: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    #: Destinations that networks have of it.
    published: list[tuple[Network, str]] = field(default_factory=list)

    def joins(self, one: Gateway, other: Gateway) -> bool:
        return one in self.gateways and other in self.gateways

    def differences(self, end: int, told: dict[str, Any]) -> list[str]:
        """What a description of one end's connection tells otherwise than acknowledged, tunnels that are down too."""
        found = {"VpnGatewayId": told["VpnGatewayId"], "Name": told["Name"], "State": told["State"]}
        wanted = {"VpnGatewayId": self.gateways[end].id, "Name": self.names[end], "State": "active"}
        for tunnel in told["TunnelOptionsSpecification"]["TunnelOptions"]:
            role, ike = tunnel["Role"], tunnel["TunnelIkeConfig"]
            found[f"status of {role}"] = tunnel["Status"]
            wanted[f"status of {role}"] = "ipsec_sa_established"
            told_of_ike = {name: ike[name] for name in ("Psk", *self.algorithms)}
            found[f"key and algorithms of {role}"] = str(told_of_ike)
            wanted[f"key and algorithms of {role}"] = str({"Psk": self.key, **self.algorithms})
        return [
            f"{self.connections[end]}: {name} is {found[name]!r}, not {wanted[name]!r}"
            for name in wanted
            if found[name] != wanted[name]
        ]
