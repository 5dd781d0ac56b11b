"""The file that a run leaves, ``docs/bench/results.json``: by part, what was measured, when and on what.

A run replaces the parts that it has measured; others stay, each with its own time, commit and machine. Nothing in it
names a host or a path.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.figures import Part

ROOT = Path(__file__).parent.parent
RESULTS = Path("docs/bench/results.json")
#: Parts by name: ``measured``, ``figures``, ``remarks``, ``runs``.
Results = dict[str, dict[str, Any]]


def conditions(folder: Path, *, quick: bool) -> dict[str, Any]:
    """When, of which code and on what it is measured; ``folder`` is where the databases lie."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(),
        "quick": quick,
        "cores": os.cpu_count(),
        "processor": _processor(),
        "kernel": ".".join(re.findall(r"\d+", platform.release())[:2]),
        "python": platform.python_version(),
        "filesystem": _filesystem(folder),
        "load_before": round(os.getloadavg()[0], 2),
    }


def busy(measured: Mapping[str, Any]) -> bool:
    """Whether others had so much of the machine that only ratios mean something."""
    return bool(measured["load_before"] > measured["cores"] / 4)


def read(root: Path = ROOT) -> Results:
    """What was measured last; nothing, if there is no file."""
    path = root / RESULTS
    if not path.is_file():
        return {}
    parts: Results = json.loads(path.read_text("utf-8"))["parts"]
    return parts


def write(parts: Mapping[str, Part], measured: Mapping[str, Any], root: Path = ROOT) -> Results:
    """Replace what was measured. Returns all parts."""
    results = read(root)
    for name, part in parts.items():
        # a part that could not be measured leaves what there is
        if part.figures:
            results[name] = {
                "measured": dict(measured),
                "figures": [figure.document() for figure in part.figures],
                "remarks": list(part.remarks),
                "runs": part.runs,
            }
    path = root / RESULTS
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"parts": dict(sorted(results.items()))}, indent=1, ensure_ascii=False)
    path.write_text(_flat(text) + "\n", "utf-8")
    return results


def _flat(text: str) -> str:
    """With lists of numbers on one line each."""
    return re.sub(
        r"\[[\s\d.,e-]*\]", lambda found: " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]"), text
    )


def _commit() -> str:
    """The commit that is measured, and whether there was more than it; ``unknown`` without git."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "src", "bench")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head} and changes" if changed else head


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _filesystem(folder: Path) -> str:
    """The type of the file system with the longest mount point above the folder."""
    best = ("", "unknown")
    for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
        point, kind = line.split()[1:3]
        if folder.resolve().is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]
