"""What a spec says of IPsec is bounded, field by field: an agent refuses what no control plane of ours sends."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gatewright.resources.spec_check import refusal
from gatewright.resources.tunnels import (
    EVERYWHERE,
    Announcement,
    BgpSpec,
    HealthSpec,
    SecretRef,
    VpnPolicy,
    VpnRoute,
)
from tests.resources.test_spec_check import IDS, INSTANCE
from tests.support.tunnels import TUNNEL as PLAIN

TUNNEL = msgspec.structs.replace(
    PLAIN,
    local_subnets=(EVERYWHERE,),
    remote_subnets=(EVERYWHERE,),
    bgp=BgpSpec(
        local_asn=45104,
        peer_asn=65530,
        network="169.254.10.0/30",
        local_address="169.254.10.1",
        peer_address="169.254.10.2",
        key=SecretRef("cgw-1", 1),
    ),
    health=HealthSpec(source="10.0.1.1", destination="172.16.0.1", interval=3.0, retry=3),
)
#: Texts that would mean something to a daemon, a shell, a log or a terminal, or that nobody can be called.
HOSTILE = ["", "a b", 'a"\n}', "a\nb", "a\0b", "ä", "\x1b[2J", "\u202e", "a" * 256]


def told(**changes: Any) -> str | None:
    """What is said of an instance whose one tunnel differs so."""
    return refusal(msgspec.structs.replace(INSTANCE, tunnels=(msgspec.structs.replace(TUNNEL, **changes),)))


def test_a_tunnel_with_everything_passes() -> None:
    assert told() is None
    # visible characters mean nothing by themselves: they are no text of a configuration
    odd = "%any\"'\\{}#$(x)`;@"
    assert told(ike=msgspec.structs.replace(TUNNEL.ike, local_id=odd, remote_id=odd)) is None
    assert told(ike=msgspec.structs.replace(TUNNEL.ike, encryption="aes256gcm16", group="group31")) is None
    assert told(ipsec=msgspec.structs.replace(TUNNEL.ipsec, group="disabled", lifetime=0)) is None


@pytest.mark.parametrize("text", HOSTILE)
def test_identities(text: str) -> None:
    for name in ("local_id", "remote_id"):
        said = told(ike=msgspec.structs.replace(TUNNEL.ike, **{name: text}))
        assert said is not None
        assert f"ike.{name} is" in said
        assert said.isprintable()
        assert len(said) < 300


@pytest.mark.parametrize("text", IDS)
def test_ids(text: str) -> None:
    for name in ("id", "connection_id"):
        assert f"tunnels.{name} is" in str(told(**{name: text}))
    assert "tunnels.psk.id is" in str(told(psk=SecretRef(text, 1)))


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("ike", {"version": "ikev3"}),
        ("ike", {"mode": "quick"}),
        ("ike", {"encryption": "aes128-sha1!"}),
        ("ike", {"authentication": "sha1-modp1024"}),
        ("ike", {"group": "disabled"}),
        ("ike", {"lifetime": 86401}),
        ("ipsec", {"encryption": "null"}),
        ("ipsec", {"authentication": "none"}),
        ("ipsec", {"group": "modp1024"}),
        ("ipsec", {"lifetime": -1}),
        ("bgp", {"local_asn": 0}),
        ("bgp", {"peer_asn": 2**32}),
        ("bgp", {"network": "169.254.10.0/29"}),
        ("bgp", {"local_address": "169.254.10.2"}),
        ("bgp", {"peer_address": "169.254.10.3"}),
        ("bgp", {"peer_address": "169.254.10.2; x"}),
        ("bgp", {"key": SecretRef("../x", 1)}),
        ("health", {"source": "127.0.0.1"}),
        ("health", {"destination": "172.16.0.1 -f"}),
        ("health", {"interval": 0.0}),
        ("health", {"interval": float("nan")}),
        ("health", {"retry": 0}),
    ],
)
def test_parts(part: str, changes: dict[str, Any]) -> None:
    name = next(iter(changes))
    said = str(told(**{part: msgspec.structs.replace(getattr(TUNNEL, part), **changes)}))
    assert f"{part}.{name}" in said or (part == "bgp" and "bgp has the addresses" in said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"number": 0}, "tunnels.number is 0"),
        ({"number": 10_000}, "tunnels.number is 10000"),
        ({"role": "both"}, "tunnels.role is 'both'"),
        ({"peer": "224.0.0.5"}, "tunnels.peer has the address 224.0.0.5"),
        ({"peer": "%any"}, "tunnels.peer has the address '%any'"),
        ({"psk": SecretRef("tun-1", -1)}, "tunnels.psk.version is -1"),
        ({"local_subnets": ()}, "tunnels.local_subnets has 0 networks"),
        ({"remote_subnets": ("10.0.0.0/8", "10.0.0.0/8")}, "tunnels.remote_subnets has 2 networks"),
        ({"remote_subnets": ("0.0.0.0/0", "10.0.0.0/8")}, "tunnels.remote_subnets has 0.0.0.0/0 and others"),
        ({"remote_subnets": ("dynamic",)}, "tunnels.remote_subnets is 'dynamic'"),
        (
            {"local_subnets": (many := tuple(f"10.{n}.0.0/16" for n in range(30))), "remote_subnets": many},
            "the number of pairs of subnets is 900",
        ),
    ],
)
def test_tunnels(changes: dict[str, Any], said: str) -> None:
    assert said in str(told(**changes))


def test_tunnels_are_in_order_and_each_once() -> None:
    second = msgspec.structs.replace(TUNNEL, id="tun-2", number=2)
    for tunnels, said in (
        ((second, TUNNEL), "2 is before 1"),
        ((TUNNEL, msgspec.structs.replace(second, number=1)), "1 is before 1"),
        ((TUNNEL, msgspec.structs.replace(second, id="tun-1")), "two tunnels have one id"),
    ):
        assert said in str(refusal(msgspec.structs.replace(INSTANCE, tunnels=tunnels)))
    assert refusal(msgspec.structs.replace(INSTANCE, tunnels=(TUNNEL, second))) is None


ROUTE = VpnRoute(destination="172.16.0.0/16", tunnel=1, weight=100)
POLICY = VpnPolicy(source="10.0.0.0/8", destination="172.16.0.0/16", tunnel=1, weight=0, priority=10)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"vpn_routes": (msgspec.structs.replace(ROUTE, destination="x"),)}, "vpn_routes.destination is 'x'"),
        ({"vpn_routes": (msgspec.structs.replace(ROUTE, tunnel=2),)}, "vpn_routes.tunnel is 2"),
        ({"vpn_routes": (msgspec.structs.replace(ROUTE, weight=101),)}, "vpn_routes.weight is 101"),
        ({"vpn_policies": (msgspec.structs.replace(POLICY, source="any"),)}, "vpn_policies.source is 'any'"),
        ({"vpn_policies": (msgspec.structs.replace(POLICY, priority=0),)}, "vpn_policies.priority is 0"),
        ({"announced": (Announcement(destination="10.0.0.1/8", tunnels=(1,)),)}, "announced.destination is"),
        ({"announced": (Announcement(destination="10.0.0.0/8", tunnels=(1, 7)),)}, "announced.tunnels is 7"),
        ({"vpc_networks": ("0.0.0.0/0",)}, "vpc_networks has 0.0.0.0/0"),
        ({"vpc_networks": ("10.0.0.0/8; drop",)}, "vpc_networks is"),
    ],
)
def test_where_traffic_goes(changes: dict[str, Any], said: str) -> None:
    spec = msgspec.structs.replace(INSTANCE, tunnels=(TUNNEL,), vpn_routes=(ROUTE,), vpn_policies=(POLICY,))
    assert refusal(spec) is None
    assert said in str(refusal(msgspec.structs.replace(spec, **changes)))
