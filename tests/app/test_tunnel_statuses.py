"""A whole service and a customer's strongSwan: what the API tells of a tunnel is what its daemon has seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import vici

from gatewright.plane.linux.names import Names
from tests.app.test_serve import gateway, until_status
from tests.plane.linux.customer import Customer, customer, tunnel
from tests.plane.linux.machines import Machines
from tests.support.service import Service

PEER, KEY = "198.19.255.7", "a-key.of_tests"
UP, DOWN = "ipsec_sa_established", "ike_sa_not_established"
OPTIONS = "TunnelOptionsSpecification"


class Site:
    """A connection whose first tunnel leads to a customer's strongSwan, and the other one to nobody."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.client = service.client()
        self.gateway = gateway(service)
        until_status(service, self.gateway, "active")
        ends = [
            self.client.call("CreateCustomerGateway", IpAddress=each)["CustomerGatewayId"]
            for each in (PEER, "198.19.255.8")
        ]
        suite: dict[str, Any] = {"IkeConfig.IkeVersion": "ikev2", "IkeConfig.Psk": KEY}
        for phase, name in (("Ike", "IkeConfig"), ("Ipsec", "IpsecConfig")):
            chosen = {"EncAlg": "aes", "AuthAlg": "sha256", "Pfs": "group14"}
            suite |= {f"{name}.{phase}{what}": value for what, value in chosen.items()}
        wanted: dict[str, Any] = {
            "VpnGatewayId": self.gateway,
            "LocalSubnet": "10.0.0.0/8",
            "RemoteSubnet": "172.16.1.0/24",
        }
        for number, (role, end) in enumerate(zip(("master", "slave"), ends, strict=True), 1):
            wanted |= {f"{OPTIONS}.{number}.Tunnel{name}": value for name, value in suite.items()}
            wanted |= {f"{OPTIONS}.{number}.Role": role, f"{OPTIONS}.{number}.CustomerGatewayId": end}
        self.id = self.client.call("CreateVpnConnection", **wanted)["VpnConnectionId"]

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.call("DescribeVpnConnection", VpnConnectionId=self.id)
        return found

    def until(self, status: str) -> float:
        """Wait until the first tunnel has a status. Gives when it was told, seconds since the epoch."""
        deadline = time.monotonic() + 30
        while (told := self.told()[OPTIONS]["TunnelOptions"])[0]["Status"] != status:
            assert time.monotonic() < deadline, (told, self.lines())
            time.sleep(0.002)
        return time.time()

    def lines(self) -> list[str]:
        """The whole log."""
        lines: list[str] = []
        asked = {"VpnConnectionId": self.id, "MinutePeriod": 10, "PageSize": 50}
        while len(lines) % 50 == 0:
            told = self.client.call("DescribeVpnConnectionLogs", **asked, PageNumber=len(lines) // 50 + 1)["Data"]
            lines += told["Logs"]
            if not told["Logs"]:
                break
        return lines

    def answers(self, peer: Customer, psk: str = KEY) -> None:
        """Have the customer's device be the other end of the first tunnel."""
        address = self.told()[OPTIONS]["TunnelOptions"][0]["InternetIp"]
        peer.answer(
            tunnel(peer=PEER, gateway=address, local=("10.0.0.0/8",), remote=("172.16.1.0/24",), initiate=False), psk
        )


@pytest.fixture
def site(linux: Service) -> Site:
    return Site(linux)


@pytest.fixture
def peer(site: Site) -> Iterator[Customer]:
    machines = Machines()
    try:
        with customer(machines, Names(site.service.installation).uplink.name, f"{PEER}/15") as made:
            yield made
    finally:
        machines.remove()


def test_statuses_follow_the_daemons_and_logs_have_their_lines(site: Site, peer: Customer) -> None:
    site.answers(peer, "another-key")

    def refused() -> bool:
        # the first packets may come before the gateway's side can be reached
        with pytest.raises(vici.exception.CommandException):
            peer.initiate()
        return any("AUTH_FAILED" in line for line in site.lines())

    _until(refused, "what is wrong with the key is not in the log")
    assert site.told()["Status"] == DOWN
    site.answers(peer)
    peer.initiate()
    site.until(UP)
    assert (site.told()["State"], site.told()["Status"]) == ("active", UP)
    # the daemons carry on without API and agent; whoever looks afterwards finds the tunnel as it is
    site.service.kill()
    site.service.start()
    site.client = site.service.client()
    site.until(UP)
    delays = []
    for _ in range(3):
        peer.terminate()
        began = time.time()
        delays.append(site.until(DOWN) - began)
        peer.initiate()
        began = time.time()
        delays.append(site.until(UP) - began)
    print("seconds from the peer's own event to the API:", sorted(round(each, 3) for each in delays))
    assert any("established" in line for line in site.lines())
    assert not any(KEY in line for line in site.lines())
    assert KEY not in site.service.printed()
    site.client.call("DeleteVpnConnection", VpnConnectionId=site.id)
    until_status(site.service, site.gateway, "active")
    _until(lambda: not peer.sas(), "the tunnel outlives its connection")


def _until(condition: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, failure
        time.sleep(0.01)
