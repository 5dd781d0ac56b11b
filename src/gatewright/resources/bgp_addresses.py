"""Where the two ends of BGP are inside of a tunnel. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from gatewright.resources.addresses import parse_network

_LINK_LOCAL = IPv4Network("169.254.0.0/16")
#: What the cloud keeps for itself of it.
_KEPT = (*(IPv4Network(f"169.254.{third}.0/30") for third in range(7)), IPv4Network("169.254.169.252/30"))
TUNNEL_NETWORK_RULE = (
    "must be a network such as 169.254.10.0/30: a /30 in 169.254.0.0/16, and none of 169.254.0.0/30 to 169.254.6.0/30 "
    "and 169.254.169.252/30"
)


def is_tunnel_network(text: str) -> bool:
    """Whether a text is a network that the two ends can have inside of a tunnel (``TunnelCidr``)."""
    network = parse_network(text)
    return network is not None and network.prefixlen == 30 and network.subnet_of(_LINK_LOCAL) and network not in _KEPT


def hosts(network: str) -> tuple[str, str]:
    """The two addresses of a tunnel's network, the lower one first."""
    first, second = IPv4Network(network).hosts()
    return str(first), str(second)


def is_end(network: str, address: str) -> bool:
    """Whether an address is one of the two."""
    return address in hosts(network)


def other_end(network: str, address: str) -> str:
    """The customer's address, from the gateway's."""
    first, second = hosts(network)
    return second if str(IPv4Address(address)) == first else first
