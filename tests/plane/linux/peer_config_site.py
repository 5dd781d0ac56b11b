"""A site whose strongSwan has been given what ``gatewright peer-config`` prints, at the places that this says."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gatewright.peers import Part, Peer, peer
from gatewright.plane.linux import bird
from gatewright.resources.tunnels import EVERYWHERE, TunnelSpec
from tests.plane.linux.lab import CHARON
from tests.plane.linux.machines import Machine
from tests.support.patience import patience

#: Debian's configuration is /etc/strongswan.conf, which includes strongswan.d; nothing of the host's is changed.
_OWN_FILES = """\
set -e
mount --make-rprivate /
mount --bind "$1/swanctl" /etc/swanctl
mount --bind "$1/strongswan.d" /etc/strongswan.d
mount -t tmpfs tmpfs /run
exec "$2"
"""
#: Beside what is printed: a log, and no more plugins in swanctl than it needs, which takes its time to load all.
_LOG = """\
swanctl {{
  load = random openssl pem
}}
charon {{
  filelog {{
    file {{
      path = {path}
      flush_line = yes
      default = 1
    }}
  }}
}}
"""


def peer_of(tunnel: TunnelSpec, psk: str, networks: tuple[str, str]) -> Peer:
    """The device's side of a tunnel, made of what the API would answer; what is behind it, and behind the gateway."""
    ike, ipsec = tunnel.ike, tunnel.ipsec
    config: dict[str, Any] = {
        "Local": tunnel.peer,
        "Remote": ike.local_id,
        "LocalSubnet": ",".join(tunnel.remote_subnets),
        "RemoteSubnet": ",".join(tunnel.local_subnets),
        "IkeConfig": {
            "IkeVersion": ike.version,
            "IkeMode": ike.mode,
            "IkeEncAlg": ike.encryption,
            "IkeAuthAlg": ike.authentication,
            "IkePfs": ike.group,
            "IkeLifetime": ike.lifetime,
            "LocalId": ike.remote_id,
            "RemoteId": ike.local_id,
            "Psk": psk,
        },
        "IpsecConfig": {
            "IpsecEncAlg": ipsec.encryption,
            "IpsecAuthAlg": ipsec.authentication,
            "IpsecPfs": ipsec.group,
            "IpsecLifetime": ipsec.lifetime,
        },
    }
    if (bgp := tunnel.bgp) is not None:
        session = {
            "LocalAsn": str(bgp.peer_asn),
            "PeerAsn": str(bgp.local_asn),
            "LocalBgpIp": bgp.peer_address,
            "PeerBgpIp": bgp.local_address,
            "TunnelCidr": bgp.network,
        }
        config["BgpConfigs"] = {"BgpConfig": [session]}
    connection = {"VpnConnectionId": tunnel.connection_id, "Name": "site", "EnableDpd": tunnel.dpd}
    said = tunnel.local_subnets != (EVERYWHERE,)
    ours, theirs = ((), ()) if said else ((networks[0],), (networks[1],))
    return peer({"VpnConnectionConfig": config}, connection, local_networks=ours, remote_networks=theirs)


@contextlib.contextmanager
def speaking(router: Machine, folder: Path, config: Path | None = None) -> Iterator[None]:
    """BIRD at a site, with what was printed for it in this folder, or what includes that."""
    files = ["-c", str(config or folder / "bird/bird.conf"), "-s", str(folder / "bird.ctl")]
    process = subprocess.Popen(
        ["ip", "netns", "exec", router.name, bird.EXECUTABLE, "-f", *files],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        try:
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def running(router: Machine, folder: Path, parts: Iterable[Part]) -> Iterator[None]:
    """strongSwan at a site, configured with what is printed for a device, and nothing else."""
    shutil.copytree("/etc/strongswan.d", folder / "strongswan.d")
    shutil.copytree("/etc/swanctl", folder / "swanctl")
    (folder / "strongswan.d/log.conf").write_text(_LOG.format(path=folder / "log"))
    for part in parts:
        path, _, mode = part.goes.partition(", mode ")
        place = folder / Path(path.partition(" ")[0]).relative_to("/etc")
        place.parent.mkdir(exist_ok=True)
        place.write_text(part.text)
        place.chmod(int(mode or "644", 8))
    charon = subprocess.Popen(
        [
            "ip",
            "netns",
            "exec",
            router.name,
            "sh",
            "-c",
            f"exec unshare -m sh -c '{_OWN_FILES}' - {folder} {CHARON}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "STRONGSWAN_CONF"},
    )
    try:
        _load(charon, folder)
        yield
    finally:
        charon.terminate()
        charon.wait(patience(10))


def _load(charon: subprocess.Popen[bytes], folder: Path) -> None:
    """What its head says to do when it is in place."""
    deadline = time.monotonic() + patience(10)
    while True:
        assert charon.poll() is None, _logged(folder)
        ran = subprocess.run(
            ["nsenter", "-m", "-n", "-t", str(charon.pid), "swanctl", "--load-all"],
            capture_output=True,
            text=True,
            check=False,
            timeout=patience(5),
        )
        if ran.returncode == 0:
            return
        assert time.monotonic() < deadline, ran.stdout + ran.stderr + _logged(folder)
        time.sleep(0.05)


def _logged(folder: Path) -> str:
    log = folder / "log"
    return log.read_text()[-5000:] if log.exists() else "(no log)"
