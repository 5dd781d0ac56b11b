"""What a person sees when the service has started."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from gatewright import __version__
from gatewright.access.keyring import AccessKey, Keyring
from gatewright.app.listening import url_of
from gatewright.settings import Settings


def announce(
    settings: Settings,
    listener: socket.socket,
    control_listener: socket.socket | None,
    made_up: AccessKey | None,
    keys: Keyring,
) -> None:
    """Say what runs and where. A key that was made up just now is shown: it is the only time."""
    database = urlsplit(settings.database)
    where = database.path[1:] if database.scheme == "sqlite" else f"{database.hostname or ''}{database.path}"
    lines = [
        f"Gatewright {__version__}: {settings.plane} plane, region {settings.region}",
        f"  endpoint           {url_of(settings.host, listener)}",
        f"  database           {database.scheme} {where}",
    ]
    if control_listener is not None:
        lines.append(f"  control            {url_of(settings.control_host, control_listener)}")
    if settings.link_host:
        lines.append(f"  hosts' agents      https://{settings.link_host}:{settings.link_port}")
    for key in keys:
        lines += [f"  account            {key.principal.account_id}", f"  access key id      {key.id}"]
    if made_up is not None:
        lines.append(f"  access key secret  {made_up.secret}   (shown this once)")
    print("\n".join(lines), flush=True)
