"""nftables' tables as values: chains of rules that are put together by pure functions and compared by digest.

The expressions are those of nft's JSON, libnftables-json(5).
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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

    @property
    def empty(self) -> Chain:
        """The same without its rules."""
        return dataclasses.replace(self, rules=())


class Cases:
    """A set of what a packet may be in several ways at once, with a name that says what is in it.

    The kernel puts elements with networks into force at the very end of a transaction, after the rules that look into
    the set: until then they match nothing. So such a set is to be there before its rules.
    """

    def __init__(self, types: Sequence[str], cases: Sequence[Expression]) -> None:
        """``types`` are those of nft, ``cases`` concatenations of such values. They must not overlap."""
        self.types = types
        self.cases = cases
        self.name = f"cases_{hashlib.sha256(_encoded([types, cases])).hexdigest()[:24]}"


@dataclass(frozen=True)
class Table:
    """A table with all that is to be in it."""

    family: str
    name: str
    chains: tuple[Chain, ...]

    def sets(self) -> dict[str, Cases]:
        """Those that have to be there before the rules, by their names."""
        rules = itertools.chain.from_iterable(chain.rules for chain in self.chains)
        looked_into = (part["match"]["right"] for part in itertools.chain.from_iterable(rules) if "match" in part)
        return {found.name: found for found in looked_into if isinstance(found, Cases)}

    def document(self, *, replacing: bool) -> bytes:
        """A document for nft that makes the table in one transaction, in place of the one before or where none is.

        Replacing costs the kernel some 15 ms more, which it waits until nobody looks at the old rules any more. For a
        moment packets are dropped that the old rules would let through, and the new ones: see :meth:`rules_document`.
        """
        table = {"table": {"family": self.family, "name": self.name}}
        # what is not there cannot be deleted, what is there cannot be created
        first = [{"add": table}, {"delete": table}] if replacing else []
        sets = self._sets(self.sets().values())
        return _encoded({"nftables": [*first, {"create": table}, *sets, *self._contents()]})

    def sets_document(self, names: Iterable[str]) -> bytes:
        """A document for nft that makes some of the sets in the table, which is there."""
        return _encoded({"nftables": list(self._sets(map(self.sets().__getitem__, names)))})

    def rules_document(self, standing: Collection[Chain], sets: Iterable[str] = ()) -> bytes:
        """A document for nft that puts the chains in the place of those that stand, and deletes the named sets.

        ``standing`` are without their rules; the table is there, with all its own :meth:`sets`. A chain that is to
        stay is filled anew and not deleted: the kernel lets an empty one drop packets for a moment before it goes.
        """
        here = {"family": self.family, "table": self.name}
        wanted = [chain.empty for chain in self.chains]
        emptied = [{"flush": {"chain": here | {"name": chain.name}}} for chain in standing]
        gone = [{"delete": {"chain": here | {"name": chain.name}}} for chain in standing if chain not in wanted]
        gone += [{"delete": {"set": here | {"name": name}}} for name in sets]
        return _encoded({"nftables": [*emptied, *gone, *self._contents()]})

    def chains_document(self, replacing: Iterable[str] = ()) -> bytes:
        """The same for a table that may have other chains, too: these here come in place of those that are named."""
        first = {"add": {"table": {"family": self.family, "name": self.name}}}
        here = {"family": self.family, "table": self.name}
        gone = [{command: {"chain": here | {"name": name}}} for name in replacing for command in ("flush", "delete")]
        return _encoded({"nftables": [first, *gone, *self._contents()]})

    def _sets(self, wanted: Iterable[Cases]) -> Iterator[Expression]:
        here = {"family": self.family, "table": self.name, "flags": ["interval"]}
        for one in wanted:
            yield {"add": {"set": here | {"name": one.name, "type": one.types, "elem": one.cases}}}

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


def joined(*parts: tuple[Expression, Sequence[str]]) -> Expression:
    """Matches packets by several things at once: each of ``parts`` is one, and what it is in each case.

    ``parts`` come from :func:`of_link` and :func:`of_field` and have equally many values. What a packet takes does not
    depend on how many cases there are.
    """
    # also where it is but one case: nft wants no single values here
    return _concatenated([what for what, _ in parts], {"set": _cases(values for _, values in parts)})


def of_link_within(
    way: str, links: Sequence[str], protocol: str, name: str, networks: Sequence[Expression]
) -> Expression:
    """Matches packets by their link and a field of a header, an address: each link has its network.

    What a packet takes does not depend on how many there are; those of one link must not overlap.
    """
    cases = Cases(("ifname", "ipv4_addr"), _cases((links, networks)))
    return _concatenated([of_link(way), of_field(protocol, name)], cases)


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


def marked(number: int) -> Expression:
    """Gives the packet a mark, for routing rules. It has it within its namespace."""
    return {"mangle": {"key": {"meta": {"key": "mark"}}, "value": number}}


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


def _cases(columns: Iterable[Sequence[str | Expression]]) -> list[Expression]:
    return [{"concat": list(case)} for case in zip(*columns, strict=True)]


def _concatenated(what: Sequence[Expression], right: Expression | Cases) -> Expression:
    return {"match": {"op": "==", "left": {"concat": what}, "right": right}}


def _encoded(document: object) -> bytes:
    return msgspec.json.encode(document, enc_hook=_reference)


def _reference(found: object) -> str:
    """What stands for a set in a rule that looks into it."""
    if not isinstance(found, Cases):
        raise TypeError(f"{type(found)} in a document for nft")
    return f"@{found.name}"


def _match(left: Expression, operator: str, values: Iterable[Any]) -> Expression:
    distinct = list(dict.fromkeys(values)) if all(isinstance(value, str | int) for value in values) else list(values)
    right = distinct[0] if len(distinct) == 1 else {"set": distinct}
    return {"match": {"op": operator, "left": left, "right": right}}
