"""Tests of the linux plane make real namespaces, links and daemons, each test an installation of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path

import pytest

from gatewright import ids
from gatewright.plane.linux import esp
from gatewright.plane.linux.esp import Backend
from tests.plane.linux.lab import Lab
from tests.plane.linux.machines import Machines
from tests.support.linux import unmet

#: Set where the tests of the kernel's ESP must run, and not be skipped.
REQUIRED = "GATEWRIGHT_REQUIRE_KERNEL_ESP"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Where the kernel's ESP is asked for and not there, nothing is run at all."""
    if os.environ.get(REQUIRED) and (reason := without_kernel_esp()):
        raise pytest.UsageError(f"{REQUIRED} is set, and {reason}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("kernel_esp") and (reason := without_kernel_esp()):
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where the kernel's ESP is asked for, a test that is skipped all the same has failed."""
    report = yield
    if report.skipped and os.environ.get(REQUIRED) and item.get_closest_marker("kernel_esp"):
        report.outcome = "failed"
        report.longrepr = f"{REQUIRED} is set, and this test was skipped: {report.longrepr}"
    return report


@cache
def without_kernel_esp() -> str:
    """Why tests of the kernel's ESP cannot run here; empty when they can."""
    if reason := unmet():
        return reason
    if esp.backend() is Backend.KERNEL:
        return ""
    return "this kernel has no ESP with XFRM interfaces: make test-kernel runs the test on one that has"


@pytest.fixture(scope="session")
def linux_host() -> None:
    """Skips the test, with the reason, where the plane cannot run."""
    if reason := unmet():
        pytest.skip(reason)


@pytest.fixture(params=[Backend.USERSPACE, pytest.param(Backend.KERNEL, marks=pytest.mark.kernel_esp)])
def carried_by(request: pytest.FixtureRequest, linux_host: None, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """Every test that asks for it runs with either way to carry ESP; what is chosen here is not asked."""
    wanted = Backend(request.param)
    monkeypatch.setattr(esp, "backend", lambda: wanted)
    return wanted


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
