"""The part of a walk that concerns a VPC's routes: entries, custom route tables, vSwitches that come and go."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.soak.model import Gateway, Network
from tests.support.persistent import PersistentClient

_MOST_TABLES = 2
_MOST_FURTHER = 2


class Routing:
    """Steps of one walk, with its chance. Raises what the walk does."""

    def __init__(
        self,
        name: str,
        chance: random.Random,
        client: PersistentClient,
        say: Callable[[str], None],
        until_active: Callable[[Gateway], None],
    ) -> None:
        self._name = name
        self._chance = chance
        self._client = client
        self._say = say
        self._until_active = until_active
        self._count = 0

    def step(self, network: Network) -> None:
        """Add, change or delete an entry of a network with gateways."""
        if not network.routes or self._chance.random() < 0.5:
            self._add(network)
        elif self._chance.random() < 0.5:
            self._lead_elsewhere(network)
        else:
            self._drop_entry(network, *self._chance.choice(sorted(network.routes)))

    def rearrange(self, network: Network) -> None:
        """Add or delete a route table or a vSwitch, or have a vSwitch use another table."""
        acts: list[Callable[[Network], None]] = []
        if len(network.tables) < _MOST_TABLES:
            acts.append(self._add_table)
        if network.tables:
            acts += [self._use, self._use, self._drop_table]
        if len(network.further) < _MOST_FURTHER:
            acts.append(self._add_vswitch)
        if network.further:
            acts.append(self._drop_vswitch)
        self._chance.choice(acts)(network)

    def clear(self, network: Network) -> None:
        """Delete the custom route tables of a network without gateways, so that it can be deleted."""
        for vswitch in list(network.uses):
            self._use_none(network, vswitch)
        for table in list(network.tables):
            self._remove_table(network, table)

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _token(self) -> str:
        return f"{self._name}-routing-{self._number()}"

    def _add(self, network: Network) -> None:
        table = self._chance.choice([network.route_table, *network.tables])
        # some hold the vSwitches' own networks, some are the same in several tables
        cidr = self._chance.choice(["0.0.0.0/0", "192.168.0.0/16", f"172.16.{self._chance.randrange(20)}.0/24"])
        gateway = self._chance.choice(network.gateways)
        if (table, cidr) in network.routes:
            return
        self._until_active(gateway)
        self._say(f"CreateRouteEntry {cidr} of {table} to {gateway.id}")
        self._client.call(
            "CreateRouteEntry",
            RouteTableId=table,
            DestinationCidrBlock=cidr,
            NextHopType="VpnGateway",
            NextHopId=gateway.id,
            ClientToken=self._token(),
        )
        network.routes[table, cidr] = gateway.id

    def _lead_elsewhere(self, network: Network) -> None:
        table, cidr = self._chance.choice(sorted(network.routes))
        gateway = self._chance.choice(network.gateways)
        self._say(f"ModifyRouteEntry {cidr} of {table} to {gateway.id}")
        self._client.call(
            "ModifyRouteEntry",
            RouteTableId=table,
            DestinationCidrBlock=cidr,
            NewNextHopType="VpnGateway",
            NewNextHopId=gateway.id,
        )
        network.routes[table, cidr] = gateway.id

    def _drop_entry(self, network: Network, table: str, cidr: str) -> None:
        self._say(f"DeleteRouteEntry {cidr} of {table}")
        self._client.delete(
            "DeleteRouteEntry",
            "InvalidRouteEntry.NotFound",
            RouteTableId=table,
            DestinationCidrBlock=cidr,
            NextHopId=network.routes[table, cidr],
        )
        del network.routes[table, cidr]

    def _add_table(self, network: Network) -> None:
        self._say(f"CreateRouteTable in {network.vpc}")
        answer = self._client.call("CreateRouteTable", VpcId=network.vpc, ClientToken=self._token())
        network.tables.append(answer["RouteTableId"])

    def _use(self, network: Network) -> None:
        vswitch = self._chance.choice([*network.vswitches, *network.further])
        table = self._chance.choice([network.route_table, *network.tables])
        if table == network.table_of(vswitch):
            return
        if table == network.route_table:
            self._use_none(network, vswitch)
            return
        self._say(f"AssociateRouteTable {table} with {vswitch}")
        self._client.call("AssociateRouteTable", RouteTableId=table, VSwitchId=vswitch, ClientToken=self._token())
        network.uses[vswitch] = table

    def _use_none(self, network: Network, vswitch: str) -> None:
        table = network.uses[vswitch]
        self._say(f"UnassociateRouteTable {table} from {vswitch}")
        self._client.call("UnassociateRouteTable", RouteTableId=table, VSwitchId=vswitch, ClientToken=self._token())
        del network.uses[vswitch]

    def _drop_table(self, network: Network) -> None:
        table = self._chance.choice(network.tables)
        for vswitch in [one for one, used in network.uses.items() if used == table]:
            self._use_none(network, vswitch)
        for cidr in sorted(network.destinations(table)):
            self._drop_entry(network, table, cidr)
        self._remove_table(network, table)

    def _remove_table(self, network: Network, table: str) -> None:
        self._say(f"DeleteRouteTable {table}")
        self._client.delete("DeleteRouteTable", "InvalidRouteTableId.NotFound", RouteTableId=table)
        network.tables.remove(table)

    def _add_vswitch(self, network: Network) -> None:
        number = self._number()
        self._say(f"CreateVSwitch in {network.vpc}")
        answer = self._client.call(
            "CreateVSwitch",
            VpcId=network.vpc,
            ZoneId="cn-hangzhou-k",
            CidrBlock=f"10.{100 + number % 100}.0.0/24",
            ClientToken=f"{self._name}-further-{number}",
        )
        network.further.append(answer["VSwitchId"])

    def _drop_vswitch(self, network: Network) -> None:
        vswitch = self._chance.choice(network.further)
        if vswitch in network.uses:
            self._use_none(network, vswitch)
        self._say(f"DeleteVSwitch {vswitch}")
        self._client.delete("DeleteVSwitch", "InvalidVSwitchId.NotFound", VSwitchId=vswitch)
        network.further.remove(vswitch)
