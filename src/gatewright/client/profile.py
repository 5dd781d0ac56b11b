"""Where to call, and as whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Profile:
    """An endpoint and an access key. The secret is in no repr."""

    #: ``http://HOST:PORT`` or ``https://HOST:PORT``.
    endpoint: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    region: str = "cn-hangzhou"
    #: A file with the certificate authorities to trust instead of the system's, PEM.
    ca: Path | None = None
    #: A temporary key's token (STS).
    security_token: str | None = field(default=None, repr=False)
    #: What to call it in messages: "profile dev of ~/.aliyun/config.json", "the environment".
    source: str = "the command line"
    #: The data directory of a service of this machine that it was found in.
    data: Path | None = None
