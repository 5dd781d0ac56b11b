"""Every documented algorithm with every other one, negotiated for real: pairs of them, in one pair of charons."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from gatewright.plane.linux import LinuxPlane
from gatewright.resources import algorithms
from tests.plane.linux.customer import Customer, tunnel
from tests.plane.linux.lab import Lab, vswitch
from tests.plane.linux.machines import Machines
from tests.plane.linux.sites import UP, gateway, machine, site
from tests.plane.linux.tunnel_watch import Heard, play
from tests.support.patience import patience

Row = Mapping[str, str]

#: What charon calls them.
CIPHERS = {
    "aes": "AES_CBC-128",
    "aes192": "AES_CBC-192",
    "aes256": "AES_CBC-256",
    "des": "DES_CBC",
    "3des": "3DES_CBC",
    "aes128gcm16": "AES_GCM_16-128",
    "aes192gcm16": "AES_GCM_16-192",
    "aes256gcm16": "AES_GCM_16-256",
}
HASHES = {
    "md5": "HMAC_MD5_96",
    "sha1": "HMAC_SHA1_96",
    "sha256": "HMAC_SHA2_256_128",
    "sha384": "HMAC_SHA2_384_192",
    "sha512": "HMAC_SHA2_512_256",
}
GROUPS = {
    "group1": "MODP_768",
    "group2": "MODP_1024",
    "group5": "MODP_1536",
    "group14": "MODP_2048",
    "group24": "MODP_2048_256",
    "group19": "ECP_256",
    "group20": "ECP_384",
    "group21": "ECP_521",
    "group31": "CURVE_25519",
}
DOCUMENTED: Mapping[str, Sequence[str]] = {
    "pfs": (algorithms.NO_PFS, *algorithms.DOCUMENTED_GROUPS),
    "group": algorithms.DOCUMENTED_GROUPS,
    "cipher": algorithms.DOCUMENTED_ENCRYPTION,
    "hash": algorithms.AUTHENTICATION,
    "esp": algorithms.DOCUMENTED_ENCRYPTION,
    "esp_hash": algorithms.AUTHENTICATION,
    "ike": ("ikev1 main", "ikev1 aggressive", "ikev2"),
}
#: Ours: with IKEv2, which they are for.
MODERN: Mapping[str, Sequence[str]] = {
    "pfs": algorithms.MODERN_GROUPS,
    "group": algorithms.MODERN_GROUPS,
    "cipher": algorithms.MODERN_ENCRYPTION,
    "hash": ("sha256",),
    "esp": algorithms.MODERN_ENCRYPTION,
    "esp_hash": ("sha256",),
    "ike": ("ikev2",),
}


def pairwise(values: Mapping[str, Sequence[str]]) -> list[Row]:
    """Rows in which every two values of different columns stand together at least once."""
    columns = list(values)
    left = {
        (one, a, other, b)
        for one, other in itertools.combinations(columns, 2)
        for a, b in itertools.product(values[one], values[other])
    }
    rows: list[Row] = []
    while left:
        one, a, other, b = min(left)
        row = {one: a, other: b}
        for column in columns:
            if column not in row:
                row[column] = max(values[column], key=lambda value: _gained(left, columns, row, column, value))
        left -= {(x, row[x], y, row[y]) for x, y in itertools.combinations(columns, 2)}
        rows.append(row)
    return rows


def _gained(left: set[tuple[str, str, str, str]], columns: Sequence[str], row: Row, column: str, value: str) -> int:
    order = {name: number for number, name in enumerate(columns)}
    pairs = (
        (name, row[name], column, value) if order[name] < order[column] else (column, value, name, row[name])
        for name in row
    )
    return sum(pair in left for pair in pairs)


def text(section: Mapping[str, Any], key: str) -> str:
    return str(section.get(key, b"").decode())


def cipher_of(section: Mapping[str, Any]) -> str:
    size = text(section, "encr-keysize")
    return text(section, "encr-alg") + (f"-{size}" if size else "")


def check(peer: Customer, row: Row) -> None:
    """What both have agreed upon is what the row says."""
    (sa,) = (one for one in peer.sas() if one["state"] == b"ESTABLISHED")
    assert sa["version"] == (b"2" if row["ike"] == "ikev2" else b"1")
    assert cipher_of(sa) == CIPHERS[row["cipher"]]
    assert text(sa, "dh-group") == GROUPS[row["group"]]
    if row["cipher"] in algorithms.DOCUMENTED_ENCRYPTION:
        assert text(sa, "integ-alg") == HASHES[row["hash"]]
    if row["ike"] == "ikev2" and row["pfs"] != algorithms.NO_PFS:
        # the first one comes with phase 1 and has no exchange of its own
        peer.vici.rekey({"child": "tun1"})
    child = until_rekeyed(peer, row)
    assert cipher_of(child) == CIPHERS[row["esp"]]
    if row["esp"] in algorithms.DOCUMENTED_ENCRYPTION:
        assert text(child, "integ-alg") == HASHES[row["esp_hash"]]


def until_rekeyed(peer: Customer, row: Row) -> Mapping[str, Any]:
    """The CHILD SA that carries, once it has the group of perfect forward secrecy."""
    wanted = "" if row["pfs"] == algorithms.NO_PFS else GROUPS[row["pfs"]]
    deadline = time.monotonic() + patience(10)
    while time.monotonic() < deadline:
        children = [child for sa in peer.sas() for child in sa["child-sas"].values()]
        carrying = [child for child in children if child["state"] == b"INSTALLED"]
        if len(carrying) == 1 and text(carrying[0], "dh-group") == wanted:
            found: Mapping[str, Any] = carrying[0]
            return found
        time.sleep(0.01)
    raise AssertionError(f"no CHILD SA with {wanted or 'no group'}: {children}")


def each_once(values: Mapping[str, Sequence[str]]) -> list[Row]:
    longest = max(map(len, values.values()))
    return [{name: words[number % len(words)] for name, words in values.items()} for number in range(longest)]


@pytest.mark.parametrize("rows", [pairwise(DOCUMENTED), each_once(MODERN)], ids=["documented", "modern"])
@pytest.mark.usefixtures("carried_by")
def test_algorithms(lab: Lab, machines: Machines, rows: Sequence[Row]) -> None:

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            inside = machine(machines, lab)
            for generation, row in enumerate(rows, 2):
                version, _, mode = row["ike"].partition(" ")
                one = tunnel(
                    version=version,
                    mode=mode or "main",
                    ike={"encryption": row["cipher"], "authentication": row["hash"], "group": row["group"]},
                    ipsec={"encryption": row["esp"], "authentication": row["esp_hash"], "group": row["pfs"]},
                )
                peer.answer(one)
                heard.states.clear()
                heard.lines.clear()
                await plane.apply(gateway(one, generation=generation))
                await heard.status("tun-1", UP)
                check(peer, row)
                warned = any("can be broken" in line.text for line in heard.lines)
                assert warned == bool(algorithms.WEAK.intersection(row.values())), row
                assert inside.reaches(peer.inside), row

    play(lab, scenario)
