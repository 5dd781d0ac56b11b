"""A simulated service for other people's tests: real HTTP on a port of its own, gone when the test is.

::

    from gatewright import testing

    with testing.server() as gw:
        gw.endpoint, gw.access_key_id, gw.access_key_secret, gw.region   # what an SDK is given
        gw.control.delays.set(provisioning=300)                          # how it behaves
        gw.control.clock.advance(300)
        gw.environment()                                                 # for a subprocess: Terraform, a script

With pytest the fixtures ``gatewright`` and ``gatewright_server`` are there as soon as the package is installed
(:mod:`gatewright.testing.plugin`). Names are loaded when they are used, because pytest loads this package in every run
of everybody who has it installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewright.client import Caller, Refused
    from gatewright.testing.control import Control, ControlRefused, ServerGone
    from gatewright.testing.simulated import NotStarted, Server, server
    from gatewright.testing.steering import Call, Fault, Instance, Tunnel

__all__ = [
    "Call",
    "Caller",
    "Control",
    "ControlRefused",
    "Fault",
    "Instance",
    "NotStarted",
    "Refused",
    "Server",
    "ServerGone",
    "Tunnel",
    "server",
]

_MODULES = {
    "Caller": "gatewright.client",
    "Refused": "gatewright.client",
    "Control": "gatewright.testing.control",
    "ControlRefused": "gatewright.testing.control",
    "ServerGone": "gatewright.testing.control",
    "NotStarted": "gatewright.testing.simulated",
    "Server": "gatewright.testing.simulated",
    "server": "gatewright.testing.simulated",
    "Call": "gatewright.testing.steering",
    "Fault": "gatewright.testing.steering",
    "Instance": "gatewright.testing.steering",
    "Tunnel": "gatewright.testing.steering",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
