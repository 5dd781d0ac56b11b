"""What charon logs of proposals, in the API's words, and in what two of them differ. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from gatewright.resources import algorithms
from gatewright.resources.troubles import Cause
from gatewright.resources.tunnels import TunnelSpec

#: strongSwan's names in its log (5.9.8), with the API's words where it has some.
_ENCRYPTION = {
    "AES_CBC_128": "aes",
    "AES_CBC_192": "aes192",
    "AES_CBC_256": "aes256",
    "DES_CBC": "des",
    "3DES_CBC": "3des",
    "AES_GCM_16_128": "aes128gcm16",
    "AES_GCM_16_192": "aes192gcm16",
    "AES_GCM_16_256": "aes256gcm16",
}
_AUTHENTICATION = {
    "HMAC_MD5_96": "md5",
    "HMAC_SHA1_96": "sha1",
    "HMAC_SHA2_256_128": "sha256",
    "HMAC_SHA2_384_192": "sha384",
    "HMAC_SHA2_512_256": "sha512",
}
_GROUPS = {
    "MODP_768": "group1",
    "MODP_1024": "group2",
    "MODP_1536": "group5",
    "MODP_2048": "group14",
    "MODP_2048_256": "group24",
    "ECP_256": "group19",
    "ECP_384": "group20",
    "ECP_521": "group21",
    "CURVE_25519": "group31",
}
_IS_GROUP = re.compile(r"(MODP|ECP|CURVE|KE)_")
_IS_AUTHENTICATION = re.compile(r"(HMAC|AES_XCBC|AES_CMAC)_")
_SAYS_NOTHING = re.compile(r"PRF_|(NO_)?EXT_SEQ$")
#: Values of one kind that are told, at the most.
_MOST = 6

#: By phase: what it is called in the log, and the causes by what differs: encryption, authentication, group.
_CAUSES = {
    "IKE": (Cause.IKE_ENCRYPTION, Cause.IKE_AUTHENTICATION, Cause.IKE_GROUP, Cause.IKE_PROPOSAL),
    "ESP": (Cause.IPSEC_ENCRYPTION, Cause.IPSEC_AUTHENTICATION, Cause.IPSEC_GROUP, Cause.IPSEC_PROPOSAL),
}


class Difference(NamedTuple):
    """In what the two sides differ; empty values if that is not known."""

    cause: Cause
    ours: str = ""
    theirs: str = ""


def group(name: str) -> str:
    """The API's word for one of strongSwan's groups, if it has one."""
    return _GROUPS.get(name, name)


def difference(offered: str, spec: TunnelSpec, phase: str) -> Difference:
    """What keeps us from taking what a peer offers in a phase, ``IKE`` or ``ESP``.

    ``offered`` is what charon logs after ``received proposals:``, empty if it has not.
    """
    whole = _CAUSES[phase][3]
    theirs = _kinds(offered, phase)
    if not any(theirs):
        return Difference(whole)
    ours = _ours(spec, phase)
    if phase == "ESP" and spec.ike.version == "ikev2" and not theirs[2]:
        # the first CHILD SA is agreed with the IKE SA, whose group it has
        ours, theirs = ours[:2], theirs[:2]
    wrong = [place for place, (one, others) in enumerate(zip(ours, theirs, strict=True)) if not _agree(one, others)]
    if len(wrong) == 1:
        return Difference(_CAUSES[phase][wrong[0]], ours[wrong[0]], _told(theirs[wrong[0]]) or algorithms.NO_PFS)
    return Difference(whole, "-".join(ours), "-".join(filter(None, map(_told, theirs))))


def _agree(one: str, others: tuple[str, ...]) -> bool:
    return one in others or (not others and one in ("", algorithms.NO_PFS))


def _ours(spec: TunnelSpec, phase: str) -> tuple[str, ...]:
    if phase == "IKE":
        return spec.ike.encryption, spec.ike.authentication, spec.ike.group
    return spec.ipsec.encryption, spec.ipsec.authentication, spec.ipsec.group


def _kinds(offered: str, phase: str) -> tuple[tuple[str, ...], ...]:
    """Ciphers, authentication algorithms and groups of all proposals of a phase."""
    found: tuple[dict[str, None], dict[str, None], dict[str, None]] = ({}, {}, {})
    for proposal in offered.split(", "):
        protocol, _, words = proposal.strip().partition(":")
        if protocol != phase:
            continue
        for word in words.split("/"):
            if _SAYS_NOTHING.match(word):
                continue
            if _IS_GROUP.match(word):
                found[2][_GROUPS.get(word, word)] = None
            elif _IS_AUTHENTICATION.match(word):
                found[1][_AUTHENTICATION.get(word, word)] = None
            else:
                found[0][_ENCRYPTION.get(word, word)] = None
    return tuple(found[0]), tuple(found[1]), tuple(found[2])


def _told(values: tuple[str, ...]) -> str:
    more = [] if len(values) <= _MOST else ["..."]
    return ",".join([*values[:_MOST], *more])
