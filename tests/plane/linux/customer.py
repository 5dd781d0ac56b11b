"""A customer's site: a router with a charon of its own, on an uplink's bridge, and a host behind it.

The charon is run as anybody would run it, over the kernel-libipsec plugin or, if it is told so, with the kernel's ESP,
and knows nothing of the plane's code but how a connection is written in VICI's words; :meth:`Customer.answer` turns a
tunnel round.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import vici

from gatewright.plane.linux import vici_conn
from gatewright.resources.tunnels import BgpSpec, IkeSpec, IpsecSpec, SecretRef, TunnelSpec
from tests.plane.linux.lab import CHARON, PSK
from tests.plane.linux.machines import Machine, Machines
from tests.support.patience import patience

#: Of a customer's XFRM interface. No gateway's: it means something in one namespace only.
_IF_ID = 7

_CONFIG = """\
charon-systemd {{
    load_modular = no
    load = random nonce openssl pem pkcs1 x509 pubkey constraints revocation gcm aes md5 sha1 sha2 hmac kdf \
{carriers} kernel-netlink socket-default vici updown
    threads = 16
    install_virtual_ip = no
    routing_table = 220
    routing_table_prio = 40000
    interfaces_use = eth0
    retransmit_timeout = 0.5
    retransmit_tries = 3
    # hundreds of tunnels of one gateway may begin at once
    dos_protection = no
    i_dont_care_about_security_and_use_aggressive_mode_psk = yes
    plugins {{
        socket-default {{
            use_ipv6 = no
        }}
        vici {{
            socket = unix://{folder}/vici
        }}
    }}
    filelog {{
        file {{
            path = {folder}/log
            flush_line = yes
            default = 1
        }}
    }}
    journal {{
        default = -1
    }}
}}
"""


def tunnel(
    number: int = 1,
    peer: str = "198.51.100.50",
    *,
    gateway: str = "198.51.100.1",
    version: str = "ikev2",
    mode: str = "main",
    local: tuple[str, ...] = ("0.0.0.0/0",),
    remote: tuple[str, ...] = ("0.0.0.0/0",),
    initiate: bool = True,
    ike: Mapping[str, Any] | None = None,
    ipsec: Mapping[str, Any] | None = None,
    bgp: BgpSpec | None = None,
    psk_version: int = 1,
    **more: Any,
) -> TunnelSpec:
    """A tunnel of the instance with the address ``gateway``; ``ike`` and ``ipsec`` say what differs."""
    ids: dict[str, Any] = {"local_id": gateway, "remote_id": peer, "version": version, "mode": mode}
    suite: dict[str, Any] = {"encryption": "aes", "authentication": "sha256", "lifetime": 86400}
    return TunnelSpec(
        id=f"tun-{number}",
        connection_id=f"vco-{number}",
        number=number,
        role="master",
        peer=peer,
        psk=SecretRef(f"tun-{number}", psk_version),
        ike=IkeSpec(**(ids | suite | {"group": "group14"} | dict(ike or {}))),
        ipsec=IpsecSpec(**(suite | {"group": "group14"} | dict(ipsec or {}))),
        local_subnets=local,
        remote_subnets=remote,
        initiate=initiate,
        bgp=bgp,
        **more,
    )


@dataclass
class Customer:
    """The router's namespace is ``router.name``; its link outside ``eth0``, the one to the host ``lan``."""

    router: Machine
    host: Machine
    #: Of the router, outside, and of the host.
    address: str
    inside: str
    folder: Path
    #: By the kernel: then it sends ESP itself, and not in UDP as the plugin always does.
    kernel_esp: bool = False
    _charon: subprocess.Popen[bytes] | None = None
    _sessions: list[tuple[vici.Session, socket.socket]] = field(default_factory=list)

    def start(self) -> None:
        """Start charon; returns when it answers."""
        (self.folder / "strongswan.conf").write_text(self._config())
        self._charon = subprocess.Popen(
            ["ip", "netns", "exec", self.router.name, CHARON],
            env=os.environ | {"STRONGSWAN_CONF": str(self.folder / "strongswan.conf")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + patience(10)
        while True:
            try:
                self._connect()
                break
            except OSError:
                assert self._charon.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.005)
        # a TUN device has gone with the charon before, and an XFRM interface has not
        if self.kernel_esp and "ipsec0" not in self.router.ip("-o", "link"):
            self.router.ip("link", "add", "ipsec0", "type", "xfrm", "if_id", str(_IF_ID))
        self.router.ip("link", "set", "ipsec0", "up")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        for _, connected in self._sessions:
            connected.close()
        self._sessions.clear()
        if self._charon is not None:
            self._charon.send_signal(number)
            self._charon.wait(patience(10))
            self._charon = None
        (self.folder / "vici").unlink(missing_ok=True)

    @property
    def vici(self) -> Any:
        return self._sessions[0][0]

    def answer(
        self,
        spec: TunnelSpec,
        psk: str = PSK,
        *,
        gateway: str | None = None,
        address: str | None = None,
        proposals: Sequence[str] = (),
        **differing: Any,
    ) -> TunnelSpec:
        """Configure the other end of a tunnel, but for what is said to differ; gives that end.

        ``gateway`` is where it is found, its identity if nothing else is said; ``address`` is that of this end, where
        it has several, and ``proposals`` are what it takes of ESP besides what the tunnel has.
        """
        turned = msgspec.structs.replace(self.turned(spec, gateway), **differing)
        self.vici.load_shared(vici_conn.shared_key(turned, psk))
        if_id = _IF_ID if self.kernel_esp else None
        ((name, settings),) = vici_conn.connection(turned, address or self.address, if_id=if_id).items()
        for child in settings["children"].values():
            child["esp_proposals"] = list(dict.fromkeys((*child["esp_proposals"], *proposals)))
        self.vici.load_conn({name: settings})
        return turned

    def turned(self, spec: TunnelSpec, gateway: str | None = None) -> TunnelSpec:
        """A tunnel as its peer sees it."""
        ike = msgspec.structs.replace(spec.ike, local_id=spec.ike.remote_id, remote_id=spec.ike.local_id)
        return msgspec.structs.replace(
            spec,
            peer=gateway or spec.ike.local_id,
            ike=ike,
            local_subnets=spec.remote_subnets,
            remote_subnets=spec.local_subnets,
            initiate=False,
        )

    def as_itself(self, spec: TunnelSpec, identity: str) -> IkeSpec:
        """Phase 1 of a tunnel as this peer has it, for :meth:`answer`: it calls itself so."""
        return msgspec.structs.replace(self.turned(spec).ike, local_id=identity)

    def route(self, *networks: str) -> None:
        """Send these through the tunnel."""
        for one in networks:
            self.router.ip("route", "replace", one, "dev", "ipsec0")

    def initiate(self, child: str = "tun1", seconds: float = 5) -> None:
        """Raises vici's CommandException if it comes to nothing."""
        for _ in self.vici.initiate(
            {"ike": child.partition("-")[0], "child": child, "timeout": int(patience(seconds) * 1000)}
        ):
            pass

    def begin(self, child: str = "tun1") -> None:
        """Begin to negotiate, and wait for nothing."""
        for _ in self.vici.initiate({"ike": child.partition("-")[0], "child": child, "timeout": -1}):
            pass

    def terminate(self, name: str = "tun1") -> None:
        for _ in self.vici.terminate({"ike": name, "timeout": int(patience(3) * 1000)}):
            pass

    def forget(self, name: str = "tun1") -> None:
        """End what there is of a tunnel, whether anybody answers or not."""
        with contextlib.suppress(vici.exception.CommandException):  # there is nothing of it
            for _ in self.vici.terminate({"ike": name, "force": "yes", "timeout": -1}):
                pass

    def sas(self) -> list[Mapping[str, Any]]:
        return [sa for listed in self.vici.list_sas() for sa in listed.values()]

    def log(self) -> str:
        try:
            return (self.folder / "log").read_text()[-5000:]
        except OSError:
            return "(no log)"

    def _config(self) -> str:
        return _CONFIG.format(folder=self.folder, carriers="" if self.kernel_esp else "kernel-libipsec")

    def _connect(self) -> None:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(patience(10))
        try:
            connected.connect(str(self.folder / "vici"))
            session = vici.Session(connected)
            session.version()
        except OSError:
            connected.close()
            raise
        self._sessions.append((session, connected))


@contextlib.contextmanager
def customer(
    machines: Machines,
    bridge: str,
    address: str = "198.51.100.50/24",
    subnet: str = "172.16.1.0/24",
    *,
    gateway: str | None = None,
    where: str | None = None,
    started: bool = True,
    kernel_esp: bool = False,
) -> Iterator[Customer]:
    """A site on a bridge of the host, or of the namespace ``where``; ``gateway`` is its way out, if it has one.

    In ``subnet`` the router has the first address, the host the second. Its charon is ``started`` here, or by the
    caller in its own way. All of it is gone at the end.
    """
    folder = Path(tempfile.mkdtemp(prefix="gw-cust-", dir="/tmp"))
    router = machines.plug(bridge, address, gateway, where=where)
    router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    first = subnet.replace(".0/", ".1/")
    router.ip("link", "add", "lan", "type", "bridge")
    router.ip("address", "add", first, "dev", "lan")
    router.ip("link", "set", "lan", "up")
    host = machines.plug("lan", subnet.replace(".0/", ".2/"), first.partition("/")[0], where=router.name)
    site = Customer(
        router, host, address.partition("/")[0], subnet.replace(".0/", ".2/").partition("/")[0], folder, kernel_esp
    )
    try:
        if started:
            site.start()
        yield site
    finally:
        site.stop(signal.SIGKILL)
        shutil.rmtree(folder)
