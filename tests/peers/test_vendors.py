"""What is written for each device has what both ends must agree on, and is read by the programs that are here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gatewright.peers import VENDORS, CannotDo, Peer, peer
from tests.peers import reading
from tests.peers.answers import DEVICE, GATEWAYS, OURS, SHAPES, THEIRS, dual, single


def parts(vendor: str, chosen: Peer) -> dict[str, str]:
    """What is written, by the names of its parts."""
    return {part.name: part.text for part in VENDORS[vendor].write(chosen)}


def whole(vendor: str, chosen: Peer) -> str:
    return "".join(parts(vendor, chosen).values())


def section(found: reading.Section, *names: str) -> reading.Section:
    for name in names:
        inner = found[name]
        assert isinstance(inner, dict)
        found = inner
    return found


#: What a device cannot do with a shape of a connection, as far as it is said.
CANNOT = {
    ("strongswan-userspace", "two tunnels"): "choose one with --tunnel",
    ("strongswan-userspace", "bgp"): "choose one with --tunnel",
    ("strongswan-userspace", "subnets"): "choose one with --tunnel",
    ("strongswan-userspace", "subnets, ikev1"): "choose one with --tunnel",
    ("windows", "subnets, ikev1"): "choose a tunnel with --tunnel",
}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_device_is_told_of_every_connection_or_it_is_said_why_not(vendor: str, shape: str) -> None:
    if (vendor, shape) in CANNOT:
        with pytest.raises(CannotDo, match=CANNOT[vendor, shape]):
            VENDORS[vendor].write(SHAPES[shape])
        return
    written = VENDORS[vendor].write(SHAPES[shape])
    for part in written:
        assert part.goes
        assert part.text.endswith("\n")
        assert part.text.isascii()
        assert not any(line.endswith(" ") for line in part.text.splitlines())
        head = part.text.splitlines()[:4]
        assert any(line.startswith(f"{VENDORS[vendor].comment} IPsec connection vco-") for line in head)
        tried = "Tried: " if VENDORS[vendor].tried else "NOT TRIED ON A DEVICE"
        assert any(tried in line for line in head)
    text = "".join(part.text for part in written)
    if vendor != "frr":
        assert all(each.remote_address in text for each in SHAPES[shape].tunnels)
        assert "correct-horse" in text


def test_strongswan_is_told_of_both_tunnels() -> None:
    found = reading.settings(parts("strongswan", SHAPES["two tunnels"])["swanctl.conf"])
    for number, role in ((1, "master"), (2, "slave")):
        connection = section(found, "connections", f"vco-two-{role}")
        assert connection["remote_addrs"] == GATEWAYS[number - 1]
        assert connection["version"] == "2"
        assert connection["proposals"] == "aes256-sha256-modp2048"
        assert connection["rekey_time"] == "86400s"
        assert section(connection, "local")["id"] == DEVICE
        assert section(connection, "remote")["id"] == GATEWAYS[number - 1]
        child = section(connection, "children", f"vco-two-{role}")
        assert child["local_ts"] == child["remote_ts"] == "0.0.0.0/0"
        assert child["esp_proposals"] == "aes256-sha256-modp2048"
        assert child["if_id_in"] == child["if_id_out"] == str(number)


def test_strongswan_has_one_child_for_all_networks_and_with_ikev1_one_for_each_pair() -> None:
    found = reading.settings(parts("strongswan", SHAPES["subnets"])["swanctl.conf"])
    children = section(found, "connections", "vco-two-master", "children")
    assert section(children, "vco-two-master")["local_ts"] == "192.168.0.0/24,192.168.5.0/24"
    assert section(children, "vco-two-master")["remote_ts"] == "10.0.0.0/16,10.7.0.0/16"
    found = reading.settings(parts("strongswan", SHAPES["subnets, ikev1"])["swanctl.conf"])
    children = section(found, "connections", "vco-two-slave", "children")
    pairs = {(section(children, name)["local_ts"], section(children, name)["remote_ts"]) for name in children}
    assert pairs == {("192.168.0.0/24", "10.0.0.0/16"), ("192.168.5.0/24", "10.0.0.0/16")}


@pytest.mark.parametrize(
    ("api", "written"),
    [
        ({"IkeEncAlg": "aes", "IkeAuthAlg": "md5", "IkePfs": "group2"}, "aes128-md5-modp1024"),
        ({"IkeEncAlg": "3des", "IkeAuthAlg": "sha1", "IkePfs": "group5"}, "3des-sha1-modp1536"),
        ({"IkeEncAlg": "des", "IkeAuthAlg": "sha512", "IkePfs": "group1"}, "des-sha512-modp768"),
        ({"IkeEncAlg": "aes256gcm16", "IkeAuthAlg": "sha384", "IkePfs": "group20"}, "aes256gcm16-prfsha384-ecp384"),
    ],
)
def test_strongswan_has_its_own_words_for_algorithms(api: dict[str, str], written: str) -> None:
    found = reading.settings(parts("strongswan", peer(*single(**api)))["swanctl.conf"])
    assert section(found, "connections", "vco-one-master")["proposals"] == written


def test_what_authenticates_by_itself_has_no_second_word() -> None:
    chosen = peer(*single(IpsecEncAlg="aes128gcm16", IpsecAuthAlg="sha256", IpsecPfs="group31"))
    found = reading.settings(parts("strongswan", chosen)["swanctl.conf"])
    child = section(found, "connections", "vco-one-master", "children", "vco-one-master")
    assert child["esp_proposals"] == "aes128gcm16-curve25519"


def test_without_perfect_forward_secrecy_no_group_is_asked_for() -> None:
    chosen = peer(*single(OURS, THEIRS, IpsecPfs="disabled", IpsecEncAlg="aes", IpsecAuthAlg="sha1"))
    found = reading.settings(parts("strongswan", chosen)["swanctl.conf"])
    child = section(found, "connections", "vco-one-master", "children", "vco-one-master")
    assert child["esp_proposals"] == "aes128-sha1"
    assert "pfs=no" in whole("libreswan", chosen)
    assert "set vpn ipsec esp-group gw1 pfs disable" in whole("vyos", chosen)
    assert "set pfs" not in whole("cisco-ios", chosen)
    assert "perfect-forward-secrecy" not in whole("juniper", chosen)
    assert "pfs-group=none" in whole("mikrotik", chosen)
    assert "set pfs disable" in whole("fortigate", chosen)
    assert "PFS key group: off" in whole("pfsense", chosen)
    assert "-PfsGroup None" in whole("windows", chosen)


def test_aggressive_mode_and_names_are_said() -> None:
    chosen = peer(
        *single(
            OURS, THEIRS, IkeVersion="ikev1", IkeMode="aggressive", LocalId="office@example.org", RemoteId="gw.example"
        )
    )
    assert "aggressive = yes" in whole("strongswan", chosen)
    assert "aggressive=yes" in whole("libreswan", chosen)
    assert "office@example.org @gw.example : PSK" in whole("libreswan", chosen)
    assert "ike-group gw1 mode aggressive" in whole("vyos", chosen)
    assert " initiate mode aggressive" in whole("cisco-ios", chosen)
    assert " self-identity user-fqdn office@example.org" in whole("cisco-ios", chosen)
    assert "local-identity user-at-hostname office@example.org" in whole("juniper", chosen)
    assert "my-id=user-fqdn:office@example.org remote-id=fqdn:gw.example" in whole("mikrotik", chosen)
    assert 'set peerid "gw.example"' in whole("fortigate", chosen)
    with pytest.raises(CannotDo, match="leave LocalId and RemoteId out"):
        whole("windows", chosen)


def test_what_a_device_cannot_do_is_said_with_what_to_change() -> None:
    with pytest.raises(CannotDo) as refused:
        whole("windows", peer(*single(OURS, THEIRS, IkePfs="group5")))
    assert str(refused.value) == (
        "Windows cannot do Diffie-Hellman group group5: change the connection to one of group1, group2, group14, "
        "group19, group20 (ModifyVpnConnectionAttribute; of one tunnel, ModifyTunnelAttribute)"
    )
    with pytest.raises(CannotDo, match="RouterOS cannot do authentication sha384"):
        whole("mikrotik", peer(*single(OURS, THEIRS, IpsecAuthAlg="sha384")))
    with pytest.raises(CannotDo, match="Libreswan cannot do Diffie-Hellman group group2"):
        whole("libreswan", peer(*single(OURS, THEIRS, IkePfs="group2")))


def test_the_number_of_the_first_tunnel_is_that_of_its_interface() -> None:
    chosen = peer(*dual(), remote_networks=[THEIRS], number=7)
    assert "interface Tunnel7\n" in whole("cisco-ios", chosen)
    assert "interface Tunnel8\n" in whole("cisco-ios", chosen)
    assert "bind-interface st0.8" in whole("juniper", chosen)
    assert "set protocols static route 10.0.0.0/16 interface vti8 distance 20" in whole("vyos", chosen)


@pytest.mark.parametrize("shape", SHAPES)
def test_shell_scripts_are_shell_scripts(shape: str) -> None:
    for vendor, name in (("strongswan", "updown"), ("libreswan", "routes")):
        text = parts(vendor, SHAPES[shape])[name]
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)


def _updown(chosen: Peer, folder: Path, **environment: str) -> list[str]:
    """The commands that the script runs, with an `ip` that writes them down and knows no link."""
    script = folder / "updown"
    script.write_text(parts("strongswan", chosen)["updown"])
    fake = folder / "ip"
    fake.write_text('#!/bin/sh\necho "$@" >> "$0.log"\n[ "$1 $2" != "link show" ]\n')
    fake.chmod(0o755)
    log = folder / "ip.log"
    log.unlink(missing_ok=True)
    subprocess.run(["sh", script], env={"PATH": f"{folder}:/bin:/usr/bin"} | environment, check=True)
    return log.read_text().splitlines() if log.exists() else []


def test_routes_come_and_go_with_their_tunnel(tmp_path: Path) -> None:
    routed, subnets = SHAPES["two tunnels"], SHAPES["subnets, ikev1"]
    assert _updown(routed, tmp_path, PLUTO_VERB="up-client", PLUTO_CONNECTION="vco-two-slave") == [
        "link show gw2",
        "link add gw2 type xfrm if_id 2",
        "link set gw2 mtu 1400 up",
        "route replace 10.0.0.0/16 dev gw2 metric 20",
    ]
    assert _updown(routed, tmp_path, PLUTO_VERB="down-client", PLUTO_CONNECTION="vco-two-master") == [
        "route del 10.0.0.0/16 dev gw1 metric 10",
    ]
    one = {"PLUTO_CONNECTION": "vco-two-master-2", "PLUTO_PEER_CLIENT": "10.0.0.0/16"}
    assert (
        _updown(subnets, tmp_path, PLUTO_VERB="up-client", **one)[-1] == "route replace 10.0.0.0/16 dev gw1 metric 10"
    )
    assert _updown(subnets, tmp_path, PLUTO_VERB="up-client", PLUTO_CONNECTION="somebody-else") == []


def test_with_bgp_the_inside_address_is_put_on_the_interface_and_bird_reads_its_file(tmp_path: Path) -> None:
    chosen = SHAPES["bgp"]
    made = _updown(chosen, tmp_path, PLUTO_VERB="up-client", PLUTO_CONNECTION="vco-two-master")
    assert made[-1] == "address replace 169.254.11.2/30 dev gw1"
    bird = shutil.which("bird", path="/usr/sbin:/usr/bin")
    if bird is None:
        pytest.skip("BIRD is not installed")
    (tmp_path / "bird.conf").write_text(parts("strongswan", chosen)["bird.conf"])
    subprocess.run([bird, "-p", "-c", tmp_path / "bird.conf"], check=True)
