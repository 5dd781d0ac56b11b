"""The part of a walk that concerns IPsec: a walk's gateways are connected with each other, so that both ends are ours.

A *pair* is two gateways and a connection of each to the other: the master instances have a tunnel between them, and so
have the slaves. What is changed of one end is changed of the other, so every tunnel must be up in the end.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Sequence

from tests.soak.model import Gateway, Network, Pair
from tests.support.persistent import PersistentClient

_MOST_PAIRS = 3
_ALGORITHMS = (
    {"IkeVersion": "ikev2", "IkeEncAlg": "aes256", "IkeAuthAlg": "sha256", "IkePfs": "group14"},
    {"IkeVersion": "ikev1", "IkeEncAlg": "aes", "IkeAuthAlg": "sha1", "IkePfs": "group2"},
)


class Tunnelling:
    """Steps of one walk, with its chance. Raises what the walk does."""

    def __init__(
        self,
        name: str,
        chance: random.Random,
        client: PersistentClient,
        say: Callable[[str], None],
        until_active: Callable[[Gateway], None],
    ) -> None:
        self.pairs: list[Pair] = []
        #: How many connections there ever were.
        self.made = 0
        self._name = name
        self._chance = chance
        self._client = client
        self._say = say
        self._until_active = until_active
        self._numbers = itertools.count(1)

    def wants_a_gateway(self, networks: Sequence[Network]) -> bool:
        """Whether there are fewer than two that could be connected."""
        return len(_connectable(networks)) < 2

    def step(self, networks: Sequence[Network]) -> None:
        """Make, change or delete a pair, or a route through one. There are two gateways that can be connected."""
        able = _connectable(networks)
        apart = [both for both in itertools.combinations(able, 2) if not any(pair.joins(*both) for pair in self.pairs)]
        acts: list[Callable[[], None]] = []
        if apart and len(self.pairs) < _MOST_PAIRS:
            acts.append(lambda: self._connect(*self._chance.choice(apart)))
        if self.pairs:
            acts += [self._change_key, self._change_algorithms, self._rename, self._disconnect_one]
            acts += 2 * [lambda: self._route(networks)]
        if acts:
            self._chance.choice(acts)()

    def release(self, gateway: Gateway) -> None:
        """Delete what a gateway cannot be deleted with: its connections, and then what stands for it elsewhere."""
        for pair in [pair for pair in self.pairs if gateway in pair.gateways]:
            self._disconnect(pair)
        for device in gateway.devices:
            self._say(f"DeleteCustomerGateway {device}")
            self._client.delete(
                "DeleteCustomerGateway", "InvalidCustomerGatewayInstanceId.NotFound", CustomerGatewayId=device
            )
        gateway.devices.clear()

    def _connect(self, one: Gateway, other: Gateway) -> None:
        pair = Pair((one, other), key=self._key(), algorithms=dict(self._chance.choice(_ALGORITHMS)))
        for gateway in pair.gateways:
            self._until_active(gateway)
            self._register(gateway)
        for gateway, peer in (pair.gateways, pair.gateways[::-1]):
            number = next(self._numbers)
            self._say(f"CreateVpnConnection of {gateway.id} to {peer.id}")
            made = self._client.call(
                "CreateVpnConnection",
                VpnGatewayId=gateway.id,
                LocalSubnet="0.0.0.0/0",
                RemoteSubnet="0.0.0.0/0",
                EffectImmediately=True,
                Name=f"c{number}-{self._name}",
                TunnelOptionsSpecification=json.dumps(
                    [
                        {
                            "Role": role,
                            "CustomerGatewayId": device,
                            "TunnelIkeConfig": {"Psk": pair.key, **pair.algorithms},
                        }
                        for role, device in zip(("master", "slave"), peer.devices, strict=True)
                    ]
                ),
                ClientToken=f"{self._name}-connection-{number}",
            )
            pair.connections.append(made["VpnConnectionId"])
            pair.names.append(f"c{number}-{self._name}")
            self.made += 1
        self.pairs.append(pair)

    def _register(self, gateway: Gateway) -> None:
        """A gateway's addresses as a customer's, in the order of its instances."""
        if gateway.devices:
            return
        told = self._client.call("DescribeVpnGateway", VpnGatewayId=gateway.id)
        for address in (told["InternetIp"], told["DisasterRecoveryInternetIp"]):
            self._say(f"CreateCustomerGateway {address}")
            made = self._client.call(
                "CreateCustomerGateway",
                IpAddress=address,
                ClientToken=f"{self._name}-device-{next(self._numbers)}",
            )
            gateway.devices.append(made["CustomerGatewayId"])

    def _change_key(self) -> None:
        pair = self._chance.choice(self.pairs)
        pair.key = self._key()
        self._change(pair, {"Psk": pair.key})

    def _change_algorithms(self) -> None:
        pair = self._chance.choice(self.pairs)
        pair.algorithms = dict(self._chance.choice(_ALGORITHMS))
        self._change(pair, pair.algorithms)

    def _change(self, pair: Pair, told: dict[str, str]) -> None:
        """Of both tunnels of both ends."""
        ends = json.dumps([{"Role": role, "TunnelIkeConfig": told} for role in ("master", "slave")])
        for connection in pair.connections:
            self._say(f"ModifyVpnConnectionAttribute of {connection}: {sorted(told)}")
            self._client.call(
                "ModifyVpnConnectionAttribute", VpnConnectionId=connection, TunnelOptionsSpecification=ends
            )

    def _rename(self) -> None:
        pair = self._chance.choice(self.pairs)
        end = self._chance.randrange(2)
        pair.names[end] = f"r{next(self._numbers)}-{self._name}"
        self._say(f"rename {pair.connections[end]}")
        self._client.call("ModifyVpnConnectionAttribute", VpnConnectionId=pair.connections[end], Name=pair.names[end])

    def _route(self, networks: Sequence[Network]) -> None:
        """A route through one end of a pair, of which the VPC may know."""
        pair = self._chance.choice(self.pairs)
        end = self._chance.randrange(2)
        gateway = pair.gateways[end]
        [network] = [each for each in networks if gateway in each.gateways]
        cidr = f"172.31.{next(self._numbers) % 250}.0/24"
        if cidr in network.published:
            return
        published = self._chance.random() < 0.5
        self._say(f"CreateVpnRouteEntry {cidr} through {pair.connections[end]}")
        self._client.call(
            "CreateVpnRouteEntry",
            VpnGatewayId=gateway.id,
            RouteDest=cidr,
            NextHop=pair.connections[end],
            Weight=100,
            PublishVpc=published,
            ClientToken=f"{self._name}-route-{cidr}-{next(self._numbers)}",
        )
        if published:
            network.published[cidr] = gateway.id
            pair.published.append((network, cidr))

    def _disconnect_one(self) -> None:
        self._disconnect(self._chance.choice(self.pairs))

    def _disconnect(self, pair: Pair) -> None:
        for connection in pair.connections:
            self._say(f"DeleteVpnConnection {connection}")
            self._client.delete(
                "DeleteVpnConnection", "InvalidVpnConnectionInstanceId.NotFound", VpnConnectionId=connection
            )
        for network, cidr in pair.published:
            del network.published[cidr]
        self.pairs.remove(pair)

    def _key(self) -> str:
        return f"key-{self._chance.randrange(10**9)}"


def _connectable(networks: Sequence[Network]) -> list[Gateway]:
    return [
        gateway
        for network in networks
        for gateway in network.gateways
        if gateway.ordered["EnableIpsec"] and gateway.facts["NetworkType"] == "public"
    ]
