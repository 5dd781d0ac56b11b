"""BGP on a Linux device with BIRD 2: what stands beside strongSwan where a connection has BGP."""

from __future__ import annotations

from collections.abc import Mapping

from gatewright.peers.model import Peer, PeerBgp, PeerTunnel
from gatewright.peers.writing import CannotDo, local_preference


def config(peer: Peer, links: Mapping[str, str]) -> str:
    """A ``bird.conf``; ``links`` has the name of each tunnel's interface. Raises CannotDo."""
    sessions = [(each, each.bgp) for each in peer.tunnels if each.bgp is not None]
    if not sessions:
        raise CannotDo("this connection has no BGP")
    networks = "".join(f"  route {network} unreachable;\n" for network in peer.local_networks)
    ours = networks or "  # the connection does not say what is behind this device: route 192.168.0.0/24 unreachable;\n"
    return f"""\
# What is learned goes into the kernel.
router id {sessions[0][1].local_address};
protocol device {{ scan time 2; }}
protocol kernel {{
  ipv4 {{ import none; export where source = RTS_BGP; }};
}}
# what is behind this device: announced, and never put into its kernel
protocol static ours {{
  ipv4;
{ours}}}
protocol bfd {{
  interface "{'", "'.join(links[each.id] for each, _ in sessions)}" {{ interval 100 ms; multiplier 3; }};
}}
{"".join(_session(tunnel, bgp) for tunnel, bgp in sessions)}"""


def _session(tunnel: PeerTunnel, bgp: PeerBgp) -> str:
    key = f"  password {quoted(bgp.key)};\n" if bgp.key else ""
    return f"""\
protocol bgp {tunnel.role} {{
  local {bgp.local_address} as {bgp.local_asn};
  neighbor {bgp.remote_address} as {bgp.remote_asn};
{key}  direct;
  bfd yes;
  hold time 9;
  connect retry time 1;
  connect delay time 1;
  error wait time 1, 2;
  ipv4 {{
    import filter {{ bgp_local_pref = {local_preference(tunnel)}; accept; }};
    export where proto = "ours";
    next hop self;
  }};
}}
"""


def quoted(text: str) -> str:
    """A string of BIRD's, which cannot have a double quote in it. Raises CannotDo."""
    if '"' in text:
        raise CannotDo("BIRD cannot have a double quote in BGP's key: give the customer gateway another AuthKey")
    return f'"{text}"'
