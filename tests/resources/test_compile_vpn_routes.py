"""What a gateway's routes compile to for the instance that some tunnels end at."""

from __future__ import annotations

from typing import Any

from gatewright.resources.compile_vpn_routes import (
    PolicyFacts,
    RouteFacts,
    RoutingFacts,
    compile_announced,
    compile_neighbours,
    compile_policies,
    compile_routes,
)
from gatewright.resources.tunnels import EVERYWHERE, IkeSpec, IpsecSpec, SecretRef, TunnelSpec

SITE = "192.168.0.0/16"


def tunnel(number: int, connection: str, *remote: str) -> TunnelSpec:
    """A tunnel that routes decide about, unless it is for some networks alone."""
    return TunnelSpec(
        id=f"tun-{number}",
        connection_id=connection,
        number=number,
        role="master",
        peer="198.51.100.1",
        psk=SecretRef(f"tun-{number}", 1),
        ike=IkeSpec(
            version="ikev2",
            mode="main",
            encryption="aes",
            authentication="sha1",
            group="group2",
            lifetime=86400,
            local_id="a",
            remote_id="b",
        ),
        ipsec=IpsecSpec(encryption="aes", authentication="sha1", group="group2", lifetime=86400),
        local_subnets=("10.0.0.0/16",) if remote else (EVERYWHERE,),
        remote_subnets=remote or (EVERYWHERE,),
    )


ONE, TWO, THREE = tunnel(1, "vco-a"), tunnel(2, "vco-b"), tunnel(3, "vco-c", "172.16.0.0/16")


def route(destination: str, connection: str, weight: int = 100) -> RouteFacts:
    return RouteFacts(destination=destination, connection_id=connection, weight=weight)


def policy(connection: str, weight: int = 100, priority: int = 10, **ends: str) -> PolicyFacts:
    plain = {"source": "10.0.0.0/24", "destination": SITE}
    return PolicyFacts(connection_id=connection, weight=weight, priority=priority, **{**plain, **ends})


def announced(*wanted: str, **facts: Any) -> list[tuple[str, tuple[int, ...]]]:
    told = compile_announced([ONE, TWO, THREE], RoutingFacts(wanted=wanted, **facts))
    return [(each.destination, each.tunnels) for each in told]


def test_an_instance_has_the_routes_of_the_tunnels_that_end_there() -> None:
    facts = RoutingFacts(routes=(route(SITE, "vco-b", 0), route("10.9.0.0/16", "vco-elsewhere"), route(SITE, "vco-a")))
    told = compile_routes([ONE, TWO], facts)
    assert [(each.destination, each.tunnel, each.weight) for each in told] == [(SITE, 1, 100), (SITE, 2, 0)]


def test_weights_mean_nothing_on_a_dual_tunnel_gateway() -> None:
    facts = RoutingFacts(
        routes=(route(SITE, "vco-a", 0), route(SITE, "vco-b", 100)),
        policies=(policy("vco-a", 0), policy("vco-b", 100), policy("vco-b", 0, priority=1)),
        weighted=False,
    )
    assert [(each.tunnel, each.weight) for each in compile_routes([ONE, TWO], facts)] == [(1, 100), (2, 0)]
    told = compile_policies([ONE, TWO], facts)
    assert [(each.tunnel, each.weight, each.priority) for each in told] == [(2, 100, 1), (1, 100, 10), (2, 0, 10)]


def test_policies_are_tried_by_priority_and_then_by_age_with_pairs_together() -> None:
    facts = RoutingFacts(
        policies=(
            policy("vco-a", 0),
            policy("vco-a", destination="192.168.9.0/24"),
            policy("vco-b"),
            policy("vco-b", priority=1, source="10.0.0.0/8"),
        )
    )
    told = compile_policies([ONE, TWO], facts)
    assert [(each.priority, each.source, each.destination, each.tunnel) for each in told] == [
        (1, "10.0.0.0/8", SITE, 2),
        (10, "10.0.0.0/24", SITE, 2),
        (10, "10.0.0.0/24", SITE, 1),
        (10, "10.0.0.0/24", "192.168.9.0/24", 1),
    ]


def test_an_instance_offers_what_its_vpc_leads_to_it_and_a_tunnel_leads_on() -> None:
    routes = (route(SITE, "vco-a"), route("10.8.0.0/16", "vco-b"), route("10.9.0.0/16", "vco-a"))
    facts: dict[str, Any] = {"routes": routes, "policies": (policy("vco-b", destination="203.0.113.0/24"),)}
    # Exactly, within a route, around two of them, a policy's, a selector's, and to nowhere.
    assert announced(SITE, **facts) == [(SITE, (1,))]
    assert announced("192.168.7.0/24", **facts) == [("192.168.7.0/24", (1,))]
    assert announced("10.0.0.0/8", **facts) == [("10.0.0.0/8", (1, 2))]
    assert announced("203.0.113.7/32", **facts) == [("203.0.113.7/32", (2,))]
    assert announced("172.16.4.0/24", "172.0.0.0/8") == [("172.0.0.0/8", (3,)), ("172.16.4.0/24", (3,))]
    assert announced("198.51.100.0/24", **facts) == []


def test_a_destination_is_offered_once_through_both_of_a_pair() -> None:
    pair = (route(SITE, "vco-a"), route(SITE, "vco-b", 0))
    assert announced(SITE, SITE, routes=pair) == [(SITE, (1, 2))]


def test_a_router_prefers_the_master() -> None:
    told = compile_neighbours([("vpn-2", "slave", "10.1.0.9"), ("vpn-1", "master", "10.0.0.9")])
    assert [(each.instance_id, each.address, each.preference) for each in told] == [
        ("vpn-1", "10.0.0.9", 200),
        ("vpn-2", "10.1.0.9", 100),
    ]
