"""What an installation's things are called on a host, so that all of it can be found and proved its own."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from gatewright.plane.contract import PlaneError
from gatewright.resources.specs import ItemKey, Kind

_INSTALLATION = re.compile(r"[0-9a-z]{8}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_ALIAS = re.compile(r"gatewright:([0-9a-z]{8}):([a-z]+)(?::(.+))?")

#: What a link in the host's namespace is. A leg's other end, in its instance's namespace, has that as its name.
UPLINK = "uplink"
VSWITCH = "vswitch"
VXLAN = "vxlan"
LAN = "lan"
WAN = "wan"
PORT = "port"

#: First byte of hardware addresses on the host. A bridge takes the lowest of its ports' for its own, and one that is
#: not ours shall not change its address for a leg.
_HIGHEST = 0xFE

#: What stands before a VPC's id in the name of its router's namespace, and before a tunnel's number and its
#: instance's id in that of its charon: no instance's id has a dot.
_ROUTER = "router."
_TUNNEL = "tunnel."


class LinkMark(NamedTuple):
    """How a link in the host's namespace is named and how it is known to be ours.

    The kernel takes an alias only in a request of its own, after the one that creates the link; an agent
    killed between the two leaves a link without one. The hardware address comes with the creation and is
    derived from the alias, so it proves ownership of such a half-made link.
    """

    name: str
    alias: str
    mac: str

    @property
    def inner_mac(self) -> str:
        """The hardware address of a leg's other end: lasting, so that an instance built anew is known."""
        return stable_mac(f"{self.alias}:inner")

    def owns(self, alias: str | None, mac: str | None) -> bool:
        """Whether a link with this alias and hardware address is the marked one."""
        return alias == self.alias if alias else mac == self.mac


class Names:
    """Names of one installation. Raises ValueError if ``installation`` is not 8 base-36 characters."""

    def __init__(self, installation: str) -> None:
        if not _INSTALLATION.fullmatch(installation):
            raise ValueError(f"an installation id is 8 characters of 0-9 and a-z, not {installation!r}")
        self.installation = installation
        self.uplink = self._mark(UPLINK)
        self._namespace_prefix = f"gw-{installation}-"
        #: The table of nftables in the host's namespace that guards the legs of instances.
        self.guards = f"gatewright-{installation}"

    def namespace(self, instance_id: str) -> str:
        return self._namespace_prefix + instance_id

    def router_namespace(self, vpc_id: str) -> str:
        return self._namespace_prefix + _ROUTER + vpc_id

    def tunnel_namespace(self, instance_id: str, number: int) -> str:
        """Where the charon of one tunnel lives."""
        return f"{self._namespace_prefix}{_TUNNEL}{number}.{instance_id}"

    def tunnel_of(self, namespace: str) -> tuple[str, int] | None:
        """Whose tunnel a namespace is for, and its number; None for all other namespaces."""
        prefix = self._namespace_prefix + _TUNNEL
        if not namespace.startswith(prefix):
            return None
        number, _, instance_id = namespace.removeprefix(prefix).partition(".")
        return (instance_id, int(number)) if number.isdecimal() and number.isascii() else None

    def namespace_of(self, owner: ItemKey) -> str:
        """The namespace of an instance or router."""
        return self.router_namespace(owner.id) if owner.kind is Kind.ROUTER else self.namespace(owner.id)

    def owner_of(self, namespace: str) -> ItemKey | None:
        """The instance or router that a namespace is, None if it is not of this installation, or of a tunnel."""
        if not namespace.startswith(self._namespace_prefix) or self.tunnel_of(namespace) is not None:
            return None
        rest = namespace.removeprefix(self._namespace_prefix)
        if rest.startswith(_ROUTER):
            return ItemKey(Kind.ROUTER, rest.removeprefix(_ROUTER))
        return ItemKey(Kind.INSTANCE, rest)

    def marked(self, what: str, item_id: str) -> LinkMark:
        """The mark of what :meth:`parse_alias` tells of."""
        return self._mark(what, item_id)

    def vswitch(self, vswitch_id: str) -> LinkMark:
        return self._mark(VSWITCH, vswitch_id)

    def vxlan(self, vswitch_id: str) -> LinkMark:
        """What carries a vSwitch's frames to other hosts."""
        return self._mark(VXLAN, vswitch_id)

    def lan(self, instance_id: str) -> LinkMark:
        return self._mark(LAN, instance_id)

    def wan(self, instance_id: str) -> LinkMark:
        return self._mark(WAN, instance_id)

    def port(self, vswitch_id: str) -> LinkMark:
        """Where the VPC's router is plugged into a vSwitch, which has only one."""
        return self._mark(PORT, vswitch_id)

    def port_inside(self, vswitch_id: str) -> str:
        """What a port is called in the router's namespace."""
        return "port" + self.port(vswitch_id).name.removeprefix("gw")[:11]

    def parse_alias(self, alias: str | None) -> tuple[str, str] | None:
        """``(what, id)`` of a link of this installation, None for any other; the uplink's id is empty."""
        found = _ALIAS.fullmatch(alias or "")
        if found is None or found[1] != self.installation:
            return None
        return found[2], found[3] or ""

    def _mark(self, *what: str) -> LinkMark:
        alias = ":".join(("gatewright", self.installation, *what))
        digest = hashlib.sha256(alias.encode()).hexdigest()
        # IFNAMSIZ leaves 15 characters
        return LinkMark("gw" + digest[:13], alias, stable_mac(alias, _HIGHEST))


def stable_mac(text: str, first: int = 0x02) -> str:
    """A locally administered unicast hardware address that is always the same for the same text and first byte."""
    digest = hashlib.sha256(f"mac:{text}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (first, *digest[:5]))


def check_id(item_id: str) -> None:
    """Raises PlaneError unless the id may become part of file names and aliases."""
    if not _ID.fullmatch(item_id):
        raise PlaneError(f"{item_id!r} cannot be used as an id: only letters, digits, '-' and '_', at most 100")
