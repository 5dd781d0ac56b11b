"""The page of limits leaves no bound out."""

from __future__ import annotations

import re
from types import ModuleType

import pytest
from scripts.limits_page import CONNECTIONS, LINK, REQUESTS, VALUES

from gatewright.link import https_server
from gatewright.wire import authentication, bodies, endpoint, gathering, parameters, server, tls

_BOUND = re.compile(r"(LARGEST|LONGEST|MOST|HIGHEST)_\w+|LONGEST|\w+_PATIENCE|KEEP_ALIVE|WINDOW|\w+_MOST")


@pytest.mark.parametrize(
    "module",
    [authentication, bodies, gathering, endpoint, parameters, server, tls, https_server],
    ids=lambda each: each.__name__,
)
def test_every_bound_of_what_is_served_is_on_the_page(module: ModuleType) -> None:
    listed = {bound.constant for bound in (*CONNECTIONS, *REQUESTS, *VALUES, *LINK) if bound.module is module}
    declared = {
        name for name, value in vars(module).items() if _BOUND.fullmatch(name) and isinstance(value, int | float)
    }
    assert declared
    assert declared - listed == set()
