"""A short soak on each database; ``make soak`` is the long one, with another seed each time."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from tests.soak.host import Host
from tests.soak.soak import QUOTAS, Soak, database_of
from tests.support.linux import clean, unmet
from tests.support.service import Service

#: How long what must happen may take on a loaded machine, seconds.
_PATIENCE = 120.0
_STEPS = 24
_SEED = int(os.environ.get("GATEWRIGHT_SOAK_SEED", "4"))


@pytest.mark.skipif(bool(unmet()), reason=unmet() or "the linux plane can run here")
def test_what_was_acknowledged_stands_and_what_was_deleted_leaves_nothing(tmp_path: Path, database_url: str) -> None:
    own = None if database_url.startswith("sqlite") else database_url
    service = Service(tmp_path / "data", plane="linux", database=own, environment=QUOTAS)
    said: list[str] = []
    try:
        with service:
            soak = Soak(service, own or database_of(service), _SEED, said.append)
            try:
                summary = soak.run(_STEPS)
            except (Exception, AssertionError) as error:
                error.add_note(f"seed {_SEED}; the walks were at:\n{soak.where()}\n{service.printed()[-4000:]}")
                raise
    finally:
        if service.started:
            clean(service.installation)
    assert summary.steps == _STEPS
    assert summary.orders > 3
    assert summary.connections > 1
    assert summary.killed.total() > 3


@pytest.mark.skipif(bool(unmet()), reason=unmet() or "the linux plane can run here")
def test_a_leak_would_be_seen(tmp_path: Path) -> None:
    """Each kind of thing that could be left is found by what it carries."""
    installation = uuid.uuid4().hex[:8]
    host = Host(installation, tmp_path)
    assert host.leftovers() == []
    link = f"soak{installation}"[:15]
    names = {f"gw-{installation}-a", f"gw-{installation}-b"}
    table = f"gw_{installation}"
    file = Path("/run") / f"soak-{installation}"
    sleeper = None
    try:
        for name in names:
            _run("ip", "netns", "add", name)
        _run("ip", "link", "add", link, "type", "bridge")
        _run("ip", "link", "set", link, "alias", f"gatewright:{installation}:vswitch:x", "up")
        _run("ip", "address", "add", "192.0.2.1/32", "dev", link)
        _run("nft", "add", "table", "netdev", table)
        file.touch()
        sleeper = subprocess.Popen(["ip", "netns", "exec", min(names), "sleep", "600"])
        deadline = time.monotonic() + _PATIENCE
        while not any(line.startswith(f"process {sleeper.pid} ") for line in host.leftovers()):
            assert sleeper.poll() is None
            assert time.monotonic() < deadline
        # without its alias, and without its name
        _run("ip", "link", "set", link, "alias", "")
        _run("ip", "netns", "delete", min(names))
        found = host.leftovers()
        kinds = {line.split()[0] for line in found}
        assert kinds >= {"file", "mount", "process", "link", "address", "nft"}, found
        assert f"link {link} (no alias)" in found
    finally:
        if sleeper is not None:
            sleeper.kill()
            sleeper.wait()
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "delete", link], check=False)
        subprocess.run(["nft", "delete", "table", "netdev", table], check=False)
        file.unlink(missing_ok=True)
    deadline = time.monotonic() + _PATIENCE
    while (left := host.leftovers()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


@pytest.mark.skipif(bool(unmet()), reason=unmet() or "the linux plane can run here")
def test_a_namespace_with_the_number_of_one_that_has_ended_is_nobody_s_leftover(tmp_path: Path) -> None:
    """The kernel gives numbers again, the lowest first."""
    installation = uuid.uuid4().hex[:8]
    host = Host(installation, tmp_path)
    ours = f"gw-{installation}-a"
    deadline = time.monotonic() + _PATIENCE
    again = False
    while not again:
        assert time.monotonic() < deadline, "the kernel gave no number again"
        _run("ip", "netns", "add", ours)
        host.observe()
        number = Path(f"/run/netns/{ours}").stat().st_ino
        _run("ip", "netns", "delete", ours)
        strangers = []
        try:
            for _ in range(20):
                # "up" says that it has its namespace
                stranger = subprocess.Popen(
                    ["unshare", "--net", "sh", "-c", "echo up; exec sleep 600"], stdout=subprocess.PIPE
                )
                strangers.append(stranger)
                assert stranger.stdout is not None
                assert stranger.stdout.readline() == b"up\n"
                if again := Path(f"/proc/{stranger.pid}/ns/net").stat().st_ino == number:
                    assert host.leftovers() == []
                    break
        finally:
            for stranger in strangers:
                stranger.kill()
                stranger.communicate()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=60)
