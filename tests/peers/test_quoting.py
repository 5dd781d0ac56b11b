"""No pre-shared key and no identity says more to a device than it is: it is read back as it was, or refused."""

from __future__ import annotations

import itertools
import random
import re
import string

import msgspec
import pytest

from gatewright.peers import VENDORS, CannotDo, peer
from tests.peers import reading
from tests.peers.answers import DEVICE, GATEWAYS, OURS, THEIRS, dual, single

PRINTABLE = string.digits + string.ascii_letters + string.punctuation
#: What ends strings, begins comments, asks for help, puts something in, or says how the rest is encoded, anywhere.
NASTY = [
    "'",
    '"',
    "\\",
    '\\"',
    "\\'",
    "''",
    '""',
    "`",
    "a'b\"c\\d",
    'x"}secrets{y{secret="z',
    "x';reboot;'",
    "$(reboot)",
    "${IFS}",
    "`reboot`",
    "$x",
    "%any",
    "%dynamic",
    "#comment",
    "x#comment",
    "//x",
    "/*x*/",
    "!x",
    "x!",
    "?",
    "x?y",
    "0x41",
    "0X41",
    "0xnothex",
    "0sQUJD",
    "0Sx",
    "0tx",
    "0",
    "6",
    "7",
    "-x",
    "--x",
    "=x",
    "x=y",
    "{",
    "}",
    "[x]",
    "(x)",
    "<x>",
    "a|b",
    "a&b",
    "a;b",
    "a,b",
    "*",
    "~",
    "^",
    "@x",
    "x@y",
    "\\n",
    "\\41",
    "x\\",
    "end",
    "include",
    PRINTABLE[:47],
    PRINTABLE[47:],
]
SEED = 20260101
_random = random.Random(SEED)
NASTY += ["".join(_random.choices(PRINTABLE, k=_random.randint(1, 100))) for _ in range(60)]


def psks(vendor: str, text: str) -> list[str]:
    """The pre-shared keys in what is written for a device."""
    match vendor:
        case "strongswan" | "strongswan-userspace":
            secrets = reading.settings(text)["secrets"]
            assert isinstance(secrets, dict)
            return [reading.encoded(str(each["secret"])) for each in secrets.values() if isinstance(each, dict)]
        case "libreswan":
            return [reading.libreswan(line) for line in text.splitlines() if " : PSK " in line]
        case "vyos":
            lines = [reading.words(line) for line in text.splitlines() if not line.startswith("#")]
            return [reading.encoded(line[-1]) for line in lines if line[-2] == "secret"]
        case "cisco-ios":
            found = re.findall(r"^  pre-shared-key (hex )?(\S+)$", text, re.MULTILINE)
            old = re.findall(r"^ pre-shared-key address \S+ key (\S+)$", text, re.MULTILINE)
            return [bytes.fromhex(key).decode() if is_hex else key for is_hex, key in found] + old
        case "juniper":
            found = re.findall(
                r' pre-shared-key (?:ascii-text "([^"\\?]+)"|hexadecimal ([0-9a-f]+))$', text, re.MULTILINE
            )
            return [plain or bytes.fromhex(key).decode() for plain, key in found]
        case "mikrotik":
            added = [reading.routeros(line) for line in text.splitlines() if line.startswith("/ip ipsec identity ")]
            # of those, only what begins with 0x is encoded
            return [reading.encoded(each["secret"]) if each["secret"][:2] == "0x" else each["secret"] for each in added]
        case "fortigate":
            found = re.findall(r'^        set psksecret (?:"([^"\\?]+)"|0x([0-9a-f]+))$', text, re.MULTILINE)
            return [plain or bytes.fromhex(key).decode() for plain, key in found]
        case "pfsense":
            return re.findall(r"^  Pre-Shared Key: (\S+)$", text, re.MULTILINE)
        case _:
            quoted = reading.powershell("\n".join(line for line in text.splitlines() if not line.startswith("#")))
            keys = re.findall(r"-(?:SharedSecret|PreSharedKey) '((?:[^']|'')*)'", text)
            found = [each.replace("''", "'") for each in keys]
            assert set(found) <= set(quoted)
            return found


def text_of(vendor: str, psk: str, **changes: str) -> str:
    """What is written for a device, with this key."""
    answers = single(OURS, THEIRS, Psk=psk, **changes)
    parts = VENDORS[vendor].write(peer(*answers))
    name = {"strongswan": "swanctl.conf", "strongswan-userspace": "swanctl.conf", "libreswan": "ipsec.secrets"}.get(
        vendor
    )
    return next(part.text for part in parts if name in (None, part.name))


#: FRR is told of no IPsec.
WITH_KEYS = [name for name in VENDORS if name != "frr"]
BOTH = [("ikev1", name) for name in WITH_KEYS] + [("ikev2", name) for name in WITH_KEYS]


@pytest.mark.parametrize(("version", "vendor"), BOTH)
def test_a_pre_shared_key_is_read_as_it_is_and_changes_nothing_else(version: str, vendor: str) -> None:
    plain = text_of(vendor, "PlainKey", IkeVersion=version)
    assert psks(vendor, plain) == ["PlainKey"]
    shape = len(plain.splitlines())
    refused = []
    for psk in NASTY:
        try:
            text = text_of(vendor, psk, IkeVersion=version)
        except CannotDo:
            refused.append(psk)
            continue
        assert psks(vendor, text) == [psk], psk
        assert len(text.splitlines()) == shape
    short = vendor == "fortigate" and all(len(psk) < 6 for psk in refused)
    assert not refused or short or (vendor, version) == ("cisco-ios", "ikev1")
    if (vendor, version) == ("cisco-ios", "ikev1"):
        assert all("?" in psk for psk in refused)


def test_no_key_is_in_what_is_told_when_a_device_cannot_take_it() -> None:
    with pytest.raises(CannotDo) as refused:
        text_of("cisco-ios", "hush?hush", IkeVersion="ikev1")
    assert "hush" not in str(refused.value)
    with pytest.raises(CannotDo) as refused:
        text_of("fortigate", "hush")
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_identity_says_no_more_than_it_is(vendor: str) -> None:
    other = DEVICE if vendor == "windows" else "gw.example"
    lines = {len(text_of(vendor, "PlainKey", LocalId=each, RemoteId=other).splitlines()) for each in _names(vendor)}
    assert len(lines) == 1
    for name in NASTY:
        try:
            text = text_of(vendor, "PlainKey", LocalId=name, RemoteId=other)
        except CannotDo:
            continue
        assert {len(text.splitlines())} == lines
        if vendor.startswith("strongswan"):
            kind = "email:" if "@" in name and not name.startswith("@") else "fqdn:"
            assert _local_ids(text) == [kind + name.removeprefix("@")]
        elif vendor not in ("pfsense", "frr", "libreswan"):
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]*", name), name


def _names(vendor: str) -> list[str]:
    """Identities that are not nasty, of the kinds that a device has."""
    return [DEVICE] if vendor == "windows" else [DEVICE, "office.example", "office@example.org"]


def _local_ids(text: str) -> list[str]:
    connections = reading.settings(text)["connections"]
    assert isinstance(connections, dict)
    found = []
    for connection in connections.values():
        assert isinstance(connection, dict)
        local = connection["local"]
        assert isinstance(local, dict)
        found.append(str(local["id"]))
    return found


@pytest.mark.parametrize("vendor", [*WITH_KEYS, "frr"])
def test_a_key_of_bgps_says_no_more_than_it_is(vendor: str) -> None:
    def written(key: str) -> list[str]:
        answers = dual(with_bgp=True)
        chosen = peer(*answers, keys={"cgw-one": key}, local_networks=[OURS], remote_networks=[THEIRS])
        if vendor == "strongswan-userspace":
            chosen = msgspec.structs.replace(chosen, tunnels=chosen.tunnels[:1])
        return "".join(part.text for part in VENDORS[vendor].write(chosen)).splitlines()

    shape = len(written("PlainKey"))
    for key in (each for each in NASTY if "?" not in each):
        try:
            lines = written(key)
        except CannotDo as refused:
            assert "AuthKey" in str(refused)
            continue
        assert len(lines) == shape
        for line in lines:
            if key in line and vendor.startswith("strongswan") and " password " in line:
                assert line == f'  password "{key}";'


NAMES = ["two\nlines", "a\rb", "\x1b[31mred", "naïve ☃", "# x", "!x", "'\"\\", "x\u2028y", "\x00"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_connections_name_stays_in_its_comment(vendor: str) -> None:
    usual = _whole(vendor, "plain")
    for name in NAMES:
        text = _whole(vendor, name)
        assert text.isascii()
        assert text.isprintable() or set(text) - {"\n"} <= set(PRINTABLE + " ")
        assert len(text.split("\n")) == len(usual.split("\n"))
        changed = [line for line, before in zip(text.split("\n"), usual.split("\n"), strict=True) if line != before]
        assert all(line.startswith(VENDORS[vendor].comment) for line in changed)


def _whole(vendor: str, name: str) -> str:
    config, connection = single(OURS, THEIRS)
    return "".join(part.text for part in VENDORS[vendor].write(peer(config, connection | {"Name": name})))


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_other_word_of_an_answer_gets_into_what_is_written(vendor: str) -> None:
    evil = "aes\n  reboot"
    for field in (
        "IkeVersion",
        "IkeMode",
        "IkeEncAlg",
        "IkeAuthAlg",
        "IkePfs",
        "IpsecEncAlg",
        "IpsecAuthAlg",
        "IpsecPfs",
    ):
        for version in ("ikev1", "ikev2"):
            chosen = peer(*single(OURS, THEIRS, **({"IkeVersion": version} | {field: evil})))
            try:
                parts = VENDORS[vendor].write(chosen)
            except CannotDo:
                continue
            assert not any("reboot" in part.text for part in parts), field
    config, connection = dual()
    for each in itertools.chain(
        config["VpnConnectionConfig"]["TunnelsConfig"]["TunnelConfig"],
        connection["TunnelOptionsSpecification"]["TunnelOptions"],
    ):
        each["TunnelId"] = f"{each['TunnelId']}\n}} reboot {{"
    connection["VpnConnectionId"] = "vco\n';$(reboot) #"
    chosen = peer(config, connection, remote_networks=[THEIRS], local_networks=[OURS])
    if vendor != "strongswan-userspace":
        whole = "".join(part.text for part in VENDORS[vendor].write(chosen))
        assert "\n} reboot" not in whole
        assert "$(" not in whole


def test_the_gateways_addresses_are_where_they_belong() -> None:
    """The tests above would not see two values that are exchanged."""
    for name, vendor in VENDORS.items():
        if name not in ("frr", "windows"):
            text = "".join(part.text for part in vendor.write(peer(*single(OURS, THEIRS, LocalId="us.example"))))
            assert GATEWAYS[0] in text
            assert "us.example" in text
