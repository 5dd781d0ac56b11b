"""The lives of customer gateways and IPsec connections."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from hypothesis.stateful import rule

from gatewright.resources.specs import InstanceSpec
from tests.machine.gateways import Gateways
from tests.machine.life import AT, TAGS, WHO
from tests.machine.model import Account, Connection, CustomerGateway
from tests.support.cell import Cell

REMOTES = st.sampled_from(("192.168.0.0/24", "0.0.0.0/0", "172.16.0.0/12,192.168.9.0/24"))
ROLES = st.sampled_from(("master", "slave"))
TUNNEL = "TunnelOptionsSpecification.1"
KEYS = st.sampled_from((None, "one", "two"))


class Connections(Gateways):
    """Connections of gateways with customers' devices."""

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
        told = listed["VpnConnections"]["VpnConnection"]
        found = {each["VpnConnectionId"]: each for each in told if each["AttachType"] == "VPNGW"}
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
