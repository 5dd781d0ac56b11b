"""Specs that no control plane of ours sends: each is refused, with what is wrong with it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gatewright.resources.spec_check import refusal
from gatewright.resources.specs import (
    InstanceSpec,
    PrivateLeg,
    PublicLeg,
    Route,
    RouterPort,
    RouterSpec,
    RouteTable,
    VSwitchSpec,
)
from gatewright.resources.tunnels import RouterNeighbour

VSWITCH = VSwitchSpec(id="vsw-1", generation=1, vpc_id="vpc-1", zone_id="cn-hangzhou-k", cidr_block="10.0.1.0/24")
INSTANCE = InstanceSpec(
    id="vpn-1-1",
    generation=1,
    gateway_id="vpn-1",
    account_id="1234567890123456",
    region_id="cn-hangzhou",
    zone_id="cn-hangzhou-k",
    role="master",
    public=PublicLeg(addresses=("198.18.0.2", "198.18.0.3"), network="198.18.0.0/15"),
    private=PrivateLeg(vswitch_id="vsw-1", address="10.0.1.4", network="10.0.1.0/24"),
    bandwidth=10,
    ipsec=True,
    ssl=False,
    ssl_connections=0,
    auto_propagate=True,
)
IDS = [
    "",
    ".",
    "..",
    "../../etc",
    "a/b",
    "/etc/passwd",
    "a\n",
    "a\nb",
    "a\0b",
    "-n",
    "a b",
    "ä",
    "a" * 101,
    "%i",
    "{x}",
]


ROUTER = RouterSpec(
    id="vpc-1",
    generation=1,
    account_id="1234567890123456",
    ports=(RouterPort(vswitch_id="vsw-1", address="10.0.1.253", network="10.0.1.0/24", route_table_id="vtb-1"),),
    tables=(RouteTable(id="vtb-1", routes=(Route(destination="0.0.0.0/0", next_hops=("10.0.1.4",)),)),),
)


def test_what_the_control_plane_sends_is_done() -> None:
    assert refusal(ROUTER) is None
    assert refusal(msgspec.structs.replace(VSWITCH, vni=2**24 - 1, peers=("192.0.2.7",))) is None
    assert refusal(VSWITCH) is None
    assert refusal(INSTANCE) is None
    assert refusal(msgspec.structs.replace(INSTANCE, public=None)) is None


@pytest.mark.parametrize("hostile", IDS)
@pytest.mark.parametrize("field", ["id", "gateway_id", "account_id", "region_id", "zone_id"])
def test_ids_of_instances(field: str, hostile: str) -> None:
    said = refusal(msgspec.structs.replace(INSTANCE, **{field: hostile}))
    assert said is not None
    assert f"{field} is " in said
    assert "\n" not in said
    assert len(said) < 300


@pytest.mark.parametrize("hostile", IDS)
def test_ids_of_vswitches(hostile: str) -> None:
    for field in ("id", "vpc_id", "zone_id"):
        assert f"{field} is " in str(refusal(msgspec.structs.replace(VSWITCH, **{field: hostile})))
    private = msgspec.structs.replace(INSTANCE.private, vswitch_id=hostile)
    assert "private.vswitch_id is " in str(refusal(msgspec.structs.replace(INSTANCE, private=private)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"role": "master\n"}, "role is 'master\\n'"),
        ({"bandwidth": 0}, "bandwidth is 0"),
        ({"bandwidth": -5}, "bandwidth is -5"),
        ({"bandwidth": 2**62}, "it must be 1 to 100000"),
        ({"ssl_connections": -1}, "ssl_connections is -1"),
        ({"generation": -1}, "generation is -1"),
        ({"generation": 2**63}, "generation is"),
    ],
)
def test_numbers(changes: dict[str, Any], said: str) -> None:
    assert said in str(refusal(msgspec.structs.replace(INSTANCE, **changes)))


@pytest.mark.parametrize(
    "network",
    [
        *("", "10.0.1.4", "0.0.0.0/0", "10.0.0.0/7", "10.0.1.1/24", "10.0.1.0/31", "10.0.1.0/024"),
        *("10.0.1.0/255.255.255.0", "127.0.0.0/8", "224.0.0.0/8", "0.0.0.0/8", "fe80::/64"),
        *("10.0.1.0/24\n", "10.0.1.0/24; x", "1" * 10_000),
    ],
)
def test_networks(network: str) -> None:
    private = msgspec.structs.replace(INSTANCE.private, network=network)
    for said in (
        refusal(msgspec.structs.replace(INSTANCE, private=private)),
        refusal(msgspec.structs.replace(VSWITCH, cidr_block=network)),
        refusal(msgspec.structs.replace(INSTANCE, public=PublicLeg(addresses=("10.0.1.4",), network=network))),
    ):
        assert said is not None
        assert "\n" not in said
        assert len(said) < 300


@pytest.mark.parametrize(
    "address", ["", "10.0.2.4", "10.0.1.0", "10.0.1.255", "10.0.1.04", "10.0.1.4\n", "::1", "x" * 9999]
)
def test_addresses(address: str) -> None:
    private = msgspec.structs.replace(INSTANCE.private, address=address)
    said = refusal(msgspec.structs.replace(INSTANCE, private=private))
    assert said is not None
    assert "private has the address" in said
    assert len(said) < 300


@pytest.mark.parametrize("addresses", [(), ("198.18.0.2", "198.18.0.2"), tuple(f"198.18.0.{n}" for n in range(1, 18))])
def test_public_legs(addresses: tuple[str, ...]) -> None:
    public = PublicLeg(addresses=addresses, network="198.18.0.0/15")
    said = refusal(msgspec.structs.replace(INSTANCE, public=public))
    assert f"public has {len(addresses)} addresses" in str(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vni": 2**24}, "vni is 16777216"),
        ({"vni": -1}, "vni is -1"),
        ({"peers": ("192.0.2.7 dev eth0",)}, "peers has the address"),
        ({"peers": ("127.0.0.1",)}, "peers has the address 127.0.0.1"),
        ({"peers": ("239.1.1.1",)}, "peers has the address 239.1.1.1"),
    ],
)
def test_vswitches_between_hosts(changes: dict[str, Any], said: str) -> None:
    assert said in str(refusal(msgspec.structs.replace(VSWITCH, **changes)))


@pytest.mark.parametrize(
    ("port", "said"),
    [
        ({"vswitch_id": "../x"}, "ports.vswitch_id is"),
        ({"route_table_id": "a b"}, "ports.route_table_id is"),
        ({"address": "10.0.2.1"}, "a port has the address 10.0.2.1"),
        ({"network": "0.0.0.0/0"}, "ports.network is 0.0.0.0/0"),
        ({"route_table_id": "vtb-9"}, "route table vtb-9, which is not in tables"),
    ],
)
def test_ports_of_routers(port: dict[str, Any], said: str) -> None:
    ports = (msgspec.structs.replace(ROUTER.ports[0], **port),)
    assert said in str(refusal(msgspec.structs.replace(ROUTER, ports=ports)))


def test_vswitches_of_one_router_lie_apart() -> None:
    first = ROUTER.ports[0]
    others = [
        msgspec.structs.replace(
            first, vswitch_id=f"vsw-{number}", network=network, address=network.partition("/")[0][:-1] + "9"
        )
        for number, network in enumerate(("10.0.3.0/24", "10.0.2.0/24", "10.0.0.0/16"), 2)
    ]
    assert refusal(msgspec.structs.replace(ROUTER, ports=(first, *others[:2]))) is None
    said = refusal(msgspec.structs.replace(ROUTER, ports=(first, *others)))
    assert "the ports' networks 10.0.0.0/16 and 10.0.1.0/24 overlap" in str(said)


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (Route(destination="10.0.0.1/8", next_hops=()), "routes.destination is '10.0.0.1/8'"),
        (Route(destination="default", next_hops=()), "routes.destination is 'default'"),
        (Route(destination="10.9.0.0/16", next_hops=("224.0.0.5",)), "routes.next_hops has the address 224.0.0.5"),
        (Route(destination="10.9.0.0/16", next_hops=("10.0.0.1",) * 17), "the number of next hops is 17"),
    ],
)
def test_routes_of_routers(route: Route, said: str) -> None:
    tables = (RouteTable(id="vtb-1", routes=(route,)),)
    assert said in str(refusal(msgspec.structs.replace(ROUTER, tables=tables)))


GATEWAY = RouterNeighbour(instance_id="vpn-1-1", address="10.0.0.9", preference=200)


@pytest.mark.parametrize(
    ("gateways", "said"),
    [
        ((msgspec.structs.replace(GATEWAY, instance_id="a\nb"),), "gateways.instance_id is"),
        ((msgspec.structs.replace(GATEWAY, address="10.0.0.9; reboot"),), "gateways.address has the address"),
        ((msgspec.structs.replace(GATEWAY, address="127.0.0.1"),), "gateways.address has the address 127.0.0.1"),
        ((msgspec.structs.replace(GATEWAY, preference=-1),), "gateways.preference is -1"),
        ((GATEWAY, msgspec.structs.replace(GATEWAY, instance_id="vpn-1-2")), "two gateways have one address"),
    ],
)
def test_gateways_of_routers(gateways: tuple[RouterNeighbour, ...], said: str) -> None:
    assert refusal(msgspec.structs.replace(ROUTER, gateways=(GATEWAY,))) is None
    assert said in (refusal(msgspec.structs.replace(ROUTER, gateways=gateways)) or "")
