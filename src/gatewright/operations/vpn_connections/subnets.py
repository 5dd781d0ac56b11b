"""``LocalSubnet`` and ``RemoteSubnet``: which networks a connection joins."""

from __future__ import annotations

from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.declaration import Parameter, Satisfies
from gatewright.resources.addresses import RESERVED_NETWORKS, overlapping, parse_network
from gatewright.resources.tunnels import EVERYWHERE

LOCAL_SUBNET = ErrorRow(400, "IllegalParam.LocalSubnet", 'The specified "LocalSubnet" (%s) is invalid.')
REMOTE_SUBNET = ErrorRow(400, "IllegalParam.RemoteSubnet", 'The specified "RemoteSubnet" (%s) is invalid.')

#: Networks a side.
MOST_SUBNETS = 5
_RULE = (
    f"must be 1 to {MOST_SUBNETS} different networks such as 10.0.0.0/16,10.8.0.0/24, none of them in "
    f"{', '.join(map(str, RESERVED_NETWORKS))}; or {EVERYWHERE} alone"
)


def networks_of(text: str) -> tuple[str, ...]:
    """The networks of a list, in its order; blanks around them do not count."""
    return tuple(part.strip() for part in text.split(","))


def are_subnets(text: str) -> bool:
    """Whether a text is a list of networks that one side of a connection can have."""
    given = networks_of(text)
    if given == (EVERYWHERE,):
        return True
    if not 1 <= len(given) == len(set(given)) <= MOST_SUBNETS:
        return False
    networks = [parse_network(each) for each in given]
    return all(network is not None and overlapping(network, RESERVED_NETWORKS) is None for network in networks)


LocalSubnet = Annotated[str, Parameter(Satisfies(are_subnets, _RULE, error=LOCAL_SUBNET))]
RemoteSubnet = Annotated[str, Parameter(Satisfies(are_subnets, _RULE, error=REMOTE_SUBNET))]
#: The same where they are changed.
NewLocalSubnet = Annotated[str | None, Parameter(Satisfies(are_subnets, _RULE, error=LOCAL_SUBNET))]
NewRemoteSubnet = Annotated[str | None, Parameter(Satisfies(are_subnets, _RULE, error=REMOTE_SUBNET))]


def joined(text: str) -> str:
    """A list as it is stored and told."""
    return ",".join(networks_of(text))
