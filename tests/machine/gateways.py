"""The lives of VPN gateways, and of the resource groups that they are in."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.machine.life import AT, GROUPS, WHO
from tests.machine.model import ZONES, Account, Gateway
from tests.machine.networks import DESTINATIONS, Networks
from tests.support.cell import Cell

ENHANCED = "Enhanced.SiteToSite"
NO_GATEWAY = 404, "InvalidVpnGatewayInstanceId.NotFound"
_numbers = itertools.count(1)


class Gateways(Networks):
    """Gateways in networks."""

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

    @rule(who=WHO, at=AT, first=AT, second=AT)
    def create_enhanced_gateway(self, who: int, at: int, first: int, second: int) -> None:
        model = self.models[who]
        vpc = self._one_of(model.vpcs, at)
        one, other = self._one_of(model.vswitches, first), self._one_of(model.vswitches, second)
        if vpc is None or one is None or other is None:
            return
        answer = self._attempt(
            who,
            model.may_create_gateway(vpc, one, other, False),
            "CreateEnhancedVpnGateway",
            VpcId=vpc.id,
            VSwitchId=one.id,
            DisasterRecoveryVSwitchId=other.id,
            GatewayType=ENHANCED,
        )
        if answer:
            model.gateways.append(Gateway(answer["VpnGatewayId"], answer["Name"], (one, other), False, enhanced=True))
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

    @rule(who=WHO, at=AT, name=st.sampled_from(("edge", "core")), propagate=st.booleans(), enhanced=st.booleans())
    def modify_gateway(self, who: int, at: int, name: str, propagate: bool, enhanced: bool) -> None:
        gateway = self._one_of(self.models[who].gateways, at)
        if gateway is None:
            return
        expected = NO_GATEWAY if enhanced and not gateway.enhanced else None
        action = "UpdateEnhancedVpnGateway" if enhanced else "ModifyVpnGatewayAttribute"
        if self._attempt(who, expected, action, VpnGatewayId=gateway.id, Name=name, AutoPropagate=propagate):
            gateway.name = name
            described = self.cells[who].until_status(gateway.id, "active")
            assert (described["Name"], described["AutoPropagate"]) == (name, propagate)

    @rule(who=WHO, at=AT, enhanced=st.booleans())
    def delete_gateway(self, who: int, at: int, enhanced: bool) -> None:
        model = self.models[who]
        gateway = self._one_of(model.gateways, at)
        if gateway is None:
            return
        expected = NO_GATEWAY if enhanced and not gateway.enhanced else model.may_delete_gateway(gateway)
        action = "DeleteEnhancedVpnGateway" if enhanced else "DeleteVpnGateway"
        if self._attempt(who, expected, action, VpnGatewayId=gateway.id):
            model.gateways.remove(gateway)
            model.routes = [route for route in model.routes if route.gateway is not gateway]
            self.cells[who].until_gone(gateway.id)

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

    def _check_gateways(self, cell: Cell, model: Account) -> None:
        listed = cell.call("DescribeVpnGateways", PageSize=50)
        assert listed["TotalCount"] == len(model.gateways)
        found = {each["VpnGatewayId"]: (each["Name"], each["Status"]) for each in listed["VpnGateways"]["VpnGateway"]}
        enhanced = cell.call("DescribeVpnGateways", GatewayType=ENHANCED)["TotalCount"]
        assert enhanced == sum(gateway.enhanced for gateway in model.gateways)
        assert found == {gateway.id: (gateway.name, "active") for gateway in model.gateways}

    def _check_groups(self, cell: Cell, model: Account) -> None:
        listed = cell.call("ListResourceGroups", version=GROUPS, PageSize=100)
        default = f"rg-{cell.account}"
        assert {each["Id"] for each in listed["ResourceGroups"]["ResourceGroup"]} == {default, *model.groups}
        for group in (None, *model.groups):
            counted = cell.call("DescribeVpnGateways", ResourceGroupId=group or default)["TotalCount"]
            assert counted == sum(gateway.group == group for gateway in model.gateways)
