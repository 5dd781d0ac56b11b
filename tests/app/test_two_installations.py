"""Two services beside each other on one host, the same ids and addresses in both: neither ever touches the other's."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatewright.app.host_lock import RUNTIME
from tests.app.test_reboot import installation_of, namespaces, until
from tests.app.test_serve import connected, gateway, run, until_status
from tests.support.connections import DAEMONS
from tests.support.linux import clean, unmet
from tests.support.service import Service

ROUNDS = 6


@pytest.fixture
def services(tmp_path: Path) -> Iterator[tuple[Service, Service, str]]:
    """Two, with copies of one database, and a gateway that is in both."""
    if unmet():
        pytest.skip(unmet())
    one, other = Service(tmp_path / "one", plane="linux"), Service(tmp_path / "other", plane="linux")
    with one:
        shared = connected(one)
        assert one.stop() == 0
        shutil.copytree(one.data, other.data)
        # what makes it an installation of its own
        next(other.data.rglob("installation")).unlink()
        one.start()
        with other:
            until_status(one, shared, "active")
            # the copied database says so before anything is there
            until(lambda: len(list((RUNTIME / installation_of(other)).rglob("applied.json"))) >= 4)
            until_status(other, shared, "active")
            assert installation_of(one) != installation_of(other)
            yield one, other, shared
    for service in (one, other):
        clean(installation_of(service))


def picture(installation: str) -> dict[str, Any]:
    """All that is of an installation, down to indexes, addresses, process numbers and the content of files."""
    from gatewright.plane.linux import leftovers

    lines = leftovers(installation, RUNTIME)
    names = {line.split()[1] for line in lines if line.startswith("link ")}
    found: dict[str, Any] = {"lines": sorted(line for line in lines if not line.startswith("process "))}
    # with its start, so that no other process of the same number is taken for it
    found["processes"] = sorted(
        (int(pid), Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        for pid in (line.split()[1] for line in lines if line.startswith("process "))
    )
    found["links"] = [facts(link) for link in ip("-d", "link", "show") if link["ifname"] in names]
    for namespace in namespaces(installation):
        found[namespace] = [
            (facts(link), sorted(each["local"] for each in link["addr_info"]))
            for link in ip("-n", namespace, "address", "show")
        ]
    for path in sorted((RUNTIME / installation).rglob("*")):
        # a log may grow; what else is there is not even written anew
        if path.is_file() and path.suffix != ".log":
            found[str(path)] = (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
    return found


def ip(*arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run(["ip", "-j", *arguments], check=True, capture_output=True, timeout=10)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def facts(link: dict[str, Any]) -> dict[str, Any]:
    return {name: link.get(name) for name in ("ifindex", "ifname", "address", "master", "operstate", "ifalias", "mtu")}


def test_one_is_worked_with_and_cleaned_and_the_other_stays_as_it_is(services: tuple[Service, Service, str]) -> None:
    one, other, shared = services
    chance = random.Random(11)
    here, there = installation_of(one), installation_of(other)
    before = picture(there)
    # of two instances, a tunnel of each, and the VPC's router
    assert len(namespaces(here)) == len(namespaces(there)) == 5
    assert len(before["processes"]) == DAEMONS
    assert [name.removeprefix(f"gw-{here}-") for name in namespaces(here)] == [
        name.removeprefix(f"gw-{there}-") for name in namespaces(there)
    ]

    client, made = one.client(), [shared]
    for number in range(ROUNDS):
        if chance.random() < 0.6:
            made.append(gateway(one))
        elif len(made) > 1:
            # the first one has a connection
            client.call("DeleteVpnGateway", VpnGatewayId=made.pop(chance.randrange(1, len(made))))
        if number == ROUNDS // 2:
            one.kill()
            one.start()
            client = one.client()
    until(lambda: client.call("DescribeVpnGateways")["TotalCount"] == len(made), 40)
    for each in made:
        until_status(one, each, "active")
    assert picture(there) == before

    assert one.stop() == 0
    cleaned = run("host", "clean", "--yes", "--data", str(one.data))
    assert cleaned.returncode == 0, cleaned.stderr
    assert there not in cleaned.stdout
    assert namespaces(here) == []
    assert picture(there) == before

    # The other's agent has noticed nothing either, and goes on working.
    assert other.client().call("DescribeVpnGateway", VpnGatewayId=shared)["Status"] == "active"
    further = gateway(other)
    until_status(other, further, "active")
    one.start()
    for each in made:
        until_status(one, each, "active")
