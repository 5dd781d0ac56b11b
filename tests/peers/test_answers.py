"""A peer is made of what the API answers: each value from the device's side, and nothing that is not understood."""

from __future__ import annotations

import pytest

from gatewright.peers import VENDORS, Unusable, peer
from gatewright.peers.model import PLACEHOLDER
from tests.peers.answers import DEVICE, GATEWAYS, OURS, THEIRS, dual, single


def test_one_tunnel_is_the_connection_itself() -> None:
    found = peer(*single(OURS, THEIRS))
    (tunnel,) = found.tunnels
    assert (tunnel.id, tunnel.role) == ("vco-one", "master")
    assert (tunnel.local_address, tunnel.remote_address) == (DEVICE, GATEWAYS[0])
    assert (tunnel.ike.local_id, tunnel.ike.remote_id) == (DEVICE, GATEWAYS[0])
    assert (tunnel.psk, tunnel.dpd, tunnel.nat_traversal, tunnel.bgp) == ("correct-horse", True, True, None)
    assert not found.routed
    assert found.local_networks == (OURS,)
    assert found.remote_networks == (THEIRS,)


def test_of_two_tunnels_the_master_comes_first() -> None:
    found = peer(*dual(with_bgp=True), keys={"cgw-one": "md5-key"}, number=7)
    assert [(number, each.role, each.remote_address) for number, each in found.numbered] == [
        (7, "master", GATEWAYS[0]),
        (8, "slave", GATEWAYS[1]),
    ]
    assert found.routed
    assert found.local_networks == found.remote_networks == ()
    session = found.tunnels[1].bgp
    assert session is not None
    assert (session.local_asn, session.local_address) == (65010, "169.254.12.2")
    assert (session.remote_asn, session.remote_address) == (65000, "169.254.12.1")
    assert (session.prefix, session.key) == (30, "md5-key")


def test_what_is_the_gateways_own_comes_from_the_description() -> None:
    config, connection = single()
    connection |= {"EnableDpd": False, "EnableNatTraversal": "false"}
    connection["VcoHealthCheck"] = {"Enable": "true", "Dip": "192.168.0.1", "Sip": "10.0.0.1"}
    found = peer(config, connection)
    assert (found.tunnels[0].dpd, found.tunnels[0].nat_traversal) == (False, False)
    assert found.probed == "192.168.0.1"
    head = VENDORS["vyos"].write(found)[0].text.splitlines()[3]
    assert head == "# The gateway pings 192.168.0.1 through the tunnel: it has to answer."
    assert peer(*single()).probed == ""


def test_without_secrets_a_placeholder_stands_for_each() -> None:
    found = peer(*dual(with_bgp=True), keys={"cgw-one": "md5-key"}, secrets=False)
    assert {each.psk for each in found.tunnels} == {PLACEHOLDER}
    assert {each.bgp.key for each in found.tunnels if each.bgp} == {PLACEHOLDER}
    # nothing to leave out
    assert {each.bgp.key for each in peer(*dual(with_bgp=True), secrets=False).tunnels if each.bgp} == {""}


def test_no_secret_is_in_what_a_traceback_would_show() -> None:
    found = peer(*dual(with_bgp=True), keys={"cgw-one": "md5-key"})
    assert "correct-horse" not in repr(found)
    assert "md5-key" not in repr(found)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"Local": "203.0.113.9\nip"}, "Local of vco-one is '203.0.113.9\\nip', no IPv4 address"),
        ({"Remote": ""}, "Remote of vco-one is '', no IPv4 address"),
        ({"LocalSubnet": "10.0.0.0/8; reboot"}, "LocalSubnet has '10.0.0.0/8; reboot', which is no IPv4 network"),
        ({"RemoteSubnet": ""}, "the service tells no RemoteSubnet"),
        ({"IpsecConfig": {}}, "the service tells no IpsecEncAlg of vco-one"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(broken: dict[str, object], told: str) -> None:
    config, connection = single()
    config["VpnConnectionConfig"].update(broken)
    with pytest.raises(Unusable) as refused:
        peer(config, connection)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("Psk", "two words", "Psk has spaces or unprintable characters"),
        ("Psk", "line\nbreak", "Psk has spaces or unprintable characters"),
        ("Psk", "clé", "Psk has spaces or unprintable characters"),
        ("Psk", "", "the service tells no Psk"),
        ("LocalId", "me\r}", "LocalId has spaces or unprintable characters"),
        ("RemoteId", "\x00", "RemoteId has spaces or unprintable characters"),
        ("IkeLifetime", "soon", "a lifetime of vco-one is no number of seconds"),
    ],
)
def test_a_text_that_the_api_never_has_is_refused(name: str, value: str, told: str) -> None:
    with pytest.raises(Unusable) as refused:
        peer(*single(**{name: value}))
    assert str(refused.value) == told


def test_an_attachment_has_no_address_that_a_device_could_reach() -> None:
    config, connection = single()
    config["VpnConnectionConfig"]["Remote"] = ""
    with pytest.raises(Unusable) as refused:
        peer(config, {**connection, "AttachType": "NO_ASSOCIATED"})
    assert str(refused.value) == (
        "the connection is attached to nothing, so there is no address that a device could reach"
    )
