"""What all processes of an installation use, and which they are."""

from __future__ import annotations

import time
from pathlib import Path

from bench.processes import processor_seconds


def family(supervisor: int) -> list[int]:
    """The supervisor and its two halves."""
    words = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text("ascii").split()
    return [supervisor, *map(int, words)]


def daemons(installation: str, whose: str = "") -> list[int]:
    """Every process in a namespace of the installation, or in those whose names go on as ``whose`` says."""
    ours = {path.stat().st_ino for path in Path("/run/netns").glob(f"gw-{installation}-{whose}*")}
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if (folder / "ns/net").stat().st_ino in ours:
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


def namespaces(installation: str) -> dict[str, int]:
    """Those of an installation by name, and which they are: made anew, one is another."""
    return {path.name: path.stat().st_ino for path in Path("/run/netns").glob(f"gw-{installation}-*")}


def proportional_mb(pid: int) -> float:
    """The proportional set size: what is shared counts a share each. In units of 1,000,000 bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError(f"process {pid} has no memory")


def processor_share(pids: list[int], seconds: float) -> dict[int, float]:
    """By process, how much of one core it uses while nothing happens: 0.01 is a per cent.

    The kernel counts in hundredths of a second, so ``seconds`` should be many.
    """
    before = {pid: processor_seconds(pid) for pid in pids}
    begun = time.perf_counter()
    time.sleep(seconds)
    passed = time.perf_counter() - begun
    return {pid: (processor_seconds(pid) - before[pid]) / passed for pid in pids if Path(f"/proc/{pid}").exists()}
