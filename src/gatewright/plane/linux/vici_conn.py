"""What charon is told of a tunnel, in VICI's words: load-conn and load-shared. Pure.

The API's words for algorithms (:mod:`gatewright.resources.algorithms`) are here alone turned into strongSwan's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from gatewright.resources import algorithms
from gatewright.resources.tunnels import IkeSpec, IpsecSpec, TunnelSpec

_ENCRYPTION = {
    "aes": "aes128",
    "aes192": "aes192",
    "aes256": "aes256",
    "des": "des",
    "3des": "3des",
}
#: Authenticate by themselves: what ``authentication`` says is the pseudo-random function of phase 1 alone.
_COMBINED = ("aes128gcm16", "aes192gcm16", "aes256gcm16")
_GROUPS = {
    "group1": "modp768",
    "group2": "modp1024",
    "group5": "modp1536",
    "group14": "modp2048",
    "group24": "modp2048s256",
    "group19": "ecp256",
    "group20": "ecp384",
    "group21": "ecp521",
    "group31": "curve25519",
}

#: Seconds between two questions whether the peer is there. An answer that is missing for some 20 s means that it is
#: not: with IKEv1 by ``dpd_timeout``, with IKEv2 by the retransmissions of charon_config.
DPD_DELAY = 10
DPD_TIMEOUT = 30

#: Of a lifetime, after how much SAs are negotiated anew at the latest, and at the earliest, per cent. The rest is for
#: the negotiation itself.
_REKEY_LATEST, _REKEY_EARLIEST = 90, 80

Section = dict[str, Any]


def connection_name(tunnel: TunnelSpec) -> str:
    """What a tunnel's connection is called in its charon, and its CHILD SA, if it has but one."""
    return tunnel.link


def child_names(tunnel: TunnelSpec) -> list[str]:
    """The CHILD SAs that a tunnel consists of, by name."""
    return list(_children(tunnel))


def connection(tunnel: TunnelSpec, local: str, *, if_id: int | None = None) -> Section:
    """The message of load-conn. ``local`` is the address that charon uses; ``if_id`` marks what is in the kernel."""
    ike = tunnel.ike
    settings: Section = {
        "version": "1" if ike.version == "ikev1" else "2",
        "local_addrs": [local],
        "remote_addrs": [tunnel.peer],
        "proposals": [ike_proposal(ike)],
        "mobike": "no",
        "unique": "replace",
        # who tries again, and when, is not charon's business
        "keyingtries": "1",
        "dpd_delay": f"{DPD_DELAY}s" if tunnel.dpd else "0s",
        **_ike_lifetime(ike.lifetime),
        "local": {"auth": "psk", "id": identity(ike.local_id)},
        "remote": {"auth": "psk", "id": identity(ike.remote_id)},
        "children": {name: _child(tunnel, *pair, if_id) for name, pair in _children(tunnel).items()},
    }
    if ike.version == "ikev1":
        settings["aggressive"] = "yes" if ike.mode == "aggressive" else "no"
        settings["dpd_timeout"] = f"{DPD_TIMEOUT}s"
    return {connection_name(tunnel): settings}


def shared_key(tunnel: TunnelSpec, psk: str) -> Section:
    """The message of load-shared, which replaces what an earlier one with the same id has told.

    It is anybody's: a charon has one tunnel, and whom it speaks to is the connection's business. With owners, it would
    not be found for a peer that may call itself anything.
    """
    return {"id": connection_name(tunnel), "type": "IKE", "data": psk.encode()}


def identity(text: str) -> str:
    """An identity in strongSwan's spelling, with its type said: nothing in it has a meaning of its own."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        pass
    if text.startswith("@"):
        return f"fqdn:{text[1:]}"
    return f"email:{text}" if "@" in text else f"fqdn:{text}"


def ike_proposal(ike: IkeSpec) -> str:
    """The one proposal of phase 1."""
    group = _GROUPS[ike.group]
    if ike.encryption in _COMBINED:
        return f"{ike.encryption}-prf{ike.authentication}-{group}"
    return f"{_ENCRYPTION[ike.encryption]}-{ike.authentication}-{group}"


def esp_proposal(ipsec: IpsecSpec) -> str:
    """The one proposal of phase 2."""
    if ipsec.encryption in _COMBINED:
        parts = [ipsec.encryption]
    else:
        parts = [_ENCRYPTION[ipsec.encryption], ipsec.authentication]
    if ipsec.group != algorithms.NO_PFS:
        parts.append(_GROUPS[ipsec.group])
    return "-".join(parts)


def _children(tunnel: TunnelSpec) -> dict[str, tuple[Iterable[str], Iterable[str]]]:
    """Selectors by the names of CHILD SAs: IKEv1 has one for each pair of subnets."""
    name = connection_name(tunnel)
    if tunnel.ike.version != "ikev1":
        return {name: (tunnel.local_subnets, tunnel.remote_subnets)}
    pairs = [(local, remote) for local in tunnel.local_subnets for remote in tunnel.remote_subnets]
    if len(pairs) == 1:
        return {name: (tunnel.local_subnets, tunnel.remote_subnets)}
    return {f"{name}-{number}": ((local,), (remote,)) for number, (local, remote) in enumerate(pairs, 1)}


def _child(tunnel: TunnelSpec, local: Iterable[str], remote: Iterable[str], if_id: int | None) -> Section:
    child: Section = {
        "mode": "tunnel",
        "local_ts": list(local),
        "remote_ts": list(remote),
        "esp_proposals": [esp_proposal(tunnel.ipsec)],
        "start_action": "none",
        "close_action": "none",
        # also with nobody there who would begin anew
        "dpd_action": "restart" if tunnel.initiate else "clear",
        **_child_lifetime(tunnel.ipsec.lifetime),
    }
    if if_id is not None:
        child |= {"if_id_in": str(if_id), "if_id_out": str(if_id)}
    return child


def _ike_lifetime(seconds: int) -> Section:
    rekey, spread = _rekeying(seconds)
    # peers are told rekey_time + over_time with IKEv1
    return {"rekey_time": f"{rekey}s", "rand_time": f"{spread}s", "over_time": f"{seconds - rekey}s"}


def _child_lifetime(seconds: int) -> Section:
    rekey, spread = _rekeying(seconds)
    return {"rekey_time": f"{rekey}s", "rand_time": f"{spread}s", "life_time": f"{seconds}s"}


def _rekeying(seconds: int) -> tuple[int, int]:
    """After how many seconds at the latest, and by how many it may be less; 0 means never, and only for 0."""
    if seconds == 0:
        return 0, 0
    latest = max(1, seconds * _REKEY_LATEST // 100)
    return latest, min(latest - 1, latest - seconds * _REKEY_EARLIEST // 100)
