"""What the service should hold and answer, in plain Python: two accounts' networks and gateways, and the rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network

#: Zones of cn-hangzhou: two that have gateways, and one that has none.
ZONES = ("cn-hangzhou-k", "cn-hangzhou-j", "cn-hangzhou-b")
GATEWAY_ZONES = ZONES[:2]
#: Addresses of a vSwitch that nobody gets: the first one and the last three.
_RESERVED = 4
#: Either quota is reached without the other: by four gateways without SSL-VPN, and by three with it.
MOST_GATEWAYS = 3
MOST_PUBLIC_ADDRESSES = 8
MOST_CUSTOMER_GATEWAYS = 3
MOST_CONNECTIONS = 2
MOST_ATTACHMENTS = 2
MOST_ROUTES = 2

#: A refusal: status and code. None where a call is served.
Refusal = tuple[int, str] | None


@dataclass(eq=False)
class Vpc:
    """A VPC."""

    id: str
    route_table: str
    network: IPv4Network
    tag: str | None = None


@dataclass(eq=False)
class VSwitch:
    """A vSwitch."""

    id: str
    vpc: Vpc
    network: IPv4Network
    zone: str


@dataclass(eq=False)
class Gateway:
    """A gateway, with an address in each of its two vSwitches and public ones besides."""

    id: str
    name: str
    halves: tuple[VSwitch, VSwitch]
    ssl: bool
    enhanced: bool = False
    #: Its resource group; None for the default one.
    group: str | None = None

    @property
    def vpc(self) -> Vpc:
        return self.halves[0].vpc

    @property
    def public_addresses(self) -> int:
        return 3 if self.ssl else 2


@dataclass(eq=False)
class Route:
    """A custom entry of a VPC's system route table."""

    id: str
    destination: IPv4Network
    gateway: Gateway


@dataclass(eq=False)
class CustomerGateway:
    """A customer's device."""

    id: str
    address: str
    name: str
    asn: int | None
    key: str | None
    tag: str | None


@dataclass(eq=False)
class Connection:
    """An IPsec connection, with its tunnels in the order in which they were given."""

    id: str
    gateway: Gateway
    name: str
    remote: str
    #: By role: the customer gateway and the key, None for one that was made up.
    tunnels: dict[str, tuple[CustomerGateway, str | None]]


@dataclass(eq=False)
class Attachment:
    """An IPsec connection without a gateway, with the customer gateways that its tunnels lead to."""

    id: str
    name: str
    remote: str
    customers: list[CustomerGateway]
    #: By ``TunnelIndex``; None for one that was made up.
    keys: dict[int, str | None]
    tag: str | None
    #: Weights by destination.
    routes: dict[str, int] = field(default_factory=dict)


@dataclass
class Account:
    """What one account has."""

    vpcs: list[Vpc] = field(default_factory=list)
    vswitches: list[VSwitch] = field(default_factory=list)
    gateways: list[Gateway] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    customers: list[CustomerGateway] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    #: Ids of resource groups besides the default one.
    groups: list[str] = field(default_factory=list)
    #: By client token: the network that a VPC was asked for, and the id that was answered.
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)

    def free(self, vswitch: VSwitch) -> int:
        """Addresses of a vSwitch that are free."""
        taken = sum(half is vswitch for gateway in self.gateways for half in gateway.halves)
        return vswitch.network.num_addresses - _RESERVED - taken

    def may_create_vswitch(self, vpc: Vpc, network: IPv4Network) -> Refusal:
        if not 16 <= network.prefixlen <= 29:
            return 400, "InvalidCirdrBlock.MaskLength"
        if not network.subnet_of(vpc.network):
            return 400, "InvalidParameter"
        if any(other.vpc is vpc and other.network.overlaps(network) for other in self.vswitches):
            return 400, "InvalidCidrBlock.Overlapped"
        if any(route.destination.subnet_of(network) for route in self.routes_of(vpc)):
            return 400, "InvalidCidrBlock.Overlapped"
        return None

    def routes_of(self, vpc: Vpc) -> list[Route]:
        return [route for route in self.routes if route.gateway.vpc is vpc]

    def may_create_route(self, vpc: Vpc, destination: IPv4Network) -> Refusal:
        if any(each.vpc is vpc and destination.subnet_of(each.network) for each in self.vswitches):
            return 400, "InvalidCidrBlock"
        if any(route.destination == destination for route in self.routes_of(vpc)):
            return 400, "InvalidCIDRBlock.Duplicate"
        return None

    def may_create_customer(self, address: str) -> Refusal:
        if any(customer.address == address for customer in self.customers):
            return 400, "InvalidIpAddress.AlreadyExist"
        if len(self.customers) >= MOST_CUSTOMER_GATEWAYS:
            return 400, "Resource.QuotaFull"
        return None

    def connections_of(self, gateway: Gateway) -> list[Connection]:
        return [connection for connection in self.connections if connection.gateway is gateway]

    def may_connect(self, gateway: Gateway, master: CustomerGateway, slave: CustomerGateway) -> Refusal:
        for other in self.connections_of(gateway):
            if other.tunnels["master"][0] is master or other.tunnels["slave"][0] is slave:
                return 400, "InvalidVpnConnection.AlreadyExists"
        if len(self.connections_of(gateway)) >= MOST_CONNECTIONS:
            return 400, "Resource.QuotaFull"
        return None

    def may_attach(self) -> Refusal:
        return (400, "Resource.QuotaFull") if len(self.attachments) >= MOST_ATTACHMENTS else None

    def may_create_vco_route(self, attachment: Attachment, destination: str) -> Refusal:
        if destination in attachment.routes:
            return 400, "VpnRouteEntry.AlreadyExists"
        return (400, "Resource.QuotaFull") if len(attachment.routes) >= MOST_ROUTES else None

    def may_delete_gateway(self, gateway: Gateway) -> Refusal:
        return (400, "DependencyViolation.VpnConnection") if self.connections_of(gateway) else None

    def may_delete_customer(self, customer: CustomerGateway) -> Refusal:
        peers = [peer for connection in self.connections for peer, _ in connection.tunnels.values()]
        peers += [peer for attachment in self.attachments for peer in attachment.customers]
        return (400, "DependencyViolation.VpnConnection") if customer in peers else None

    def may_delete_group(self, group: str) -> Refusal:
        if any(gateway.group == group for gateway in self.gateways):
            return 409, "DeleteConflict.ResourceGroup.Resource"
        return None

    def may_create_gateway(self, vpc: Vpc, first: VSwitch, second: VSwitch, ssl: bool) -> Refusal:
        if first.vpc is not vpc or second.vpc is not vpc:
            return 400, "InvalidVSwitchId.NotFound"
        if first.zone not in GATEWAY_ZONES:
            return 400, "OperationFailed.AzNotSupport"
        if second.zone not in GATEWAY_ZONES or second.zone == first.zone:
            return 400, "InvalidVSwitchId.SecondVswitchNotSupport"
        public = sum(gateway.public_addresses for gateway in self.gateways) + (3 if ssl else 2)
        if len(self.gateways) >= MOST_GATEWAYS or public > MOST_PUBLIC_ADDRESSES:
            return 400, "Resource.QuotaFull"
        if self.free(first) < 1 or self.free(second) < 1:
            return 400, "OperationFailed.IpNotEnough"
        return None

    def may_delete_vswitch(self, vswitch: VSwitch) -> Refusal:
        if any(vswitch in gateway.halves for gateway in self.gateways):
            return 400, "DependencyViolation"
        return None

    def may_delete_vpc(self, vpc: Vpc) -> Refusal:
        if self.routes_of(vpc):
            return 400, "DependencyViolation.RouteEntry"
        if any(vswitch.vpc is vpc for vswitch in self.vswitches):
            return 400, "DependencyViolation.VSwitch"
        return None
