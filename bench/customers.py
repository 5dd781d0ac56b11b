"""Gateways with many connections, and one device that is all their customers: an address, a network and a key each."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.lab import PSK
from tests.plane.linux.machines import Machine, Machines
from tests.support.client import Client

from bench.ours import Gatewright
from gatewright.plane.linux import esp
from gatewright.plane.linux.names import Names

#: Its gateways have one tunnel a connection.
REGION = "ap-south-1"
QUOTAS = {
    "GATEWRIGHT_QUOTA_CUSTOMER_GATEWAYS": "1000",
    "GATEWRIGHT_QUOTA_VPN_CONNECTIONS": "500",
}
_VPC = "10.0.0.0/8"
_SUITE = {
    "IkeConfig.IkeVersion": "ikev2",
    "IkeConfig.Psk": PSK,
    "IkeConfig.IkeEncAlg": "aes",
    "IkeConfig.IkeAuthAlg": "sha256",
    "IkeConfig.IkePfs": "group14",
    "IpsecConfig.IpsecEncAlg": "aes",
    "IpsecConfig.IpsecAuthAlg": "sha256",
    "IpsecConfig.IpsecPfs": "group14",
}
_PATIENCE = 120.0
_PAUSE = 0.002
_EITHER = ("aes128-sha256-modp2048", "aes256-sha256-modp2048")
#: Most gateways, which have networks each, and most customers that the device is: their addresses end with their
#: numbers.
MOST_GATEWAYS, MOST = 8, 100

#: One SA that carries: its CHILD SA's encryption, and the number by which another one would be known.
Carrying = tuple[str, bytes]


@dataclass
class Gateway:
    """One gateway; its number decides which networks its customers have."""

    number: int
    id: str
    address: str
    #: Connections by their customers' numbers, from 1.
    connections: dict[int, str] = field(default_factory=dict)


class Installation:
    """A VPC with a machine, and gateways that are all connected with one device."""

    def __init__(self, ours: Gatewright, machines: Machines) -> None:
        self._ours = ours
        self._machines = machines
        self._device: Customer | None = None
        self.client = Client(ours.port, region=REGION)
        self._customers: dict[int, str] = {}
        self.gateways: list[Gateway] = []
        zone = self.client.call("DescribeZones")["Zones"]["Zone"][0]["ZoneId"]
        self._vpc = self.client.call("CreateVpc", CidrBlock=_VPC)["VpcId"]
        wanted = {"VpcId": self._vpc, "ZoneId": zone, "CidrBlock": "10.1.0.0/16"}
        self._vswitch = self.client.call("CreateVSwitch", **wanted)["VSwitchId"]
        self.until(
            lambda: self.client.call("DescribeVSwitchAttributes", VSwitchId=self._vswitch)["Status"] == "Available",
            "the vSwitch is available",
        )
        self.add_gateway()
        bridge = Names(ours.installation).vswitch(self._vswitch).name
        # the last but two of its addresses is the router's
        self.machine: Machine = machines.plug(bridge, "10.1.200.20/16", "10.1.255.253")

    def add_gateway(self) -> Gateway:
        order = {"VpcId": self._vpc, "VSwitchId": self._vswitch, "Bandwidth": 100}
        made = Gateway(len(self.gateways), self.client.call("CreateVpnGateway", **order)["VpnGatewayId"], "")
        self.settle(made)
        made.address = self.client.call("DescribeVpnGateway", VpnGatewayId=made.id)["InternetIp"]
        if not self.gateways:
            told = self.client.call("DescribeVpcs", VpcId=self._vpc)["Vpcs"]["Vpc"][0]
            route = {
                "RouteTableId": told["RouterTableIds"]["RouterTableIds"][0],
                "DestinationCidrBlock": "172.16.0.0/16",
                "NextHopType": "VpnGateway",
                "NextHopId": made.id,
            }
            self.client.call("CreateRouteEntry", **route)
        self.gateways.append(made)
        return made

    @contextlib.contextmanager
    def device(self, customers: int) -> Iterator[Customer]:
        """The device that is so many customers, with an address for each of every gateway's."""
        bridge = Names(self._ours.installation).uplink.name
        in_kernel = esp.backend() is esp.Backend.KERNEL
        place = f"{_address(1)}/15", "172.16.255.0/24"
        with customer(self._machines, bridge, *place, started=False, kernel_esp=in_kernel) as made:
            addresses = [f"address add {_address(number)}/15 dev eth0" for number in range(2, customers + 1)]
            networks = range(16, 16 + MOST_GATEWAYS)
            addresses += [
                f"address add 172.{one}.{number}.1/32 dev lan" for one in networks for number in range(1, customers + 1)
            ]
            batch = made.folder / "addresses"
            batch.write_text("\n".join(addresses))
            made.router.ip("-batch", str(batch))
            made.start()
            made.route(_VPC)
            self._device = made
            yield made
            self._device = None

    def settle(self, gateway: Gateway) -> None:
        """Wait until hosts have what is wanted of it."""
        self.until(
            lambda: self.client.call("DescribeVpnGateway", VpnGatewayId=gateway.id)["Status"] == "active",
            f"{gateway.id} is active",
        )

    def answer(self, gateway: Gateway, number: int) -> None:
        """Have the device know a customer's end, with either encryption."""
        wanted = tunnel(
            _tunnel(gateway, number),
            _address(number),
            gateway=gateway.address,
            local=(_VPC,),
            remote=(_network(gateway, number),),
        )
        self._there.answer(wanted, address=_address(number), proposals=_EITHER)

    def connect(self, gateway: Gateway, number: int) -> None:
        """Order a connection with a customer, which begins at once."""
        wanted: dict[str, Any] = {
            "VpnGatewayId": gateway.id,
            "CustomerGatewayId": self._customer(number),
            "LocalSubnet": _VPC,
            "RemoteSubnet": _network(gateway, number),
            "EffectImmediately": True,
            "AutoConfigRoute": False,
            **_SUITE,
        }
        gateway.connections[number] = self.client.call("CreateVpnConnection", **wanted)["VpnConnectionId"]

    def disconnect(self, gateway: Gateway, number: int) -> None:
        self.client.call("DeleteVpnConnection", VpnConnectionId=gateway.connections.pop(number))
        self.settle(gateway)

    def encrypt(self, gateway: Gateway, number: int, algorithm: str) -> None:
        """Change one connection."""
        self.client.call(
            "ModifyVpnConnectionAttribute",
            VpnConnectionId=gateway.connections[number],
            **{"IpsecConfig.IpsecEncAlg": algorithm},
        )

    def carrying(self, gateway: Gateway | None = None, number: int = 0) -> Mapping[str, Carrying]:
        """What the device has of SAs that carry, by the names of its connections: all, or a customer's."""
        chosen = {} if gateway is None else {"ike": f"tun{_tunnel(gateway, number)}"}
        found: dict[str, Carrying] = {}
        for listed in self._there.vici.list_sas({"noblock": "yes", **chosen}):
            for name, sa in listed.items():
                for child in sa["child-sas"].values():
                    if child["state"] == b"INSTALLED":
                        found[name] = (child["encr-keysize"].decode(), child["spi-in"])
        return found

    def told_up(self) -> int:
        """How many connections are established, as the API tells."""
        up = 0
        for gateway in self.gateways:
            page = 1
            while True:
                told = self.client.call("DescribeVpnConnections", VpnGatewayId=gateway.id, PageSize=50, PageNumber=page)
                listed = told["VpnConnections"]["VpnConnection"]
                up += sum(one["Status"] == "ipsec_sa_established" for one in listed)
                if page * 50 >= told["TotalCount"]:
                    break
                page += 1
        return up

    def until(self, holds: Callable[[], bool], what: str, patience: float = _PATIENCE) -> float:
        """Look again and again; gives when it held, by ``time.time``. Raises TimeoutError."""
        deadline = time.monotonic() + patience
        while not holds():
            if time.monotonic() > deadline:
                printed = self._ours.printed(0)[-2000:]
                raise TimeoutError(f"not within {patience:g} s: {what}; {self._log()}; {printed}")
            time.sleep(_PAUSE)
        return time.time()

    @property
    def _there(self) -> Customer:
        if self._device is None:
            raise LookupError("there is no device")
        return self._device

    def _log(self) -> str:
        return "" if self._device is None else self._device.log()[-1000:]

    def close(self) -> None:
        self.client.close()

    def _customer(self, number: int) -> str:
        if number not in self._customers:
            made = self.client.call("CreateCustomerGateway", IpAddress=_address(number))
            self._customers[number] = made["CustomerGatewayId"]
        return self._customers[number]


def inside(gateway: Gateway, number: int) -> str:
    """An address behind a customer's end that answers."""
    return _network(gateway, number).replace(".0/24", ".1")


def _address(number: int) -> str:
    return f"198.19.250.{number}"


def _network(gateway: Gateway, number: int) -> str:
    return f"172.{16 + gateway.number}.{number}.0/24"


def _tunnel(gateway: Gateway, number: int) -> int:
    """The number of a connection at the device."""
    return gateway.number * MOST + number
