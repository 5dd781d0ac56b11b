"""Random lives of two accounts on one service, held against a model after every step.

A rule does one thing to the service and to the model; what the service refuses must be what the model refuses, with the
same code. After each step both accounts are listed in full. An operation is added with a rule of its own, in the module
of its resource: draw what it is about with ``_one_of``, call with ``_attempt`` and what the model says, and note in the
model what was done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from gatewright.operations.call import Quotas
from tests.fuzz.effort import effort
from tests.machine.attachments import Attachments
from tests.machine.life import AT, WHO
from tests.machine.model import (
    MOST_ATTACHMENTS,
    MOST_CONNECTIONS,
    MOST_CUSTOMER_GATEWAYS,
    MOST_GATEWAYS,
    MOST_PUBLIC_ADDRESSES,
    MOST_ROUTES,
)
from tests.support.cell import Cell


class Lives(Attachments):
    """Everything at once, and what no account can do to another."""

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
            (
                theirs.attachments,
                "VpnConnectionId",
                ("DescribeVpnConnection", "ModifyVpnAttachmentAttribute", "DeleteVpnAttachment"),
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
            self._check_gateways(cell, model)
            self._check_customers(cell, model)
            self._check_connections(cell, model)
            self._check_attachments(cell, model)
            self._check_routes(cell, model)
            self._check_groups(cell, model)


@pytest.fixture
def service(make_cell: Callable[..., Cell]) -> Cell:
    most = Quotas(
        vpn_gateways=MOST_GATEWAYS,
        public_addresses=MOST_PUBLIC_ADDRESSES,
        customer_gateways=MOST_CUSTOMER_GATEWAYS,
        vpn_connections=MOST_CONNECTIONS,
        vpn_attachments=MOST_ATTACHMENTS,
        vpn_routes=MOST_ROUTES,
    )
    return make_cell(quotas=most)


def test_whatever_two_accounts_do_the_service_holds_what_the_model_holds(service: Cell) -> None:
    Lives.service = service
    run_state_machine_as_test(Lives, settings=effort(15, steps=25))
