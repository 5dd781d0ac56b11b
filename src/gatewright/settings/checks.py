"""What a value must be: each check tells which setting is wrong, and what to write instead.

All raise ConfigurationError.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gatewright.errors import ConfigurationError
from gatewright.settings.declarations import SQLITE, Option

#: What libpq takes a password from in a URL's query.
_PASSWORDS = {"password", "sslpassword"}
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
#: Ranges of which no router takes packets: this host, loopback, link-local, multicast, reserved.
_NEVER_ROUTED = tuple(
    map(ipaddress.IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"))
)
#: What else there is than plain HTTP beyond loopback, for the control API and for the API.
_SAFER = (
    "listen on 127.0.0.1, or say --allow-plaintext if something in front of Gatewright ends TLS",
    "set tls_cert and tls_key (`gatewright certs` makes them), listen on 127.0.0.1, or say --allow-plaintext if "
    "something in front of Gatewright ends TLS",
)
#: What the kernel takes for a link's name, without what would be misread elsewhere.
LINK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
#: Milliseconds between two probes of a tunnel at least.
_QUICKEST_PROBES = 50


def has_password(url: str) -> bool:
    """Whether a database's URL holds a password. One that is no URL is refused for that."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.password) or any(name.lower() in _PASSWORDS for name, _ in parse_qsl(parts.query))


def check_database(url: str) -> None:
    """Refuse a database's URL that would be misread. Raises ConfigurationError, which has nothing of the URL in it.

    It may hold a password, and who misreads it tells the wrong part of it.
    """
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme, parts.port
    except ValueError:
        scheme, port = "", None
    if scheme == "sqlite":
        if not url.startswith(SQLITE):
            raise ConfigurationError("database names no file: write sqlite:////absolute/path")
        return
    if scheme not in _POSTGRESQL or not url.startswith(f"{scheme}://") or port == 0:
        raise ConfigurationError(
            "database is no URL of a database that is served: write sqlite:////absolute/path or "
            "postgresql://USER@HOST:PORT/NAME, and percent-encode what is special in a user or a password"
        )
    rest = url.removeprefix(f"{scheme}://")
    misread = re.search(r"%(?![0-9A-Fa-f]{2})|[\s#]", rest) or "@" in parts.path + parts.query or "/" in parts.path[1:]
    query = parts.query.split("&") if parts.query else []
    if misread or not all("=" in part for part in query):
        raise ConfigurationError(
            "database has a character that would be misread: in a user or a password percent-encode %, /, ?, #, @ and"
            " spaces (%25, %2F, %3F, %23, %40, %20), and write the query as NAME=VALUE&NAME=VALUE"
        )


def health_interval(milliseconds: int | None) -> int | None:
    """How often tunnels are probed at least, if a setting says so. Raises ConfigurationError."""
    if milliseconds is not None and milliseconds < _QUICKEST_PROBES:
        raise ConfigurationError(
            f"health_interval is {milliseconds}: it must be at least {_QUICKEST_PROBES} milliseconds; leave it out to "
            "probe as each health check says"
        )
    return milliseconds


def trace_endpoint(text: str) -> str:
    """Where spans are sent, by what a setting says; without a path it gets that of OTLP. Raises ConfigurationError."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            "trace_endpoint must be http://HOST:PORT or https://HOST:PORT, with a path if it is not /v1/traces; a key"
            " that the receiver asks for belongs into the environment: OTEL_EXPORTER_OTLP_HEADERS"
        )
    return text if parts.path.strip("/") else text.rstrip("/") + "/v1/traces"


def check_uplink(values: Mapping[str, Any], plane: str, pool: ipaddress.IPv4Network) -> None:
    """Refuse an uplink that cannot be. Raises ConfigurationError."""
    uplink = values.get("uplink")
    if uplink is None:
        if "uplink_mode" in values:
            raise ConfigurationError(
                "uplink_mode says how the public pool is reached by the uplink, and there is none: name one"
            )
        return
    if plane != "linux":
        raise ConfigurationError(
            f"uplink is an interface of the linux plane, and this is the {plane} one: leave it out"
        )
    if not LINK_NAME.fullmatch(uplink):
        raise ConfigurationError(f"uplink is {uplink!r}: it must be the name of a link of this host, such as eth1")
    if not values.get("public_pool"):
        raise ConfigurationError(
            f"uplink is {uplink}, and the default public pool {pool} is routed by nobody: set public_pool to the"
            " network that is yours"
        )
    if any(pool.overlaps(network) for network in _NEVER_ROUTED):
        raise ConfigurationError(f"public_pool is {pool}, which no network routes: set it to the network that is yours")


def tls_files(values: Mapping[str, Any]) -> tuple[Path | None, Path | None]:
    """The files of the certificate and its key. Raises ConfigurationError for one without the other."""
    certificate, key = (values.get(name) or None for name in ("tls_cert", "tls_key"))
    if (certificate is None) != (key is None):
        there, missing = ("tls_cert", "tls_key") if key is None else ("tls_key", "tls_cert")
        raise ConfigurationError(
            f"{there} goes with {missing}, which is missing: set both, or none to serve plain HTTP"
        )
    if certificate is None or key is None:
        return None, None
    return Path(certificate).absolute(), Path(key).absolute()


def listen_address(name: str, text: str, allow_plaintext: bool) -> tuple[str, int]:
    """Host and port of a setting. Raises ConfigurationError, also beyond loopback unless that is allowed."""
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ConfigurationError(f"{name} is {text!r}: write HOST:PORT, such as 127.0.0.1:8080")
    host = host.strip("[]") or "0.0.0.0"  # noqa: S104 - refused unless plaintext is allowed
    if not allow_plaintext and not _is_loopback(host):
        raise ConfigurationError(
            f"{name}: {host} is not a loopback address, and without TLS secrets would cross the network in the clear: "
            + _SAFER[name == "listen"]
        )
    return host, int(port)


def link_address(text: str, plane: str) -> tuple[str, int]:
    """Host and port of ``link_listen``, which has TLS. Raises ConfigurationError."""
    if not text:
        return "", 0
    host, port = listen_address("link_listen", text, allow_plaintext=True)
    if host in ("0.0.0.0", "::") or port == 0:  # noqa: S104 - it is refused
        raise ConfigurationError(
            f"link_listen is {text!r}: name the address and the port that agents call, which stand in its certificate"
        )
    if plane != "linux":
        raise ConfigurationError("link_listen is for hosts that run real gateways: say --plane linux")
    return host, port


def underlay_address(text: str) -> str:
    """This host's address in the network between the hosts, or an empty text for none."""
    try:
        return str(ipaddress.IPv4Address(text)) if text else ""
    except ValueError as error:
        raise ConfigurationError(f"underlay is {text!r}: {error}") from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def charge_types(text: str) -> tuple[str, ...]:
    """How gateways can be ordered."""
    given = tuple(text.split(","))
    if not set(given) <= {"PREPAY", "POSTPAY"}:
        raise ConfigurationError(f"charge_types is {text!r}: it must be PREPAY, POSTPAY, or PREPAY,POSTPAY")
    return given


def public_pool(text: str) -> ipaddress.IPv4Network:
    """The network of the public addresses."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise ConfigurationError(f"public_pool is {text!r}: {error}") from None
    if network.prefixlen > 29:
        raise ConfigurationError(f"public_pool is {text}: it must be a /29 or larger")
    return network


def check_choice(option: Option, value: Any, origin: str) -> None:
    """Refuse a value that is none of an option\'s choices; ``origin`` names where it was given."""
    if option.choices and value not in option.choices:
        raise ConfigurationError(f"{origin} is {value!r}: it must be {' or '.join(option.choices)}")
