"""The bare floor under dual-tunnel gateways: the same namespaces, links and addresses, made by hand.

With the fewest calls there are: one `ip` for all links of an instance, one for its inside. Nothing is looked at first,
nothing is proved to be ours, and nobody waits for packets to pass.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 30.0
_WORKERS = 8


@dataclass
class _Half:
    """One instance made by hand: a namespace, two veths into bridges of the host."""

    name: str
    vswitch: str
    uplink: str

    @property
    def links(self) -> tuple[str, str]:
        return f"{self.name}l", f"{self.name}w"

    def build(self) -> None:
        lan, wan = self.links
        _ip("netns", "add", self.name)
        _batch(
            f"link add {lan} up master {self.vswitch} type veth peer name lan netns {self.name}",
            f"link add {wan} up master {self.uplink} type veth peer name wan netns {self.name}",
        )
        _batch(
            "link set dev lo up",
            "address add 10.0.0.5/24 dev lan",
            "address add 198.51.100.5/24 dev wan",
            "link set dev lan up",
            "link set dev wan up",
            namespace=self.name,
        )

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)

    def await_vanished(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while any(Path(f"/sys/class/net/{link}").exists() for link in self.links):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the links of {self.name} do not vanish")
            time.sleep(0.001)


class Floor:
    """Gateways made by hand, as often as wanted. Needs root. Use it as a context manager."""

    def __init__(self) -> None:
        self._stem = f"fl{os.getpid()}"
        self._bridges = [f"{self._stem}{letter}" for letter in "abu"]

    def __enter__(self) -> Floor:
        """The two vSwitches and the uplink are there before, as with ours."""
        _batch(*(f"link add {name} up type bridge" for name in self._bridges))
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._bridges:
            subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)

    def once(self, gateways: int = 1) -> tuple[float, float]:
        """Build so many gateways at once, and take them down. Returns the seconds of both."""
        *vswitches, uplink = self._bridges
        halves = [
            _Half(f"{self._stem}-{number}-{index}", vswitch, uplink)
            for number in range(gateways)
            for index, vswitch in enumerate(vswitches)
        ]
        with ThreadPoolExecutor(_WORKERS) as pool:
            try:
                begun = time.perf_counter()
                list(pool.map(_Half.build, halves))
                built = time.perf_counter() - begun
            finally:
                removed = self._remove(halves, pool)
        return built, removed

    def _remove(self, halves: Sequence[_Half], pool: ThreadPoolExecutor) -> float:
        begun = time.perf_counter()
        list(pool.map(_Half.remove, halves))
        list(pool.map(_Half.await_vanished, halves))
        return time.perf_counter() - begun


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], capture_output=True, check=True)


def _batch(*commands: str, namespace: str | None = None) -> None:
    where = [] if namespace is None else ["-n", namespace]
    subprocess.run(["ip", *where, "-batch", "-"], input="\n".join((*commands, "")).encode(), check=True)
