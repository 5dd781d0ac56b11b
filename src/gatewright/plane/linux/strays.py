"""Processes in a namespace that is to go, whoever started them there."""

from __future__ import annotations

from gatewright.plane.linux import netns, processes
from gatewright.plane.linux.failures import step
from gatewright.plane.linux.processes import Process, Seen


def end(namespace: str, seen: Seen | None = None) -> None:
    """End every process in the namespace, if there is one of that name. Raises PlaneError.

    ``seen`` are the host's processes, if that is known.
    """
    with step(f"looking for processes in {namespace}"):
        which = netns.identity(namespace)
        if which is None:
            return
        strays = []
        for pid, where in processes.running() if seen is None else seen:
            process = Process.open(pid) if where == which else None
            if process is not None:
                # looked at again: only now is it certain that the number still means the same process
                if processes.namespace_of(pid) == which:
                    strays.append(process)
                else:
                    process.close()
    processes.terminate(strays)
