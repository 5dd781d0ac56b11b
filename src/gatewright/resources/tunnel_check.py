"""Whether what a spec says of IPsec is something that a host can be asked to do: see :mod:`spec_check`.

What becomes an argument of a daemon is here what it is meant to be: an address, a network, a number, one of the known
words, or an identity of visible characters.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Iterable

from gatewright.resources import algorithms
from gatewright.resources.check_values import address, hosts_address, identifier, number, one_of, shown, some_network
from gatewright.resources.specs import InstanceSpec
from gatewright.resources.tunnels import (
    EVERYWHERE,
    BgpSpec,
    HealthSpec,
    IkeSpec,
    IpsecSpec,
    SecretRef,
    TunnelSpec,
)

#: Of one instance; a gateway's quota is a tenth of it.
_TUNNELS = 1000
#: The greatest number of a tunnel, which a name of a link and an address depend on.
_LAST_NUMBER = 9999
_SUBNETS, _PAIRS = 50, 400
_ROUTES = 10_000
_VERSION = 2**63 - 1
_LAST_ASN = 2**32 - 1
_ROLES = ("master", "slave")
#: Of one host, and its neighbours, in a tunnel.
_BGP_PREFIX = 30
_LONGEST_INTERVAL, _MOST_TRIES = 3600.0, 1000
_WEIGHT, _PRIORITY = 100, 100
#: Visible characters of ASCII: what an identity of IKE is made of.
_IDENTITY = re.compile(r"[!-~]{1,255}")


def check(spec: InstanceSpec) -> None:
    """Raises ValueError that says what is wrong, for people."""
    number("the number of tunnels", len(spec.tunnels), 0, _TUNNELS)
    for tunnel in spec.tunnels:
        _check_tunnel(tunnel)
    numbers = [tunnel.number for tunnel in spec.tunnels]
    for one, next_one in itertools.pairwise(numbers):
        if one >= next_one:
            raise ValueError(f"tunnels are not in the order of their numbers: {one} is before {next_one}")
    if len({tunnel.id for tunnel in spec.tunnels}) != len(spec.tunnels):
        raise ValueError("two tunnels have one id")
    for name, entries in (("vpn_routes", spec.vpn_routes), ("vpn_policies", spec.vpn_policies)):
        number(f"the number of {name}", len(entries), 0, _ROUTES)
        for entry in entries:
            some_network(f"{name}.destination", entry.destination)
            _check_known(f"{name}.tunnel", (entry.tunnel,), numbers)
            number(f"{name}.weight", entry.weight, 0, _WEIGHT)
    for policy in spec.vpn_policies:
        some_network("vpn_policies.source", policy.source)
        number("vpn_policies.priority", policy.priority, 1, _PRIORITY)
    number("the number of announced", len(spec.announced), 0, _ROUTES)
    for offer in spec.announced:
        some_network("announced.destination", offer.destination)
        _check_known("announced.tunnels", offer.tunnels, numbers)
    number("the number of vpc_networks", len(spec.vpc_networks), 0, _ROUTES)
    for one_network in spec.vpc_networks:
        if some_network("vpc_networks", one_network).prefixlen == 0:
            raise ValueError(f"vpc_networks has {one_network}: no VPC is everything")


def _check_tunnel(tunnel: TunnelSpec) -> None:
    identifier("tunnels.id", tunnel.id)
    identifier("tunnels.connection_id", tunnel.connection_id)
    number("tunnels.number", tunnel.number, 1, _LAST_NUMBER)
    one_of("tunnels.role", tunnel.role, _ROLES)
    hosts_address("tunnels.peer", tunnel.peer)
    _check_secret("tunnels.psk", tunnel.psk)
    _check_ike(tunnel.ike)
    _check_ipsec(tunnel.ipsec)
    _check_subnets("tunnels.local_subnets", tunnel.local_subnets)
    _check_subnets("tunnels.remote_subnets", tunnel.remote_subnets)
    number("the number of pairs of subnets", len(tunnel.local_subnets) * len(tunnel.remote_subnets), 1, _PAIRS)
    if tunnel.bgp is not None:
        _check_bgp(tunnel.bgp)
    if tunnel.health is not None:
        _check_health(tunnel.health)


def _check_ike(ike: IkeSpec) -> None:
    one_of("ike.version", ike.version, algorithms.IKE_VERSIONS)
    one_of("ike.mode", ike.mode, algorithms.IKE_MODES)
    one_of("ike.encryption", ike.encryption, algorithms.ENCRYPTION)
    one_of("ike.authentication", ike.authentication, algorithms.AUTHENTICATION)
    one_of("ike.group", ike.group, algorithms.GROUPS)
    number("ike.lifetime", ike.lifetime, 0, algorithms.LONGEST_LIFETIME)
    for name in ("local_id", "remote_id"):
        identity = getattr(ike, name)
        if not _IDENTITY.fullmatch(identity):
            raise ValueError(f"ike.{name} is {shown(identity)}: 1 to 255 visible characters of ASCII")


def _check_ipsec(ipsec: IpsecSpec) -> None:
    one_of("ipsec.encryption", ipsec.encryption, algorithms.ENCRYPTION)
    one_of("ipsec.authentication", ipsec.authentication, algorithms.AUTHENTICATION)
    one_of("ipsec.group", ipsec.group, algorithms.PFS_GROUPS)
    number("ipsec.lifetime", ipsec.lifetime, 0, algorithms.LONGEST_LIFETIME)


def _check_subnets(name: str, subnets: tuple[str, ...]) -> None:
    if not 1 <= len(subnets) == len(set(subnets)) <= _SUBNETS:
        raise ValueError(f"{name} has {len(subnets)} networks: it must have 1 to {_SUBNETS} different ones")
    for subnet in subnets:
        some_network(name, subnet)
    if EVERYWHERE in subnets and len(subnets) > 1:
        raise ValueError(f"{name} has {EVERYWHERE} and others")


def _check_bgp(bgp: BgpSpec) -> None:
    number("bgp.local_asn", bgp.local_asn, 1, _LAST_ASN)
    number("bgp.peer_asn", bgp.peer_asn, 1, _LAST_ASN)
    network = some_network("bgp.network", bgp.network)
    if network.prefixlen != _BGP_PREFIX:
        raise ValueError(f"bgp.network is {bgp.network}: the length of its prefix must be {_BGP_PREFIX}")
    ends = [address(f"bgp.{name}", getattr(bgp, name)) for name in ("local_address", "peer_address")]
    if len(set(ends)) != len(ends) or not set(ends) <= set(network.hosts()):
        raise ValueError(f"bgp has the addresses {ends[0]} and {ends[1]}: they must be the two hosts' of {network}")
    if bgp.key is not None:
        _check_secret("bgp.key", bgp.key)


def _check_health(health: HealthSpec) -> None:
    hosts_address("health.source", health.source)
    hosts_address("health.destination", health.destination)
    if not (math.isfinite(health.interval) and 0 < health.interval <= _LONGEST_INTERVAL):
        raise ValueError(
            f"health.interval is {health.interval}: it must be more than 0 and {_LONGEST_INTERVAL} at most"
        )
    number("health.retry", health.retry, 1, _MOST_TRIES)


def _check_secret(name: str, secret: SecretRef) -> None:
    identifier(f"{name}.id", secret.id)
    number(f"{name}.version", secret.version, 0, _VERSION)


def _check_known(name: str, tunnels: Iterable[int], numbers: Collection[int]) -> None:
    for tunnel in tunnels:
        if tunnel not in numbers:
            raise ValueError(f"{name} is {tunnel}, and there is no tunnel with that number")
