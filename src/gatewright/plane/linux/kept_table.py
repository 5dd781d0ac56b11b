"""A table of nftables that is to stay as it was put, and how it is known that it has: without running anything.

What was put, and what the kernel told of it right after that, is noted in the item's folder. As long as the kernel
tells the same, nobody has touched it.
"""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock

import msgspec

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import nft
from gatewright.plane.linux.folders import Folder
from gatewright.plane.linux.nf_tables import NfTables
from gatewright.plane.linux.ruleset import Chain, Table


class _Note(msgspec.Struct):
    family: str
    name: str
    #: Without their rules.
    chains: tuple[Chain, ...]
    sets: tuple[str, ...]
    #: Digests of what was to be put, and of what was there then.
    wanted: str
    kernel: str = ""


class KeptTable:
    """The table that a file of a folder tells of. Works in the namespace of the calling thread; raises PlaneError."""

    def __init__(self, folder: Folder, file: str) -> None:
        self._folder = folder
        self._file = file

    def ensure(self, table: Table) -> None:
        """Put the table, unless it stands exactly so."""
        note = self._note()
        wanted = table.digest()
        with NfTables() as kernel:
            intact = note is not None and _now(kernel, note) == note.kernel
            if note is None or not intact:
                self._put(table, kernel)
            elif note.wanted == wanted:
                return
            else:
                self._exchange(table, note.chains, kernel.sets(table.family, table.name))
            new = _Note(
                table.family, table.name, tuple(chain.empty for chain in table.chains), tuple(table.sets()), wanted
            )
            found = _now(kernel, new)
        if found is None:
            raise PlaneError(f"table {table.family} {table.name} of nftables vanished while it was being set")
        new.kernel = found
        self._folder.write(self._file, msgspec.json.encode(new))

    def fault(self) -> str | None:
        """What is wrong with the table, for people; None if it stands as it was put."""
        note = self._note()
        if note is None:
            return f"no table of nftables is noted in {self._folder.path / self._file}"
        with NfTables() as kernel:
            now = _now(kernel, note)
        if now == note.kernel:
            return None
        what = "is gone, or a chain of it" if now is None else "was changed"
        return f"table {note.family} {note.name} of nftables {what}"

    def _put(self, table: Table, kernel: NfTables) -> None:
        """Put it where there may be anything, or nothing."""
        nft.put(table, replacing=kernel.has_table(table.family, table.name))

    def _exchange(self, table: Table, standing: Collection[Chain], sets: Collection[str]) -> None:
        """Put it where these chains stand as they were put.

        ``sets`` are all that the table has, also of one who was killed between the two transactions.
        """
        nft.exchange(table, standing, sets)

    def _note(self) -> _Note | None:
        try:
            return msgspec.json.decode((self._folder.path / self._file).read_bytes(), type=_Note)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None


class KeptChains(KeptTable):
    """Chains in a table that has chains of others, too."""

    def __init__(self, folder: Folder, file: str, own: Collection[str], lock: Lock) -> None:
        """``own`` are the names of chains that are ours: those that are not put are removed.

        ``lock`` is held while nft runs: it begins anew whenever somebody else changes something meanwhile.
        """
        super().__init__(folder, file)
        self._own = own
        self._lock = lock

    def _put(self, table: Table, kernel: NfTables) -> None:
        with self._lock:
            present = [name for name in self._own if kernel.has_chain(table.family, table.name, name)]
            nft.put_chains(table, replacing=present)

    def _exchange(self, table: Table, standing: Collection[Chain], sets: Collection[str]) -> None:
        with self._lock:
            super()._exchange(table, standing, sets)


def _now(kernel: NfTables, note: _Note) -> str | None:
    return kernel.fingerprint(note.family, note.name, [chain.name for chain in note.chains], note.sets)
