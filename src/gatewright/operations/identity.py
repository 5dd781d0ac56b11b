"""Sts GetCallerIdentity: who the caller is. Terraform and the command line ask it."""

from __future__ import annotations

from gatewright.operations.call import Call
from gatewright.operations.declaration import STS, Access, Operation, Request, Response


class GetCallerIdentityRequest(Request, kw_only=True, frozen=True):
    pass


class GetCallerIdentityResponse(Response, kw_only=True):
    account_id: str
    arn: str
    identity_type: str
    principal_id: str
    user_id: str


class GetCallerIdentity(Operation[GetCallerIdentityRequest, GetCallerIdentityResponse]):
    """The caller's account, ARN and kind."""

    product = STS
    access = Access.READ

    def execute(self, call: Call, request: GetCallerIdentityRequest) -> GetCallerIdentityResponse:
        return GetCallerIdentityResponse(
            account_id=call.account_id,
            arn=call.principal.arn,
            identity_type="Account",
            principal_id=call.account_id,
            user_id=call.account_id,
        )


OPERATIONS = (GetCallerIdentity,)
