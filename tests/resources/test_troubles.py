"""The table of what can be wrong with a tunnel: whole, and true to the API's parameters."""

from __future__ import annotations

import re

import pytest

from gatewright.resources.troubles import MEANINGS, Cause, Severity, sentence, spelled
from gatewright.resources.tunnel_states import Trouble
from tests.conformance import reference_data


def test_each_cause_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Cause)


@pytest.mark.parametrize("cause", Cause)
def test_a_meaning_says_what_to_do(cause: Cause) -> None:
    meaning = MEANINGS[cause]
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", meaning.code)
    assert meaning.reason[0].islower() or meaning.reason.startswith("NAT ")
    assert not meaning.reason.endswith(".")
    if meaning.severity is Severity.NORMAL and cause is Cause.NONE:
        assert not meaning.advice
    else:
        assert meaning.advice.endswith(".")
    assert meaning.phase_2 == meaning.reason.startswith("phase 2") or cause is Cause.LIFETIME


def test_what_is_to_be_changed_is_a_parameter() -> None:
    known = set()
    for name in ("CreateVpnConnection", "CreateVpnRouteEntry"):
        for parameter in reference_data.operations()[name].request:
            keys = [*parameter.json, *(field.name for field in parameter.fields)]
            known |= {parameter.name.lower(), *(f"{parameter.name}.{key}".lower() for key in keys)}
    named = {parameter.lower() for meaning in MEANINGS.values() for parameter in meaning.parameters}
    assert named - known == set()


def test_a_trouble_in_a_line() -> None:
    differing = Trouble(cause=Cause.IKE_GROUP, at=0, ours="group14", theirs="group2")
    assert sentence(differing) == (
        "phase 1: the Diffie-Hellman groups differ: IkeConfig.IkePfs here group14, at the peer group2"
    )
    whole = Trouble(cause=Cause.IPSEC_PROPOSAL, at=0, ours="aes-sha1-group2", theirs="aes256-sha1-group2")
    assert sentence(whole).endswith("IpsecConfig here aes-sha1-group2, at the peer aes256-sha1-group2")
    assert sentence(Trouble(cause=Cause.KEY, at=0)).endswith("compare Psk, LocalId and RemoteId on both sides")
    assert (
        sentence(Trouble(cause=Cause.HOST, at=0, about="no room"))
        == "something is wrong at the gateway's host: no room"
    )
    assert sentence(Trouble(cause="of-a-newer-host", at=0)) == "the tunnel is down"


def test_two_tunnels_have_other_names_of_parameters() -> None:
    assert (
        spelled("IkeConfig.Psk and HealthCheckConfig.Dip", dual=True) == "TunnelIkeConfig.Psk and HealthCheckConfig.Dip"
    )
    assert spelled("IkeConfig.Psk", dual=False) == "IkeConfig.Psk"
