"""What every operation on a customer gateway needs: finding it, its key, and the rules of what it is called."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import Length, Matches, Parameter
from gatewright.secrets import Place
from gatewright.store import customer_gateways
from gatewright.store.customer_gateways import CustomerGatewayRow

NOT_FOUND = ErrorRow(
    404,
    "InvalidCustomerGatewayInstanceId.NotFound",
    "The specified customer gateway instance id does not exist.",
    "DescribeCustomerGateways lists the customer gateways of a region.",
)
INVALID_NAME = ErrorRow(400, "InvalidName", "The name is not valid")
INVALID_DESCRIPTION = ErrorRow(400, "InvalidDescription", "The description is not valid")

Name = Annotated[str | None, Parameter(Length(1, 100, INVALID_NAME))]
Description = Annotated[str | None, Parameter(Length(1, 100, INVALID_DESCRIPTION))]
#: What BGP sessions with the device are authenticated with. The documentation forbids ``?`` only; BIRD, which is told
#: it, has no text with a ``"`` in it.
AuthKey = Annotated[
    str | None,
    Parameter(Matches(r"[!#->@-~]{1,64}", 'must be 1 to 64 ASCII characters, without blanks, ? and "'), secret=True),
]


def find_customer_gateway(call: Call, wanted: str, parameter: str = "CustomerGatewayId") -> CustomerGatewayRow:
    """The account's customer gateway in the request's region. Raises InvalidCustomerGatewayInstanceId.NotFound."""
    row = customer_gateways.find(call.transaction, call.account_id, wanted)
    if row is None or not call.here(row.region_id):
        raise NOT_FOUND(parameter, wanted, f"names no customer gateway of this account {call.where}")
    return row


def sealed(call: Call, customer_gateway_id: str, auth_key: str | None) -> bytes | None:
    """A customer gateway's ``AuthKey`` as it is stored."""
    return None if auth_key is None else call.installation.sealer.seal(auth_key, _place(customer_gateway_id))


def opened(call: Call, row: CustomerGatewayRow) -> str | None:
    """A customer gateway's ``AuthKey``, or None."""
    return opened_key(call, row.id, row.auth_key)


def opened_key(call: Call, customer_gateway_id: str, key: bytes | None) -> str | None:
    """A customer gateway's ``AuthKey`` as it is stored, opened; or None."""
    return None if key is None else call.installation.sealer.open(key, _place(customer_gateway_id))


def _place(customer_gateway_id: str) -> Place:
    return Place("customer_gateways", customer_gateway_id, "auth_key")
