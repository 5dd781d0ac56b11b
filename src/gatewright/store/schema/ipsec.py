"""IPsec connections, with what belongs to them and what is seen of them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from gatewright.store.schema.base import SEALED, metadata

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
    #: What an agent saw last; see ``gatewright.resources.tunnel_states``.
    Column("status", String(32), nullable=False),
    Column("bgp_status", String(16), nullable=False),
    Column("health_status", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    #: A JSON list of ``Trouble``.
    Column("troubles", Text, nullable=False),
    #: A JSON list of ``LearnedRoute``.
    Column("learned", Text, nullable=False),
    #: How many these are.
    Column("learned_count", Integer, nullable=False),
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
