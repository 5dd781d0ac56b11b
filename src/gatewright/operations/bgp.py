"""CheckVpnBgpEnabled."""

from __future__ import annotations

from typing import Annotated

from gatewright.operations.call import Call
from gatewright.operations.client_token import ClientToken
from gatewright.operations.declaration import Access, Operation, Parameter, Request, Response


class CheckVpnBgpEnabledRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    client_token: ClientToken = None


class CheckVpnBgpEnabledResponse(Response, kw_only=True):
    bgp_enabled: bool


class CheckVpnBgpEnabled(Operation[CheckVpnBgpEnabledRequest, CheckVpnBgpEnabledResponse]):
    """Whether gateways of a region can speak BGP inside their tunnels: they can in every one."""

    access = Access.READ

    def execute(self, call: Call, request: CheckVpnBgpEnabledRequest) -> CheckVpnBgpEnabledResponse:
        return CheckVpnBgpEnabledResponse(bgp_enabled=True)


OPERATIONS = (CheckVpnBgpEnabled,)
