"""What a request wants of a connection's tunnels, and what becomes of their rows by it.

A tunnel that is made is changed from one with the documented defaults, so making and changing are one thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from gatewright.errors import ErrorRow, invalid_parameter
from gatewright.operations.call import Call
from gatewright.operations.customer_gateways.facts import find_customer_gateway
from gatewright.operations.vpn_connections.configs import TunnelOptions
from gatewright.resources import algorithms, bgp_addresses
from gatewright.resources.peers import GATEWAY_ASN
from gatewright.secrets import Place
from gatewright.store import tunnels
from gatewright.store.tunnels import TunnelRow

ALREADY_EXISTS = ErrorRow(
    400,
    "InvalidVpnConnection.AlreadyExists",
    "Vpn connection already exists.",
    "The detail names the connection that leads to the same peer; change that one, it takes several networks.",
)

Row = TypeVar("Row", bound=TunnelRow)


class Peer(NamedTuple):
    """The customer gateway that a tunnel leads to."""

    id: str
    address: str
    asn: int | None
    #: Sealed.
    key: bytes | None


class Wish(NamedTuple):
    """What a request says of one tunnel, and what it calls that."""

    role: str
    options: TunnelOptions
    #: Begins the names of the tunnel's own parameters: empty, or ``TunnelOptionsSpecification.1.``.
    prefix: str
    #: Begins the names of its configurations: empty, or ``TunnelOptionsSpecification.1.Tunnel``.
    inner: str

    @property
    def ike(self) -> str:
        """What says of phase 1."""
        return f"{self.inner}IkeConfig"

    @property
    def ipsec(self) -> str:
        """What says of phase 2."""
        return f"{self.inner}IpsecConfig"

    @property
    def bgp(self) -> str:
        """What says of BGP."""
        return f"{self.inner}BgpConfig"

    @property
    def peer(self) -> str:
        """What names the customer gateway."""
        return f"{self.prefix}CustomerGatewayId"


def peer_of(call: Call, wish: Wish) -> Peer:
    """The customer gateway that a request names for a tunnel. Raises ApiError."""
    row = find_customer_gateway(call, wish.options.customer_gateway_id or "", wish.peer)
    return Peer(row.id, row.ip_address, row.asn, row.auth_key)


def changed(call: Call, row: Row, options: TunnelOptions) -> Row:
    """A tunnel as it is with what a request says of it; the rest stays."""
    ike, ipsec, bgp = options.tunnel_ike_config, options.tunnel_ipsec_config, options.tunnel_bgp_config
    given = {
        "customer_gateway_id": options.customer_gateway_id,
        "enable_dpd": options.enable_dpd,
        "enable_nat_traversal": options.enable_nat_traversal,
        "ike_version": ike.ike_version,
        "ike_mode": ike.ike_mode,
        "ike_encryption": ike.ike_enc_alg,
        "ike_authentication": ike.ike_auth_alg,
        "ike_group": ike.ike_pfs,
        "ike_lifetime": ike.ike_lifetime,
        "local_id": ike.local_id,
        "remote_id": ike.remote_id,
        "ipsec_encryption": ipsec.ipsec_enc_alg,
        "ipsec_authentication": ipsec.ipsec_auth_alg,
        "ipsec_group": ipsec.ipsec_pfs,
        "ipsec_lifetime": ipsec.ipsec_lifetime,
        "bgp_local_asn": bgp.local_asn,
        "bgp_network": bgp.tunnel_cidr,
        "bgp_local_address": bgp.local_bgp_ip,
    }
    fields: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if bgp.tunnel_cidr is not None and bgp.local_bgp_ip is None and bgp.tunnel_cidr != row.bgp_network:
        fields["bgp_local_address"] = bgp_addresses.hosts(bgp.tunnel_cidr)[0]
    if ike.psk is not None and (not row.psk or ike.psk != opened(call, row)):
        fields["psk"] = call.installation.sealer.seal(ike.psk, _place(row.id))
        fields["psk_version"] = row.psk_version + 1
    return msgspec.structs.replace(row, **fields)


def opened(call: Call, row: TunnelRow) -> str:
    """A tunnel's pre-shared key."""
    return call.installation.sealer.open(row.psk, _place(row.id))


def _place(tunnel_id: str) -> Place:
    return Place("tunnels", tunnel_id, "psk")


def local_asn(row: TunnelRow) -> int:
    """The gateway's AS number in a tunnel."""
    return row.bgp_local_asn or GATEWAY_ASN


def check_bgp(wishes: Sequence[Wish], rows: Sequence[TunnelRow], peers: Sequence[Peer]) -> None:
    """Refuse BGP that cannot come up. Of one connection: its tunnels as they will be. Raises ApiError."""
    for wish, row, peer in zip(wishes, rows, peers, strict=True):
        if row.bgp_local_address and not row.bgp_network:
            raise invalid_parameter(f"{wish.bgp}.LocalBgpIp", row.bgp_local_address, "needs a TunnelCidr that it is in")
        if row.bgp_network and not bgp_addresses.is_end(row.bgp_network, row.bgp_local_address):
            ends = " or ".join(bgp_addresses.hosts(row.bgp_network))
            raise invalid_parameter(
                f"{wish.bgp}.LocalBgpIp", row.bgp_local_address, f"must be {ends}, the addresses of {row.bgp_network}"
            )
        if not row.bgp_enabled:
            continue
        if not row.bgp_network:
            raise invalid_parameter(f"{wish.bgp}.TunnelCidr", "", "is needed for BGP: give the tunnel a /30")
        if peer.asn is None:
            raise invalid_parameter(wish.peer, peer.id, "has no Asn, and BGP needs one: make one that has")
        if local_asn(row) != local_asn(rows[0]):
            raise invalid_parameter(
                f"{wish.bgp}.LocalAsn", local_asn(row), f"must be {local_asn(rows[0])}, as the other tunnel's is"
            )
    if len(rows) == 2 and rows[0].bgp_network and rows[0].bgp_network == rows[1].bgp_network:
        raise invalid_parameter(
            f"{wishes[1].bgp}.TunnelCidr", rows[1].bgp_network, "is the other tunnel's too: each has its own"
        )


def check_algorithms(call: Call, wishes: Sequence[Wish], rows: Sequence[TunnelRow]) -> None:
    """Refuse algorithms that do not go together, or that this installation refuses. Raises ApiError."""
    for wish, row in zip(wishes, rows, strict=True):
        if row.ike_version == "ikev1" and row.ike_encryption in algorithms.MODERN_ENCRYPTION:
            raise invalid_parameter(
                f"{wish.ike}.IkeEncAlg", row.ike_encryption, "needs IkeVersion ikev2: IKEv1 has no such algorithm"
            )
        if call.installation.weak_algorithms != "refuse":
            continue
        for name, value in (
            (f"{wish.ike}.IkeEncAlg", row.ike_encryption),
            (f"{wish.ike}.IkeAuthAlg", row.ike_authentication),
            (f"{wish.ike}.IkePfs", row.ike_group),
            (f"{wish.ipsec}.IpsecEncAlg", row.ipsec_encryption),
            (f"{wish.ipsec}.IpsecAuthAlg", row.ipsec_authentication),
            (f"{wish.ipsec}.IpsecPfs", row.ipsec_group),
        ):
            if value in algorithms.WEAK:
                better = ", ".join(_BETTER[name[-6:]])
                raise invalid_parameter(name, value, f"is weak, and this installation refuses it: give one of {better}")


#: What is not weak, by the end of the parameter's name.
_BETTER = {
    end: tuple(each for each in known if each not in algorithms.WEAK)
    for end, known in (
        ("EncAlg", algorithms.ENCRYPTION),
        ("uthAlg", algorithms.AUTHENTICATION),
        ("IkePfs", algorithms.GROUPS),
        ("secPfs", algorithms.PFS_GROUPS),
    )
}


def check_apart(
    wishes: Sequence[Wish],
    rows: Sequence[TunnelRow],
    peers: Sequence[Peer],
    others: Sequence[tunnels.Beside],
) -> None:
    """Refuse tunnels that the gateway's other connections leave no room for. Raises ApiError.

    An instance tells its peers apart by their addresses, so it has one tunnel to each (*assumed*).
    """
    for wish, row, peer in zip(wishes, rows, peers, strict=True):
        for other in others:
            if other.connection_id == row.connection_id:
                continue
            if (other.role, other.peer_address) == (row.role, peer.address):
                raise ALREADY_EXISTS(
                    wish.peer, peer.id, f"is where connection {other.connection_id} of the gateway leads to"
                )
            if row.bgp_network and other.bgp_network == row.bgp_network:
                raise invalid_parameter(
                    f"{wish.bgp}.TunnelCidr",
                    row.bgp_network,
                    f"is that of a tunnel of connection {other.connection_id}: each tunnel of a gateway has its own",
                )


def numbered(rows: Sequence[TunnelRow], others: Sequence[tunnels.Beside]) -> list[TunnelRow]:
    """New tunnels with the smallest numbers that are free in the gateway."""
    taken = {other.number for other in others}
    free = (number for number in range(1, len(taken) + len(rows) + 1) if number not in taken)
    return [msgspec.structs.replace(row, number=number) for row, number in zip(rows, free, strict=False)]
