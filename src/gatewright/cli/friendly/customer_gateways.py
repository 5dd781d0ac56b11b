"""``gatewright customer-gateways``: registering, listing, showing and deleting customers' devices."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gatewright.cli.friendly import command

if TYPE_CHECKING:
    from gatewright.cli.friendly.session import Session

_CREATE = """
Register a customer's device as a customer gateway: the address that IPsec connections lead to, and for BGP its AS
number and the key of its sessions. On a command line every user of the machine could read the key: it is read from a
file, or with - typed unseen or read from standard input.
"""
_WITHIN = ("CustomerGateways", "CustomerGateway")
_BRIEF = ("CustomerGatewayId", "Name", "IpAddress", "Asn", "Description")
_SHOWN = (*_BRIEF, "CreateTime", "ResourceGroupId", "Tags")


def add(commands: command.Commands[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    actions = command.group(
        commands,
        "customer-gateways",
        "register, list, show and delete customers' devices",
        "Customers' devices, without the API's words.",
    )
    parser = command.action(actions, "create", _create, "register a customer's device", _CREATE)
    parser.add_argument("address", metavar="ADDRESS", help="its public IPv4 address")
    parser.add_argument("--name", metavar="NAME", help="what it is called")
    parser.add_argument("--description", metavar="TEXT", help="what else there is to say of it")
    parser.add_argument("--asn", metavar="N", help="its AS number, 65000 or 1.10")
    parser.add_argument("--auth-key-file", metavar="FILE", help="the key of its BGP sessions; - to type it unseen")
    command.action(actions, "list", _list, "list the customer gateways of the region")
    parser = command.action(actions, "show", _show, "show a customer gateway, without its key")
    parser.add_argument("name", metavar="DEVICE", help="its id, its address, or its name if no other has it")
    command.removal(actions, _delete, "delete customer gateways, after asking", "DEVICE", waits=False)


def _create(session: Session) -> None:
    from gatewright.cli.friendly.keys import key_of

    parsed = session.parsed
    given = {
        "IpAddress": parsed.address,
        "Name": parsed.name,
        "Description": parsed.description,
        "Asn": parsed.asn,
        "AuthKey": None if parsed.auth_key_file is None else key_of(parsed.auth_key_file, "AuthKey"),
    }
    made = session.order("CreateCustomerGateway", {name: text for name, text in given.items() if text is not None})
    session.show(session.call("DescribeCustomerGateway", CustomerGatewayId=str(made["CustomerGatewayId"])), _SHOWN)


def _list(session: Session) -> None:
    session.show_all(_WITHIN, session.every("DescribeCustomerGateways", _WITHIN), _BRIEF)


def _show(session: Session) -> None:
    session.show(named(session, session.parsed.name), _SHOWN)


def _delete(session: Session) -> None:
    for name in session.parsed.names:
        found = named(session, name)
        identity = str(found["CustomerGatewayId"])
        called, address = found["Name"], found["IpAddress"]
        told = f"{called} ({identity}, {address})" if called else f"{identity} ({address})"
        session.agree([f"customer gateway {told}"])
        session.order("DeleteCustomerGateway", {"CustomerGatewayId": identity})


def named(session: Session, name: str) -> dict[str, Any]:
    """The customer gateway of an id, an address or a name. Raises ConfigurationError, Refused, Unreachable."""
    from gatewright.cli.friendly.session import chosen
    from gatewright.resources.peers import is_peer_address

    if name.startswith("cgw-"):
        return session.call("DescribeCustomerGateway", CustomerGatewayId=name)
    by = "IpAddress" if is_peer_address(name) else "Name"
    rows = session.every("DescribeCustomerGateways", _WITHIN)
    return chosen(rows, name, "CustomerGatewayId", by, "customer gateway", session.command("customer-gateways", "list"))
