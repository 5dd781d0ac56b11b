"""A tunnel in VICI's words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gatewright.plane.linux.vici_conn import child_names, connection, identity, shared_key
from gatewright.resources import algorithms
from gatewright.resources.tunnels import TunnelSpec, negotiated
from tests.plane.linux.customer import tunnel
from tests.support.tunnels import NEGOTIATED, NOT_NEGOTIATED, TUNNEL


def test_ikev2_has_one_child_with_all_subnets() -> None:
    one = tunnel(3, local=("10.0.0.0/8", "10.9.0.0/16"), remote=("172.16.0.0/24", "172.17.0.0/24"))
    told = connection(one, "100.64.0.7")["tun3"]
    assert child_names(one) == list(told["children"]) == ["tun3"]
    assert told["children"]["tun3"]["local_ts"] == ["10.0.0.0/8", "10.9.0.0/16"]
    assert told["version"] == "2"
    assert "aggressive" not in told
    assert "if_id_in" not in told["children"]["tun3"]


def test_ikev1_has_a_child_a_pair() -> None:
    one = tunnel(3, version="ikev1", mode="aggressive", local=("10.0.0.0/8", "10.9.0.0/16"), remote=("172.16.0.0/24",))
    told = connection(one, "198.51.100.1", if_id=3)["tun3"]
    assert child_names(one) == ["tun3-1", "tun3-2"]
    assert [child["local_ts"] for child in told["children"].values()] == [["10.0.0.0/8"], ["10.9.0.0/16"]]
    assert all(child["if_id_in"] == child["if_id_out"] == "3" for child in told["children"].values())
    assert told["aggressive"] == "yes"


def test_lifetimes() -> None:
    told = connection(tunnel(ike={"lifetime": 3600}, ipsec={"lifetime": 1000}), "100.64.0.3")["tun1"]
    # agreed anew between 80 and 90 per cent of it, and never beyond
    assert (told["rekey_time"], told["rand_time"], told["over_time"]) == ("3240s", "360s", "360s")
    child = told["children"]["tun1"]
    assert (child["rekey_time"], child["rand_time"], child["life_time"]) == ("900s", "100s", "1000s")
    never = connection(tunnel(ike={"lifetime": 0}, ipsec={"lifetime": 0}), "100.64.0.3")["tun1"]
    assert never["rekey_time"] == never["over_time"] == never["children"]["tun1"]["life_time"] == "0s"
    shortest = connection(tunnel(ike={"lifetime": 1}, ipsec={"lifetime": 1}), "100.64.0.3")["tun1"]
    assert (shortest["rekey_time"], shortest["rand_time"], shortest["over_time"]) == ("1s", "0s", "0s")


def test_dead_peers() -> None:
    one = connection(tunnel(version="ikev1"), "100.64.0.3")["tun1"]
    assert (one["dpd_delay"], one["dpd_timeout"], one["children"]["tun1"]["dpd_action"]) == ("10s", "30s", "restart")
    assert connection(tunnel(dpd=False), "100.64.0.3")["tun1"]["dpd_delay"] == "0s"
    waiting = connection(tunnel(initiate=False), "100.64.0.3")["tun1"]
    assert waiting["children"]["tun1"]["dpd_action"] == "clear"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("gw.example.com", "fqdn:gw.example.com"),
        ("@gw", "fqdn:gw"),
        ("me@example.com", "email:me@example.com"),
        ("%any", "fqdn:%any"),
        ("C=CN,O=x", "fqdn:C=CN,O=x"),
        ("fqdn:x", "fqdn:fqdn:x"),
        ("::1", "fqdn:::1"),
        ("198.51.100.0/24", "fqdn:198.51.100.0/24"),
    ],
)
def test_identities_have_their_type_said(text: str, told: str) -> None:
    assert identity(text) == told


def test_a_key_is_bytes_and_nothing_is_made_of_its_text() -> None:
    assert shared_key(tunnel(2), "0xü☃") == {"id": "tun2", "type": "IKE", "data": "0xü☃".encode()}


def test_every_word_of_the_api_has_a_proposal() -> None:
    for encryption in algorithms.ENCRYPTION:
        for group in algorithms.GROUPS:
            one = tunnel(
                ike={"encryption": encryption, "group": group}, ipsec={"encryption": encryption, "group": group}
            )
            told = connection(one, "100.64.0.3")["tun1"]
            (proposal,), (esp,) = told["proposals"], told["children"]["tun1"]["esp_proposals"]
            assert proposal.count("-") == 2
            combined = encryption in algorithms.MODERN_ENCRYPTION
            assert ("prfsha256" in proposal) == combined
            assert esp.count("-") == (1 if combined else 2)
    disabled = connection(tunnel(ipsec={"group": "disabled"}), "100.64.0.3")["tun1"]["children"]["tun1"]
    assert disabled["esp_proposals"] == ["aes128-sha256"]


@pytest.mark.parametrize("change", [*NEGOTIATED, *NOT_NEGOTIATED])
def test_what_is_told_changes_with_what_is_negotiated(change: dict[str, Any]) -> None:
    def told(one: TunnelSpec) -> object:
        # of a key its version is compared
        return connection(negotiated(one), "198.18.0.2"), one.psk

    changed = msgspec.structs.replace(TUNNEL, **change)
    assert (told(changed) != told(TUNNEL)) == (change in NEGOTIATED)
    # what to do after a peer has gone is all else that is told
    whole, wanted = connection(changed, "198.18.0.2")["tun1"], connection(negotiated(changed), "198.18.0.2")["tun1"]
    for child in (*whole["children"].values(), *wanted["children"].values()):
        del child["dpd_action"]
    assert whole == wanted
