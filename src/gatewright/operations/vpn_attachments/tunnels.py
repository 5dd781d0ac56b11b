"""The two tunnels of an attachment: equals, told apart by ``TunnelIndex``, with newer algorithms by default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec

from gatewright.errors import invalid_parameter, missing_parameter
from gatewright.operations.declaration import OneOf, Parameter
from gatewright.operations.vpn_connections import forms
from gatewright.operations.vpn_connections.configs import IkeConfig, IpsecConfig, Role, TunnelOptions
from gatewright.operations.vpn_connections.wishes import Wish

Config = TypeVar("Config", IkeConfig, IpsecConfig)
#: By ``TunnelIndex``, where a request names no role.
_ROLES = {1: "master", 2: "slave"}
_IKE = IkeConfig(ike_version="ikev2", ike_auth_alg="sha1")
_IPSEC = IpsecConfig(ipsec_auth_alg="sha1")


class AttachmentTunnel(TunnelOptions, kw_only=True, frozen=True):
    """One of two tunnels."""

    tunnel_index: Annotated[int | None, Parameter(OneOf(1, 2))] = None
    #: No parameter of the reference, but Terraform's provider sends it.
    role: Role = None


class ChangedAttachmentTunnel(AttachmentTunnel, kw_only=True, frozen=True):
    """One of two tunnels, named by its id, its number or its role."""

    tunnel_id: Annotated[str | None, Parameter()] = None


class NewTunnel(msgspec.Struct, frozen=True):
    """What is wanted of a new tunnel, and its ``TunnelIndex``."""

    wish: Wish
    index: int


def new_pair(given: Sequence[AttachmentTunnel]) -> list[NewTunnel]:
    """What is wanted of both tunnels, in their order. Raises ApiError."""
    indexes = _indexes(given)
    roles = _roles(given, indexes)
    return [
        NewTunnel(forms.of_tunnel(number, _with_defaults(options), role), index)
        for number, (options, role, index) in enumerate(zip(given, roles, indexes, strict=True), 1)
    ]


def _indexes(given: Sequence[AttachmentTunnel]) -> list[int]:
    """Their numbers: as they are given, else in their order."""
    first, second = (options.tunnel_index for options in given)
    if first is None:
        first = 1 if second is None else 3 - second
    if second is None:
        second = 3 - first
    if first == second:
        raise invalid_parameter(f"{forms.OPTIONS}.2.TunnelIndex", second, "is the other tunnel's too: give 1 and 2")
    return [first, second]


def _roles(given: Sequence[AttachmentTunnel], indexes: Sequence[int]) -> list[str]:
    """Their roles: as they are given, else the first one is the master."""
    told = [options.role for options in given]
    if told[0] is not None and told[0] == told[1]:
        raise invalid_parameter(f"{forms.OPTIONS}.2.Role", told[1] or "", "is the other tunnel's too")
    if told == [None, None]:
        return [_ROLES[index] for index in indexes]
    known = next(role for role in told if role is not None)
    other = "slave" if known == "master" else "master"
    return [role or other for role in told]


def _with_defaults(options: AttachmentTunnel) -> TunnelOptions:
    """What is said of a tunnel, with what two tunnels of an attachment have by default."""
    return msgspec.structs.replace(
        options,
        tunnel_ike_config=_filled(options.tunnel_ike_config, _IKE),
        tunnel_ipsec_config=_filled(options.tunnel_ipsec_config, _IPSEC),
    )


def _filled(given: Config, defaults: Config) -> Config:
    absent = {
        name: value
        for name, value in msgspec.structs.asdict(defaults).items()
        if value is not None and getattr(given, name) is None
    }
    return msgspec.structs.replace(given, **absent)


def check_pair(given: Sequence[AttachmentTunnel]) -> None:
    """Refuse new tunnels that are not two, or lead nowhere. Raises ApiError."""
    if len(given) != 2:
        rule = "must have two tunnels: one alone is told flat, in IkeConfig and what is beside it"
        raise invalid_parameter(forms.OPTIONS, f"{len(given)} tunnel", rule)
    for number, options in enumerate(given, 1):
        if options.customer_gateway_id is None:
            raise missing_parameter(f"{forms.OPTIONS}.{number}.CustomerGatewayId")
