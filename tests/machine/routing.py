"""What a gateway's routes and its VPC's entries should be, in plain Python: the rules, written a second time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

from tests.machine.model import Refusal

MOST_ROUTES = 4
MOST_ENTRIES = 3
#: The vSwitch of the VPC.
INSIDE = IPv4Network("10.0.0.0/24")
ALREADY_EXISTS: Refusal = (400, "VpnRouteEntry.AlreadyExists")
CONFLICT: Refusal = (400, "VpnRouteEntry.Conflict")
FULL: Refusal = (400, "Resource.QuotaFull")
NOT_FOUND: Refusal = (404, "InvalidRouteEntry.NotFound")
#: Stands behind an entry that people made.
PEOPLE = ("", "")


@dataclass(frozen=True)
class Way:
    """A route; a destination-based one has neither source nor priority."""

    source: str
    destination: str
    connection: str
    weight: int
    priority: int = 0
    published: bool = False
    automatic: bool = False

    @property
    def kind(self) -> str:
        return "pbr" if self.source else "dbr"

    @property
    def owner(self) -> tuple[str, str]:
        return self.kind, self.connection

    def is_partner_of(self, other: Way) -> bool:
        mine = (self.source, self.destination, self.priority)
        return mine == (other.source, other.destination, other.priority) and self.connection != other.connection


@dataclass
class Routing:
    """One gateway, and the system route table of its VPC."""

    ways: list[Way] = field(default_factory=list)
    #: Who stands behind the VPC's entries: kind and connection, or :data:`PEOPLE`.
    entries: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: The networks that connections are for, without those that routes decide about.
    remote: dict[str, str] = field(default_factory=dict)

    def of(self, kind: str) -> list[Way]:
        return [way for way in self.ways if way.kind == kind]

    def find(self, way: Way) -> Way | None:
        """The route of the same networks and connection."""
        wanted = (way.source, way.destination, way.connection)
        return next((each for each in self.ways if (each.source, each.destination, each.connection) == wanted), None)

    def may_publish(self, destination: str, owner: tuple[str, str]) -> Refusal:
        present = self.entries.get(destination)
        if present == owner:
            return None
        if present is not None or IPv4Network(destination).subnet_of(INSIDE):
            return CONFLICT
        return FULL if len(self.entries) >= MOST_ENTRIES else None

    def may_create(self, way: Way) -> Refusal:
        if self.find(way) is not None:
            return ALREADY_EXISTS
        if any(other.is_partner_of(way) and other.weight == way.weight for other in self.ways):
            return CONFLICT
        if len(self.of(way.kind)) >= MOST_ROUTES:
            return FULL
        return self.may_publish(way.destination, way.owner) if way.published else None

    def create(self, way: Way) -> None:
        self.ways.append(way)
        if way.published:
            self.entries[way.destination] = way.owner

    def may_change(self, way: Way, changed: Way) -> Refusal:
        if changed == way:
            return None
        partners = [other for other in self.ways if other.is_partner_of(way)]
        if partners and changed.weight != way.weight:
            return CONFLICT
        if any(other.is_partner_of(changed) and other.weight == changed.weight for other in self.ways):
            return CONFLICT
        return None

    def change(self, way: Way, changed: Way) -> None:
        self.ways[self.ways.index(way)] = changed

    def delete(self, gone: Iterable[Way]) -> None:
        """Routes go, and the entries that nothing else stands behind."""
        gone = list(gone)
        self.ways = [way for way in self.ways if way not in gone]
        self._tidy()

    def publish(self, meant: Iterable[Way], wanted: bool) -> None:
        meant = list(meant)
        self.ways = [replace(way, published=wanted) if way in meant else way for way in self.ways]
        for way in meant:
            if wanted:
                self.entries[way.destination] = way.owner
        self._tidy()

    def delete_entry(self, destination: str) -> None:
        del self.entries[destination]
        self.ways = [replace(way, published=False) if way.destination == destination else way for way in self.ways]

    def may_connect(self, local: str, remote: str) -> Refusal:
        if len(self.of("pbr")) >= MOST_ROUTES:
            return 400, "QuotaExceeded.PolicyBasedRoute"
        made = Way(local, remote, "", 100, 10)
        return CONFLICT if any(other.is_partner_of(made) and other.weight == 100 for other in self.ways) else None

    def disconnect(self, connection: str) -> None:
        self.remote.pop(connection, None)
        self.delete([way for way in self.ways if way.connection == connection])

    def offered(self) -> set[str]:
        """The destinations that the instance can offer the VPC's router."""
        reached = [IPv4Network(way.destination) for way in self.ways]
        reached += [IPv4Network(network) for network in self.remote.values()]
        return {each for each in self.entries if any(IPv4Network(each).overlaps(network) for network in reached)}

    def _tidy(self) -> None:
        behind = {(way.destination, way.owner) for way in self.ways if way.published}
        self.entries = {
            destination: owner
            for destination, owner in self.entries.items()
            if owner == PEOPLE or (destination, owner) in behind
        }
