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
from gatewright.plane.linux.ruleset import Table


class _Note(msgspec.Struct, frozen=True):
    family: str
    name: str
    chains: tuple[str, ...]
    #: Digests of what was to be put, and of what was there then.
    wanted: str
    kernel: str


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
            if note is not None and note.wanted == wanted and _now(kernel, note) == note.kernel:
                return
            self._put(table, kernel)
            chains = tuple(chain.name for chain in table.chains)
            found = kernel.fingerprint(table.family, table.name, chains)
        if found is None:
            raise PlaneError(f"table {table.family} {table.name} of nftables vanished while it was being set")
        note = _Note(table.family, table.name, chains, wanted, found)
        self._folder.write(self._file, msgspec.json.encode(note))

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
        nft.put(table, replacing=kernel.has_table(table.family, table.name))

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


def _now(kernel: NfTables, note: _Note) -> str | None:
    return kernel.fingerprint(note.family, note.name, note.chains)
