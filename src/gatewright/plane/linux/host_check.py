"""What a host must have before the linux plane can run on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gatewright.isolation import users
from gatewright.plane.contract import PlaneError
from gatewright.plane.linux import esp, netns, nft
from gatewright.plane.linux.charon import EXECUTABLE
from gatewright.plane.linux.confinement import Confinement
from gatewright.plane.linux.esp import Backend
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.names import LinkMark
from gatewright.plane.linux.rtnl import Rtnl
from gatewright.plane.linux.ruleset import (
    ACCEPT,
    NOTRACK,
    Chain,
    Rule,
    Table,
    at_most,
    connection,
    field,
    joined,
    of_field,
    of_link,
    rewritten,
    rewritten_by,
    segments_at_most,
    told,
)

PLUGINS = Path("/usr/lib/ipsec/plugins")
PLUGIN_PACKAGES = {
    "openssl": "libstrongswan-standard-plugins",
    "gcm": "libstrongswan-standard-plugins",
    "vici": "strongswan-swanctl",
    "kernel-libipsec": "libcharon-extra-plugins",
    "kernel-netlink": "libstrongswan",
}


def requirements() -> list[str]:
    """What is missing on this host, one sentence for people each; empty if the plane can run."""
    # in a thread of its own, which goes to other namespaces
    with ThreadPoolExecutor(1) as worker:
        return worker.submit(lambda: list(_missing())).result()


def _missing() -> Iterator[str]:
    if os.geteuid() != 0:
        yield "The linux plane has to run as root."
        return
    if not Path(EXECUTABLE).exists():
        yield "charon-systemd is not installed: apt-get install charon-systemd."
    programs = {"ip": "iproute2", nft.EXECUTABLE: "nftables", "setpriv": "util-linux", "bird": "bird2"}
    absent = [program for program in programs if shutil.which(program) is None]
    for program in absent:
        yield f"{program} is not installed: apt-get install {programs[program]}."
    if absent:
        return
    try:
        _try_links()
        backend = esp.backend()
        _try_confinement(backend)
    except PlaneError as error:
        yield f"This kernel or container does not let us: {error}."
        return
    if PLUGINS.is_dir():
        for plugin in ("openssl", "gcm", "vici", *backend.plugins):
            if not (PLUGINS / f"libstrongswan-{plugin}.so").exists():
                yield f"strongSwan's plugin {plugin} is not installed: apt-get install {PLUGIN_PACKAGES[plugin]}."


def _try_confinement(backend: Backend) -> None:
    """Start a program as daemons are started. Raises PlaneError."""
    doing = "confining a program as daemons are"
    with step(doing), tempfile.TemporaryDirectory(prefix="gw-trial-") as made:
        own = Path(made) / "own"
        own.mkdir()
        trial = Confinement(users.LAST, ("net_admin",), Path(made), own, backend.devices)
        with trial.view():
            done = subprocess.run(
                trial.command(["true"]), capture_output=True, text=True, errors="replace", timeout=10, check=False
            )
        if done.returncode != 0:
            raise PlaneError(f"{doing}: {done.stderr.strip()}")


def _try_links() -> None:
    """Make what instances are made of, in a namespace that is thrown away. Raises PlaneError."""
    with step("making a network namespace"), netns.temporary(), Rtnl() as trial:
        trial.add_bridge(LinkMark("trial", "", "02:00:00:00:00:01"))
        bridge = trial.find("trial")
        if bridge is not None:
            namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                trial.add_veth(
                    LinkMark("outer", "", "02:00:00:00:00:02"),
                    bridge,
                    "inner",
                    "02:00:00:00:00:03",
                    namespace,
                )
            finally:
                os.close(namespace)
            _try_filters("outer")


def _try_filters(link: str) -> None:
    """Put rules of the kinds that filters and guards are made of into the calling thread's namespace."""
    raw: Rule = (NOTRACK, ACCEPT)
    limited: Rule = (connection("established", "related"), at_most(1, 1), ACCEPT)
    # what tunnels need: addresses that are rewritten, segments, and what is told of
    there = rewritten_by("ip", "daddr", of_field("ip", "saddr"), {"192.0.2.1": "192.0.2.2"})
    back = joined((of_link("iifname"), ["lo"]), (of_field("ip", "saddr"), ["192.0.2.2"]))
    carried: tuple[Rule, ...] = ((there, ACCEPT), (back, ACCEPT), segments_at_most(1360), (told(1, 64),))
    leaving: Rule = (rewritten("ip", "saddr", "192.0.2.1"),)
    chains = (
        Chain("raw", "prerouting", (raw,), -300),
        Chain("input", "input", (limited,)),
        Chain("forward", "forward", carried),
        Chain("leaving", "postrouting", (leaving,), -300),
    )
    nft.put(Table("inet", "trial", chains), replacing=False)
    guard: Rule = (field("ether", "saddr", "02:00:00:00:00:01"), ACCEPT)
    nft.put(Table("netdev", "trial", (Chain("guard", "ingress", (guard,), device=link),)), replacing=False)
