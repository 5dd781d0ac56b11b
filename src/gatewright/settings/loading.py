"""Putting settings together, and the first administrator's, which are no settings."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gatewright.errors import ConfigurationError
from gatewright.settings.checks import (
    charge_types,
    check_database,
    check_uplink,
    has_password,
    health_interval,
    link_address,
    listen_address,
    public_pool,
    tls_files,
    trace_endpoint,
    underlay_address,
)
from gatewright.settings.declarations import MOST_OF_A_GATEWAY, QUOTAS, SQLITE, TABLE, AdministratorSettings, Settings
from gatewright.settings.sources import environment_values, file_values

#: The default public pool of each plane. The simulated one lies in the reserved class E, so that no answer names
#: a real host; the linux one in the range for benchmarks (RFC 2544), which no real network routes.
_PUBLIC_POOLS = {"simulated": "240.0.0.0/8", "linux": "198.18.0.0/15"}
#: Longest path of a Unix socket, bytes: unix(7), without the final NUL.
_LONGEST_SOCKET = 107


def load(command_line: Mapping[str, Any], environment: Mapping[str, str], file: Path | None) -> Settings:
    """Put the settings together. ``command_line`` has what was given there, by name. Raises ConfigurationError."""
    if has_password(str(command_line.get("database") or "")):
        raise ConfigurationError(
            "--database has a password, which every user of the machine could read: set GATEWRIGHT_DATABASE instead"
        )
    values: dict[str, Any] = file_values(file) if file is not None else {}
    values |= environment_values(environment)
    values |= {name: value for name, value in command_line.items() if value is not None}
    check_database(values.get("database") or SQLITE + "/")
    plane = values.get("plane", "simulated")
    allow_plaintext = bool(values.get("allow_plaintext", False))
    tls_cert, tls_key = tls_files(values)
    host, port = listen_address(
        "listen", values.get("listen", "127.0.0.1:8080"), allow_plaintext or tls_cert is not None
    )
    control = bool(values.get("control", False))
    control_host, control_port = listen_address(
        "control_listen", values.get("control_listen", "127.0.0.1:0"), allow_plaintext
    )
    if control and plane != "simulated":
        raise ConfigurationError(
            f"control steers the simulated plane, and this is the {plane} one: leave control out, or say "
            "--plane simulated"
        )
    if not control and "control_listen" in values:
        raise ConfigurationError("control_listen is where the control API listens, which is off: add --control")
    link_host, link_port = link_address(values.get("link_listen", ""), plane)
    # there is no secret in them, and who names an address means it
    metrics_listen = values.get("metrics_listen", "")
    metrics_host, metrics_port = (
        listen_address("metrics_listen", metrics_listen, allow_plaintext=True) if metrics_listen else ("", 0)
    )
    data = Path(values.get("data") or _default_data(environment)).absolute()
    quotas = {name: values.get(name, default) for name, default in QUOTAS.items()}
    for name, quota in quotas.items():
        if quota < 0:
            raise ConfigurationError(f"{name} is {quota}: it cannot be negative")
        if quota > (most := MOST_OF_A_GATEWAY.get(name, quota)):
            raise ConfigurationError(f"{name} is {quota}: it can be {most}, no host is told more of one gateway")
    connections = values.get("connections", 1024)
    if connections < 1:
        raise ConfigurationError(f"connections is {connections}: it must be at least 1")
    pool = public_pool(values.get("public_pool") or _PUBLIC_POOLS[plane])
    check_uplink(values, plane, pool)
    if values.get(TABLE) and plane != "linux":
        raise ConfigurationError(
            f"bridges are vSwitches of the linux plane, and this is the {plane} one: leave them out"
        )
    settings = Settings(
        data=data,
        host=host,
        port=port,
        database=values.get("database") or f"{SQLITE}{data / 'api' / 'gatewright.db'}",
        api_user=values.get("api_user", ""),
        plane=plane,
        region=values.get("region", "cn-hangzhou"),
        allow_plaintext=allow_plaintext,
        tls_cert=tls_cert,
        tls_key=tls_key,
        control=control,
        control_host=control_host,
        control_port=control_port,
        link_host=link_host,
        link_port=link_port,
        metrics_host=metrics_host,
        metrics_port=metrics_port,
        underlay=underlay_address(values.get("underlay", "")),
        public_pool=pool,
        uplink=values.get("uplink"),
        uplink_mode=values.get("uplink_mode", "routed"),
        bridges=values.get(TABLE, {}),
        charge_types=charge_types(values.get("charge_types", "PREPAY,POSTPAY")),
        **quotas,
        connections=connections,
        throttling=values.get("throttling", "off"),
        busy_gateways=values.get("busy_gateways", "queue"),
        weak_algorithms=values.get("weak_algorithms", "accept"),
        health_interval=health_interval(values.get("health_interval")),
        cache=bool(values.get("cache", False)),
        trace_endpoint=trace_endpoint(values.get("trace_endpoint", "")),
        log_level=values.get("log_level", "WARNING"),
        log_format=values.get("log_format", "auto"),
    )
    if settings.database_file is not None:
        # the linux plane's API changes its working directory
        settings = msgspec.structs.replace(settings, database=f"{SQLITE}{settings.database_file.absolute()}")
    length = len(os.fsencode(settings.agent_socket))
    if plane == "linux" and length > _LONGEST_SOCKET:
        raise ConfigurationError(
            f"data is {data}: the agent's socket in it has a path of {length} bytes, and the system allows "
            f"{_LONGEST_SOCKET}: choose a shorter one"
        )
    return settings


def administrator(environment: Mapping[str, str]) -> AdministratorSettings:
    """The first administrator. Raises ConfigurationError."""
    account_id = environment.get("GATEWRIGHT_ACCOUNT_ID")
    key_id = environment.get("GATEWRIGHT_ACCESS_KEY_ID")
    secret = environment.get("GATEWRIGHT_ACCESS_KEY_SECRET")
    if (key_id is None) != (secret is None):
        raise ConfigurationError("GATEWRIGHT_ACCESS_KEY_ID and GATEWRIGHT_ACCESS_KEY_SECRET go together: set both")
    if account_id is not None and not re.fullmatch(r"[1-9][0-9]{0,17}", account_id):
        raise ConfigurationError("GATEWRIGHT_ACCOUNT_ID must be a number of at most 18 digits")
    for name, value in (("GATEWRIGHT_ACCESS_KEY_ID", key_id), ("GATEWRIGHT_ACCESS_KEY_SECRET", secret)):
        if value is not None and not re.fullmatch(r"[\x21-\x7e]{1,128}", value):
            raise ConfigurationError(f"{name} must be 1 to 128 printable ASCII characters without spaces")
    return AdministratorSettings(account_id, key_id, secret)


def _default_data(environment: Mapping[str, str]) -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/gatewright")
    base = environment.get("XDG_DATA_HOME") or str(Path("~/.local/share").expanduser())
    return Path(base) / "gatewright"
