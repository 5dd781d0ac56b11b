"""What the API answers of connections, as far as a device's configuration is made of it."""

from __future__ import annotations

from typing import Any

from gatewright.peers import Peer, peer
from gatewright.resources.tunnels import EVERYWHERE

DEVICE = "203.0.113.9"
GATEWAYS = ("198.51.100.1", "198.51.100.2")
OURS, THEIRS = "192.168.0.0/24", "10.0.0.0/16"


def ike(gateway: str, **changes: Any) -> dict[str, Any]:
    """An ``IkeConfig`` from the device's side."""
    usual = {
        "IkeVersion": "ikev2",
        "IkeMode": "main",
        "IkeEncAlg": "aes256",
        "IkeAuthAlg": "sha256",
        "IkePfs": "group14",
        "IkeLifetime": 86400,
        "LocalId": DEVICE,
        "RemoteId": gateway,
        "Psk": "correct-horse",
    }
    return usual | changes


def ipsec(**changes: Any) -> dict[str, Any]:
    """An ``IpsecConfig``."""
    usual = {"IpsecEncAlg": "aes256", "IpsecAuthAlg": "sha256", "IpsecPfs": "group14", "IpsecLifetime": 3600}
    return usual | changes


def bgp(tunnel: str, number: int) -> dict[str, Any]:
    """An entry of ``BgpConfigs``."""
    return {
        "TunnelId": tunnel,
        "LocalAsn": "65010",
        "PeerAsn": "65000",
        "LocalBgpIp": f"169.254.1{number}.2",
        "PeerBgpIp": f"169.254.1{number}.1",
        "TunnelCidr": f"169.254.1{number}.0/30",
    }


def single(local: str = EVERYWHERE, remote: str = EVERYWHERE, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A connection with one tunnel: what DownloadVpnConnectionConfig answers, and DescribeVpnConnection."""
    config: dict[str, Any] = {
        "Local": DEVICE,
        "Remote": GATEWAYS[0],
        "LocalSubnet": local,
        "RemoteSubnet": remote,
        "IkeConfig": ike(GATEWAYS[0], **{name: each for name, each in changes.items() if name[:3] in ("Ike", "Psk")}),
        "IpsecConfig": ipsec(**{name: each for name, each in changes.items() if name.startswith("Ipsec")}),
        "BgpConfigs": {"BgpConfig": []},
        "TunnelsConfig": {"TunnelConfig": []},
    }
    for name in ("LocalId", "RemoteId"):
        config["IkeConfig"].update({name: changes[name]} if name in changes else {})
    return {"VpnConnectionConfig": config}, {"VpnConnectionId": "vco-one", "Name": "office", "EnableDpd": True}


def dual(
    local: str = EVERYWHERE, remote: str = EVERYWHERE, *, with_bgp: bool = False, **changes: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A connection with two; the slave stands first in the first answer."""
    numbers = ((2, "tun-two", "slave"), (1, "tun-one", "master"))
    config, _ = single(local, remote, **changes)
    whole = config["VpnConnectionConfig"]
    tunnels = [
        {
            "TunnelId": identity,
            "Local": DEVICE,
            "Remote": GATEWAYS[number - 1],
            "IkeConfig": whole["IkeConfig"] | {"RemoteId": changes.get("RemoteId", GATEWAYS[number - 1])},
            "IpsecConfig": whole["IpsecConfig"],
        }
        for number, identity, _ in numbers
    ]
    whole["TunnelsConfig"] = {"TunnelConfig": tunnels}
    if with_bgp:
        whole["BgpConfigs"] = {"BgpConfig": [bgp(identity, number) for number, identity, _ in numbers]}
    options = [
        {"TunnelId": identity, "Role": role, "EnableDpd": "true", "CustomerGatewayId": "cgw-one"}
        for _, identity, role in numbers
    ]
    connection = {
        "VpnConnectionId": "vco-two",
        "Name": "office",
        "TunnelOptionsSpecification": {"TunnelOptions": options},
    }
    return config, connection


#: Every shape of a connection, by a word.
SHAPES: dict[str, Peer] = {
    "one tunnel": peer(*single(), local_networks=[OURS], remote_networks=[THEIRS]),
    "one tunnel, nothing known": peer(*single()),
    "two tunnels": peer(*dual(), local_networks=[OURS], remote_networks=[THEIRS]),
    "bgp": peer(*dual(with_bgp=True), keys={"cgw-one": "md5-key"}, local_networks=[OURS], remote_networks=[THEIRS]),
    "subnets": peer(*dual(f"{OURS},192.168.5.0/24", f"{THEIRS},10.7.0.0/16")),
    "subnets, ikev1": peer(*dual(f"{OURS},192.168.5.0/24", THEIRS, IkeVersion="ikev1")),
    "one pair, ikev1": peer(*single(OURS, THEIRS, IkeVersion="ikev1")),
}
