"""Figures of a service: what counts them, and where they are told."""

from __future__ import annotations

from gatewright.metrics.counts import RequestCounts
from gatewright.metrics.exposition import Exposition
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
        self.state = State(database, control_plane.watch, traffic)
        exposition = Exposition(plane, self.requests, control_plane.watch, self.state, self._connections)
        #: For whoever reaches the port of their own, if there is one.
        self.page = MetricsPage(exposition, anybody=apart)
        #: What the API's port serves beside the API.
        self.beside = {} if apart else {PATH: self.page}

    def _connections(self) -> tuple[int, int]:
        if self.server is None:
            return 0, 0
        server, most = self.server
        return len(server.server_state.connections), most
