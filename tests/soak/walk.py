"""A random walk of one client: it makes, changes and deletes networks and gateways, and notes what was acknowledged.

What it asks for follows from its seed alone; when its calls are carried out, and how often it must ask, does not.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from tests.soak.model import Gateway, Network
from tests.soak.routing import Routing
from tests.soak.tunnelling import Tunnelling
from tests.support.client import Refused
from tests.support.persistent import PersistentClient

_ZONES = ("cn-hangzhou-k", "cn-hangzhou-j")
_MOST_GATEWAYS = 6
_MOST_NETWORKS = 3
#: How long a gateway may take to become active or to vanish while everything is being killed, seconds.
PATIENCE = 300.0


class Walk:
    """Steps of one client, in networks of its own."""

    def __init__(self, name: str, seed: int, client: PersistentClient) -> None:
        self.name = name
        self.networks: list[Network] = []
        self.deleted: list[Gateway] = []
        #: Every order and every network there ever was, for their tokens.
        self.orders: list[Gateway] = []
        self.vpcs: list[Network] = []
        self.steps = 0
        self.last = ""
        self._chance = random.Random(f"{seed}/{name}")
        self._client = client
        self._count = 0
        self._routing = Routing(name, self._chance, client, self._say, self.until_active)
        self.tunnelling = Tunnelling(name, self._chance, client, self._say, self.until_active)

    @property
    def gateways(self) -> list[Gateway]:
        return [gateway for network in self.networks for gateway in network.gateways]

    def run(self, steps: int, stop: threading.Event) -> None:
        """Take so many steps. Raises AssertionError, Refused or TimeoutError, and `last` says at which."""
        while self.steps < steps and not stop.is_set():
            self.step()
            self.steps += 1

    def step(self) -> None:
        if not self.networks:
            self._make_network()
            return
        choices: list[tuple[int, Callable[[], None]]] = [
            (30 if len(self.gateways) < _MOST_GATEWAYS else 0, self._order),
            (35 if self.gateways else 0, self._change),
            (20 if self.gateways else 0, self._delete),
            (8 if len(self.networks) < _MOST_NETWORKS else 0, self._make_network),
            (7, self._drop_network),
            (15 if self.gateways else 0, lambda: self._routing.step(self._chance.choice(self._with_gateways()))),
            (10, lambda: self._routing.rearrange(self._chance.choice(self.networks))),
            (40, self._tunnel),
        ]
        [chosen] = self._chance.choices([act for _, act in choices], [weight for weight, _ in choices])
        chosen()

    def close(self) -> None:
        self._client.close()

    def drop_all(self) -> None:
        """Delete everything."""
        while self.networks:
            self._drop(self.networks[0])

    def _with_gateways(self) -> list[Network]:
        return [network for network in self.networks if network.gateways]

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _make_network(self) -> None:
        number = self._number()
        network = Network("", f"{self.name}-vpc-{number}", f"{self.name}-{number}")
        self._say(f"CreateVpc {network.name}")
        answer = self._client.call("CreateVpc", CidrBlock="10.0.0.0/8", VpcName=network.name, ClientToken=network.token)
        network.vpc, network.route_table = answer["VpcId"], answer["RouteTableId"]
        self.networks.append(network)
        self.vpcs.append(network)
        for index, zone in enumerate(_ZONES):
            # all networks have the same addresses
            answer = self._client.call(
                "CreateVSwitch",
                VpcId=network.vpc,
                ZoneId=zone,
                CidrBlock=f"10.{index}.0.0/24",
                ClientToken=f"{network.token}-{index}",
            )
            network.vswitches.append(answer["VSwitchId"])

    def _order(self, wanted: str = "") -> None:
        network = self._chance.choice(self.networks)
        kind = wanted or self._chance.choice(["public", "public", "ssl", "both", "private"])
        first, second = network.vswitches
        ordered = {
            "VpcId": network.vpc,
            "VSwitchId": first,
            "DisasterRecoveryVSwitchId": second,
            "NetworkType": "private" if kind == "private" else "public",
            "Bandwidth": self._chance.choice([200, 1000] if kind == "private" else [10, 100, 200]),
            "EnableIpsec": kind != "ssl",
            "EnableSsl": kind in ("ssl", "both"),
            "Name": f"{self.name}-{self._number()}",
        }
        if ordered["EnableSsl"]:
            ordered["SslConnections"] = self._chance.choice([5, 50])
        gateway = Gateway(f"{self.name}-token-{self._count}", ordered)
        self._say(f"CreateVpnGateway {ordered}")
        gateway.acknowledged(self._client.call("CreateVpnGateway", **ordered, ClientToken=gateway.token))
        network.gateways.append(gateway)
        self.orders.append(gateway)
        self._look(gateway)
        if self._chance.random() < 0.5:
            self.until_active(gateway)

    def _tunnel(self) -> None:
        while self.tunnelling.wants_a_gateway(self.networks):
            self._order("public")
        self.tunnelling.step(self.networks)

    def _change(self) -> None:
        gateway = self._chance.choice(self.gateways)
        what = self._chance.choice(["Name", "Description", "AutoPropagate", "AutoPropagate", "tag", "untag"])
        number = self._number()
        self._say(f"change {what} of {gateway.id}")
        if what == "tag":
            tag = {f"key-{self._chance.randrange(3)}": f"value-{number}"}
            [(key, value)] = tag.items()
            self._client.call(
                "TagResources",
                ResourceType="VpnGateway",
                **{"ResourceId.1": gateway.id, "Tag.1.Key": key, "Tag.1.Value": value},
            )
            gateway.tags |= tag
        elif what == "untag":
            self._client.call("UnTagResources", ResourceType="VpnGateway", All=True, **{"ResourceId.1": gateway.id})
            gateway.tags.clear()
        else:
            new = self._chance.random() < 0.5 if what == "AutoPropagate" else f"n{number}-{self.name}"
            self._client.call("ModifyVpnGatewayAttribute", VpnGatewayId=gateway.id, **{what: new})
            gateway.facts[what] = new
        self._look(gateway)

    def _delete(self) -> None:
        network = self._chance.choice(self._with_gateways())
        self._drop_gateway(network, self._chance.choice(network.gateways))

    def _drop_gateway(self, network: Network, gateway: Gateway) -> None:
        self.tunnelling.release(gateway)
        self._say(f"DeleteVpnGateway {gateway.id}")
        self._client.delete("DeleteVpnGateway", "InvalidVpnGatewayInstanceId.NotFound", VpnGatewayId=gateway.id)
        gateway.deleted = True
        network.gateways.remove(gateway)
        self.deleted.append(gateway)
        network.routes = {where: hop for where, hop in network.routes.items() if hop != gateway.id}

    def _drop_network(self) -> None:
        self._drop(self._chance.choice(self.networks))

    def _drop(self, network: Network) -> None:
        """The gateways first, and when they have gone what they were in."""
        gateways = list(network.gateways)
        for gateway in gateways:
            self._drop_gateway(network, gateway)
        for gateway in (one for one in self.deleted if one.facts["VpcId"] == network.vpc):
            self.until_gone(gateway)
        self._routing.clear(network)
        self._say(f"DeleteVSwitch and DeleteVpc of {network.vpc}")
        vswitches = [*network.vswitches, *network.further]
        self._chance.shuffle(vswitches)
        for vswitch in vswitches:
            # one that is deleted stays a while, and deleting it again succeeds
            self._client.delete("DeleteVSwitch", "InvalidVSwitchId.NotFound", VSwitchId=vswitch)
        self._client.delete("DeleteVpc", "InvalidVpcId.NotFound", VpcId=network.vpc)
        self.networks.remove(network)

    def _look(self, gateway: Gateway) -> None:
        """What was acknowledged is told at once."""
        told = self._client.call("DescribeVpnGateway", VpnGatewayId=gateway.id)
        wrong = gateway.differences(told)
        assert not wrong, "\n".join(wrong)

    def until_active(self, gateway: Gateway) -> None:
        self._wait(gateway, "active")

    def until_gone(self, gateway: Gateway) -> None:
        self._wait(gateway, "gone")

    def _wait(self, gateway: Gateway, wanted: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while (seen := status_of(self._client, gateway.id)) != wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{gateway.id} is {seen}, and not {wanted} after {PATIENCE:g} s")
            time.sleep(0.01)

    def _say(self, what: str) -> None:
        self.last = f"{self.name} step {self.steps + 1}: {what}"


def status_of(client: PersistentClient, gateway: str) -> str:
    """A gateway's status, ``gone`` when there is none with that id."""
    try:
        return str(client.call("DescribeVpnGateway", VpnGatewayId=gateway)["Status"])
    except Refused as refused:
        if refused.status != 404:
            raise
        return "gone"
