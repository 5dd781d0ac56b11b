"""The lives of VPCs, vSwitches and entries of route tables."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.machine.life import AT, TAGS, WHO, Life
from tests.machine.model import ZONES, Account, Route, Vpc, VSwitch
from tests.support.cell import Cell

NETWORKS = st.sampled_from(("10.0.0.0/16", "172.16.0.0/20", "192.168.0.0/24"))
MASKS = st.sampled_from((29, 29, 28, 24, 16, 30))
DESTINATIONS = st.sampled_from(("10.0.0.0/30", "10.0.0.0/8", "192.168.0.128/25", "198.51.100.0/24"))


def _is_empty(answer: dict[str, Any]) -> bool:
    return bool(answer["TotalCount"] == 0)


class Networks(Life):
    """What gateways are put into."""

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

    @rule(who=WHO, at=AT, dry=st.booleans())
    def delete_vpc(self, who: int, at: int, dry: bool) -> None:
        model = self.models[who]
        vpc = self._one_of(model.vpcs, at)
        if vpc is None:
            return
        expected = model.may_delete_vpc(vpc) or ((400, "DryRunOperation") if dry else None)
        if self._attempt(who, expected, "DeleteVpc", VpcId=vpc.id, DryRun=dry):
            model.vpcs.remove(vpc)

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
