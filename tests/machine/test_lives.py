"""Random lives of two accounts on one service, held against a model after every step.

A rule does one thing to the service and to the model; what the service refuses must be what the model refuses, with the
same code. After each step both accounts are listed in full. An operation is added with a rule of its own: draw what it
is about with ``_one_of``, call with ``_attempt`` and what the model says, and note in the model what was done.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from gatewright.operations.call import Quotas
from gatewright.resources.specs import InstanceSpec
from tests.fuzz.effort import effort
from tests.machine.ending import end_lives
from tests.machine.model import (
    MOST_CONNECTIONS,
    MOST_CUSTOMER_GATEWAYS,
    MOST_GATEWAYS,
    MOST_PUBLIC_ADDRESSES,
    ZONES,
    Account,
    Connection,
    CustomerGateway,
    Gateway,
    Refusal,
    Route,
    Vpc,
    VSwitch,
)
from tests.support.cell import Cell
from tests.support.client import Refused

Thing = TypeVar("Thing")
WHO = st.sampled_from((0, 1))
AT = st.integers(0, 3)
NETWORKS = st.sampled_from(("10.0.0.0/16", "172.16.0.0/20", "192.168.0.0/24"))
MASKS = st.sampled_from((29, 29, 28, 24, 16, 30))
DESTINATIONS = st.sampled_from(("10.0.0.0/30", "10.0.0.0/8", "192.168.0.128/25", "198.51.100.0/24"))
GROUPS = "2020-03-31"
REMOTES = st.sampled_from(("192.168.0.0/24", "0.0.0.0/0", "172.16.0.0/12,192.168.9.0/24"))
ROLES = st.sampled_from(("master", "slave"))
TUNNEL = "TunnelOptionsSpecification.1"
KEYS = st.sampled_from((None, "one", "two"))
TAGS = st.sampled_from((None, None, "red", "blue"))
_numbers = itertools.count(1)
_accounts = itertools.count(3_000_000_000_000_000)


def _is_empty(answer: dict[str, Any]) -> bool:
    return bool(answer["TotalCount"] == 0)


class Lives(RuleBasedStateMachine):
    """Two accounts that nobody has used before."""

    service: ClassVar[Cell]

    def __init__(self) -> None:
        super().__init__()
        self.cells = [self.service.other(str(next(_accounts))) for _ in range(2)]
        self.models = [Account(), Account()]

    def teardown(self) -> None:
        """A life that has held ends with nothing left."""
        if sys.exc_info()[0] is None:
            end_lives(self.cells)

    def _attempt(self, who: int, expected: Refusal, action: str, **parameters: Any) -> dict[str, Any] | None:
        """Call, and compare the refusal with the model's. The answer, or None where it was refused."""
        try:
            answer = self.cells[who].call(action, **parameters)
        except Refused as refused:
            assert (refused.status, refused.code) == expected, refused
            return None
        assert expected is None, f"{action} was served, and should have been refused with {expected}"
        return answer

    def _one_of(self, things: Sequence[Thing], at: int) -> Thing | None:
        return things[at % len(things)] if things else None

    @rule(who=WHO, network=NETWORKS, tag=TAGS, dry=st.booleans())
    def create_vpc(self, who: int, network: str, tag: str | None, dry: bool) -> None:
        tagged = {"Tag.1.Key": "colour", "Tag.1.Value": tag} if tag else {}
        expected = (400, "DryRunOperation") if dry else None
        answer = self._attempt(who, expected, "CreateVpc", CidrBlock=network, DryRun=dry, **tagged)
        if answer:
            self.models[who].vpcs.append(Vpc(answer["VpcId"], answer["RouteTableId"], IPv4Network(network), tag))

    @rule(who=WHO, network=NETWORKS, token=st.sampled_from(("a", "b")))
    def create_vpc_with_a_token(self, who: int, network: str, token: str) -> None:
        model = self.models[who]
        earlier = model.tokens.get(token)
        expected = (400, "IdempotentParameterMismatch") if earlier and earlier[0] != network else None
        answer = self._attempt(who, expected, "CreateVpc", CidrBlock=network, ClientToken=token)
        if answer and earlier:
            assert answer["VpcId"] == earlier[1]
        elif answer:
            model.tokens[token] = network, answer["VpcId"]
            model.vpcs.append(Vpc(answer["VpcId"], answer["RouteTableId"], IPv4Network(network)))

    @rule(who=WHO, at=AT, number=st.integers(0, 2), mask=MASKS, zone=st.sampled_from(ZONES))
    def create_vswitch(self, who: int, at: int, number: int, mask: int, zone: str) -> None:
        model = self.models[who]
        vpc = self._one_of(model.vpcs, at)
        if vpc is None:
            return
        first = int(vpc.network.network_address) + number * 2 ** (32 - mask)
        network = IPv4Network((first & -(2 ** (32 - mask)), mask))
        answer = self._attempt(
            who,
            model.may_create_vswitch(vpc, network),
            "CreateVSwitch",
            VpcId=vpc.id,
            ZoneId=zone,
            CidrBlock=network,
        )
        if answer:
            model.vswitches.append(VSwitch(answer["VSwitchId"], vpc, network, zone))

    @rule(who=WHO, at=AT, first=AT, second=AT, ssl=st.booleans())
    def create_gateway(self, who: int, at: int, first: int, second: int, ssl: bool) -> None:
        model = self.models[who]
        vpc = self._one_of(model.vpcs, at)
        one, other = self._one_of(model.vswitches, first), self._one_of(model.vswitches, second)
        if vpc is None or one is None or other is None:
            return
        answer = self._attempt(
            who,
            model.may_create_gateway(vpc, one, other, ssl),
            "CreateVpnGateway",
            VpcId=vpc.id,
            VSwitchId=one.id,
            DisasterRecoveryVSwitchId=other.id,
            Bandwidth=10,
            EnableSsl=ssl,
        )
        if answer:
            model.gateways.append(Gateway(answer["VpnGatewayId"], answer["Name"], (one, other), ssl))
            self.cells[who].until_status(answer["VpnGatewayId"], "active")

    @rule(who=WHO, ssl=st.booleans(), destination=DESTINATIONS, number=st.integers(0, 2))
    def create_a_network_with_a_gateway(self, who: int, ssl: bool, destination: str, number: int) -> None:
        """Several steps in one, so that lives get on."""
        self.create_vpc(who, "10.0.0.0/16", None, False)
        at = len(self.models[who].vpcs) - 1
        for number, zone in enumerate(ZONES[:2]):
            self.create_vswitch(who, at, number, 29, zone)
        count = len(self.models[who].vswitches)
        self.create_gateway(who, at, count - 2, count - 1, ssl)
        self.create_route(who, -1, destination)
        self.move_gateway(who, -1, number)

    @rule(who=WHO, at=AT, name=st.sampled_from(("edge", "core")), propagate=st.booleans())
    def modify_gateway(self, who: int, at: int, name: str, propagate: bool) -> None:
        gateway = self._one_of(self.models[who].gateways, at)
        if gateway is not None:
            changes = {"Name": name, "AutoPropagate": propagate}
            self._attempt(who, None, "ModifyVpnGatewayAttribute", VpnGatewayId=gateway.id, **changes)
            gateway.name = name
            described = self.cells[who].until_status(gateway.id, "active")
            assert (described["Name"], described["AutoPropagate"]) == (name, propagate)

    @rule(who=WHO, at=AT)
    def delete_gateway(self, who: int, at: int) -> None:
        model = self.models[who]
        gateway = self._one_of(model.gateways, at)
        if gateway is not None and self._attempt(
            who, model.may_delete_gateway(gateway), "DeleteVpnGateway", VpnGatewayId=gateway.id
        ):
            model.gateways.remove(gateway)
            model.routes = [route for route in model.routes if route.gateway is not gateway]
            self.cells[who].until_gone(gateway.id)

    @rule(who=WHO, at=AT)
    def delete_vswitch(self, who: int, at: int) -> None:
        model = self.models[who]
        vswitch = self._one_of(model.vswitches, at)
        if vswitch is None:
            return
        if self._attempt(who, model.may_delete_vswitch(vswitch), "DeleteVSwitch", VSwitchId=vswitch.id):
            model.vswitches.remove(vswitch)
            self.cells[who].until("DescribeVSwitches", _is_empty, VSwitchId=vswitch.id)

    @rule(who=WHO, at=AT, tag=TAGS)
    def tag_vpc(self, who: int, at: int, tag: str | None) -> None:
        vpc = self._one_of(self.models[who].vpcs, at)
        if vpc is None:
            return
        named = {"ResourceType": "Vpc", "ResourceId.1": vpc.id}
        if tag is None:
            self._attempt(who, None, "UnTagResources", **named, **{"TagKey.1": "colour"})
        else:
            self._attempt(who, None, "TagResources", **named, **{"Tag.1.Key": "colour", "Tag.1.Value": tag})
        vpc.tag = tag

    @rule(who=WHO, at=AT, destination=DESTINATIONS)
    def create_route(self, who: int, at: int, destination: str) -> None:
        model = self.models[who]
        gateway = self._one_of(model.gateways, at)
        if gateway is None:
            return
        network = IPv4Network(destination)
        answer = self._attempt(
            who,
            model.may_create_route(gateway.vpc, network),
            "CreateRouteEntry",
            RouteTableId=gateway.vpc.route_table,
            DestinationCidrBlock=destination,
            NextHopType="VpnGateway",
            NextHopId=gateway.id,
        )
        if answer:
            model.routes.append(Route(answer["RouteEntryId"], network, gateway))
            # one with connections offers the destination from now on
            self.cells[who].until_status(gateway.id, "active")

    @rule(who=WHO, at=AT)
    def delete_route(self, who: int, at: int) -> None:
        model = self.models[who]
        route = self._one_of(model.routes, at)
        if route is not None:
            self._attempt(who, None, "DeleteRouteEntry", RouteEntryId=route.id)
            model.routes.remove(route)
            self.cells[who].until_status(route.gateway.id, "active")

    @rule(who=WHO, host=st.integers(1, 5), asn=st.sampled_from((None, 65000)), key=KEYS, tag=TAGS)
    def create_customer_gateway(self, who: int, host: int, asn: int | None, key: str | None, tag: str | None) -> None:
        model = self.models[who]
        address = f"203.0.113.{host}"
        tagged = {"Tags.1.Key": "colour", "Tags.1.Value": tag} if tag else {}
        answer = self._attempt(
            who,
            model.may_create_customer(address),
            "CreateCustomerGateway",
            IpAddress=address,
            Asn=asn,
            AuthKey=key,
            Name="device",
            **tagged,
        )
        if answer:
            model.customers.append(CustomerGateway(answer["CustomerGatewayId"], address, "device", asn, key, tag))

    @rule(who=WHO, at=AT, name=st.sampled_from((None, "office", "store")), key=KEYS)
    def modify_customer_gateway(self, who: int, at: int, name: str | None, key: str | None) -> None:
        customer = self._one_of(self.models[who].customers, at)
        if customer is not None:
            named = {"CustomerGatewayId": customer.id}
            self._attempt(who, None, "ModifyCustomerGatewayAttribute", **named, Name=name, AuthKey=key)
            customer.name, customer.key = name or customer.name, key or customer.key

    @rule(who=WHO, at=AT)
    def delete_customer_gateway(self, who: int, at: int) -> None:
        model = self.models[who]
        customer = self._one_of(model.customers, at)
        if customer is not None and self._attempt(
            who, model.may_delete_customer(customer), "DeleteCustomerGateway", CustomerGatewayId=customer.id
        ):
            model.customers.remove(customer)

    @rule(who=WHO, at=AT, master=AT, slave=AT, key=KEYS, slave_first=st.booleans(), remote=REMOTES)
    def create_connection(
        self, who: int, at: int, master: int, slave: int, key: str | None, slave_first: bool, remote: str
    ) -> None:
        model = self.models[who]
        gateway = self._one_of(model.gateways, at)
        one, other = self._one_of(model.customers, master), self._one_of(model.customers, slave)
        if gateway is None or one is None or other is None:
            return
        wanted = {"master": (one, key), "slave": (other, None)}
        tunnels = {role: wanted[role] for role in sorted(wanted, reverse=slave_first)}
        answer = self._attempt(
            who,
            model.may_connect(gateway, one, other),
            "CreateVpnConnection",
            VpnGatewayId=gateway.id,
            LocalSubnet="10.0.0.0/16",
            RemoteSubnet=remote,
            AutoConfigRoute=False,
            TunnelOptionsSpecification=json.dumps(
                [
                    {"Role": role, "CustomerGatewayId": customer.id, "TunnelIkeConfig": {"Psk": psk}}
                    for role, (customer, psk) in tunnels.items()
                ]
            ),
        )
        if answer:
            model.connections.append(Connection(answer["VpnConnectionId"], gateway, "", remote, tunnels))
            self.cells[who].until_status(gateway.id, "active")

    @rule(who=WHO, ssl=st.booleans(), key=KEYS, remote=REMOTES)
    def create_a_gateway_with_a_connection(self, who: int, ssl: bool, key: str | None, remote: str) -> None:
        """Several steps in one, so that lives get on."""
        self.create_a_network_with_a_gateway(who, ssl, "198.51.100.0/24", 0)
        self.create_customer_gateway(who, 1, 65000, key, None)
        self.create_connection(who, -1, -1, 0, key, True, remote)

    @rule(who=WHO, at=AT, name=st.sampled_from((None, "office")), role=ROLES, key=KEYS, remote=REMOTES)
    def modify_connection(self, who: int, at: int, name: str | None, role: str, key: str | None, remote: str) -> None:
        connection = self._one_of(self.models[who].connections, at)
        if connection is None:
            return
        tunnel = {} if key is None else {f"{TUNNEL}.Role": role, f"{TUNNEL}.TunnelIkeConfig.Psk": key}
        named = {"VpnConnectionId": connection.id, "Name": name, "RemoteSubnet": remote}
        self._attempt(who, None, "ModifyVpnConnectionAttribute", **named, **tunnel)
        connection.name, connection.remote = name or connection.name, remote
        if key is not None:
            connection.tunnels[role] = (connection.tunnels[role][0], key)
        self.cells[who].until_status(connection.gateway.id, "active")

    @rule(who=WHO, at=AT)
    def delete_connection(self, who: int, at: int) -> None:
        model = self.models[who]
        connection = self._one_of(model.connections, at)
        if connection is not None:
            self._attempt(who, None, "DeleteVpnConnection", VpnConnectionId=connection.id)
            model.connections.remove(connection)
            self.cells[who].until_status(connection.gateway.id, "active")

    @rule(who=WHO, at=AT, number=st.integers(0, 2))
    def move_gateway(self, who: int, at: int, number: int) -> None:
        """To one of the groups, which is made first if there is none of that number, or back to the default one."""
        model = self.models[who]
        gateway = self._one_of(model.gateways, at)
        if gateway is None:
            return
        group = None
        if number:
            if len(model.groups) < number:
                answer = self.cells[who].call(
                    "CreateResourceGroup", version=GROUPS, Name=f"group-{next(_numbers)}", DisplayName="a group"
                )
                model.groups.append(answer["ResourceGroup"]["Id"])
            group = model.groups[number - 1 if len(model.groups) >= number else 0]
        default = f"rg-{self.cells[who].account}"
        self._attempt(
            who,
            None,
            "MoveVpnResourceGroup",
            ResourceType="VpnGateway",
            InstanceId=gateway.id,
            NewResourceGroupId=group or default,
        )
        gateway.group = group

    @rule(who=WHO, at=AT)
    def delete_group(self, who: int, at: int) -> None:
        model = self.models[who]
        group = self._one_of(model.groups, at)
        if group is not None and self._attempt(
            who, model.may_delete_group(group), "DeleteResourceGroup", version=GROUPS, ResourceGroupId=group
        ):
            model.groups.remove(group)

    @rule(who=WHO, at=AT, dry=st.booleans())
    def delete_vpc(self, who: int, at: int, dry: bool) -> None:
        model = self.models[who]
        vpc = self._one_of(model.vpcs, at)
        if vpc is None:
            return
        expected = model.may_delete_vpc(vpc) or ((400, "DryRunOperation") if dry else None)
        if self._attempt(who, expected, "DeleteVpc", VpcId=vpc.id, DryRun=dry):
            model.vpcs.remove(vpc)

    @rule(who=WHO, at=AT)
    def reach_for_what_is_the_others(self, who: int, at: int) -> None:
        theirs = self.models[1 - who]
        for things, parameter, actions, refusal in (
            (theirs.vpcs, "VpcId", ("DescribeVpcAttribute", "DeleteVpc"), (404, "InvalidVpcId.NotFound")),
            (
                theirs.vswitches,
                "VSwitchId",
                ("DescribeVSwitchAttributes", "DeleteVSwitch"),
                (404, "InvalidVSwitchId.NotFound"),
            ),
            (
                theirs.gateways,
                "VpnGatewayId",
                ("DescribeVpnGateway", "ModifyVpnGatewayAttribute", "DeleteVpnGateway"),
                (404, "InvalidVpnGatewayInstanceId.NotFound"),
            ),
            (
                theirs.customers,
                "CustomerGatewayId",
                ("DescribeCustomerGateway", "ModifyCustomerGatewayAttribute", "DeleteCustomerGateway"),
                (404, "InvalidCustomerGatewayInstanceId.NotFound"),
            ),
            (
                theirs.connections,
                "VpnConnectionId",
                ("DescribeVpnConnection", "ModifyVpnConnectionAttribute", "DeleteVpnConnection"),
                (404, "InvalidVpnConnectionInstanceId.NotFound"),
            ),
        ):
            thing: Any = self._one_of(list(things), at)
            for action in actions if thing is not None else ():
                self._attempt(who, refusal, action, **{parameter: thing.id})

    @invariant()
    def the_service_holds_what_the_model_holds(self) -> None:
        for cell, model in zip(self.cells, self.models, strict=True):
            self._check_vpcs(cell, model)
            self._check_vswitches(cell, model)
            listed = cell.call("DescribeVpnGateways", PageSize=50)
            assert listed["TotalCount"] == len(model.gateways)
            found = {
                each["VpnGatewayId"]: (each["Name"], each["Status"]) for each in listed["VpnGateways"]["VpnGateway"]
            }
            assert found == {gateway.id: (gateway.name, "active") for gateway in model.gateways}
            self._check_customers(cell, model)
            self._check_connections(cell, model)
            self._check_routes(cell, model)
            self._check_groups(cell, model)

    def _check_customers(self, cell: Cell, model: Account) -> None:
        listed = cell.call("DescribeCustomerGateways", PageSize=50)
        assert listed["TotalCount"] == len(model.customers)
        found = {
            each["CustomerGatewayId"]: (each["IpAddress"], each["Name"], each.get("Asn"), each.get("AuthKey"))
            for each in listed["CustomerGateways"]["CustomerGateway"]
        }
        assert found == {each.id: (each.address, each.name, each.asn, each.key) for each in model.customers}
        red = cell.call("DescribeCustomerGateways", **{"Tag.1.Key": "colour", "Tag.1.Value": "red"})
        assert red["TotalCount"] == sum(customer.tag == "red" for customer in model.customers)

    def _check_connections(self, cell: Cell, model: Account) -> None:
        listed = cell.call("DescribeVpnConnections", PageSize=50)
        assert listed["TotalCount"] == len(model.connections)
        found = {each["VpnConnectionId"]: each for each in listed["VpnConnections"]["VpnConnection"]}
        assert found.keys() == {connection.id for connection in model.connections}
        for connection in model.connections:
            told = found[connection.id]
            assert (told["VpnGatewayId"], told["State"]) == (connection.gateway.id, "active")
            assert (told["Name"], told["RemoteSubnet"]) == (connection.name, connection.remote)
            ends = told["TunnelOptionsSpecification"]["TunnelOptions"]
            assert [each["Role"] for each in ends] == list(connection.tunnels)
            for end, (customer, key) in zip(ends, connection.tunnels.values(), strict=True):
                assert end["CustomerGatewayId"] == customer.id
                assert end["TunnelIkeConfig"]["Psk"] == key if key else len(end["TunnelIkeConfig"]["Psk"]) == 16
        specs = [spec for spec in cell.plane.items.values() if isinstance(spec, InstanceSpec)]
        running = [tunnel.connection_id for spec in specs for tunnel in spec.tunnels]
        mine = [each for each in running if each in found]
        assert sorted(mine) == sorted(2 * [connection.id for connection in model.connections])

    def _check_routes(self, cell: Cell, model: Account) -> None:
        for vpc in model.vpcs:
            listed = cell.call("DescribeRouteEntryList", RouteTableId=vpc.route_table, MaxResult=100)
            entries = listed["RouteEntrys"]["RouteEntry"]
            found = {
                each["RouteEntryId"]: (each["DestinationCidrBlock"], each["NextHops"]["NextHop"][0]["NextHopId"])
                for each in entries
                if each["Type"] == "Custom"
            }
            assert found == {route.id: (str(route.destination), route.gateway.id) for route in model.routes_of(vpc)}
            local = {each["DestinationCidrBlock"] for each in entries if each["Type"] == "System"}
            assert local == {"100.64.0.0/10", *(str(each.network) for each in model.vswitches if each.vpc is vpc)}

    def _check_groups(self, cell: Cell, model: Account) -> None:
        listed = cell.call("ListResourceGroups", version=GROUPS, PageSize=100)
        default = f"rg-{cell.account}"
        assert {each["Id"] for each in listed["ResourceGroups"]["ResourceGroup"]} == {default, *model.groups}
        for group in (None, *model.groups):
            counted = cell.call("DescribeVpnGateways", ResourceGroupId=group or default)["TotalCount"]
            assert counted == sum(gateway.group == group for gateway in model.gateways)

    def _check_vpcs(self, cell: Cell, model: Account) -> None:
        listed = cell.call("DescribeVpcs", PageSize=50)
        assert listed["TotalCount"] == len(model.vpcs)
        found = {
            each["VpcId"]: (each["CidrBlock"], set(each["VSwitchIds"]["VSwitchId"])) for each in listed["Vpcs"]["Vpc"]
        }
        assert found == {
            vpc.id: (str(vpc.network), {each.id for each in model.vswitches if each.vpc is vpc}) for vpc in model.vpcs
        }
        red = cell.call("DescribeVpcs", **{"Tag.1.Key": "colour", "Tag.1.Value": "red"})
        assert red["TotalCount"] == sum(vpc.tag == "red" for vpc in model.vpcs)

    def _check_vswitches(self, cell: Cell, model: Account) -> None:
        def settled(answer: dict[str, Any]) -> bool:
            return all(each["Status"] == "Available" for each in answer["VSwitches"]["VSwitch"])

        listed = cell.until("DescribeVSwitches", settled, PageSize=50)
        assert listed["TotalCount"] == len(model.vswitches)
        found = {
            each["VSwitchId"]: (each["CidrBlock"], each["ZoneId"], each["VpcId"], each["AvailableIpAddressCount"])
            for each in listed["VSwitches"]["VSwitch"]
        }
        assert found == {
            each.id: (str(each.network), each.zone, each.vpc.id, model.free(each)) for each in model.vswitches
        }


@pytest.fixture
def service(make_cell: Callable[..., Cell]) -> Cell:
    most = Quotas(
        vpn_gateways=MOST_GATEWAYS,
        public_addresses=MOST_PUBLIC_ADDRESSES,
        customer_gateways=MOST_CUSTOMER_GATEWAYS,
        vpn_connections=MOST_CONNECTIONS,
    )
    return make_cell(quotas=most)


def test_whatever_two_accounts_do_the_service_holds_what_the_model_holds(service: Cell) -> None:
    Lives.service = service
    run_state_machine_as_test(Lives, settings=effort(15, steps=25))
