"""Looks at nftables over netlink, as the kernel tells it: what the program nft needs 10 ms for takes 0.1 ms here.

Nothing is interpreted but names: what a table was like when it was put is compared byte by byte.
"""

from __future__ import annotations

import errno
import hashlib
import struct
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from gatewright.plane.linux import netlink
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.netlink import Netlink, attributes, to_text

FAMILIES = {"inet": 1, "netdev": 5}

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 10
_GET_TABLE, _DELETE_TABLE, _GET_CHAIN, _DELETE_CHAIN, _GET_RULE, _DELETE_RULE = 1, 2, 4, 5, 7, 8
_GET_SET, _GET_ELEMENTS = 10, 13
#: Around the messages of a transaction.
_BEGIN, _END = 16, 17
#: Family, version, and of a transaction whose it is.
_HEAD = struct.Struct(">BBH")

#: Attributes: the name of a table, the same number in what belongs to it; of a chain its name, of a rule its chain.
_TABLE, _CHAIN, _RULE_CHAIN, _SET = 1, 3, 2, 2
#: What the kernel calls the set of a rule that has its own begins so.
_NAMELESS = "__"
#: How many things a table has in it.
_USE = 3
#: How many rules refer to a chain, and how many packets it has seen: no difference that somebody made.
_PASSING = (6, 8)


class NfTables:
    """A netlink socket to nftables. It stays in the namespace that the thread was in when it was opened.

    All methods raise PlaneError.
    """

    def __init__(self) -> None:
        with step("opening a netlink socket to nftables"):
            self._netlink = Netlink(_NETLINK_NETFILTER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._netlink.close()

    def tables(self, family: str) -> list[str]:
        """The names of a family's tables."""
        with step(f"listing {family} tables of nftables"):
            return [to_text(netlink.table(told, _HEAD.size)[_TABLE]) for told in self._listing(_GET_TABLE, family, {})]

    def has_table(self, family: str, table: str) -> bool:
        with step(f"looking up table {family} {table} of nftables"):
            return self._ask(_GET_TABLE, family, {_TABLE: table}) is not None

    def is_empty(self, family: str, table: str) -> bool:
        """Whether there is such a table and nothing in it."""
        with step(f"looking up table {family} {table} of nftables"):
            told = self._ask(_GET_TABLE, family, {_TABLE: table})
        return told is not None and not any(netlink.table(told, _HEAD.size).get(_USE, b""))

    def chains(self, family: str, table: str) -> list[str] | None:
        """The names of a table's chains, None if there is no such table."""
        if not self.has_table(family, table):
            return None
        with step(f"listing chains of table {family} {table} of nftables"):
            found = [netlink.table(told, _HEAD.size) for told in self._listing(_GET_CHAIN, family, {})]
        return [to_text(one[_CHAIN]) for one in found if to_text(one[_TABLE]) == table]

    def has_chain(self, family: str, table: str, chain: str) -> bool:
        with step(f"looking up chain {chain} in table {family} {table} of nftables"):
            return self._ask(_GET_CHAIN, family, {_TABLE: table, _CHAIN: chain}) is not None

    def sets(self, family: str, table: str) -> list[str]:
        """The names of a table's sets that no rule alone has."""
        with step(f"listing sets of table {family} {table} of nftables"):
            told = [netlink.table(one, _HEAD.size) for one in self._listing(_GET_SET, family, {_TABLE: table})]
        return [name for one in told if not (name := to_text(one[_SET])).startswith(_NAMELESS)]

    def fingerprint(self, family: str, table: str, chains: Iterable[str], sets: Iterable[str] = ()) -> str | None:
        """A digest of chains and sets of a table and what is in them, as it is now; None if any of them is missing.

        Everything that a person or a program does to them changes it, even putting in the same again.
        """
        digest = hashlib.sha256()
        with step(f"reading table {family} {table} of nftables"):
            for chain in chains:
                told = self._ask(_GET_CHAIN, family, {_TABLE: table, _CHAIN: chain})
                if told is None:
                    return None
                digest.update(repr([one for one in _parts(told) if one.type not in _PASSING]).encode())
                for rule in self._listing(_GET_RULE, family, {_TABLE: table, _RULE_CHAIN: chain}):
                    digest.update(rule[_HEAD.size :])
            for name in sets:
                told = self._ask(_GET_SET, family, {_TABLE: table, _SET: name})
                if told is None:
                    return None
                digest.update(told[_HEAD.size :])
                for some in self._listing(_GET_ELEMENTS, family, {_TABLE: table, _SET: name}):
                    digest.update(some[_HEAD.size :])
        return digest.hexdigest()

    def delete_table(self, family: str, table: str) -> None:
        """Remove a table with all that is in it, if it is there."""
        with step(f"deleting table {family} {table} of nftables"):
            self._transaction([(_DELETE_TABLE, _request(family, {_TABLE: table}))])

    def delete_chains(self, family: str, table: str, chains: Iterable[str]) -> None:
        """Remove chains of a table with their rules in one transaction; if one of them is missing, none."""
        messages = []
        for chain in chains:
            messages.append((_DELETE_RULE, _request(family, {_TABLE: table, _RULE_CHAIN: chain})))
            messages.append((_DELETE_CHAIN, _request(family, {_TABLE: table, _CHAIN: chain})))
        with step(f"deleting chains of table {family} {table} of nftables"):
            self._transaction(messages)

    def _transaction(self, messages: Iterable[tuple[int, bytes]]) -> None:
        whose = _HEAD.pack(0, 0, _SUBSYSTEM)
        begin, end = (
            netlink.HEADER.pack(netlink.HEADER.size + len(whose), kind, netlink.REQUEST, 0, 0) + whose
            for kind in (_BEGIN, _END)
        )
        try:
            self._netlink.batch(begin, ((_SUBSYSTEM << 8 | kind, body) for kind, body in messages), end)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def _ask(self, message: int, family: str, names: dict[int, str]) -> bytes | None:
        """What is told of one thing; None if there is nothing of that name."""
        try:
            return self._netlink.ask(_SUBSYSTEM << 8 | message, _request(family, names))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return None

    def _listing(self, message: int, family: str, names: dict[int, str]) -> list[bytes]:
        try:
            return self._netlink.listing(_SUBSYSTEM << 8 | message, _request(family, names))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return []


def _request(family: str, names: dict[int, str]) -> bytes:
    return _HEAD.pack(FAMILIES[family], 0, 0) + b"".join(netlink.text(kind, name) for kind, name in names.items())


def _parts(told: bytes) -> list[netlink.Attribute]:
    return list(attributes(told, _HEAD.size))
