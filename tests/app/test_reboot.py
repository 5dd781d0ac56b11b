"""A host that was rebooted, on the linux plane: gateways stand again before the control plane is there."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app.test_serve import connected, gateway, until_status
from tests.support.connections import DAEMONS
from tests.support.linux import clean, unmet
from tests.support.service import Service, halves_of

RUNTIME = Path("/run/gatewright")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    if unmet():
        pytest.skip(unmet())
    data = tmp_path / "data"
    with Service(data, plane="linux", arguments=("--cache", "--log-level", "INFO")) as started:
        yield started
    clean(installation_of(started))


def installation_of(service: Service) -> str:
    return next(service.data.rglob("installation")).read_text().strip()


def run(*command: str) -> str:
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=10).stdout


def namespaces(installation: str) -> list[str]:
    return sorted(
        line.split()[0] for line in run("ip", "netns", "list").splitlines() if line.startswith(f"gw-{installation}-")
    )


def identities(installation: str) -> dict[str, int]:
    """Which namespaces have these names: made anew, one is another."""
    return {name: Path(f"/run/netns/{name}").stat().st_ino for name in namespaces(installation)}


def reboot(installation: str) -> None:
    """Take away what a reboot takes away, of this installation alone: processes, namespaces, links, tables, /run."""
    from gatewright.plane.linux import leftovers

    for line in leftovers(installation, RUNTIME):
        what, name, *_ = line.split()
        if what == "process":
            os.kill(int(name), signal.SIGKILL)
        elif what == "namespace":
            run("ip", "netns", "delete", name)
    for line in leftovers(installation, RUNTIME):
        what, *words = line.split()
        if what == "link":
            run("ip", "link", "delete", words[0])
        elif what == "table":
            run("nft", "delete", "table", *words)
    shutil.rmtree(RUNTIME / installation)
    until(lambda: leftovers(installation, RUNTIME) == [])


def until(condition: Callable[[], object], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@contextmanager
def half(service: Service, name: str, *more: str, listener: socket.socket | None = None) -> Iterator[None]:
    """One half of the service alone, as its supervisor would start it."""
    owner = (service.data / "api").stat()
    given = [str(os.getpid()), str(owner.st_uid)]
    if listener is not None:
        given += [str(owner.st_gid), str(listener.fileno())]
    given += [*service.arguments, *more]
    with service.output.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gatewright", f"half-{name}", *given],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=service.environment,
            pass_fds=[listener.fileno()] if listener else [],
        )
    try:
        yield
        assert process.poll() is None, service.printed()
    finally:
        process.terminate()
        process.wait(20)


def versions(installation: str) -> list[str]:
    """What the charons of all instances answer on their VICI sockets."""
    from gatewright.plane.linux.vici_client import ViciClient

    found = []
    for path in sorted((RUNTIME / installation).rglob("vici")):
        try:
            with ViciClient(path, 5) as client:
                found.append(client.version())
        except OSError:
            continue  # it is there and nobody listens yet
    return found


def test_gateways_are_back_before_the_control_plane(service: Service) -> None:
    assert service.process is not None
    kept, doomed, linked = gateway(service), gateway(service), connected(service)
    for each in (kept, doomed):
        until_status(service, each, "active")
    installation = installation_of(service)
    assert halves_of(service.process.pid)
    before = namespaces(installation)
    assert len(before) == 11  # six instances, two tunnels and the routers of three VPCs
    assert service.stop() == 0
    reboot(installation)
    assert namespaces(installation) == []
    with half(service, "agent"):
        until(lambda: len(versions(installation)) == 2)
        until(lambda: namespaces(installation) == before)
        assert all(version.startswith("charon-systemd ") for version in versions(installation))
        until(lambda: len(processes(installation)) == DAEMONS)
        daemons, places = processes(installation), identities(installation)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            service.port = listener.getsockname()[1]
            with half(service, "api", listener=listener):
                client = service.client()
                # from its first answer on, for as long as the agent takes to tell how all of it stands
                seen = {client.call("DescribeVpnGateway", VpnGatewayId=kept)["Status"]}
                client.call("DeleteVpnGateway", VpnGatewayId=doomed)
                until(lambda: client.call("DescribeVpnGateways")["TotalCount"] == 2)
                seen.add(client.call("DescribeVpnGateway", VpnGatewayId=kept)["Status"])
                assert seen == {"active"}
                # its tunnels' keys are in no cache: only now they are known
                until_status(service, linked, "active")
                assert len(namespaces(installation)) == 9  # two of a gateway less
                # adopted as they are, by the agent that had made them from its cache
                assert processes(installation) == daemons
                assert identities(installation).items() <= places.items()
    reboot(installation)
    with half(service, "agent"):
        until(lambda: len(versions(installation)) == 2)
        # what was deleted does not come back; a moment longer than it takes to make one
        assert set(namespaces(installation)) < set(before)


def test_without_the_setting_there_is_no_cache_and_an_old_one_is_removed(service: Service) -> None:
    until_status(service, gateway(service), "active")
    cache = next(service.data.rglob("cache"))
    assert service.stop() == 0
    service.arguments.remove("--cache")
    service.start()
    assert not cache.exists()


def processes(installation: str) -> set[int]:
    from gatewright.plane.linux import leftovers

    return {int(line.split()[1]) for line in leftovers(installation, RUNTIME) if line.startswith("process ")}
