"""Fixtures for pytest: a simulated service that starts when the first test asks for it, and is as new in each.

Loaded by pytest's entry point in every run of everybody who has this package, so nothing is imported here but what
pytest has loaded already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gatewright.testing import Server

#: How many calls are shown of a test that fails.
_SHOWN = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("gatewright_region", "region of the simulated gatewright service", default="cn-hangzhou")
    parser.addini("gatewright_settings", "its settings, NAME = VALUE a line, such as quota_vpcs = 2", type="linelist")


@pytest.fixture(scope="session")
def gatewright_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A simulated Gatewright service for the session (with pytest-xdist: for each worker), as tests have left it."""
    with started(request.config.getini("gatewright_region"), request.config.getini("gatewright_settings")) as running:
        yield running


@pytest.fixture
def gatewright(gatewright_server: Server) -> Server:
    """The session's simulated Gatewright service, without anything that earlier tests have made or steered."""
    gatewright_server.control.reset()
    return gatewright_server


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Show what a test that fails has asked of the service."""
    server: Server | None = getattr(item, "funcargs", {}).get("gatewright")
    if call.when != "call" or call.excinfo is None or server is None:
        return
    from gatewright.testing import ServerGone

    try:
        calls = server.control.calls.all()
    except ServerGone as error:
        shown = str(error)
    else:
        shown = "\n".join(
            f"{each.operation} {each.status or 'dropped'} {each.code or ''}".rstrip() for each in calls[-_SHOWN:]
        )
    item.add_report_section("call", "gatewright", shown or "no calls")


@contextmanager
def started(region: str, settings: Iterable[str]) -> Iterator[Server]:
    """A service with settings as the file has them. What does not start is a test's failure, without a traceback."""
    from gatewright.testing import NotStarted, server

    with ExitStack() as stack:
        try:
            running = stack.enter_context(server(region=region, settings=chosen(settings)))
        except (NotStarted, ValueError) as error:
            pytest.fail(str(error), pytrace=False)
        yield running


def chosen(lines: Iterable[str]) -> dict[str, str | int | bool]:
    """Settings as the file has them, NAME = VALUE each. Raises ValueError."""
    settings: dict[str, str | int | bool] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals:
            raise ValueError(f"gatewright_settings: {line!r} is not NAME = VALUE")
        settings[name.strip()] = value.strip()
    return settings
