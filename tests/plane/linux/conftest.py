"""Tests of the linux plane make real namespaces, links and daemons, each test an installation of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatewright import ids
from tests.plane.linux.lab import Lab
from tests.plane.linux.machines import Machines


@pytest.fixture(scope="session")
def linux_host() -> None:
    """Skips the test, with the reason, where the plane cannot run."""
    if os.geteuid() != 0:
        pytest.skip("the linux plane needs root")
    from gatewright.plane.linux import requirements

    missing = requirements()
    if missing:
        pytest.skip(" ".join(missing))


@pytest.fixture
def new_lab(linux_host: None) -> Iterator[Callable[[], Lab]]:
    """Makes installations; whatever a test leaves of them is removed after it."""
    labs = []

    def make() -> Lab:
        # /tmp, not tmp_path: a socket's path has to be short
        lab = Lab(ids.installation_id(), Path(tempfile.mkdtemp(prefix="gw-test-", dir="/tmp")))
        labs.append(lab)
        return lab

    yield make
    for lab in labs:
        lab.sweep()
    for lab in labs:
        assert lab.present() == []


@pytest.fixture
def machines(lab: Lab) -> Iterator[Machines]:
    """Makes machines beside the installation's; they are removed before it is."""
    made = Machines()
    yield made
    made.remove()


@pytest.fixture
def lab(new_lab: Callable[[], Lab]) -> Lab:
    return new_lab()
