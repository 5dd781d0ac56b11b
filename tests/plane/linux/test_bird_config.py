"""BIRD's configuration: what BIRD itself says of it, and that nothing of a caller's gets into it as anything else."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from gatewright.plane.linux import bird_config
from gatewright.plane.linux.bird import EXECUTABLE
from gatewright.plane.linux.bird_config import Bfd, Customer, Device, Instance, Neighbour, Router, RouteTable, Served

LOG = Path("/run/x/bird/bird.log")
CUSTOMER = Customer(1, "tun1", 65000, 65010, "169.254.10.1", "169.254.10.2")
INSTANCE = Instance(
    address="10.9.1.1",
    link="lan",
    router="10.9.1.253",
    table=200,
    announced=(
        Device("172.16.0.0/16", "tun1"),
        Device("172.16.0.0/16", "tun2", steady="100.96.0.5"),
        Device("0.0.0.0/0", "tun2", usable="100.80.0.5", steady="100.96.0.5"),
    ),
    customers=(CUSTOMER, replace(CUSTOMER, number=2, link="tun2", bfd=None, key="k e;y#{}\\'é", metric=100)),
    networks=("10.9.0.0/16", "10.8.0.0/16"),
    propagates=True,
)
ROUTER = Router(
    neighbours=(
        Neighbour("10.9.1.1", "port0123456789a", "10.9.1.253", 200),
        Neighbour("10.9.2.1", "port0123456789b", "10.9.2.253", 100),
    ),
    tables=(
        RouteTable(2**30 + 5, (Served("172.16.0.0/16", ("10.9.1.1", "10.9.2.1")), Served("10.0.0.0/8", ()))),
        RouteTable(65536, learns=("10.9.1.1",)),
    ),
    networks=("10.9.1.0/24", "10.9.2.0/24"),
)


def said(configuration: bytes, folder: Path) -> str:
    """What BIRD says of a configuration; nothing if it is one."""
    path = folder / "bird.conf"
    path.write_bytes(configuration)
    done = subprocess.run([EXECUTABLE, "-p", "-c", path], capture_output=True, text=True, check=False, timeout=10)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.skipif(not Path(EXECUTABLE).exists(), reason="BIRD is not installed: apt-get install bird2")
def test_bird_takes_what_is_rendered(tmp_path: Path) -> None:
    for configuration in (
        bird_config.instance(INSTANCE, LOG),
        bird_config.instance(Instance("10.9.1.1", "lan", "10.9.1.253", 200), LOG),
        bird_config.router(ROUTER, LOG),
        bird_config.router(Router(), LOG),
    ):
        assert said(configuration, tmp_path) == ""
    assert "syntax error" in said(bird_config.router(Router(), LOG) + b"evil;", tmp_path)


def test_a_configuration_knows_its_digest_and_another_has_another() -> None:
    one, other = bird_config.instance(INSTANCE, LOG), bird_config.instance(replace(INSTANCE, propagates=False), LOG)
    assert bird_config.digest(one) in one.decode()
    assert bird_config.digest(one) != bird_config.digest(other)
    assert one == bird_config.instance(replace(INSTANCE, networks=tuple(reversed(INSTANCE.networks))), LOG)
    for tampered in (one + b"# more\n", one.replace(b"tun1", b"tun3"), b"", b"\n" + one):
        with pytest.raises(ValueError, match="no configuration that was rendered here"):
            bird_config.digest(tampered)


def test_names_of_protocols_are_their_tunnels_and_addresses() -> None:
    text = bird_config.instance(INSTANCE, LOG).decode()
    assert set(re.findall(r"^protocol bgp (\S+)", text, re.M)) == {"customer_1", "customer_2", "vpc_router"}
    text = bird_config.router(ROUTER, LOG).decode()
    assert set(re.findall(r"^protocol bgp (\S+)", text, re.M)) == {"gateway_10_9_1_1", "gateway_10_9_2_1"}


HOSTILE = (
    "",
    " ",
    "x; }",
    'x" }; protocol static { route 0.0.0.0/0 blackhole; }',
    "10.0.0.1\n",
    "10.0.0.1; include /etc/shadow",
    "10.0.0.0/8+",
    "10.0.0.0/8{8,32}",
    "tun1\0",
    "tun1/*",
    "10.0.0.1%lan",
    "\u0422un1",
    "%s",
    "a" * 100,
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_a_caller_becomes_configuration(text: str) -> None:
    instances = [
        replace(INSTANCE, address=text),
        replace(INSTANCE, link=text),
        replace(INSTANCE, router=text),
        replace(INSTANCE, announced=(Device(text, "tun1"),)),
        replace(INSTANCE, announced=(Device("10.0.0.0/8", text),)),
        replace(INSTANCE, announced=(Device("10.0.0.0/8", "tun1", usable=text, steady="100.96.0.3"),)),
        replace(INSTANCE, announced=(Device("10.0.0.0/8", "tun1", steady=text),)),
        replace(INSTANCE, networks=(text,)),
        replace(INSTANCE, customers=(replace(CUSTOMER, link=text),)),
        replace(INSTANCE, customers=(replace(CUSTOMER, local_address=text),)),
        replace(INSTANCE, customers=(replace(CUSTOMER, peer_address=text),)),
    ]
    for wanted in instances:
        with pytest.raises(ValueError, match=r".+"):
            bird_config.instance(wanted, LOG)
    neighbour = ROUTER.neighbours[0]
    routers = [
        replace(ROUTER, networks=(text,)),
        replace(ROUTER, neighbours=(replace(neighbour, address=text),)),
        replace(ROUTER, neighbours=(replace(neighbour, link=text),)),
        replace(ROUTER, neighbours=(replace(neighbour, local_address=text),)),
        replace(ROUTER, tables=(RouteTable(65536, (Served(text, ("10.9.1.1",)),)),)),
        replace(ROUTER, tables=(RouteTable(65536, (Served("10.0.0.0/8", (text,)),)),)),
        replace(ROUTER, tables=(RouteTable(65536, learns=(text,)),)),
    ]
    for other in routers:
        with pytest.raises(ValueError, match=r".+"):
            bird_config.router(other, LOG)


@pytest.mark.parametrize("key", ["", 'a"; }', "a\nb", "a\0b", "a\x7f", "é" * 41])
def test_a_key_that_cannot_be_quoted_is_refused_and_not_told(key: str) -> None:
    with pytest.raises(ValueError, match="neither quotes nor control characters") as refused:
        bird_config.instance(replace(INSTANCE, customers=(replace(CUSTOMER, key=key),)), LOG)
    assert not key or key not in str(refused.value)


def test_numbers_have_bounds() -> None:
    for wanted in (
        replace(INSTANCE, table=0),
        replace(INSTANCE, bfd=Bfd(interval=1)),
        replace(INSTANCE, bfd=Bfd(multiplier=0)),
        replace(INSTANCE, customers=(replace(CUSTOMER, local_asn=0),)),
        replace(INSTANCE, customers=(replace(CUSTOMER, peer_asn=2**32),)),
        replace(INSTANCE, customers=(replace(CUSTOMER, number=0),)),
        replace(INSTANCE, customers=(replace(CUSTOMER, metric=-1),)),
    ):
        with pytest.raises(ValueError, match="is no number from"):
            bird_config.instance(wanted, LOG)
    with pytest.raises(ValueError, match="cannot be the path"):
        bird_config.instance(INSTANCE, Path('/run/x"'))
