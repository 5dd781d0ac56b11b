"""One IPsec connection as the customer's device sees it: "local" is the device, "remote" is the gateway."""

from __future__ import annotations

import msgspec

from gatewright.resources.tunnels import EVERYWHERE, IkeSpec, IpsecSpec

#: Stands where a pre-shared key or BGP's key would, when secrets are left out.
PLACEHOLDER = "REPLACE-WITH-THE-KEY"


class PeerBgp(msgspec.Struct, frozen=True, kw_only=True):
    """BGP inside one tunnel."""

    local_asn: int
    remote_asn: int
    local_address: str
    remote_address: str
    #: The prefix length of the network that both addresses are in.
    prefix: int
    #: TCP's MD5 key; empty for none.
    key: str = ""

    def __repr__(self) -> str:
        return f"PeerBgp({self.local_asn}, {self.local_address} -> {self.remote_asn}, {self.remote_address})"


class PeerTunnel(msgspec.Struct, frozen=True, kw_only=True):
    """One tunnel: an IKE SA with its CHILD SAs."""

    id: str
    #: ``master`` or ``slave``; the only one of a connection is ``master``.
    role: str
    #: The device's address as the gateway sees it; the device itself may have another, behind NAT.
    local_address: str
    remote_address: str
    #: Identities are the device's and the gateway's, in this order, as everything here.
    ike: IkeSpec
    ipsec: IpsecSpec
    #: Printable ASCII without spaces, as the API has it.
    psk: str
    dpd: bool = True
    nat_traversal: bool = True
    bgp: PeerBgp | None = None

    def __repr__(self) -> str:
        return f"PeerTunnel({self.id}, {self.role}, {self.local_address} -> {self.remote_address})"


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One connection."""

    id: str
    name: str
    #: Selectors. Both :data:`~gatewright.resources.tunnels.EVERYWHERE` alone: routes decide.
    local_subnets: tuple[str, ...]
    remote_subnets: tuple[str, ...]
    #: What is behind the device and what is behind the gateway, as far as it is known: the selectors, if these say it.
    local_networks: tuple[str, ...]
    remote_networks: tuple[str, ...]
    tunnels: tuple[PeerTunnel, ...]
    #: What the gateway pings through the tunnel, if it does: it has to answer.
    probed: str = ""
    #: The number of the first tunnel's interface on the device; those of the others follow.
    number: int = 1

    @property
    def routed(self) -> bool:
        """Whether routes decide what goes through the tunnels, and not their selectors."""
        return self.local_subnets == self.remote_subnets == (EVERYWHERE,)

    @property
    def numbered(self) -> list[tuple[int, PeerTunnel]]:
        """The tunnels, with the numbers of their interfaces on the device."""
        return list(enumerate(self.tunnels, self.number))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each local subnet with each remote one, for devices whose selectors are pairs."""
        return [(local, remote) for local in self.local_subnets for remote in self.remote_subnets]
