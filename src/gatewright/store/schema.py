"""The tables, all in one place. ``migrations/versions`` leads to exactly this; a test compares the two.

Times are milliseconds since the epoch. IPv4 addresses that are handed out are integers, so that "the next free one"
is arithmetic.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

#: Of a column that holds a secret: it is sealed (gatewright.secrets), bound to this table, its primary key and column.
SEALED = {"sealed": True}

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("account_id", String(32), nullable=False),
    #: Sealed (gatewright.secrets), bound to this table, id and column.
    Column("secret", LargeBinary, nullable=False),
    #: The first administrator's key, which the environment may replace at a start.
    Column("first_administrator", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

hosts = Table(
    "hosts",
    metadata,
    Column("id", String(64), primary_key=True),
    #: Raised in the transaction of every write that concerns the host; the row's lock orders it by commit.
    Column("revision", BigInteger, nullable=False),
    #: Comma-separated zones whose items it takes; empty for the local host, which stands in where a zone has none.
    Column("zones", Text, nullable=False),
    #: Its IPv4 address in the network between the hosts; empty while it has none.
    Column("address", String(15), nullable=False),
    #: SHA-256 of the certificate that its agent shows, in hexadecimal; null for the local host.
    Column("fingerprint", String(64)),
    #: It takes nothing new, and what it has is moved away.
    Column("draining", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    #: When its agent last asked or told something, to within some seconds; null if it never did.
    Column("seen_at", BigInteger),
    #: The version of specs that its agent said it knows.
    Column("agent_version", Integer),
    UniqueConstraint("fingerprint"),
)

authorities = Table(
    "authorities",
    metadata,
    #: ``hosts``: what issues the certificates of hosts and of the endpoint that their agents call.
    Column("id", String(16), primary_key=True),
    #: PEM.
    Column("certificate", Text, nullable=False),
    #: Sealed (gatewright.secrets), bound to this table, id and column.
    Column("private_key", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

pools = Table(
    "pools",
    metadata,
    #: A vSwitch's id, ``public:`` and a network, or ``vnis``.
    Column("id", String(64), primary_key=True),
    Column("network", String(18), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    #: The first address that was never handed out; beyond ``last`` when all were.
    Column("next", BigInteger, nullable=False),
    Column("used", Integer, nullable=False),
)

freed_addresses = Table(
    "freed_addresses",
    metadata,
    #: Handed out once and taken back: used again when a pool has no fresh ones.
    Column("pool_id", String(64), nullable=False),
    Column("address", BigInteger, nullable=False),
    PrimaryKeyConstraint("pool_id", "address"),
)

vpcs = Table(
    "vpcs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("cidr_block", String(18), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("user_cidrs", Text, nullable=False),
    #: Comma-separated networks beside ``cidr_block``.
    Column("secondary_cidrs", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("resource_group_id", String(64), nullable=False),
    Column("vrouter_id", String(64), nullable=False),
    Column("vrouter_name", Text, nullable=False),
    Column("vrouter_description", Text, nullable=False),
    #: The system route table.
    Column("route_table_id", String(64), nullable=False),
    #: When it is ``Available``: at once, unless somebody steers the simulated plane otherwise.
    Column("available_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "account_id", "region_id", "created_at", "id"),
)

vswitches = Table(
    "vswitches",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("vpc_id", String(64), nullable=False),
    Column("zone_id", String(64), nullable=False),
    Column("cidr_block", String(18), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    #: The route table that it is associated with: the VPC's system one, or a custom one.
    Column("route_table_id", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    #: Deleted, and not yet confirmed to be gone by its hosts.
    Column("deleting", Boolean, nullable=False),
    #: The number of its VXLAN, which tells its frames from another's between hosts.
    Column("vni", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("vni"),
    Index(None, "account_id", "region_id", "created_at", "id"),
    Index(None, "vpc_id"),
)

route_tables = Table(
    "route_tables",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("vpc_id", String(64), nullable=False),
    #: ``System`` or ``Custom``.
    Column("type", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    #: Whether routes that are learnt by themselves (from gateways) enter the table.
    Column("propagation", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "account_id", "region_id", "created_at", "id"),
    Index(None, "vpc_id"),
)

route_entries = Table(
    "route_entries",
    metadata,
    #: Custom entries; what a table says of its VPC's own networks follows from the vSwitches.
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("route_table_id", String(64), nullable=False),
    Column("destination", String(18), nullable=False),
    Column("next_hop_type", String(32), nullable=False),
    Column("next_hop_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    UniqueConstraint("route_table_id", "destination"),
    Index(None, "next_hop_id"),
)

resource_groups = Table(
    "resource_groups",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    #: The identifier that a person chose, unique in the account.
    Column("name", String(64), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("account_id", "name"),
)

tags = Table(
    "tags",
    metadata,
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    #: As ``gatewright.operations.tags.ResourceType`` spells it.
    Column("resource_type", String(32), nullable=False),
    Column("resource_id", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("resource_id", "key"),
    #: For what is in use in a region, and for filters, which need no region.
    Index(None, "account_id", "region_id", "key", "value"),
    Index(None, "account_id", "key", "value", "resource_id"),
)

zone_capacities = Table(
    "zone_capacities",
    metadata,
    #: How many instances a zone takes; a zone without a row takes any number.
    Column("region_id", String(64), nullable=False),
    Column("zone_id", String(64), nullable=False),
    Column("instances", Integer, nullable=False),
    #: How many are in it.
    Column("used", Integer, nullable=False),
    PrimaryKeyConstraint("region_id", "zone_id"),
)

vpn_gateways = Table(
    "vpn_gateways",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    #: ``Traditional`` or ``Enhanced.SiteToSite``.
    Column("gateway_type", String(32), nullable=False),
    Column("vpc_id", String(64), nullable=False),
    Column("vswitch_id", String(64), nullable=False),
    #: Null in a single-tunnel region.
    Column("disaster_recovery_vswitch_id", String(64)),
    Column("resource_group_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("bandwidth", Integer, nullable=False),
    Column("network_type", String(16), nullable=False),
    Column("vpn_type", String(32), nullable=False),
    Column("enable_ipsec", Boolean, nullable=False),
    Column("enable_ssl", Boolean, nullable=False),
    Column("ssl_connections", Integer, nullable=False),
    #: The address of SSL-VPN on a dual-tunnel public gateway, which has one of its own.
    Column("ssl_address", BigInteger),
    Column("auto_propagate", Boolean, nullable=False),
    Column("charge_type", String(16), nullable=False),
    Column("order_id", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    #: Null without a term: pay-as-you-go.
    Column("ends_at", BigInteger),
    Index(None, "account_id", "region_id", "created_at", "id"),
    Index(None, "vpc_id"),
)

instances = Table(
    "instances",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("gateway_id", String(64), nullable=False),
    Column("role", String(8), nullable=False),
    Column("zone_id", String(64), nullable=False),
    Column("vswitch_id", String(64), nullable=False),
    Column("private_address", BigInteger, nullable=False),
    #: Null for a private gateway.
    Column("public_address", BigInteger),
    Index(None, "gateway_id"),
    Index(None, "vswitch_id"),
)

customer_gateways = Table(
    "customer_gateways",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("resource_group_id", String(64), nullable=False),
    Column("ip_address", String(15), nullable=False),
    Column("asn", BigInteger),
    Column("auth_key", LargeBinary, info=SEALED),
    #: Raised when the key changes.
    Column("auth_key_version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "account_id", "region_id", "created_at", "id"),
)

vpn_connections = Table(
    "vpn_connections",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("resource_group_id", String(64), nullable=False),
    #: Null for an attachment, which no gateway has.
    Column("gateway_id", String(64)),
    #: ``VPNGW``, ``CEN`` or ``NO_ASSOCIATED``.
    Column("attach_type", String(16), nullable=False),
    #: Of an attachment, ``public`` or ``private``.
    Column("network_type", String(16), nullable=False),
    #: Of an attachment, ``Standard`` or ``Large``; else empty.
    Column("tunnel_bandwidth", String(16), nullable=False),
    Column("name", Text, nullable=False),
    #: Comma-separated networks.
    Column("local_subnets", Text, nullable=False),
    Column("remote_subnets", Text, nullable=False),
    Column("auto_config_route", Boolean, nullable=False),
    Column("effect_immediately", Boolean, nullable=False),
    #: Two tunnels, told as ``TunnelOptionsSpecification``; else one, told flat.
    Column("dual_tunnel", Boolean, nullable=False),
    Column("enable_tunnels_bgp", Boolean, nullable=False),
    Column("health_enabled", Boolean, nullable=False),
    Column("health_destination", String(15), nullable=False),
    Column("health_source", String(15), nullable=False),
    #: Seconds.
    Column("health_interval", Integer, nullable=False),
    Column("health_retry", Integer, nullable=False),
    #: ``revoke_route`` or ``reserve_route``.
    Column("health_policy", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "account_id", "region_id", "created_at", "id"),
    Index(None, "gateway_id"),
)

tunnels = Table(
    "tunnels",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("connection_id", String(64), nullable=False),
    #: Of an attachment, null.
    Column("gateway_id", String(64)),
    #: The instance that it ends at.
    Column("instance_id", String(64)),
    #: ``master`` or ``slave``.
    Column("role", String(8), nullable=False),
    #: 0 or 1: the order in which the connection's tunnels were given, which answers keep.
    Column("position", Integer, nullable=False),
    #: Its number in the gateway, from 1; one that was freed is used again.
    Column("number", Integer, nullable=False),
    Column("customer_gateway_id", String(64), nullable=False),
    Column("psk", LargeBinary, nullable=False, info=SEALED),
    Column("psk_version", Integer, nullable=False),
    Column("remote_ca", Text, nullable=False),
    Column("ike_version", String(8), nullable=False),
    Column("ike_mode", String(16), nullable=False),
    Column("ike_encryption", String(32), nullable=False),
    Column("ike_authentication", String(32), nullable=False),
    Column("ike_group", String(16), nullable=False),
    Column("ike_lifetime", Integer, nullable=False),
    #: As they were given; empty for the addresses of the two ends.
    Column("local_id", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("ipsec_encryption", String(32), nullable=False),
    Column("ipsec_authentication", String(32), nullable=False),
    Column("ipsec_group", String(16), nullable=False),
    Column("ipsec_lifetime", Integer, nullable=False),
    Column("enable_dpd", Boolean, nullable=False),
    Column("enable_nat_traversal", Boolean, nullable=False),
    Column("bgp_enabled", Boolean, nullable=False),
    Column("bgp_local_asn", BigInteger),
    Column("bgp_network", String(18), nullable=False),
    Column("bgp_local_address", String(15), nullable=False),
    #: What an agent saw last, and of which version of the host's revision; see ``gatewright.resources.tunnel_states``.
    Column("status", String(32), nullable=False),
    Column("bgp_status", String(16), nullable=False),
    Column("health_status", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    #: A JSON list of ``Trouble``.
    Column("troubles", Text, nullable=False),
    #: A JSON list of ``LearnedRoute``.
    Column("learned", Text, nullable=False),
    #: By how many milliseconds its host's clock was ahead of the service's; null if that is not known.
    Column("clock_ahead", BigInteger),
    Column("seen_at", BigInteger),
    Index(None, "connection_id"),
    Index(None, "gateway_id"),
    Index(None, "customer_gateway_id"),
)

vpn_routes = Table(
    "vpn_routes",
    metadata,
    #: Destination-based routes.
    Column("gateway_id", String(64), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("destination", String(18), nullable=False),
    #: The next hop.
    Column("connection_id", String(64), nullable=False),
    Column("weight", Integer, nullable=False),
    Column("published", Boolean, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("gateway_id", "destination", "connection_id", "weight"),
    Index(None, "connection_id"),
)

vco_routes = Table(
    "vco_routes",
    metadata,
    #: The attachment.
    Column("connection_id", String(64), primary_key=True),
    Column("destination", String(18), primary_key=True),
    Column("account_id", String(32), nullable=False),
    #: 0 or 100.
    Column("weight", Integer, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

vpn_policies = Table(
    "vpn_policies",
    metadata,
    #: Policy-based routes.
    Column("gateway_id", String(64), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("source", String(18), nullable=False),
    Column("destination", String(18), nullable=False),
    Column("connection_id", String(64), nullable=False),
    Column("weight", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("published", Boolean, nullable=False),
    #: Made by ``AutoConfigRoute``, and gone with its connection.
    Column("automatic", Boolean, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("gateway_id", "source", "destination", "connection_id", "weight", "priority"),
    Index(None, "connection_id"),
)

tunnel_logs = Table(
    "tunnel_logs",
    metadata,
    #: What daemons told of tunnels, without secrets; each connection keeps the newest lines only.
    Column("connection_id", String(64), nullable=False),
    #: Counts the connection's lines from 1.
    Column("number", BigInteger, nullable=False),
    Column("tunnel_id", String(64), nullable=False),
    Column("happened_at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("connection_id", "number"),
    Index(None, "connection_id", "happened_at"),
)

vpn_diagnoses = Table(
    "vpn_diagnoses",
    metadata,
    #: What was found out about gateways when somebody asked; an account keeps the newest.
    Column("id", String(64), primary_key=True),
    Column("account_id", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("gateway_id", String(64), nullable=False),
    Column("resource_type", String(16), nullable=False),
    Column("resource_id", String(64), nullable=False),
    #: A JSON list of ``Item`` of ``gatewright.resources.gateway_diagnosis``.
    Column("items", Text, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger, nullable=False),
    Index(None, "account_id", "begun_at"),
    Index(None, "gateway_id"),
)

placements = Table(
    "placements",
    metadata,
    Column("kind", String(16), nullable=False),
    Column("item_id", String(64), nullable=False),
    Column("host_id", String(64), nullable=False),
    Column("account_id", String(32), nullable=False),
    #: The resource that the item is part of: a gateway, the vSwitch itself, the VPC whose router it is.
    Column("resource_id", String(64), nullable=False),
    #: The host's revision at the item's last change.
    Column("revision", BigInteger, nullable=False),
    Column("wanted", BigInteger, nullable=False),
    #: To be removed; the row goes when the agent has confirmed that.
    Column("tombstone", Boolean, nullable=False),
    Column("observed", BigInteger, nullable=False),
    #: Null until an agent has said something of the item.
    Column("phase", String(16)),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("host_id", "item_id", "kind"),
    Index(None, "host_id", "revision"),
    Index(None, "resource_id"),
)

events = Table(
    "events",
    metadata,
    Column("account_id", String(32), nullable=False),
    #: Counts the account's events from 1; given behind the account's lock, so it is ordered by commit.
    Column("number", BigInteger, nullable=False),
    Column("happened_at", BigInteger, nullable=False),
    Column("region_id", String(64), nullable=False),
    #: As ``gatewright.resources.events.Subject`` spells it.
    Column("subject", String(32), nullable=False),
    Column("resource_id", String(64), nullable=False),
    #: The status before; null where the resource has come to be.
    Column("before", String(32)),
    #: The status after.
    Column("after", String(32), nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "number"),
)

counters = Table(
    "counters",
    metadata,
    Column("account_id", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("account_id", "kind", "region_id"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", String(32), nullable=False),
    Column("resource_id", String(64), nullable=False),
    Column("charge_type", String(16), nullable=False),
    #: Months; null for pay-as-you-go.
    Column("period", Integer),
    Column("status", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

client_tokens = Table(
    "client_tokens",
    metadata,
    Column("account_id", String(32), nullable=False),
    Column("action", String(128), nullable=False),
    Column("token", String(64), nullable=False),
    #: Request and answer may have secrets in them, which can be guessed from a digest.
    Column("digest", LargeBinary, nullable=False, info=SEALED),
    Column("response", LargeBinary, nullable=False, info=SEALED),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "action", "token"),
    Index(None, "created_at"),
)

nonces = Table(
    "nonces",
    metadata,
    #: A repeated request has the same time and so the same expiry: it comes first, to keep what is written together.
    Column("expires_at", BigInteger, nullable=False),
    #: Stands for the key and the nonce, so that its length and characters do not matter.
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("expires_at", "digest"),
)
