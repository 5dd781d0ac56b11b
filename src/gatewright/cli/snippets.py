"""``gatewright snippets``: what to copy to drive the service with each client."""

from __future__ import annotations

import argparse
import os
import sys

from gatewright.cli import connection
from gatewright.errors import ConfigurationError

#: What there is, in the order in which it is printed.
NAMES = ("env", "call", "aliyun", "python", "node", "terraform")
_DESCRIPTION = """
Print what drives the service with a client, ready to be copied. One alone is a whole file: `gatewright snippets python
> try.py`. Clients read the key from the environment, where `eval "$(gatewright snippets env)"` puts it; no other
snippet has a secret in it.
"""
_TITLES = {
    "env": "The key, for what is started from this shell",
    "call": "A shell, and gatewright's own command",
    "aliyun": "A shell, and the aliyun CLI",
    "python": "Python",
    "node": "Node",
    "terraform": "Terraform",
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("snippets", help="what to copy to drive the service", description=_DESCRIPTION)
    parser.add_argument("name", nargs="?", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}; else all")
    connection.add_connection(parser, calls=False)
    parser.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    from gatewright.app.program import program
    from gatewright.client import snippets

    profile = connection.profile_of(parsed)
    to = snippets.target(profile, program(), connection.options_of(parsed, profile))
    if parsed.name == "env":
        if sys.stdout.isatty():
            raise ConfigurationError(f"the secret is not shown on a terminal; this takes it into the shell: {to.key}")
        print(snippets.env(profile, os.environ), end="")
    elif parsed.name is not None:
        print(snippets.SNIPPETS[parsed.name](to), end="")
    else:
        texts = {"env": to.key + "\n"} | {name: make(to) for name, make in snippets.SNIPPETS.items()}
        print("\n".join(f"# {_TITLES[name] + ' ':-<78}\n{text}" for name, text in texts.items()), end="")
    return 0
