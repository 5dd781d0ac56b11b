"""Hosts over HTTPS with the real control plane behind: what they run, and what a removed one gets."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path

from gatewright.agent.loop import Agent
from gatewright.agent.memory import RevisionMemory
from gatewright.link.contract import LinkDown
from gatewright.link.https import HttpsLink, client_context
from gatewright.link.https_server import HttpsLinkServer, server_context
from gatewright.plane.simulated import SimulatedPlane
from gatewright.reconcile import removal
from gatewright.secrets.certificates import Authority
from gatewright.store import hosts
from gatewright.store.hosts import HostRow
from gatewright.store.transaction import Transaction
from tests.support.cell import Cell

K, J = "cn-hangzhou-k", "cn-hangzhou-j"


class Endpoint:
    """A cell's link, and links of hosts to it."""

    def __init__(self, cell: Cell, folder: Path) -> None:
        self.cell, self.folder = cell, folder
        self.authority = Authority.make("0123abcd")
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        context = server_context(self.authority.certificate)
        issued = self.authority.issue_endpoint("127.0.0.1")
        (folder / "server").write_text(issued.private_key + issued.certificate)
        context.load_cert_chain(folder / "server")
        self.server = HttpsLinkServer(cell.control_plane, self._listener, context)

    def add(self, name: str, zone: str) -> HttpsLink:
        issued = self.authority.issue_host(name, "")
        row = HostRow(name, 0, zone, "", issued.fingerprint, False, 1, None, None)
        self.cell.run(self.cell.database.write(lambda transaction: hosts.add(transaction, row)))
        files = self._files(name)
        texts = (self.authority.certificate, issued.certificate, issued.private_key)
        for file, text in zip(files, texts, strict=True):
            file.touch(mode=0o600)
            file.write_text(text)
        return self.link(name)

    def link(self, name: str) -> HttpsLink:
        """One more link of a host that was added."""
        return HttpsLink(f"https://127.0.0.1:{self.port}", client_context(*self._files(name)))

    def _files(self, name: str) -> list[Path]:
        return [self.folder / f"{name}.{kind}" for kind in ("ca", "crt", "key")]


def test_agents_of_two_hosts_build_a_gateway_and_a_removed_one_gets_nothing(
    make_cell: Callable[..., Cell], tmp_path: Path
) -> None:
    cell = make_cell(with_agent=False)
    endpoint = Endpoint(cell, tmp_path)
    links = {"a": endpoint.add("a", K), "b": endpoint.add("b", J)}
    # the agent of b polls over its own: what is asked there waits for the end of that poll
    another = endpoint.link("b")
    planes = {name: SimulatedPlane() for name in links}

    async def begin() -> list[asyncio.Task[None]]:
        await endpoint.server.start()
        agents = [Agent(planes[name], links[name], RevisionMemory()) for name in links]
        return [asyncio.ensure_future(agent.run()) for agent in agents]

    async def end(tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for link in (*links.values(), another):
            await link.close()
        await endpoint.server.close()

    async def polls(link: HttpsLink) -> float:
        """How long a poll waits that begins after the last change, until it is refused."""
        revision = (await link.changes(0, 0)).revision
        polling = asyncio.ensure_future(link.changes(revision, 20))
        await asyncio.sleep(0.05)
        assert not polling.done()
        started = time.monotonic()

        def remove(transaction: Transaction) -> int:
            return removal.remove(transaction, "b", fenced=True, now=cell.clock.now())

        await cell.database.write(remove)
        try:
            await polling
        except LinkDown as down:
            assert "none of a host" in str(down)
            return time.monotonic() - started
        raise AssertionError("a removed host was answered")

    tasks = cell.run(begin())
    try:
        network = cell.network()
        gateway = cell.gateway(network)
        cell.until_status(gateway, "active")
        assert {key.id for key in planes["b"].items} == {network[2], f"{gateway}-2"}
        assert {key.id for key in planes["a"].items} == {*network, f"{gateway}-1"}
        rows = {row.id: row for row in cell.run(cell.database.read(hosts.every))}
        assert rows["a"].seen_at is not None
        assert rows["b"].agent_version is not None
        # Far below the twenty seconds that the poll would wait.
        assert cell.run(polls(another)) < 5
    finally:
        cell.run(end(tasks))
