"""People and machines around an instance: on the uplink, in its vSwitch, behind its tunnels."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from gatewright.resources.specs import InstanceSpec
from tests.plane.linux.lab import Lab, run
from tests.plane.linux.packets import (
    AH,
    ESP,
    GRE,
    ICMP,
    IPV4,
    TCP,
    UDP,
    Place,
    frame,
    icmp,
    ip,
    marker,
    place,
    tcp,
    udp,
)

PUBLIC, OUTSIDE = "198.51.100.1", "198.51.100.50"
PRIVATE, INSIDE = "10.9.1.1", "10.9.1.50"


@contextlib.contextmanager
def neighbours(lab: Lab) -> Iterator[tuple[Place, Place]]:
    """Somebody on the uplink, and a machine in the vSwitch whose default gateway is the instance."""
    with (
        place(lab, "outside", lab.names.uplink.name, f"{OUTSIDE}/24") as outside,
        place(lab, "inside", lab.names.vswitch("vsw-1").name, f"{INSIDE}/24", PRIVATE) as inside,
    ):
        yield outside, inside


@contextlib.contextmanager
def tunnel(lab: Lab, spec: InstanceSpec, name: str, network: str) -> Iterator[Place]:
    """A customer's machine behind a tunnel: the instance's end of it is a link with that name."""
    namespace = f"gwtest-{lab.installation}-{name}"
    run("ip", "netns", "add", namespace)
    try:
        lab.ip(spec, "link", "add", name, "type", "veth", "peer", "name", "eth", "netns", namespace)
        address = network.replace(".0/", ".2/")
        lab.ip(spec, "address", "add", network.replace(".0/", ".1/"), "dev", name)
        lab.ip(spec, "link", "set", name, "up")
        run("ip", "-n", namespace, "address", "add", address, "dev", "eth")
        run("ip", "-n", namespace, "link", "set", "eth", "up")
        run("ip", "-n", namespace, "route", "add", "default", "via", network.replace(".0/24", ".1"))
        mac = json.loads(run("ip", "-n", namespace, "-j", "link", "show", "eth"))[0]["address"]
        yield Place(namespace, mac, address.partition("/")[0])
    finally:
        run("ip", "netns", "delete", namespace)


def drop_filter(lab: Lab, spec: InstanceSpec) -> None:
    lab.inside(spec, "nft", "delete", "table", "inet", "gatewright")


def drop_guard(lab: Lab, spec: InstanceSpec) -> None:
    for chain in json.loads(run("nft", "-j", "list", "chains", "netdev"))["nftables"]:
        if chain.get("chain", {}).get("name") in (f"lan-{spec.id}", f"wan-{spec.id}"):
            where = chain["chain"]
            if where["table"] == lab.names.guards:
                run("nft", "flush", "chain", "netdev", where["table"], where["name"])
                run("nft", "delete", "chain", "netdev", where["table"], where["name"])


def packets(source: str, destination: str, ports: tuple[int, ...] = (500, 4500, 53, 1194, 5000)) -> dict[str, bytes]:
    """IPv4 packets of many kinds, by name; each carries its name."""
    found = {f"udp {port}": ip(source, destination, UDP, udp(500, port, marker(f"udp {port}"))) for port in ports}
    found |= {
        f"tcp {port}": ip(source, destination, TCP, tcp(999, port, 2, marker(f"tcp {port}"))) for port in (22, 443)
    }
    found["tcp ack"] = ip(source, destination, TCP, tcp(999, 500, 16, marker("tcp ack")))
    for name, protocol in (("esp", ESP), ("ah", AH), ("gre", GRE)):
        found[name] = ip(source, destination, protocol, marker(name) + bytes(16))
    for name, kind in (("echo reply", 0), ("redirect", 5), ("router advertisement", 9), ("echo request", 8)):
        found[name] = ip(source, destination, ICMP, icmp(kind, 0, marker(name) + bytes(28)))
    return found


def framed(sent: dict[str, bytes], source: str, destination: str) -> list[bytes]:
    return [frame(source, destination, IPV4, one) for one in sent.values()]
