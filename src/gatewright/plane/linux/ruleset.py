"""nftables' tables as values: chains of rules that are put together by pure functions and compared by digest.

The expressions are those of nft's JSON, libnftables-json(5).
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

Expression = Mapping[str, Any]
#: Statements in a row: the later ones are looked at where the earlier ones match.
Rule = tuple[Expression, ...]

ACCEPT: Expression = {"accept": None}
DROP: Expression = {"drop": None}
#: The packet gets no entry in the table of connections.
NOTRACK: Expression = {"notrack": None}


@dataclass(frozen=True)
class Chain:
    """A chain that the kernel calls at a hook. What no rule decides is dropped, or accepted if ``policy`` says so."""

    name: str
    hook: str
    rules: tuple[Rule, ...]
    priority: int = 0
    policy: str = "drop"
    #: The link whose packets it sees, in family ``netdev``.
    device: str | None = None


@dataclass(frozen=True)
class Table:
    """A table with all that is to be in it."""

    family: str
    name: str
    chains: tuple[Chain, ...]

    def document(self, *, replacing: bool) -> bytes:
        """A document for nft that makes the table in one transaction, in place of the one before or where none is.

        Replacing costs the kernel some 15 ms more, which it waits until nobody looks at the old rules any more.
        """
        table = {"table": {"family": self.family, "name": self.name}}
        # what is not there cannot be deleted, what is there cannot be created
        first = [{"add": table}, {"delete": table}] if replacing else []
        return msgspec.json.encode({"nftables": [*first, {"create": table}, *self._contents()]})

    def chains_document(self, replacing: Iterable[str] = ()) -> bytes:
        """The same for a table that may have other chains, too: these here come in place of those that are named."""
        commands: list[Expression] = [{"add": {"table": {"family": self.family, "name": self.name}}}]
        for name in replacing:
            chain = {"chain": {"family": self.family, "table": self.name, "name": name}}
            commands += [{"flush": chain}, {"delete": chain}]
        return msgspec.json.encode({"nftables": [*commands, *self._contents()]})

    def _contents(self) -> Iterator[Expression]:
        here = {"family": self.family, "table": self.name}
        for chain in self.chains:
            place = {"dev": chain.device} if chain.device else {}
            kind = {"type": "filter", "hook": chain.hook, "prio": chain.priority, "policy": chain.policy}
            yield {"add": {"chain": here | {"name": chain.name} | kind | place}}
            for rule in chain.rules:
                yield {"add": {"rule": here | {"chain": chain.name, "expr": rule}}}

    def digest(self) -> str:
        """The same for tables with the same content, and for no others."""
        return hashlib.sha256(self.document(replacing=False)).hexdigest()


def meta(key: str, *values: str) -> Expression:
    """Matches packets by what the kernel knows of them, such as the link that they came in by: ``iifname``."""
    return _match({"meta": {"key": key}}, "==", values)


def field(protocol: str, name: str, *values: str | int | Expression) -> Expression:
    """Matches packets by a field of a header: it has one of the values."""
    return _match({"payload": {"protocol": protocol, "field": name}}, "==", values)


def field_other(protocol: str, name: str, *values: str | int | Expression) -> Expression:
    """Matches packets by a field of a header: it has none of the values."""
    return _match({"payload": {"protocol": protocol, "field": name}}, "!=", values)


def transport_bits(offset: int, length: int, value: int) -> Expression:
    """Matches packets by bits behind the IP header."""
    return _match(of_transport_bits(offset, length), "==", (value,))


def connection(*states: str) -> Expression:
    """Matches packets by the state of the connection that they are of."""
    return {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": list(states)}}


def joined(*parts: tuple[Expression, Sequence[str | Expression]]) -> Expression:
    """Matches packets by several things at once: each of ``parts`` is one, and what it is in each case.

    ``parts`` come from :func:`of_link` and :func:`of_field` and have equally many values. What a packet takes does not
    depend on how many cases there are; they must not overlap.
    """
    cases = [{"concat": list(case)} for case in zip(*(values for _, values in parts), strict=True)]
    # also where it is but one case: nft wants no single values here
    return {"match": {"op": "==", "left": {"concat": [what for what, _ in parts]}, "right": {"set": cases}}}


def of_link(name: str) -> Expression:
    """What :func:`meta` matches, for :func:`joined`."""
    return {"meta": {"key": name}}


def of_field(protocol: str, name: str) -> Expression:
    """What :func:`field` matches, for :func:`joined` and :func:`rewritten_by`."""
    return {"payload": {"protocol": protocol, "field": name}}


def of_transport_bits(offset: int, length: int) -> Expression:
    """What :func:`transport_bits` matches, for :func:`rewritten_by`."""
    return {"payload": {"base": "th", "offset": offset, "len": length}}


def rewritten(protocol: str, name: str, value: str) -> Expression:
    """Sets a field of a header."""
    return {"mangle": {"key": of_field(protocol, name), "value": value}}


def rewritten_by(protocol: str, name: str, by: Expression, values: Mapping[Any, str]) -> Expression:
    """Sets a field of a header by what another one is; where that is nothing of these, the rule does not match."""
    choice = {"key": by, "data": {"set": [list(pair) for pair in values.items()]}}
    return {"mangle": {"key": of_field(protocol, name), "value": {"map": choice}}}


def told(group: int, head: int) -> Expression:
    """Tells whoever listens to a group of nfnetlink_log of the packet, with the first bytes of it."""
    return {"log": {"group": group, "snaplen": head, "queue-threshold": 1}}


def segments_at_most(size: int) -> Rule:
    """Has TCP send no larger segments: bytes of payload."""
    option = {"tcp option": {"name": "maxseg", "field": "size"}}
    return _match(option, ">", (size,)), {"mangle": {"key": option, "value": size}}


def network(cidr: str) -> Expression:
    """A network as a value."""
    address, _, length = cidr.partition("/")
    return {"prefix": {"addr": address, "len": int(length)}}


def address_number(address: str) -> int:
    """An address as bits, for :func:`transport_bits`."""
    return int(ipaddress.IPv4Address(address))


def at_most(rate: int, burst: int) -> Expression:
    """Matches so many packets a second, and as many at once as ``burst`` says."""
    return {"limit": {"rate": rate, "per": "second", "burst": burst}}


def _match(left: Expression, operator: str, values: Iterable[Any]) -> Expression:
    distinct = list(dict.fromkeys(values)) if all(isinstance(value, str | int) for value in values) else list(values)
    right = distinct[0] if len(distinct) == 1 else {"set": distinct}
    return {"match": {"op": operator, "left": left, "right": right}}
