"""The document that a snapshot is: how it is sealed, read and checked.

It may be large. All here is meant for a thread, and decodes row by row: one call of a decoder keeps every other thread
waiting until it is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from gatewright import __version__
from gatewright.control.routes import Body, Refusal, wrong
from gatewright.control.steering import SteeringState
from gatewright.plane.simulated import Change, Remembered, RememberedTunnel, Work
from gatewright.resources.specs import Kind
from gatewright.secrets import Sealer
from gatewright.store import hosts, state
from gatewright.store.state import Damaged, TableValues
from gatewright.store.upgrade import HEAD

FORMAT = "gatewright-snapshot"
VERSION = 1
#: Milliseconds since the epoch: the year 2400, which no delay leads beyond.
_LATEST = 13_569_465_600_000


class Snapshot(Body):
    """The document."""

    format: str
    version: int
    #: The migration that the tables are of.
    schema: str
    #: The program that wrote it.
    gatewright: str
    #: Of everything else: tells what was changed by accident.
    digest: str
    #: The service's time then, milliseconds since the epoch: how much of what is under way was left.
    taken: int
    #: When each account came to be, milliseconds since the epoch.
    accounts: dict[str, int]
    tables: dict[str, TableValues]
    plane: list[Remembered]
    steering: SteeringState


class _Head(msgspec.Struct):
    """What tells which documents can be read at all."""

    format: str = ""
    version: int = 0
    schema: str = ""


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    columns: list[str]
    rows: list[msgspec.Raw]


class _Folded(Body):
    """The document with what may be long not decoded yet."""

    format: str
    version: int
    schema: str
    gatewright: str
    digest: str
    taken: int
    accounts: dict[str, int]
    tables: dict[str, _Table]
    plane: list[msgspec.Raw]
    steering: SteeringState

    def unfolded(self) -> Snapshot:
        """All of it. Raises DecodeError."""
        row, item = msgspec.json.Decoder(list[Any]), msgspec.json.Decoder(Remembered)
        tables = {
            name: TableValues(table.columns, [row.decode(each) for each in table.rows])
            for name, table in self.tables.items()
        }
        plane = [item.decode(each) for each in self.plane]
        rest = {name: getattr(self, name) for name in self.__struct_fields__ if name not in ("tables", "plane")}
        return Snapshot(**rest, tables=tables, plane=plane)


class Checked(NamedTuple):
    """A snapshot that can be taken over."""

    snapshot: Snapshot
    #: Its rows as the store takes them.
    values: state.Checked


def sealed(
    taken: int,
    accounts: dict[str, int],
    tables: dict[str, TableValues],
    plane: Sequence[Remembered],
    steering: SteeringState,
) -> Snapshot:
    """The document of a state. What of the plane no row wants is left out: it is about to go."""
    wanted = _placements(tables)
    snapshot = Snapshot(
        format=FORMAT,
        version=VERSION,
        schema=HEAD,
        gatewright=__version__,
        digest="",
        taken=taken,
        accounts=accounts,
        tables=tables,
        plane=[item for item in plane if (item.kind.value, item.id) in wanted],
        steering=steering,
    )
    snapshot.digest = digest(snapshot)
    return snapshot


def digest(snapshot: Snapshot) -> str:
    """SHA-256 of all but the digest itself; the same for the same contents, however the JSON is written.

    Of lines of JSON without blanks whose objects' fields are sorted: the document without digest, rows and plane; each
    table's name, in order, and its rows; the plane's items.
    """
    found = hashlib.sha256()
    encode = msgspec.json.Encoder(order="sorted").encode

    def add(value: Any) -> None:
        found.update(encode(value) + b"\n")

    known = {name: getattr(snapshot, name) for name in snapshot.__struct_fields__}
    columns = {name: table.columns for name, table in snapshot.tables.items()}
    add({**{name: value for name, value in known.items() if name not in ("digest", "plane")}, "tables": columns})
    for name in sorted(snapshot.tables):
        add(name)
        for row in snapshot.tables[name].rows:
            add(row)
    add("plane")
    for item in snapshot.plane:
        add(item)
    return found.hexdigest()


def read(body: bytes, check: Callable[[Snapshot], None], sealer: Sealer) -> Checked:
    """The document of a body, if it is whole and this service can take it over.

    ``check`` says whether it goes with the service; ``sealer`` seals its secrets. Raises Refusal, also from ``check``.
    """
    try:
        head = msgspec.json.decode(body, type=_Head)
        if head.format != FORMAT:
            raise Refusal(400, f"format is not {FORMAT}: this is no snapshot", "format")
        for name, theirs, ours in (("version", head.version, VERSION), ("schema", head.schema, HEAD)):
            if theirs != ours:
                raise Refusal(409, f"{name} is {theirs!r}, and this Gatewright ({__version__}) reads {ours!r}", name)
        snapshot = msgspec.json.decode(body, type=_Folded).unfolded()
        found = digest(snapshot)
    except (msgspec.DecodeError, OverflowError, RecursionError) as error:
        raise Refusal(400, f"the snapshot cannot be read: {error}") from None
    if snapshot.digest != found:
        raise Refusal(400, "digest does not fit: the snapshot is damaged, or was changed by hand", "digest")
    if not 0 <= snapshot.taken <= _LATEST:
        raise wrong("taken", "is no time that a snapshot can be taken at")
    check(snapshot)
    try:
        values = state.check(snapshot.accounts, snapshot.tables, sealer)
    except Damaged as error:
        raise damaged(error) from None
    _check_plane(snapshot)
    return Checked(snapshot, values)


def damaged(error: Damaged) -> Refusal:
    """How it is told that the tables are not what they can be."""
    return Refusal(400, f"the snapshot is damaged: {error}", "tables")


def _placements(tables: dict[str, TableValues]) -> dict[tuple[str, str], int]:
    """The generation that is wanted of each of the host's items."""
    table = tables["placements"]
    host, kind, item, wanted = (table.columns.index(name) for name in ("host_id", "kind", "item_id", "wanted"))
    return {(row[kind], row[item]): row[wanted] for row in table.rows if row[host] == hosts.LOCAL}


def _tunnels(tables: dict[str, TableValues]) -> dict[str, str | None]:
    """The instance that each tunnel ends at."""
    table = tables["tunnels"]
    tunnel, instance = (table.columns.index(name) for name in ("id", "instance_id"))
    return {row[tunnel]: row[instance] for row in table.rows}


def _check_plane(snapshot: Snapshot) -> None:
    """Whether the plane can have what it is said to have. Raises Refusal."""
    wanted = _placements(snapshot.tables)
    tunnels = _tunnels(snapshot.tables)
    for item in snapshot.plane:
        # Each once.
        highest = wanted.pop((item.kind.value, item.id), None)
        if highest is None:
            raise wrong("plane", f"has {item.kind} {item.id[:64]}, which is not wanted, or there twice")
        if item.generation is not None and not 1 <= item.generation <= highest:
            raise wrong("plane", f"has {item.kind} {item.id} at a generation that was never wanted")
        if item.killed and item.kind is not Kind.INSTANCE:
            raise wrong("plane", f"has {item.kind} {item.id} killed, and only instances can be")
        if item.work is not None and not _can_be(item.kind, item.work, highest):
            raise wrong("plane", f"has something under way with {item.kind} {item.id} that cannot be")
        for tunnel in item.tunnels:
            # Each once, and none of a vSwitch or a router.
            if tunnels.pop(tunnel.id, None) != item.id:
                raise wrong("plane", f"has {tunnel.id[:64]} of {item.kind} {item.id}, which is not its, or there twice")
            moments = [each for each in (tunnel.middle, tunnel.ends) if each is not None]
            in_order = moments == sorted(moments) and (tunnel.middle is None or tunnel.ends is not None)
            if not in_order or not all(0 <= each <= _LATEST for each in moments):
                raise wrong("plane", f"has {tunnel.id} negotiated at times that cannot be")


def _can_be(kind: Kind, work: Work, highest: int) -> bool:
    if (kind is Kind.VSWITCH) != (work.change is Change.VSWITCH) or not 0 <= work.ends <= _LATEST:
        return False
    removal = work.generation == 0 and work.change in (Change.DELETING, Change.VSWITCH)
    return removal or (1 <= work.generation <= highest and work.change is not Change.DELETING)


def rebased(plane: Sequence[Remembered], later: int) -> list[Remembered]:
    """A plane whose time is so many milliseconds later: what is under way has as much left as it had."""
    replace = msgspec.structs.replace

    def moved(moment: int) -> int:
        return max(0, moment + later)

    def of_tunnel(tunnel: RememberedTunnel) -> RememberedTunnel:
        middle, ends = (None if each is None else moved(each) for each in (tunnel.middle, tunnel.ends))
        return replace(tunnel, middle=middle, ends=ends)

    return [
        replace(
            item,
            work=None if item.work is None else replace(item.work, ends=moved(item.work.ends)),
            tunnels=[of_tunnel(each) for each in item.tunnels],
        )
        for item in plane
    ]
