"""strongSwan with swanctl, 5.8 and later: ESP in the kernel with XFRM interfaces, or in charon itself over a TUN.

Quoting is that of strongSwan's ``settings_lexer.l``: within double quotes a backslash takes the next character as it
is, except before n, r and t. ``swanctl`` reads a secret that begins with 0x or 0s as hexadecimal or Base64.
"""

from __future__ import annotations

import base64

from gatewright.peers import bird
from gatewright.peers.model import Peer, PeerTunnel
from gatewright.peers.writing import CannotDo, Part, Vendor, addressed, block, distance, head, link, plain, word

_ENCRYPTION = {"aes": "aes128", "aes192": "aes192", "aes256": "aes256", "des": "des", "3des": "3des"}
_AUTHENTICATION = {"md5": "md5", "sha1": "sha1", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}
#: Both encrypt and authenticate; what stands beside is phase 1's pseudo-random function.
_COMBINED = {each: each for each in ("aes128gcm16", "aes192gcm16", "aes256gcm16")}
_GROUPS = {
    "group1": "modp768",
    "group2": "modp1024",
    "group5": "modp1536",
    "group14": "modp2048",
    "group19": "ecp256",
    "group20": "ecp384",
    "group21": "ecp521",
    "group24": "modp2048s256",
    "group31": "curve25519",
}
_VERSIONS = {"ikev1": "1", "ikev2": "2"}
_MODES = {"main": "no", "aggressive": "yes"}
_DEVICE = "strongSwan"
#: What charon calls its TUN.
_TUN = "ipsec0"


def quoted(text: str) -> str:
    """A value that is taken as it is."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def secret(text: str) -> str:
    """A secret that is taken as it is: readable, unless it looks encoded."""
    if text[:2].lower() in ("0x", "0s"):
        return quoted("0s" + base64.b64encode(text.encode()).decode())
    return quoted(text)


def identity(text: str) -> str:
    """An identity of the type that the gateway means (``plane.linux.vici_conn``), with nothing that says another."""
    if addressed(text):
        return quoted(text)
    if text.startswith("@"):
        return quoted(f"fqdn:{text[1:]}")
    return quoted(f"email:{text}" if "@" in text else f"fqdn:{text}")


def _kernel(peer: Peer) -> list[Part]:
    return _parts(KERNEL, peer, {each.id: (link(number), number) for number, each in peer.numbered})


def _userspace(peer: Peer) -> list[Part]:
    if len(peer.tunnels) > 1:
        raise CannotDo(
            "one charon with kernel-libipsec tells no two tunnels of the same networks apart: choose one with "
            "--tunnel, or use strongswan, whose kernel has ESP"
        )
    return _parts(USERSPACE, peer, {peer.tunnels[0].id: (_TUN, 0)})


def _parts(vendor: Vendor, peer: Peer, links: dict[str, tuple[str, int]]) -> list[Part]:
    """``links`` have the name of each tunnel's interface, and the number of an XFRM interface."""
    name = plain(peer.id)
    updown = f"/etc/swanctl/{name}.updown"
    parts = [
        Part("swanctl.conf", f"/etc/swanctl/conf.d/{name}.conf, mode 0600", _swanctl(vendor, peer, links, updown)),
        Part("strongswan.conf", f"/etc/strongswan.d/{name}.conf", _daemon(vendor, peer)),
        Part("updown", f"{updown}, mode 0755", _updown(vendor, peer, links)),
    ]
    if any(each.bgp for each in peer.tunnels):
        names = {each.id: links[each.id][0] for each in peer.tunnels}
        parts.append(Part("bird.conf", "/etc/bird/bird.conf (BIRD 2)", head(vendor, peer) + bird.config(peer, names)))
    return parts


def _swanctl(vendor: Vendor, peer: Peer, links: dict[str, tuple[str, int]], updown: str) -> str:
    connections = "".join(_connection(peer, each, links[each.id][1], updown) for each in peer.tunnels)
    secrets = "".join(
        f"""\
  ike-{plain(each.id)} {{
    id-1 = {identity(each.ike.local_id)}
    id-2 = {identity(each.ike.remote_id)}
    secret = {secret(each.psk)}
  }}
"""
        for each in peer.tunnels
    )
    return f"""\
{head(vendor, peer)}\
# When it is in place: swanctl --load-all, and swanctl --list-sas shows what has come of it.
connections {{
{connections}}}
secrets {{
{secrets}}}
"""


def _connection(peer: Peer, tunnel: PeerTunnel, number: int, updown: str) -> str:
    ike = tunnel.ike
    version = word(_VERSIONS, ike.version, "IKE version", _DEVICE)
    lines = [
        f"version = {version}",
        f"# the gateway knows this device as {tunnel.local_address}; behind NAT it may have another address itself",
        f"remote_addrs = {tunnel.remote_address}",
        f"proposals = {_proposal(ike.encryption, ike.authentication, ike.group, phase=1)}",
        f"rekey_time = {ike.lifetime}s",
        "keyingtries = 0",
    ]
    if version == "1":
        lines += ["reauth_time = 0s", f"aggressive = {word(_MODES, ike.mode, 'IKE mode', _DEVICE)}"]
    else:
        lines.append("mobike = no")
    if tunnel.dpd:
        lines += ["dpd_delay = 10s", "dpd_timeout = 30s"]
    ends = "".join(
        f"""\
    {side} {{
      auth = psk
      id = {identity(name)}
    }}
"""
        for side, name in (("local", ike.local_id), ("remote", ike.remote_id))
    )
    # an IKEv1 quick mode has one network at each end
    apart = version == "1" and len(peer.pairs) > 1
    selectors = peer.pairs if apart else [(",".join(peer.local_subnets), ",".join(peer.remote_subnets))]
    children = "".join(
        _child(tunnel, f"{plain(peer.id)}-{tunnel.role}{f'-{index}' if apart else ''}", pair, number, updown)
        for index, pair in enumerate(selectors, 1)
    )
    return f"""\
  {plain(peer.id)}-{tunnel.role} {{
{block(lines, 4)}{ends}    children {{
{children}    }}
  }}
"""


def _child(tunnel: PeerTunnel, name: str, selectors: tuple[str, str], number: int, updown: str) -> str:
    ipsec = tunnel.ipsec
    lines = [
        f"local_ts = {selectors[0]}",
        f"remote_ts = {selectors[1]}",
        f"esp_proposals = {_proposal(ipsec.encryption, ipsec.authentication, ipsec.group, phase=2)}",
        f"rekey_time = {ipsec.lifetime}s",
        "start_action = start",
        "close_action = start",
        f"updown = {updown}",
    ]
    if tunnel.dpd:
        lines.append("dpd_action = restart")
    if number:
        lines += [f"if_id_in = {number}", f"if_id_out = {number}"]
    return f"      {name} {{\n{block(lines, 8)}      }}\n"


def _proposal(encryption: str, authentication: str, group: str, *, phase: int) -> str:
    words = [word(_ENCRYPTION | _COMBINED, encryption, "encryption", _DEVICE)]
    integrity = word(_AUTHENTICATION, authentication, "authentication", _DEVICE)
    if encryption not in _COMBINED:
        words.append(integrity)
    elif phase == 1:
        words.append(f"prf{integrity}")
    if phase == 1 or group != "disabled":
        words.append(word(_GROUPS, group, "Diffie-Hellman group", _DEVICE))
    return "-".join(words)


def _daemon(vendor: Vendor, peer: Peer) -> str:
    """What charon itself is told."""
    text = f"""\
{head(vendor, peer)}\
# Read when charon starts. An IKEv2 gateway that has gone is noticed after some 10 s of silence and 11 s of asking; with
# charon's own figures it would be 165 s.
charon {{
  retransmit_timeout = 1.5
  retransmit_base = 1.2
  retransmit_tries = 4
"""
    if vendor is USERSPACE:
        text += """\
  # fewer than 9 threads hang; its own routes come after those of the main table, where the updown script puts its own
  threads = 16
  routing_table_prio = 40000
  plugins {
    kernel-libipsec {
      load = yes
    }
  }
"""
    return text + "}\n"


def _updown(vendor: Vendor, peer: Peer, links: dict[str, tuple[str, int]]) -> str:
    """A script that charon runs when a CHILD SA comes or goes: the interface, its address and the routes through it."""
    cases = "".join(_case(f"{plain(peer.id)}-{each.role}", peer, each, *links[each.id]) for each in peer.tunnels)
    return f"""\
#!/bin/sh
{head(vendor, peer)}\
# charon runs it when a tunnel comes or goes: with it come its interface and its routes, and the routes go.
set -e
case "$PLUTO_CONNECTION" in
{cases}esac
"""


def _case(name: str, peer: Peer, tunnel: PeerTunnel, link: str, number: int) -> str:
    metric = distance(tunnel)
    up = [f"ip link show {link} >/dev/null 2>&1 || ip link add {link} type xfrm if_id {number}"] if number else []
    up.append(f"ip link set {link} mtu 1400 up")
    down = []
    if tunnel.bgp is not None:
        up.append(f"ip address replace {tunnel.bgp.local_address}/{tunnel.bgp.prefix} dev {link}")
    elif peer.routed:
        for network in peer.remote_networks:
            up.append(f"ip route replace {network} dev {link} metric {metric}")
            down.append(f"ip route del {network} dev {link} metric {metric} || true")
        if not peer.remote_networks:
            up.append(f"# the connection does not say what is behind the gateway: ip route replace NETWORK dev {link}")
    else:
        up.append(f'ip route replace "$PLUTO_PEER_CLIENT" dev {link} metric {metric}')
        down.append(f'ip route del "$PLUTO_PEER_CLIENT" dev {link} metric {metric} || true')
    return f"""\
{name}*)
  case "$PLUTO_VERB" in
  up-*)
{block(up, 4)}    ;;
  down-*)
{block(down or [":"], 4)}    ;;
  esac
  ;;
"""


KERNEL = Vendor(
    "strongSwan 5.8 and later with swanctl, ESP in the kernel",
    "#",
    _kernel,
    "brought up with a gateway by Gatewright's tests, strongSwan 5.9.8 on Linux 6.1",
)
USERSPACE = Vendor(
    "strongSwan 5.9 with swanctl, ESP in charon (kernel-libipsec)",
    "#",
    _userspace,
    "brought up with a gateway by Gatewright's tests, strongSwan 5.9.8",
)
