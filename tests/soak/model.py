"""What a service has acknowledged: networks and gateways as they must be found at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
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

    def table_of(self, vswitch: str) -> str:
        return self.uses.get(vswitch, self.route_table)

    def destinations(self, table: str) -> dict[str, str]:
        """The custom entries of one table: destination, and gateway."""
        return {cidr: hop for (where, cidr), hop in self.routes.items() if where == table}
