"""The key, as every client reads it from the environment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from urllib.parse import urlsplit

from gatewright.client.profile import Profile


def env(profile: Profile, environment: Mapping[str, str]) -> str:
    """The key as variables that every client reads, for a shell. The only text here with a secret in it.

    What is in ``environment`` already and would send requests elsewhere is put right: a session's token of another
    key, a proxy. The aliyun CLI would take its own profile's key otherwise.
    """
    wanted = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": profile.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": profile.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": profile.security_token or "",
        # Terraform asks for these first
        "ALICLOUD_ACCESS_KEY": profile.access_key_id,
        "ALICLOUD_SECRET_KEY": profile.access_key_secret,
        "ALICLOUD_SECURITY_TOKEN": profile.security_token or "",
        "ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE",
        "SSL_CERT_FILE": "" if profile.ca is None else str(profile.ca),
        "NODE_EXTRA_CA_CERTS": "" if profile.ca is None else str(profile.ca),
        "ALIBABA_CLOUD_CA_BUNDLE": "" if profile.ca is None else str(profile.ca),
    }
    if any(environment.get(name) for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")):
        parts = urlsplit(profile.endpoint)
        old = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
        # some clients compare the host, Terraform's the host with its port
        direct = dict.fromkeys(filter(None, (*old.split(","), parts.hostname or "", parts.netloc)))
        wanted |= dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(direct))
    lines = [f"export {name}={shlex.quote(value)}" for name, value in wanted.items() if value]
    lines += [f"unset {name}" for name in wanted if name.endswith("_TOKEN") and not wanted[name]]
    return "\n".join(lines) + "\n"
