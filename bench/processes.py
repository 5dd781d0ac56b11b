"""What a process uses, and how one that we started is ended."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

_PATIENCE = 10


def resident_mb(pid: int) -> float:
    """The resident set of one process, in units of 1,000,000 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError(f"process {pid} has no memory")


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used so far, all its threads together."""
    # The name in parentheses may hold spaces; what follows it starts with the third field.
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL when that does not help."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
