"""``HealthCheckConfig`` of a single-tunnel connection."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
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


def check(after: dict[str, Any], local_subnets: str, remote_subnets: str) -> None:
    """Refuse checks that have nothing to send to, or that no tunnel between these networks takes. Raises ApiError.

    Whether a check goes by its tunnel's selectors is nowhere documented (*assumed*): nothing else would get through.
    """
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
    for name, address, side, networks in (
        ("Dip", after["health_destination"], "RemoteSubnet", remote_subnets),
        ("Sip", after["health_source"], "LocalSubnet", local_subnets),
    ):
        if not any(IPv4Address(address) in IPv4Network(network) for network in networks.split(",")):
            rule = f"must be in {side}, {networks}: the tunnel takes nothing else, and the check would never succeed"
            raise invalid_parameter(f"HealthCheckConfig.{name}", address, rule)
