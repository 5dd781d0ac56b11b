"""Figures of a service: what counts them, and where they are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gatewright.metrics.counts import RequestCounts
from gatewright.metrics.exposition import Exposition, ProcessFigures
from gatewright.metrics.page import PATH, MetricsPage
from gatewright.metrics.state import State
from gatewright.reconcile.control_plane import ControlPlane
from gatewright.reconcile.traffic import Traffic
from gatewright.store.database import Database
from gatewright.wire.server import Server

#: Simultaneous connections to a port of their own.
CONNECTIONS = 16


class Metrics:
    """The figures of one API process."""

    def __init__(
        self, database: Database, control_plane: ControlPlane, traffic: Traffic, plane: str, *, apart: bool
    ) -> None:
        """``apart``: they are served on a port of their own."""
        self.requests = RequestCounts()
        #: The API's server and how many connections it may have, once it is there.
        self.server: tuple[Server, int] | None = None
        #: Until when the API's certificate is valid; None without one.
        self.valid_until: Callable[[], datetime | None] = lambda: None
        self.state = State(database, control_plane.watch, traffic)
        exposition = Exposition(plane, self.requests, control_plane.watch, self.state, self._process)
        #: For whoever reaches the port of their own, if there is one.
        self.page = MetricsPage(exposition, anybody=apart)
        #: What the API's port serves beside the API.
        self.beside = {} if apart else {PATH: self.page}

    def _process(self) -> ProcessFigures:
        until = self.valid_until()
        if self.server is None:
            return ProcessFigures(0, 0, until)
        server, most = self.server
        return ProcessFigures(len(server.server_state.connections), most, until)
