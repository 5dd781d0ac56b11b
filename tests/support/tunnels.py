"""Tunnels to try things with: their specs, and rows of connections that no operation has made."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import insert

from gatewright.resources.tunnels import IkeSpec, IpsecSpec, SecretRef, TunnelSpec
from gatewright.secrets import Place
from gatewright.store.schema import customer_gateways, tunnels, vpn_connections
from gatewright.store.statement import Statement
from gatewright.store.transaction import Transaction
from tests.support.cell import Cell

TUNNEL = TunnelSpec(
    id="tun-1",
    connection_id="vco-1",
    number=1,
    role="master",
    peer="198.51.100.2",
    psk=SecretRef("tun-1", 1),
    ike=IkeSpec(
        version="ikev2",
        mode="main",
        encryption="aes",
        authentication="sha256",
        group="group14",
        lifetime=86400,
        local_id="198.18.0.2",
        remote_id="198.51.100.2",
    ),
    ipsec=IpsecSpec(encryption="aes", authentication="sha256", group="group14", lifetime=86400),
    local_subnets=("10.0.0.0/16",),
    remote_subnets=("192.168.0.0/16",),
)


def tunnel(tunnel_id: str, number: int, **changes: Any) -> TunnelSpec:
    """A tunnel of an instance, by default one of a connection of its own."""
    changes = {"connection_id": f"vco-{number}", "psk": SecretRef(tunnel_id, 1), **changes}
    return msgspec.structs.replace(TUNNEL, id=tunnel_id, number=number, **changes)


def put_connection(cell: Cell, gateway: str, connection: str = "vco-1", *, psk: str = "a passphrase") -> list[str]:
    """Put a dual-tunnel connection's rows into the database, with BGP to customers with a key. Returns its tunnels."""
    sealer = cell.sealer
    ids = [f"tun-{connection}-{number}" for number in (1, 2)]

    def put(transaction: Transaction) -> None:
        def add(table: Any, **values: Any) -> None:
            blank = {column.name: column.type.python_type() for column in table.columns if not column.nullable}
            transaction.run(Statement(insert(table).values({**blank, **values})))

        where = {"account_id": cell.account, "region_id": cell.region}
        add(vpn_connections, id=connection, gateway_id=gateway, dual_tunnel=True, **where)
        for number, tunnel_id in enumerate(ids, 1):
            customer = f"cgw-{connection}-{number}"
            key = sealer.seal(f"key of {customer}", Place("customer_gateways", customer, "auth_key"))
            add(customer_gateways, id=customer, auth_key=key, auth_key_version=3, **where)
            add(
                tunnels,
                id=tunnel_id,
                connection_id=connection,
                gateway_id=gateway,
                instance_id=f"{gateway}-{number}",
                role=("master", "slave")[number - 1],
                number=number,
                customer_gateway_id=customer,
                psk=sealer.seal(f"{psk} {number}", Place("tunnels", tunnel_id, "psk")),
                psk_version=2,
                bgp_enabled=number == 1,
                status="ike_sa_not_established",
            )

    cell.run(cell.database.write(put))
    return ids
