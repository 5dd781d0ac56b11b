"""``gatewright profiles``: services that are called again and again, with their keys."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gatewright.errors import ConfigurationError

if TYPE_CHECKING:
    from gatewright.client.profile_file import ProfileFile

Commands = argparse._SubParsersAction  # argparse has no public name for it

_DESCRIPTION = """
Services that are called again and again, with their access keys, in ~/.config/gatewright/profiles.toml, which only you
can read. The current one is called when nothing else is said. Profiles of the aliyun CLI are listed too, and used with
--profile NAME.
"""
_ADD = """
Add a profile, or replace it. The secret is asked for without being shown, or read from standard input, or taken from
GATEWRIGHT_ACCESS_KEY_SECRET: on a command line every user of the machine could read it.
"""


def add(commands: Commands[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    profiles = commands.add_parser("profiles", help="services to call, with their keys", description=_DESCRIPTION)
    actions = profiles.add_subparsers(dest="action", required=True, metavar="ACTION")
    parser = _action(actions, "list", _list, "list the profiles, and which one is current")
    parser = _action(actions, "add", _add, "add a profile, or replace it", _ADD)
    parser.add_argument("name", metavar="NAME", help="what it is called here")
    parser.add_argument("--endpoint", metavar="URL", help="http://HOST:PORT or https://HOST:PORT; asked for if missing")
    parser.add_argument("--access-key-id", metavar="ID", help="the key's id; asked for if missing")
    parser.add_argument("--region", metavar="ID", default="cn-hangzhou", help="default: cn-hangzhou")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="the authorities to trust for https, PEM")
    parser.add_argument("--use", action="store_true", help="make it the current one; the first one is")
    parser = _action(actions, "use", _use, "make a profile the current one")
    parser.add_argument("name", metavar="NAME")
    parser = _action(actions, "remove", _remove, "remove a profile with its key")
    parser.add_argument("name", metavar="NAME")


def _action(
    actions: Commands[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
    description: str = "",
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=description or f"{text[0].upper()}{text[1:]}.")
    parser.set_defaults(run=run)
    return parser


def _list(_: argparse.Namespace) -> int:
    from gatewright.cli.tables import Listing, table
    from gatewright.client import aliyun_profiles, profile_file
    from gatewright.client.profiles import places

    where = places(os.environ)
    own = profile_file.read(where.own)
    rows = [
        {
            "Profile": name,
            "Current": "*" if name == own.current else "",
            "Endpoint": profile.endpoint,
            "Region": profile.region,
            "AccessKeyId": profile.access_key_id,
            "Source": "gatewright",
        }
        for name, profile in own.profiles.items()
    ]
    rows += [
        {
            "Profile": entry.name,
            "Endpoint": entry.endpoint,
            "Region": entry.region,
            "AccessKeyId": entry.access_key_id,
            "Source": f"aliyun CLI, mode {entry.mode}{'' if entry.served else ': not usable here'}",
        }
        for entry in aliyun_profiles.entries(where.aliyun)
        if entry.name not in own.profiles
    ]
    if rows:
        print(*table(Listing("Profile", rows), _width()), sep="\n")
    else:
        print(f"There are no profiles in {where.own} or {where.aliyun}.\nTo add one: gatewright profiles add NAME")
    return 0


def _add(parsed: argparse.Namespace) -> int:
    from dataclasses import replace
    from urllib.parse import urlsplit

    from gatewright.client import Profile, profile_file

    path, own = _own()
    if not profile_file.NAME.fullmatch(parsed.name):
        raise ConfigurationError(f"{parsed.name!r} is no name: up to 64 letters, digits, '.', '_', '-'")
    endpoint = parsed.endpoint or _asked("Endpoint (http://HOST:PORT): ", "--endpoint")
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"the endpoint {endpoint!r} is not of the form http://HOST:PORT")
    key = parsed.access_key_id or _asked("Access key id: ", "--access-key-id")
    profile = Profile(endpoint, key, _secret(key), parsed.region, parsed.ca.absolute() if parsed.ca else None)
    current = parsed.name if parsed.use or not own.current else own.current
    replaced = parsed.name in own.profiles
    profile_file.write(path, replace(own, current=current, profiles={**own.profiles, parsed.name: profile}))
    how = "replaced" if replaced else "added"
    print(f"{parsed.name} is {how} in {path}{', and is the current profile' if current == parsed.name else ''}")
    return 0


def _use(parsed: argparse.Namespace) -> int:
    from dataclasses import replace

    from gatewright.client import profile_file

    path, own = _own()
    _need(parsed.name, own, path)
    profile_file.write(path, replace(own, current=parsed.name))
    print(f"{parsed.name} is the current profile")
    return 0


def _remove(parsed: argparse.Namespace) -> int:
    from gatewright.client import profile_file
    from gatewright.client.profile_file import ProfileFile

    path, own = _own()
    _need(parsed.name, own, path)
    others = {name: profile for name, profile in own.profiles.items() if name != parsed.name}
    was_current = own.current == parsed.name
    profile_file.write(path, ProfileFile("" if was_current else own.current, others))
    print(f"{parsed.name} is removed" + ("; no profile is current now" if was_current and others else ""))
    return 0


def _own() -> tuple[Path, ProfileFile]:
    from gatewright.client import profile_file
    from gatewright.client.profiles import places

    path = places(os.environ).own
    return path, profile_file.read(path)


def _need(name: str, own: ProfileFile, path: Path) -> None:
    if name not in own.profiles:
        have = f"there are {', '.join(own.profiles)}" if own.profiles else "there are none"
        raise ConfigurationError(f"there is no profile {name!r} in {path}; {have}")


def _asked(question: str, option: str) -> str:
    """A person's answer. Raises ConfigurationError where nobody is there to be asked."""
    if not sys.stdin.isatty():
        raise ConfigurationError(f"nobody is here to be asked: say {option}")
    answer = input(question).strip()
    if not answer:
        raise ConfigurationError(f"nothing was entered: say {option}")
    return answer


def _secret(key: str) -> str:
    """The key's secret: from the environment, from a person who types it unseen, or from standard input."""
    from gatewright.cli.asking import secret_line

    secret = os.environ.get("GATEWRIGHT_ACCESS_KEY_SECRET", "") or secret_line(f"Secret of {key} (not shown): ")
    if not secret:
        raise ConfigurationError(
            "no secret was given: type it, write it to standard input, or set GATEWRIGHT_ACCESS_KEY_SECRET"
        )
    return secret


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 200
