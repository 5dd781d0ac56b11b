"""``HealthCheckConfig`` of a single-tunnel connection."""

from __future__ import annotations

from typing import Any

from gatewright.errors import invalid_parameter, missing_parameter
from gatewright.operations.vpn_connections.configs import HealthCheckConfig

_FIELDS = {
    "health_enabled": "enable",
    "health_destination": "dip",
    "health_source": "sip",
    "health_interval": "interval",
    "health_retry": "retry",
    "health_policy": "policy",
}
#: What a connection has whose request says nothing.
OFF: dict[str, Any] = {
    "health_enabled": False,
    "health_destination": "",
    "health_source": "",
    "health_interval": 3,
    "health_retry": 3,
    "health_policy": "revoke_route",
}


def fields(config: HealthCheckConfig | None, before: dict[str, Any]) -> dict[str, Any]:
    """A connection's columns as they are before, with what a request says."""
    if config is None:
        return before
    given = {column: getattr(config, name) for column, name in _FIELDS.items()}
    return before | {column: value for column, value in given.items() if value is not None}


def fields_of(row: Any) -> dict[str, Any]:
    """The columns of a connection's row."""
    return {column: getattr(row, column) for column in _FIELDS}


def check(after: dict[str, Any]) -> None:
    """Refuse checks that have nothing to send to. Raises ApiError."""
    if not after["health_enabled"]:
        return
    if not after["health_destination"]:
        raise missing_parameter("HealthCheckConfig.Dip")
    if not after["health_source"]:
        raise missing_parameter("HealthCheckConfig.Sip")
    if after["health_destination"] == after["health_source"]:
        raise invalid_parameter(
            "HealthCheckConfig.Sip", after["health_source"], "is Dip too: probes go to the other end"
        )
