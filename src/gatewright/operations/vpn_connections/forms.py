"""The two forms in which requests tell of tunnels: flat, where there is one, and ``TunnelOptionsSpecification``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gatewright.errors import invalid_parameter, missing_parameter
from gatewright.operations.declaration import Item
from gatewright.operations.vpn_connections.configs import (
    BgpConfig,
    GatewayTunnelOptions,
    HealthCheckConfig,
    IkeConfig,
    IpsecConfig,
    TunnelOptions,
)
from gatewright.operations.vpn_connections.wishes import Wish
from gatewright.store.tunnels import TunnelRow

#: Where two tunnels are told of.
OPTIONS = "TunnelOptionsSpecification"
#: Why a certificate is refused.
SM_ONLY = "is for gateways of VpnType NationalStandard: leave it out"
#: What is said flat of the only tunnel.
_FLAT = {
    "customer_gateway_id": "CustomerGatewayId",
    "enable_dpd": "EnableDpd",
    "enable_nat_traversal": "EnableNatTraversal",
    "ike_config": "IkeConfig",
    "ipsec_config": "IpsecConfig",
    "bgp_config": "BgpConfig",
    "health_check_config": "HealthCheckConfig",
}


class Flat(Protocol):
    """A request that may tell of one tunnel."""

    @property
    def enable_dpd(self) -> bool | None: ...
    @property
    def enable_nat_traversal(self) -> bool | None: ...
    @property
    def ike_config(self) -> IkeConfig | None: ...
    @property
    def ipsec_config(self) -> IpsecConfig | None: ...
    @property
    def bgp_config(self) -> BgpConfig | None: ...
    @property
    def health_check_config(self) -> HealthCheckConfig | None: ...


def flat(request: Flat, customer_gateway_id: str | None = None) -> Wish:
    """What a request says flat of the only tunnel."""
    options = TunnelOptions(
        customer_gateway_id=customer_gateway_id,
        enable_dpd=request.enable_dpd,
        enable_nat_traversal=request.enable_nat_traversal,
        tunnel_ike_config=request.ike_config or IkeConfig(),
        tunnel_ipsec_config=request.ipsec_config or IpsecConfig(),
        tunnel_bgp_config=request.bgp_config or BgpConfig(),
    )
    return Wish("master", options, "", "")


def of_tunnel(number: int, options: TunnelOptions, role: str) -> Wish:
    """What the ``number``-th entry says."""
    prefix = f"{OPTIONS}.{number}."
    return Wish(role, options, prefix, f"{prefix}Tunnel")


def named(given: Sequence[TunnelOptions], connection_id: str, ends: Sequence[TunnelRow]) -> dict[str, Wish]:
    """What is wanted of each tunnel of a connection that is named, by its id. Raises ApiError.

    One is named by its id, its role or, of an attachment, its number; if by several of these, all have to hold.
    """
    found: dict[str, Wish] = {}
    for number, options in enumerate(given, 1):
        parameter = f"{OPTIONS}.{number}.TunnelId"
        told = [getattr(options, name, None) for name in ("tunnel_id", "tunnel_index", "role")]
        if told == [None, None, None]:
            raise missing_parameter(parameter)
        matching = [
            each
            for each in ends
            if all(wanted in (None, has) for wanted, has in zip(told, (each.id, each.number, each.role), strict=True))
        ]
        if len(matching) != 1:
            said = ", ".join(str(each) for each in told[1:] if each is not None)
            rule = f"names no tunnel of {connection_id}" + (f" that is {said}" if said else "")
            raise invalid_parameter(parameter, told[0] or "", rule)
        if matching[0].id in found:
            raise invalid_parameter(parameter, matching[0].id, "is told of twice")
        found[matching[0].id] = of_tunnel(number, options, matching[0].role)
    return found


def refuse_flat(request: Flat, owner: str) -> None:
    """Refuse what is said flat of ``owner``, which has two tunnels. Raises ApiError.

    An empty object says nothing, and a health check that is off is what there is.
    """
    for attribute, name in _FLAT.items():
        value = getattr(request, attribute, None)
        said = value != type(value)() if isinstance(value, Item) else value is not None
        if isinstance(value, HealthCheckConfig):
            if said and value.enable is not False:
                rule = f"is for one tunnel, and {owner} has two, which are checked by DPD and BGP alone: leave it out"
                raise invalid_parameter(name, "{...}", rule)
        elif said:
            shown = "{...}" if attribute.endswith("_config") else value
            rule = f"is for one tunnel, and {owner} has two: say it of each in {OPTIONS}"
            raise invalid_parameter(name, shown, rule)


def refuse_options(options: Sequence[TunnelOptions], tunnels_bgp: bool | None, owner: str) -> None:
    """Refuse what is said of two tunnels of ``owner``, which has one. Raises ApiError."""
    if options:
        rule = f"is for two tunnels, and {owner} has one: give IkeConfig and what is beside it"
        raise invalid_parameter(OPTIONS, f"{len(options)} tunnels", rule)
    if tunnels_bgp:
        rule = f"is for two tunnels, and {owner} has one: give BgpConfig.EnableBgp"
        raise invalid_parameter("EnableTunnelsBgp", "true", rule)


def refuse_certificates(top: str | None, options: Sequence[GatewayTunnelOptions]) -> None:
    """Refuse what is for gateways of SM cryptography only. Raises ApiError."""
    names = ["RemoteCaCertificate", *(f"{OPTIONS}.{n}.RemoteCaCertificate" for n in range(1, len(options) + 1))]
    for name, value in zip(names, [top, *(each.remote_ca_certificate for each in options)], strict=True):
        if value is not None:
            raise invalid_parameter(name, value, SM_ONLY)
