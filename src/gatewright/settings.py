"""Settings: declared once, read from defaults, a TOML file, the environment and the command line, later ones winning.

======================  ==============================  =============================
on the command line     in the file                     in the environment
======================  ==============================  =============================
``--listen``            ``listen = "127.0.0.1:8080"``   ``GATEWRIGHT_LISTEN``
``--allow-plaintext``   ``allow_plaintext = true``      ``GATEWRIGHT_ALLOW_PLAINTEXT``
======================  ==============================  =============================

and so on. Secrets come from the environment only: a command line can be read by every user of the machine.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from gatewright.errors import ConfigurationError

PREFIX = "GATEWRIGHT_"
#: Environment variables that are or may hold secrets; an agent's environment has none of them.
SECRETS = ("GATEWRIGHT_ACCESS_KEY_SECRET", "GATEWRIGHT_SECRET_KEY", "GATEWRIGHT_DATABASE", "PGPASSWORD")
#: What libpq takes a password from in a URL's query.
_PASSWORDS = {"password", "sslpassword"}

#: The default public pool of each plane. The simulated one lies in the reserved class E, so that no answer names
#: a real host; the linux one in the range for benchmarks (RFC 2544), which no real network routes.
_PUBLIC_POOLS = {"simulated": "240.0.0.0/8", "linux": "198.18.0.0/15"}


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
_LINK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
#: The table of the file that tells of vSwitches: neither the environment nor a command line carries tables.
_TABLE = "vswitches"
_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
#: Longest path of a Unix socket, bytes: unix(7), without the final NUL.
_LONGEST_SOCKET = 107

#: Milliseconds between two probes of a tunnel at least.
_QUICKEST_PROBES = 50
#: Connections that wait in the kernel to be accepted.
BACKLOG = 1024
#: The published quota of gateways, an address for each of their tunnel ends and more, VPCs enough for tests that run
#: side by side (published are 10), and the published quotas of vSwitches, customer gateways, connections and routes.
_QUOTAS = {
    "quota_vpn_gateways": 30,
    "quota_public_addresses": 100,
    "quota_vpcs": 100,
    "quota_vswitches": 150,
    "quota_customer_gateways": 100,
    "quota_vpn_connections": 10,
    "quota_vpn_routes": 20,
}


class Option(NamedTuple):
    """One setting, as people see it."""

    name: str
    type: type
    metavar: str
    help: str
    choices: tuple[str, ...] = ()


OPTIONS = (
    Option("data", str, "DIR", "where state is kept (default: /var/lib/gatewright for root, else in the home)"),
    Option("listen", str, "HOST:PORT", "address to serve the API at (default: 127.0.0.1:8080; port 0 picks one)"),
    Option(
        "database",
        str,
        "URL",
        "sqlite:////PATH or postgresql://USER@HOST:PORT/NAME (default: DATA/api/gatewright.db)",
    ),
    Option(
        "api_user",
        str,
        "USER",
        "name or number of the user that the linux plane's API runs as (default: gatewright, else a number of its own)",
    ),
    Option(
        "plane",
        str,
        "PLANE",
        "simulated: no packets, no root (default); linux: real gateways",
        ("simulated", "linux"),
    ),
    Option("region", str, "ID", "region of requests that name none (default: cn-hangzhou)"),
    Option("allow_plaintext", bool, "", "serve beyond loopback without TLS"),
    Option("tls_cert", str, "FILE", "serve over HTTPS with this certificate (and those it is issued by), PEM"),
    Option("tls_key", str, "FILE", "the key of tls_cert, PEM; both are read again at SIGHUP"),
    Option("control", bool, "", "serve the control API, which steers the simulated plane for tests"),
    Option("control_listen", str, "HOST:PORT", "address of the control API (default: 127.0.0.1:0, port 0 picks one)"),
    Option("link_listen", str, "HOST:PORT", "address that other hosts' agents call over HTTPS (default: not served)"),
    Option(
        "metrics_listen",
        str,
        "HOST:PORT",
        "address that Prometheus asks for metrics (default: the API's, for this machine alone)",
    ),
    Option("underlay", str, "ADDRESS", "IPv4 address of this machine in the network between the hosts (default: none)"),
    Option("public_pool", str, "NETWORK", "IPv4 network that gateways get public addresses from"),
    Option("uplink", str, "INTERFACE", "the host's interface that the public pool is reached by (default: none)"),
    Option(
        "uplink_mode",
        str,
        "MODE",
        "routed: the pool is routed to this host (default); proxy-arp: it answers ARP for addresses in use",
        ("routed", "proxy-arp"),
    ),
    Option("charge_types", str, "LIST", "how gateways can be paid for (default: PREPAY,POSTPAY)"),
    Option("quota_vpn_gateways", int, "N", "VPN gateways an account may have (default: 30)"),
    Option("quota_public_addresses", int, "N", "public addresses an account's gateways may have (default: 100)"),
    Option("quota_vpcs", int, "N", "VPCs an account may have in a region (default: 100)"),
    Option("quota_vswitches", int, "N", "vSwitches a VPC may have (default: 150)"),
    Option("quota_customer_gateways", int, "N", "customer gateways an account may have in a region (default: 100)"),
    Option("quota_vpn_connections", int, "N", "IPsec connections a VPN gateway may have (default: 10)"),
    Option("quota_vpn_routes", int, "N", "routes of each kind a VPN gateway may have (default: 20)"),
    Option("connections", int, "N", "connections that the API serves at once (default: 1024)"),
    Option(
        "throttling",
        str,
        "MODE",
        "off: no call comes too often (default); exact: refuse what the API's published rates refuse",
        ("off", "exact"),
    ),
    Option(
        "busy_gateways",
        str,
        "MODE",
        "queue: a gateway that is not active takes writes all the same (default); refuse: it answers as the cloud does",
        ("queue", "refuse"),
    ),
    Option(
        "weak_algorithms",
        str,
        "MODE",
        "accept: IPsec connections may use DES, MD5 and the like, as documented (default); refuse: they may not",
        ("accept", "refuse"),
    ),
    Option(
        "health_interval",
        int,
        "MS",
        "linux plane: milliseconds between two probes of a tunnel at most (default: as its health check says)",
    ),
    Option("cache", bool, "", "linux plane: bring gateways back after a reboot before the control plane is back"),
    Option("trace_endpoint", str, "URL", "OTLP/HTTP endpoint that traces are sent to (default: none are recorded)"),
    Option("log_level", str, "LEVEL", "what is logged (default: WARNING)", ("DEBUG", "INFO", "WARNING", "ERROR")),
    Option(
        "log_format",
        str,
        "FORM",
        "auto: text on a terminal, JSON elsewhere (default); text; json",
        ("auto", "text", "json"),
    ),
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a service is started with."""

    data: Path
    host: str
    port: int
    database: str
    #: Empty: whom :func:`gatewright.app.privileges.api_user` chooses.
    api_user: str
    plane: str
    region: str
    allow_plaintext: bool
    #: Both or none.
    tls_cert: Path | None
    tls_key: Path | None
    control: bool
    control_host: str
    control_port: int
    #: Where other hosts' agents call; empty if that is not served.
    link_host: str
    link_port: int
    #: Where metrics are told to anybody; empty: at the API's port, to this machine alone.
    metrics_host: str
    metrics_port: int
    underlay: str
    public_pool: ipaddress.IPv4Network
    #: None: the pool leads nowhere.
    uplink: str | None
    uplink_mode: str
    #: Names of the host's own bridges, by the ids of the vSwitches that they are.
    bridges: dict[str, str]
    charge_types: tuple[str, ...]
    quota_vpn_gateways: int
    quota_public_addresses: int
    quota_vpcs: int
    quota_vswitches: int
    quota_customer_gateways: int
    quota_vpn_connections: int
    quota_vpn_routes: int
    connections: int
    throttling: str
    busy_gateways: str
    weak_algorithms: str
    #: Milliseconds; None: as each tunnel's health check says.
    health_interval: int | None
    cache: bool
    #: Empty: no traces.
    trace_endpoint: str
    log_level: str
    log_format: str

    @property
    def api_folder(self) -> Path:
        """What is the API's own."""
        return self.data / "api"

    @property
    def agent_folder(self) -> Path:
        """What is the agent's own."""
        return self.data / "agent"

    @property
    def agent_socket(self) -> Path:
        """Where the API listens for the agent of its own machine."""
        return self.api_folder / "agent.sock"

    @property
    def database_file(self) -> Path | None:
        """The file of an SQLite database."""
        path = self.database.removeprefix(_SQLITE)
        return Path(path) if path != self.database and path not in ("", ":memory:") else None


class AdministratorSettings(NamedTuple):
    """The first administrator as the environment gives it; None where it says nothing."""

    account_id: str | None
    key_id: str | None
    secret: str | None

    def __repr__(self) -> str:
        return f"AdministratorSettings(account_id={self.account_id!r}, key_id={self.key_id!r}, secret=***)"


def load(command_line: Mapping[str, Any], environment: Mapping[str, str], file: Path | None) -> Settings:
    """Put the settings together. ``command_line`` has what was given there, by name. Raises ConfigurationError."""
    if has_password(str(command_line.get("database") or "")):
        raise ConfigurationError(
            "--database has a password, which every user of the machine could read: set GATEWRIGHT_DATABASE instead"
        )
    values: dict[str, Any] = _file_values(file) if file is not None else {}
    values |= _environment_values(environment)
    values |= {name: value for name, value in command_line.items() if value is not None}
    _check_database(values.get("database") or _SQLITE + "/")
    plane = values.get("plane", "simulated")
    allow_plaintext = bool(values.get("allow_plaintext", False))
    tls_cert, tls_key = _tls(values)
    host, port = _listen_address(
        "listen", values.get("listen", "127.0.0.1:8080"), allow_plaintext or tls_cert is not None
    )
    control = bool(values.get("control", False))
    control_host, control_port = _listen_address(
        "control_listen", values.get("control_listen", "127.0.0.1:0"), allow_plaintext
    )
    if control and plane != "simulated":
        raise ConfigurationError(
            f"control steers the simulated plane, and this is the {plane} one: leave control out, or say "
            "--plane simulated"
        )
    if not control and "control_listen" in values:
        raise ConfigurationError("control_listen is where the control API listens, which is off: add --control")
    link_host, link_port = _link_address(values.get("link_listen", ""), plane)
    # there is no secret in them, and who names an address means it
    metrics_listen = values.get("metrics_listen", "")
    metrics_host, metrics_port = (
        _listen_address("metrics_listen", metrics_listen, allow_plaintext=True) if metrics_listen else ("", 0)
    )
    data = Path(values.get("data") or _default_data(environment)).absolute()
    quotas = {name: values.get(name, default) for name, default in _QUOTAS.items()}
    for name, quota in quotas.items():
        if quota < 0:
            raise ConfigurationError(f"{name} is {quota}: it cannot be negative")
    connections = values.get("connections", 1024)
    if connections < 1:
        raise ConfigurationError(f"connections is {connections}: it must be at least 1")
    pool = _network(values.get("public_pool") or _PUBLIC_POOLS[plane])
    _check_uplink(values, plane, pool)
    if values.get(_TABLE) and plane != "linux":
        raise ConfigurationError(
            f"bridges are vSwitches of the linux plane, and this is the {plane} one: leave them out"
        )
    settings = Settings(
        data=data,
        host=host,
        port=port,
        database=values.get("database") or f"{_SQLITE}{data / 'api' / 'gatewright.db'}",
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
        underlay=_underlay(values.get("underlay", "")),
        public_pool=pool,
        uplink=values.get("uplink"),
        uplink_mode=values.get("uplink_mode", "routed"),
        bridges=values.get(_TABLE, {}),
        charge_types=_charge_types(values.get("charge_types", "PREPAY,POSTPAY")),
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
        settings = msgspec.structs.replace(settings, database=f"{_SQLITE}{settings.database_file.absolute()}")
    length = len(os.fsencode(settings.agent_socket))
    if plane == "linux" and length > _LONGEST_SOCKET:
        raise ConfigurationError(
            f"data is {data}: the agent's socket in it has a path of {length} bytes, and the system allows "
            f"{_LONGEST_SOCKET}: choose a shorter one"
        )
    return settings


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


def has_password(url: str) -> bool:
    """Whether a database's URL holds a password. One that is no URL is refused for that."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.password) or any(name.lower() in _PASSWORDS for name, _ in parse_qsl(parts.query))


def _check_database(url: str) -> None:
    """Refuse a database's URL that would be misread. Raises ConfigurationError, which has nothing of the URL in it.

    It may hold a password, and who misreads it tells the wrong part of it.
    """
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme, parts.port
    except ValueError:
        scheme, port = "", None
    if scheme == "sqlite":
        if not url.startswith(_SQLITE):
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


def _file_values(file: Path) -> dict[str, Any]:
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
        if name == _TABLE:
            values[name] = _bridges(file, value)
            continue
        option = known.get(name)
        if option is None:
            raise ConfigurationError(f"{file}: there is no setting {name!r}; there are {', '.join(sorted(known))}")
        if type(value) is not option.type:
            raise ConfigurationError(f"{file}: {name} must be a {_TYPE_NAMES[option.type]}")
        _check_choice(option, value, f"{file}: {name}")
    return values


def _environment_values(environment: Mapping[str, str]) -> dict[str, Any]:
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
    _check_choice(option, text, origin)
    return text


def _bridges(file: Path, tables: Any) -> dict[str, str]:
    """The names of bridges by vSwitch, of tables such as ``[vswitches."vsw-..."]``. Raises ConfigurationError."""
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigurationError(
            f'{file}: write a table a vSwitch, such as [{_TABLE}."vsw-..."], with bridge = "br-lan"'
        )
    bridges: dict[str, str] = {}
    for vswitch_id, table in tables.items():
        where = f'{file}: [{_TABLE}."{vswitch_id}"]'
        unknown = sorted(set(table) - {"bridge"})
        if unknown:
            raise ConfigurationError(f"{where}: there is no {unknown[0]!r}; there is bridge")
        bridge = table.get("bridge")
        if not isinstance(bridge, str) or not _LINK.fullmatch(bridge):
            raise ConfigurationError(f"{where}: bridge must be the name of a link of this host")
        other = next((other for other, name in bridges.items() if name == bridge), None)
        if other is not None:
            raise ConfigurationError(f"{where}: bridge {bridge} is {other} already, and a bridge is one vSwitch")
        bridges[vswitch_id] = bridge
    return bridges


def _check_uplink(values: Mapping[str, Any], plane: str, pool: ipaddress.IPv4Network) -> None:
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
    if not _LINK.fullmatch(uplink):
        raise ConfigurationError(f"uplink is {uplink!r}: it must be the name of a link of this host, such as eth1")
    if not values.get("public_pool"):
        raise ConfigurationError(
            f"uplink is {uplink}, and the default public pool {pool} is routed by nobody: set public_pool to the"
            " network that is yours"
        )
    if any(pool.overlaps(network) for network in _NEVER_ROUTED):
        raise ConfigurationError(f"public_pool is {pool}, which no network routes: set it to the network that is yours")


def _check_choice(option: Option, value: Any, origin: str) -> None:
    if option.choices and value not in option.choices:
        raise ConfigurationError(f"{origin} is {value!r}: it must be {' or '.join(option.choices)}")


_TYPE_NAMES = {str: "string", bool: "boolean", int: "whole number"}


def _tls(values: Mapping[str, Any]) -> tuple[Path | None, Path | None]:
    """The files of the certificate and its key. Raises ConfigurationError for one without the other."""
    certificate, key = (values.get(name) or None for name in ("tls_cert", "tls_key"))
    if (certificate is None) != (key is None):
        there, missing = ("tls_cert", "tls_key") if key is None else ("tls_key", "tls_cert")
        raise ConfigurationError(
            f"{there} goes with {missing}, which is missing: set both, or none to serve plain HTTP"
        )
    return tuple(None if path is None else Path(path).absolute() for path in (certificate, key))  # type: ignore[return-value]


def _listen_address(name: str, text: str, allow_plaintext: bool) -> tuple[str, int]:
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


def _link_address(text: str, plane: str) -> tuple[str, int]:
    """Host and port of ``link_listen``, which has TLS. Raises ConfigurationError."""
    if not text:
        return "", 0
    host, port = _listen_address("link_listen", text, allow_plaintext=True)
    if host in ("0.0.0.0", "::") or port == 0:  # noqa: S104 - it is refused
        raise ConfigurationError(
            f"link_listen is {text!r}: name the address and the port that agents call, which stand in its certificate"
        )
    if plane != "linux":
        raise ConfigurationError("link_listen is for hosts that run real gateways: say --plane linux")
    return host, port


def _underlay(text: str) -> str:
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


def _charge_types(text: str) -> tuple[str, ...]:
    given = tuple(text.split(","))
    if not set(given) <= {"PREPAY", "POSTPAY"}:
        raise ConfigurationError(f"charge_types is {text!r}: it must be PREPAY, POSTPAY, or PREPAY,POSTPAY")
    return given


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise ConfigurationError(f"public_pool is {text!r}: {error}") from None
    if network.prefixlen > 29:
        raise ConfigurationError(f"public_pool is {text}: it must be a /29 or larger")
    return network


def _default_data(environment: Mapping[str, str]) -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/gatewright")
    base = environment.get("XDG_DATA_HOME") or str(Path("~/.local/share").expanduser())
    return Path(base) / "gatewright"
