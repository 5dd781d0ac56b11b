"""A tunnel that does not come up says why, in words that name what to compare; the instance stands."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import msgspec
import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane, charon_config, vici_conn
from gatewright.plane.linux.esp import Backend
from gatewright.plane.linux.tunnels.causes import Reader
from gatewright.plane.linux.tunnels.troubles import Troubles
from gatewright.resources.troubles import MEANINGS, Cause
from gatewright.resources.tunnel_states import BgpStatus, HealthStatus, Trouble, TunnelStatus
from gatewright.resources.tunnels import SecretRef, TunnelSpec
from tests.plane.linux.customer import Customer, tunnel
from tests.plane.linux.lab import PSK, Lab, vswitch
from tests.plane.linux.machines import Machines
from tests.plane.linux.sites import DOWN, UP, VPC, gateway, machine, site
from tests.plane.linux.test_bgp_tunnels import BGP
from tests.plane.linux.tunnel_watch import Heard, Secrets, play

HALF = TunnelStatus.IPSEC_SA_NOT_ESTABLISHED


class Case(NamedTuple):
    """What differs at the peer, and what follows from it."""

    differing: Mapping[str, Any]
    status: TunnelStatus
    #: What is found when we begin: whoever is refused is not told why.
    refused: Cause
    #: What is found when the peer begins, and the values of the two sides.
    refusing: Cause | None
    ours: str = ""
    theirs: str = ""


#: By name; where the versions of IKE see different things, each has its own.
CASES: Mapping[str, Case] = {
    "key": Case({"psk": "wrong"}, DOWN, Cause.KEY, Cause.KEY),
    "encryption": Case(
        {"ike": {"encryption": "aes256"}}, DOWN, Cause.IKE_PROPOSAL, Cause.IKE_ENCRYPTION, "aes", "aes256"
    ),
    "group": Case({"ike": {"group": "group2"}}, DOWN, Cause.IKE_PROPOSAL, Cause.IKE_GROUP, "group14", "group2"),
    "phase 2": Case(
        {"ipsec": {"encryption": "aes256"}}, HALF, Cause.IPSEC_PROPOSAL, Cause.IPSEC_ENCRYPTION, "aes", "aes256"
    ),
    "subnets": Case(
        {"remote_subnets": ("10.77.0.0/16",)},
        HALF,
        Cause.SUBNETS,
        Cause.SUBNETS,
        "10.9.1.0/24 === 172.16.1.0/24",
        "10.77.0.0/16 === 172.16.1.0/24",
    ),
}
ONLY: Mapping[str, Mapping[str, Case]] = {
    "ikev1": {
        "version": Case({"ike": {"version": "ikev2"}}, DOWN, Cause.IKE_PROPOSAL, Cause.IKE_VERSION, "ikev1", "ikev2"),
        "mode": Case({"ike": {"mode": "aggressive"}}, DOWN, Cause.KEY, Cause.IKE_MODE, "main", "aggressive"),
        "pfs": Case({"ipsec": {"group": "group2"}}, HALF, Cause.IPSEC_PROPOSAL, Cause.IPSEC_GROUP, "group14", "group2"),
        "no pfs": Case(
            {"ipsec": {"group": "disabled"}}, HALF, Cause.IPSEC_PROPOSAL, Cause.IPSEC_GROUP, "group14", "disabled"
        ),
        "its name": Case(
            {"ike": {"local_id": "somebody.else"}},
            DOWN,
            Cause.REMOTE_ID,
            Cause.REMOTE_ID,
            "198.51.100.50",
            "somebody.else",
        ),
        "our name": Case({"ike": {"remote_id": "someone.else"}}, DOWN, Cause.KEY, Cause.PEER_ENDED),
    },
    "ikev2": {
        "hash": Case(
            {"ike": {"authentication": "sha1"}}, DOWN, Cause.IKE_PROPOSAL, Cause.IKE_AUTHENTICATION, "sha256", "sha1"
        ),
        "several": Case(
            {"ike": {"group": "group2", "encryption": "3des", "authentication": "md5"}},
            DOWN,
            Cause.IKE_PROPOSAL,
            Cause.IKE_PROPOSAL,
            "aes-sha256-group14",
            "3des-md5-group2",
        ),
        "phase 2 hash": Case(
            {"ipsec": {"authentication": "sha1"}},
            HALF,
            Cause.IPSEC_PROPOSAL,
            Cause.IPSEC_AUTHENTICATION,
            "sha256",
            "sha1",
        ),
        "version": Case({"ike": {"version": "ikev1"}}, DOWN, Cause.IKE_PROPOSAL, Cause.IKE_VERSION, "ikev2", "ikev1"),
        "its name": Case(
            {"ike": {"local_id": "somebody.else"}}, DOWN, Cause.KEY, Cause.REMOTE_ID, "198.51.100.50", "somebody.else"
        ),
        "our name": Case(
            {"ike": {"remote_id": "someone.else"}}, DOWN, Cause.KEY, Cause.LOCAL_ID, "198.51.100.1", "someone.else"
        ),
    },
}


def found(heard: Heard, cause: Cause) -> Trouble | None:
    """What was told last of the tunnel, if it was this."""
    last = heard.last("tun-1")
    return None if last is None else next((each for each in last.troubles if each.cause == cause), None)


def disagreeing(peer: Customer, spec: TunnelSpec, differing: Mapping[str, Any]) -> None:
    """Configure the other end of a tunnel otherwise."""
    changes = dict(differing)
    psk = changes.pop("psk", PSK)
    turned = peer.turned(spec)
    for part in ("ike", "ipsec"):
        if part in changes:
            changes[part] = msgspec.structs.replace(getattr(turned, part), **changes[part])
    peer.answer(spec, psk, **changes)


@pytest.mark.parametrize("version", ["ikev1", "ikev2"])
def test_what_differs_is_found_whoever_begins(lab: Lab, machines: Machines, version: str, carried_by: Backend) -> None:
    # charon says the same whatever carries its packets
    cases = {**CASES, **ONLY[version]} if carried_by is Backend.USERSPACE else CASES
    one = tunnel(version=version, local=(VPC,), remote=("172.16.1.0/24",))

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        versions = itertools.count(1)
        with ExitStack() as stack:
            peer = site(stack, machines, lab)

            async def tried(name: str, case: Case, cause: Cause, *, we_begin: bool) -> Trouble:
                # with another version of its key it is another tunnel, of which nothing is known
                number = next(versions)
                spec = msgspec.structs.replace(one, initiate=we_begin, psk=SecretRef("tun-1", number))
                disagreeing(peer, spec, case.differing)
                heard.states.clear()
                await plane.apply(gateway(spec, generation=1000 + next(versions)))
                if not we_begin:
                    peer.begin()
                await heard.until(
                    lambda: found(heard, cause) is not None and (heard.last("tun-1") or told).status is case.status
                )
                last, trouble = heard.last("tun-1"), found(heard, cause)
                assert last is not None
                assert trouble is not None
                assert trouble.line, name
                assert MEANINGS[cause].reason in last.detail, name
                assert not any(state.status is UP for state in heard.states), name
                peer.forget()
                if case.status is HALF:
                    # what stands of it would be negotiated anew by us
                    await plane.apply(gateway(generation=1000 + next(versions)))
                return trouble

            await plane.apply(gateway(msgspec.structs.replace(one, initiate=False)))
            told = await heard.status("tun-1", DOWN)
            for name, case in cases.items():
                trouble = await tried(name, case, case.refused, we_begin=True)
                if case.refused is not case.refusing:
                    assert (trouble.ours, trouble.theirs) == ("", ""), name
                if case.refusing is not None:
                    trouble = await tried(name, case, case.refusing, we_begin=False)
                    assert (trouble.ours, trouble.theirs) == (case.ours, case.theirs), name
            # and as it should be
            peer.answer(one)
            await plane.apply(gateway(one, generation=2000))
            last = await heard.status("tun-1", UP)
            # kernel-libipsec, as the customer has it, says that it is behind NAT to have its packets in UDP
            assert [each.cause for each in last.troubles] == [Cause.NAT]

    play(lab, scenario)


@pytest.mark.usefixtures("carried_by")
def test_lifetimes_that_differ_are_told_of_a_tunnel_that_carries(lab: Lab, machines: Machines) -> None:
    one = tunnel(version="ikev1", initiate=False)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            disagreeing(peer, one, {"ipsec": {"lifetime": 3600}})
            await plane.apply(gateway(one, generation=2))
            peer.begin()
            await heard.until(lambda: found(heard, Cause.LIFETIME) is not None)
            last, trouble = await heard.status("tun-1", UP), found(heard, Cause.LIFETIME)
            assert trouble is not None
            assert (trouble.ours, trouble.theirs, last.detail) == ("86400", "3600", "")

    play(lab, scenario)


@pytest.mark.usefixtures("carried_by")
def test_a_silent_peer_is_found_before_and_after_it_has_answered(
    lab: Lab, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = charon_config._TEMPLATE.replace("retransmit_timeout = 1.0", "retransmit_timeout = 0.2").replace(
        "retransmit_tries = 5", "retransmit_tries = 1"
    )
    monkeypatch.setattr(charon_config, "_TEMPLATE", impatient)
    monkeypatch.setattr(vici_conn, "DPD_DELAY", 1)
    one = tunnel()

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(one))
        await heard.until(lambda: found(heard, Cause.PEER_SILENT) is not None)
        assert "UDP 500" in (await heard.status("tun-1", DOWN)).detail
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            peer.answer(one)
            await heard.status("tun-1", UP, 20)
            assert found(heard, Cause.PEER_SILENT) is None
            heard.states.clear()
            peer.router.ip("link", "set", "eth0", "down")
            await heard.until(lambda: any(each.cause == Cause.PEER_GONE for s in heard.states for each in s.troubles))
            await heard.status("tun-1", DOWN)

    play(lab, scenario)


@pytest.mark.usefixtures("carried_by")
def test_nobody_there_is_told_and_tried_again(lab: Lab, machines: Machines) -> None:
    one = tunnel()

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway(one))
        state = await heard.status("tun-1", DOWN)
        assert "negotiated" in state.detail
        # by itself, when there is somebody
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            peer.answer(one)
            await heard.status("tun-1", UP, 20)
            # one that is told off is not at once tried again and again
            peer.vici.unload_conn({"name": "tun1"})
            heard.states.clear()
            peer.terminate()
            await heard.status("tun-1", DOWN)
            await heard.until(lambda: (heard.last("tun-1") or state).detail != "it is being negotiated")
            peer.answer(one)
            await heard.status("tun-1", UP, 20)

    play(lab, scenario)


class Forgetful(Secrets):
    """Knows nothing but the first version of keys."""

    async def __call__(self, references: Sequence[SecretRef]) -> Mapping[SecretRef, str]:
        if any(reference.version > 1 for reference in references):
            raise PlaneError("nobody answers")
        return await super().__call__(references)


@pytest.mark.usefixtures("carried_by")
def test_a_tunnel_is_followed_while_its_new_key_cannot_be_had(lab: Lab, machines: Machines) -> None:
    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            peer.answer(tunnel())
            await plane.apply(gateway(tunnel(), generation=2))
            await heard.status("tun-1", UP)
            with pytest.raises(PlaneError, match="nobody answers"):
                await plane.apply(gateway(tunnel(psk_version=2), generation=3))
            # it goes on with the old one until the peer ends it
            last = heard.last("tun-1")
            assert last is not None
            assert last.status is UP
            peer.terminate()
            last = await heard.status("tun-1", DOWN)
            assert "nobody answers" in last.detail
            assert last.troubles[0].cause == Cause.HOST

    play(lab, scenario, Forgetful())


@pytest.mark.usefixtures("carried_by")
def test_a_tunnel_comes_up_though_a_key_of_bgp_cannot_be_had(lab: Lab, machines: Machines) -> None:
    session = msgspec.structs.replace(BGP, key=SecretRef("cgw-1", 2))
    one = tunnel(bgp=session)

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            peer.answer(one)
            for _ in range(2):
                with pytest.raises(PlaneError, match="nobody answers"):
                    await plane.apply(gateway(one, vpn_routes=(), generation=2))
                await heard.status("tun-1", UP)

    play(lab, scenario, Forgetful())


#: Visible characters that mean something to strongSwan, nft, a shell, or a format.
ODD = "%any\"'\\{}#$(reboot)`;@asn1dn:"


@pytest.mark.usefixtures("carried_by")
def test_identities_and_keys_are_texts_and_nothing_else(lab: Lab, machines: Machines) -> None:
    secrets = Secrets()

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            inside = machine(machines, lab)
            for number, (ours, theirs, psk) in enumerate(
                (
                    (ODD, f"x{ODD}", '0x"}\n%s\\{$(x)'),
                    ("%any", "C=CN,O=%any", "0sAAAA"),
                    ("asn1dn:#30", "me@example.com", "{}"),
                    ("keyid:1", "@at.example", "schlüssel☃"),
                ),
                1,
            ):
                one = tunnel(psk_version=number, ike={"local_id": ours, "remote_id": theirs})
                secrets.values[one.psk] = psk
                peer.answer(one, psk, gateway="198.51.100.1")
                heard.states.clear()
                await plane.apply(gateway(one, generation=1 + number))
                await heard.status("tun-1", UP)
                assert inside.reaches(peer.inside)
            assert not any(psk in line.text for line in heard.lines for psk in secrets.values.values() if len(psk) > 2)

    play(lab, scenario, secrets)


def test_a_line_that_tells_of_no_trouble_is_none() -> None:
    reader = Reader(tunnel())
    assert reader.read("CHILD_SA tun1{1} established with SPIs c1_i c2_o and TS 0.0.0.0/0 === 0.0.0.0/0") is None
    # somebody else's packets say nothing of the peer
    read = reader.read("no IKE config found for 100.64.0.3...203.0.113.9, sending NO_PROPOSAL_CHOSEN")
    assert read is not None
    assert (read.cause, read.theirs) == (Cause.IKE_PROPOSAL, "")


def test_what_says_more_stands_before_what_says_less() -> None:
    troubles = Troubles(tunnel())
    assert (
        troubles.hear("received proposals: IKE:AES_CBC_256/AES_CBC_192/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048")
        is False
    )
    assert troubles.hear("received proposals unacceptable")
    assert not troubles.hear("received NO_PROPOSAL_CHOSEN notify error")
    quiet: dict[str, Any] = {"bgp": BgpStatus.UNKNOWN, "session": None, "health": HealthStatus.UNKNOWN}
    (first,) = troubles.now(5, None, carries=False, **quiet)
    assert (first.cause, first.at, first.ours, first.theirs) == (Cause.IKE_ENCRYPTION, 5, "aes", "aes256,aes192")
    assert troubles.hear("giving up after 5 retransmits")
    (second,) = troubles.now(6, None, carries=False, **quiet)
    assert second.cause == Cause.PEER_SILENT
    # the same again is no news, whatever the words
    assert troubles.hear("giving up after 3 retransmits")
    assert troubles.now(9, None, carries=False, **quiet) == (second,)
    assert troubles.now(9, None, carries=True, **quiet) == ()
