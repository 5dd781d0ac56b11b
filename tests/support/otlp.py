"""A receiver of OTLP/HTTP that keeps the spans that it is sent."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Sent(NamedTuple):
    """One span."""

    trace: str
    id: str
    parent: str
    name: str
    process: str
    attributes: dict[str, str]
    failed: bool


class Receiver:
    """Listens on loopback while its block runs."""

    def __init__(self) -> None:
        self.spans: list[Sent] = []
        self.bodies: list[bytes] = []
        self._news = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver._take(self.path, body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def _take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces", path
        request = ExportTraceServiceRequest.FromString(body)
        with self._news:
            self.bodies.append(body)
            for resource in request.resource_spans:
                process = {each.key: each.value.string_value for each in resource.resource.attributes}
                for span in (span for scope in resource.scope_spans for span in scope.spans):
                    told = {each.key: each.value.string_value or str(each.value.int_value) for each in span.attributes}
                    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    failed = span.status.code == 2
                    self.spans.append(Sent(*ids, span.name, process["gatewright.process"], told, failed))
            self._news.notify_all()

    def until(self, found: Callable[[list[Sent]], object], patience: float = 30.0) -> list[Sent]:
        """Wait until the spans so far are as a condition says. Returns them."""
        deadline = time.monotonic() + patience
        with self._news:
            while not found(self.spans):
                if not self._news.wait(deadline - time.monotonic()):
                    raise AssertionError([(span.name, span.process) for span in self.spans])
            return list(self.spans)

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
