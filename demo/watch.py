"""Looks at the tunnels all the time: statuses by the API, packets at the office's routers."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from demo.cloud import ROLES, Cloud, TunnelStatus
from demo.office import Office
from demo.telling import Known

_PAUSE = 0.1


class Watch:
    """A thread; use it as a context manager. What it finds is in ``known``, and changes of statuses are told."""

    def __init__(self, known: Known, cloud: Cloud, connection: str, office: Office) -> None:
        self._known = known
        self._cloud = cloud
        self._connection = connection
        self._office = office
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        before, counted = time.monotonic(), {role: self._office.packets(role) for role in ROLES}
        while not self._end.wait(_PAUSE):
            now, packets = time.monotonic(), {role: self._office.packets(role) for role in ROLES}
            # a charon that has started anew counts from 0
            self._known.rates = {role: max(0, packets[role] - counted[role]) / (now - before) for role in ROLES}
            before, counted = now, packets
            try:
                self._tell(self._cloud.tunnels(self._connection))
            except Exception as error:
                self._known.happens(f"the API did not answer: {error}")
                return

    def _tell(self, tunnels: list[TunnelStatus]) -> None:
        old = {each.role: each for each in self._known.tunnels}
        for each in tunnels:
            known = old.get(each.role)
            if known is None or known == each:
                continue
            if known.status != each.status:
                self._known.happens(f"the API says of the {each.role}'s tunnel: {each.status}")
            if known.bgp != each.bgp:
                self._known.happens(
                    f"the API says of the {each.role}'s BGP: {'up' if each.bgp == 'success' else 'down'}"
                )
        self._known.tunnels = tuple(tunnels)
