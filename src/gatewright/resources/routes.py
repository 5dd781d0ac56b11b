"""What a VPC's route tables hold: networks as destinations, and the entries that nobody made.

Every table has entries for the vSwitches of its VPC and one for the cloud's own services. They follow from what there
is and are not stored; their ids tell the table and the destination, so they are stable and can be read back.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from gatewright.resources.addresses import parse_network

_SYSTEM_ENTRY = re.compile(r"rte-(?P<body>[a-z0-9]+)(?P<network>[0-9a-f]{8})(?P<length>[0-2][0-9]|3[0-2])\Z")


def parse_destination(text: str) -> IPv4Network | IPv6Network | None:
    """A destination's network; an address without a mask is a host's. None for what is neither, or has host bits."""
    if ":" in text:
        try:
            return IPv6Network(text)
        except ValueError:
            return None
    return parse_network(text if "/" in text else f"{text}/32")


class Networks:
    """Some networks, prepared so that the one that holds another is found in the same time however many they are."""

    def __init__(self, networks: Iterable[IPv4Network]) -> None:
        self._known = {(int(network.network_address), network.prefixlen): network for network in networks}

    def around(self, network: IPv4Network) -> IPv4Network | None:
        """The smallest of the networks that is the given one or holds it, or None."""
        address = int(network.network_address)
        for length in range(network.prefixlen, -1, -1):
            beyond = 32 - length
            found = self._known.get((address >> beyond << beyond, length))
            if found is not None:
                return found
        return None


#: Where no route can lead: this host, loopback, link-local, multicast and beyond.
UNROUTABLE_NETWORKS = Networks(
    IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")
)


def system_entry_id(route_table_id: str, destination: IPv4Network) -> str:
    """The id of a table's own entry for a destination. Within a table, ids are in the order of destinations."""
    body = route_table_id.partition("-")[2]
    return f"rte-{body}{int(destination.network_address):08x}{destination.prefixlen:02d}"


def learned_entry_id(route_table_id: str, destination: IPv4Network) -> str:
    """The id of a table's entry for a destination that was learnt by BGP: no system entry's, in the same order."""
    return f"{system_entry_id(route_table_id, destination)}b"


def read_system_entry_id(entry_id: str) -> tuple[str, IPv4Network] | None:
    """The route table and the destination that a system entry's id tells; None for what cannot be such an id."""
    found = _SYSTEM_ENTRY.match(entry_id)
    if found is None:
        return None
    try:
        network = ipaddress.IPv4Network((int(found["network"], 16), int(found["length"])))
    except ValueError:
        return None
    return f"vtb-{found['body']}", network
