"""Where values come from, one by one: the file and the environment."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatewright.errors import ConfigurationError
from gatewright.settings.checks import LINK_NAME, check_choice
from gatewright.settings.declarations import OPTIONS, PREFIX, TABLE, Option

_TYPE_NAMES = {str: "string", bool: "boolean", int: "whole number"}


def file_values(file: Path) -> dict[str, Any]:
    """What a TOML file says, by name, vSwitches' bridges as one. Raises ConfigurationError."""
    try:
        with file.open("rb") as stream:
            values = tomllib.load(stream)
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: byte {error.start} is not UTF-8, which TOML is written in") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    known = {option.name: option for option in OPTIONS}
    for name, value in values.items():
        if name == TABLE:
            values[name] = _bridges(file, value)
            continue
        option = known.get(name)
        if option is None:
            raise ConfigurationError(f"{file}: there is no setting {name!r}; there are {', '.join(sorted(known))}")
        if type(value) is not option.type:
            raise ConfigurationError(f"{file}: {name} must be a {_TYPE_NAMES[option.type]}")
        check_choice(option, value, f"{file}: {name}")
    return values


def environment_values(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says, by name. Raises ConfigurationError."""
    values: dict[str, Any] = {}
    for option in OPTIONS:
        variable = PREFIX + option.name.upper()
        text = environment.get(variable)
        if text:
            values[option.name] = _convert(option, text, variable)
    return values


def _convert(option: Option, text: str, origin: str) -> Any:
    if option.type is bool:
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise ConfigurationError(f"{origin} is {text!r}: it must be true or false")
        return text.lower() in ("true", "1", "yes")
    if option.type is int:
        try:
            return int(text)
        except ValueError:
            raise ConfigurationError(f"{origin} is {text!r}: it must be a whole number") from None
    check_choice(option, text, origin)
    return text


def _bridges(file: Path, tables: Any) -> dict[str, str]:
    """The names of bridges by vSwitch, of tables such as ``[vswitches."vsw-..."]``. Raises ConfigurationError."""
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigurationError(
            f'{file}: write a table a vSwitch, such as [{TABLE}."vsw-..."], with bridge = "br-lan"'
        )
    bridges: dict[str, str] = {}
    for vswitch_id, table in tables.items():
        where = f'{file}: [{TABLE}."{vswitch_id}"]'
        unknown = sorted(set(table) - {"bridge"})
        if unknown:
            raise ConfigurationError(f"{where}: there is no {unknown[0]!r}; there is bridge")
        bridge = table.get("bridge")
        if not isinstance(bridge, str) or not LINK_NAME.fullmatch(bridge):
            raise ConfigurationError(f"{where}: bridge must be the name of a link of this host")
        other = next((other for other, name in bridges.items() if name == bridge), None)
        if other is not None:
            raise ConfigurationError(f"{where}: bridge {bridge} is {other} already, and a bridge is one vSwitch")
        bridges[vswitch_id] = bridge
    return bridges
