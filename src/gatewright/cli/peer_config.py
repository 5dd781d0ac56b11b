"""``gatewright peer-config``: what a customer's device is told of an IPsec connection, to be pasted there."""

from __future__ import annotations

import argparse
import ipaddress
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gatewright.cli.friendly.command import action
from gatewright.errors import ConfigurationError

if TYPE_CHECKING:
    from gatewright.cli.friendly.session import Session
    from gatewright.peers import Part, Peer, Vendor

Commands = argparse._SubParsersAction  # argparse has no public name for it

#: The devices, in the order in which they are listed.
VENDORS = (
    "strongswan",
    "strongswan-userspace",
    "libreswan",
    "vyos",
    "frr",
    "cisco-ios",
    "juniper",
    "mikrotik",
    "fortigate",
    "pfsense",
    "windows",
)
_DESCRIPTION = """
Print what a customer's device has to be told, so that its end of an IPsec connection meets the gateway's. The
pre-shared keys are in it, because the device needs them. What has not been tried on a device says so at its top.
"""
#: Tunnels that a device can have.
_MOST_NUMBER = 4000
#: As both subnets it says that routes decide.
_EVERYWHERE = "0.0.0.0/0"


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = action(
        commands,
        "peer-config",
        _work,
        "what a customer's device is told of an IPsec connection",
        _DESCRIPTION,
        answers=False,
    )
    parser.add_argument("connection", metavar="CONNECTION", help="its id, or its name if no other has it")
    parser.add_argument(
        "--vendor", choices=VENDORS, metavar="V", required=True, help=f"the device: {', '.join(VENDORS)}"
    )
    parser.add_argument("--tunnel", choices=("master", "slave"), help="this one of two only (default: both)")
    parser.add_argument("--part", metavar="NAME", help="this file only, where there are several")
    parser.add_argument(
        "--number", type=_number, default=1, metavar="N", help="the first tunnel's interface on the device (1)"
    )
    parser.add_argument(
        "--local-network",
        type=_network,
        action="append",
        default=[],
        metavar="CIDR",
        help="a network behind the device, if the connection does not say it; may be given again",
    )
    parser.add_argument(
        "--remote-network",
        type=_network,
        action="append",
        default=[],
        metavar="CIDR",
        help="a network behind the gateway (default: those of its VPC); may be given again",
    )
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--without-secrets", action="store_true", help="a placeholder for each key")
    keys.add_argument(
        "--psk-file", type=Path, metavar="FILE", help="a placeholder for each key, and the keys into this new file"
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_NUMBER):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {_MOST_NUMBER}")
    return int(text)


def _network(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; an IPv4 network is written as 10.0.0.0/16") from None


def _work(session: Session) -> None:
    from gatewright.cli.friendly.session import Impossible
    from gatewright.peers import VENDORS as KNOWN
    from gatewright.peers import CannotDo, Unusable

    parsed = session.parsed
    vendor = KNOWN[parsed.vendor]
    if parsed.psk_file is not None and parsed.psk_file.exists():
        raise ConfigurationError(f"--psk-file {parsed.psk_file} is there already; name a new file, or remove it")
    asked = _asked(session)
    try:
        whole = _peer(parsed, asked, secrets=True)
        # it shows that the device can be told of the keys as they are, whether they are printed or not
        written = _chosen(vendor.write(whole), parsed.part)
        bare = _chosen(vendor.write(_peer(parsed, asked, secrets=False)), parsed.part)
    except (CannotDo, Unusable) as error:
        raise Impossible(str(error)) from None
    if parsed.psk_file is not None:
        _keep(whole, parsed.psk_file)
    parts = bare if parsed.without_secrets or parsed.psk_file is not None else written
    print(_printed(vendor, parts), end="")
    _tell(parsed, parts, keys=parts != bare)


class _Asked(NamedTuple):
    """What the service says of a connection."""

    #: From the device's side, and from its own.
    config: dict[str, Any]
    connection: dict[str, Any]
    #: BGP's, by the ids of customer gateways.
    keys: dict[str, str]
    #: Of the gateway's VPC, where routes decide and nobody says otherwise.
    networks: tuple[str, ...]


def _asked(session: Session) -> _Asked:
    from gatewright.cli.friendly.connections import named

    connection = named(session, session.parsed.connection)
    identity = str(connection["VpnConnectionId"])
    config = session.call("DownloadVpnConnectionConfig", VpnConnectionId=identity)
    routed = connection.get("RemoteSubnet") == connection.get("LocalSubnet") == _EVERYWHERE
    networks = _of_the_vpc(session, connection) if routed and not session.parsed.remote_network else ()
    return _Asked(config, connection, _keys(session, connection), networks)


def _peer(parsed: argparse.Namespace, asked: _Asked, *, secrets: bool) -> Peer:
    """The connection as the device sees it, with the tunnels that were asked for. Raises Unusable."""
    import msgspec

    from gatewright.peers import peer

    made = peer(
        asked.config,
        asked.connection,
        keys=asked.keys,
        local_networks=parsed.local_network,
        remote_networks=parsed.remote_network or asked.networks,
        number=parsed.number,
        secrets=secrets,
    )
    if parsed.tunnel is None:
        return made
    # the number of its interface is the same as where both are made
    found = [(number, each) for number, each in made.numbered if each.role == parsed.tunnel]
    if not found:
        raise ConfigurationError(f"the connection has no {parsed.tunnel} tunnel, only its one")
    return msgspec.structs.replace(made, tunnels=(found[0][1],), number=found[0][0])


def _keys(session: Session, connection: dict[str, Any]) -> dict[str, str]:
    """BGP's keys by the ids of customer gateways. One that cannot be read is not told, and it is said."""
    from gatewright.client import Refused

    options = (connection.get("TunnelOptionsSpecification") or {}).get("TunnelOptions") or []
    found = {}
    for identity in dict.fromkeys(each["CustomerGatewayId"] for each in options if each.get("TunnelBgpConfig")):
        try:
            answer = session.call("DescribeCustomerGateway", CustomerGatewayId=identity)
        except Refused as refused:
            session.warn(f"BGP's key of {identity}, if it has one, is not told: {refused.code}")
        else:
            found[identity] = str(answer.get("AuthKey") or "")
    return found


def _of_the_vpc(session: Session, connection: dict[str, Any]) -> tuple[str, ...]:
    """The networks of the gateway's VPC; none where it is not to be had."""
    from gatewright.client import Refused

    if not connection.get("VpnGatewayId"):
        return ()
    try:
        gateway = session.call("DescribeVpnGateway", VpnGatewayId=connection["VpnGatewayId"])
        vpc = session.call("DescribeVpcAttribute", VpcId=gateway["VpcId"])
    except Refused as refused:
        session.warn(f"the networks of the gateway's VPC are not known: {refused.code}")
        return ()
    further = (vpc.get("SecondaryCidrBlocks") or {}).get("SecondaryCidrBlock") or []
    return tuple(dict.fromkeys(_network(each) for each in (vpc["CidrBlock"], *further)))


def _chosen(parts: list[Part], name: str | None) -> list[Part]:
    if name is None:
        return parts
    found = [part for part in parts if part.name == name]
    if not found:
        raise ConfigurationError(f"there is no part {name}: {', '.join(part.name for part in parts)}")
    return found


def _printed(vendor: Vendor, parts: list[Part]) -> str:
    if len(parts) == 1:
        return parts[0].text
    return "\n".join(f"{vendor.comment} ===== {part.name}: {part.goes}\n{part.text}" for part in parts)


def _keep(peer: Peer, path: Path) -> None:
    """Write the keys into a new file that only its owner reads."""
    lines = []
    for each in peer.tunnels:
        lines.append(f"{each.id} {each.role} Psk {each.psk}\n")
        if each.bgp is not None and each.bgp.key:
            lines.append(f"{each.id} {each.role} AuthKey {each.bgp.key}\n")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigurationError(f"--psk-file {path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        file.writelines(lines)


def _tell(parsed: argparse.Namespace, parts: list[Part], *, keys: bool) -> None:
    """What has to be known of what was printed, on standard error; ``keys``: whether they are in it."""
    told = []
    if parsed.psk_file is not None:
        told.append(f"the keys are in {parsed.psk_file}, and a placeholder stands for each in what is printed")
    elif keys:
        told.append("what is printed has the tunnels' keys in it (--without-secrets leaves them out)")
    if len(parts) > 1:
        told.append(f"--part prints one file alone: {', '.join(part.name for part in parts)}")
    for line in told:
        print(f"gatewright: {line}", file=sys.stderr)
