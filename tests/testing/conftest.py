"""One service for the tests of what starts, steers and documents such services."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gatewright import testing


@pytest.fixture(scope="package")
def shared() -> Iterator[testing.Server]:
    with testing.server(account_id="42", settings={"quota_vpcs": 3, "throttling": "off"}) as server:
        yield server


@pytest.fixture
def gw(shared: testing.Server) -> testing.Server:
    shared.control.reset()
    return shared
