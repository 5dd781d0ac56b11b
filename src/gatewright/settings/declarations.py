"""What can be set, and what comes of it."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import NamedTuple

import msgspec

PREFIX = "GATEWRIGHT_"
#: Environment variables that are or may hold secrets; an agent's environment has none of them.
SECRETS = ("GATEWRIGHT_ACCESS_KEY_SECRET", "GATEWRIGHT_SECRET_KEY", "GATEWRIGHT_DATABASE", "PGPASSWORD")
#: The table of the file that tells of vSwitches: neither the environment nor a command line carries tables.
TABLE = "vswitches"
SQLITE = "sqlite:///"
#: Connections that wait in the kernel to be accepted.
BACKLOG = 1024
#: How far quotas of what one instance is told whole can be raised.
MOST_OF_A_GATEWAY = {"quota_vpn_connections": 500, "quota_vpn_routes": 5000}
#: The published quota of gateways, an address for each of their tunnel ends and more, VPCs enough for tests that run
#: side by side (published are 10), and the published quotas of vSwitches, customer gateways, connections and routes.
QUOTAS = {
    "quota_vpn_gateways": 30,
    "quota_public_addresses": 100,
    "quota_vpcs": 100,
    "quota_vswitches": 150,
    "quota_customer_gateways": 100,
    "quota_vpn_connections": 10,
    "quota_vpn_attachments": 50,
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
    Option("quota_vpn_attachments", int, "N", "attachments an account may have in a region (default: 50)"),
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
    quota_vpn_attachments: int
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
        path = self.database.removeprefix(SQLITE)
        return Path(path) if path != self.database and path not in ("", ":memory:") else None


class AdministratorSettings(NamedTuple):
    """The first administrator as the environment gives it; None where it says nothing."""

    account_id: str | None
    key_id: str | None
    secret: str | None

    def __repr__(self) -> str:
        return f"AdministratorSettings(account_id={self.account_id!r}, key_id={self.key_id!r}, secret=***)"
