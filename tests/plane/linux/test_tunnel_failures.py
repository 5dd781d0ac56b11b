"""A tunnel that does not come up says why, in words that name what to compare; the instance stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import LinuxPlane
from gatewright.plane.linux.tunnels.causes import cause
from gatewright.resources.tunnel_states import TunnelStatus
from gatewright.resources.tunnels import SecretRef
from tests.plane.linux.customer import PSK, tunnel
from tests.plane.linux.lab import Lab, vswitch
from tests.plane.linux.machines import Machines
from tests.plane.linux.sites import DOWN, UP, VPC, gateway, machine, site
from tests.plane.linux.test_bgp_tunnels import BGP
from tests.plane.linux.tunnel_watch import Heard, Secrets, play

HALF = TunnelStatus.IPSEC_SA_NOT_ESTABLISHED
#: By name: what differs at the peer, the status that follows, and a word of the reason.
DIFFERENCES: Mapping[str, tuple[Mapping[str, Any], TunnelStatus, str]] = {
    "key": ({"psk": "wrong"}, DOWN, "Psk"),
    "proposal": ({"ike": {"group": "group2"}}, DOWN, "IkeConfig"),
    "identity": ({"ike": {"local_id": "somebody.else"}}, DOWN, "RemoteId"),
    "phase 2": ({"ipsec": {"encryption": "aes256"}}, HALF, "IpsecConfig"),
    "subnets": ({"remote_subnets": ("10.77.0.0/16",)}, HALF, "LocalSubnet"),
}


@pytest.mark.parametrize("version", ["ikev1", "ikev2"])
@pytest.mark.usefixtures("carried_by")
def test_what_differs_is_named(lab: Lab, machines: Machines, version: str) -> None:
    one = tunnel(version=version, local=(VPC,), remote=("172.16.1.0/24",))

    async def scenario(plane: LinuxPlane, heard: Heard) -> None:
        await plane.apply(vswitch())
        await plane.apply(gateway())
        with ExitStack() as stack:
            peer = site(stack, machines, lab)
            for number, (name, (differing, status, word)) in enumerate(DIFFERENCES.items()):
                changes = dict(differing)
                psk = changes.pop("psk", PSK)
                turned = peer.turned(one)
                for part in ("ike", "ipsec"):
                    if part in changes:
                        changes[part] = msgspec.structs.replace(getattr(turned, part), **changes[part])
                peer.answer(one, psk, **changes)
                heard.states.clear()
                await plane.apply(gateway(one, generation=2 + 2 * number))

                def told(word: str = word, status: TunnelStatus = status) -> bool:
                    return any(state.status is status and word in state.detail for state in heard.states)

                await heard.until(told)
                assert not any(state.status is UP for state in heard.states), name
                await plane.apply(gateway(generation=3 + 2 * number))
            # and as it should be
            peer.answer(one)
            await plane.apply(gateway(one, generation=100))
            await heard.status("tun-1", UP)

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
            assert "nobody answers" in (await heard.status("tun-1", DOWN)).detail

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


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("received NO_PROPOSAL_CHOSEN notify error", "IkeConfig"),
        ("received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built", "IpsecConfig"),
        ("received AUTHENTICATION_FAILED notify error", "Psk"),
        ("received TS_UNACCEPTABLE notify, no CHILD_SA built", "LocalSubnet"),
        ("giving up after 5 retransmits", "UDP 500"),
        ("IDir 'a' does not match to 'b'", "RemoteId"),
    ],
)
def test_causes(line: str, word: str) -> None:
    found = cause(line)
    assert found is not None
    assert word in found.text
    assert cause("CHILD_SA tun1{1} established with SPIs c1_i c2_o and TS 0.0.0.0/0 === 0.0.0.0/0") is None
