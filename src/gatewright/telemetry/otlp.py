"""Spans by OpenTelemetry, sent over OTLP/HTTP. Loaded only where somebody wants traces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gatewright import __version__
from gatewright.errors import ApiError
from gatewright.telemetry.tracing import Span

#: How long a receiver has to take a batch, seconds; what it does not take is lost, and logged.
_PATIENCE = 3.0
#: How often batches are sent, milliseconds.
_INTERVAL = 1000
_HEADER = "traceparent"


class _Recorded:
    """A span that is recorded."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self.failed = False

    def name(self, name: str) -> None:
        self._span.update_name(name)

    def tell(self, **attributes: str | int) -> None:
        for name, value in attributes.items():
            self._span.set_attribute(f"gatewright.{name}", value)

    def fail(self, why: str) -> None:
        self.failed = True
        self._span.set_status(Status(StatusCode.ERROR, why))


class OtlpTracer:
    """See :class:`gatewright.telemetry.tracing.Tracer`."""

    def __init__(self, endpoint: str, process: str) -> None:
        told = {"service.name": "gatewright", "service.version": __version__, "gatewright.process": process}
        self._provider = TracerProvider(resource=Resource.create(told), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint, timeout=_PATIENCE)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_INTERVAL))
        self._tracer = self._provider.get_tracer("gatewright", __version__)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, traceparent: str, *, serving: bool) -> Iterator[Span]:
        parent = self._propagator.extract({_HEADER: traceparent}) if traceparent else None
        kind = SpanKind.SERVER if serving else SpanKind.INTERNAL
        with self._tracer.start_as_current_span(
            name, context=parent, kind=kind, record_exception=False, set_status_on_exception=False
        ) as span:
            recorded = _Recorded(span)
            try:
                yield recorded
            except ApiError as error:
                # a refusal is no failure; its text has what somebody sent in it
                recorded.tell(code=error.code)
                raise
            except Exception as error:
                if not recorded.failed:
                    recorded.fail(type(error).__name__)
                raise

    def traceparent(self) -> str:
        if not trace.get_current_span().is_recording():
            return ""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get(_HEADER, "")

    def close(self) -> None:
        self._provider.shutdown()
