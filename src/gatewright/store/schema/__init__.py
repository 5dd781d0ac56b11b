"""The tables, all in this package. ``migrations/versions`` leads to exactly this; a test compares the two.

Times are milliseconds since the epoch. IPv4 addresses that are handed out are integers, so that "the next free one"
is arithmetic.
"""

from __future__ import annotations

from gatewright.store.schema.base import SEALED, metadata
from gatewright.store.schema.gateways import instances, vpn_gateways
from gatewright.store.schema.grouping import resource_groups, tags
from gatewright.store.schema.installation import (
    access_keys,
    accounts,
    authorities,
    counters,
    freed_addresses,
    hosts,
    pools,
    zone_capacities,
)
from gatewright.store.schema.ipsec import (
    customer_gateways,
    tunnel_logs,
    tunnels,
    vco_routes,
    vpn_connections,
    vpn_diagnoses,
    vpn_policies,
    vpn_routes,
)
from gatewright.store.schema.networks import route_entries, route_tables, vpcs, vswitches
from gatewright.store.schema.requests import client_tokens, nonces, orders
from gatewright.store.schema.running import events, placements

__all__ = [
    "SEALED",
    "access_keys",
    "accounts",
    "authorities",
    "client_tokens",
    "counters",
    "customer_gateways",
    "events",
    "freed_addresses",
    "hosts",
    "instances",
    "metadata",
    "nonces",
    "orders",
    "placements",
    "pools",
    "resource_groups",
    "route_entries",
    "route_tables",
    "tags",
    "tunnel_logs",
    "tunnels",
    "vco_routes",
    "vpcs",
    "vpn_connections",
    "vpn_diagnoses",
    "vpn_gateways",
    "vpn_policies",
    "vpn_routes",
    "vswitches",
    "zone_capacities",
]
