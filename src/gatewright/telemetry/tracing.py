"""Traces, as an option: spans of a request, its transactions, and what hosts do for it.

While nobody wants traces nothing of OpenTelemetry is loaded, and all of this does next to nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from gatewright.errors import ConfigurationError

#: Revisions of hosts of which the trace that raised them is remembered.
_MOST_REVISIONS = 4096


class Span(Protocol):
    """A piece of work."""

    def name(self, name: str) -> None:
        """Call it something else."""
        ...

    def tell(self, **attributes: str | int) -> None:
        """Say more of it. Nothing of a request's parameters: they may hold secrets."""
        ...

    def fail(self, why: str) -> None:
        """It went wrong, without an exception."""
        ...


class Tracer(Protocol):
    """What records spans, once there is one."""

    def span(self, name: str, traceparent: str, *, serving: bool) -> AbstractContextManager[Span]:
        """A span within the current one, or within the one that a W3C ``traceparent`` names, if that is not empty."""
        ...

    def traceparent(self) -> str:
        """What names the current span elsewhere; empty where there is none, or it is not recorded."""
        ...

    def close(self) -> None:
        """Send what is left."""
        ...


class _Nothing:
    """A span that nobody records."""

    def name(self, name: str) -> None:
        pass

    def tell(self, **attributes: str | int) -> None:
        pass

    def fail(self, why: str) -> None:
        pass


NOTHING: Span = _Nothing()
_NOWHERE = nullcontext(NOTHING)
_tracer: Tracer | None = None
#: Of hosts' revisions, what raised them: a ``traceparent``.
_revisions: OrderedDict[tuple[str, int], str] = OrderedDict()


def start(endpoint: str, process: str) -> None:
    """Record from now on, and send spans to an OTLP/HTTP endpoint; not at all if that is empty.

    ``process`` is which part of the service this is. Raises ConfigurationError.
    """
    global _tracer
    if not endpoint:
        return
    try:
        from gatewright.telemetry.otlp import OtlpTracer
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"trace_endpoint needs libraries that are not installed ({error.name}): pip install 'gatewright[tracing]'"
        ) from error
    _tracer = OtlpTracer(endpoint, process)


def stop() -> None:
    """Send what is left, and record no more."""
    global _tracer
    tracer, _tracer = _tracer, None
    _revisions.clear()
    if tracer is not None:
        tracer.close()


def on() -> bool:
    """Whether anything is recorded."""
    return _tracer is not None


def serving(name: str, traceparent: str) -> AbstractContextManager[Span]:
    """What somebody asked for: within the caller's span, if the caller named one."""
    return _NOWHERE if _tracer is None else _tracer.span(name, traceparent, serving=True)


def within(name: str) -> AbstractContextManager[Span]:
    """A part of the current span; of none it is nothing."""
    if _tracer is None or not _tracer.traceparent():
        return _NOWHERE
    return _tracer.span(name, "", serving=False)


def following(name: str, traceparent: str) -> AbstractContextManager[Span]:
    """What is done because of a span elsewhere; without one it is nothing."""
    if _tracer is None or not traceparent:
        return _NOWHERE
    return _tracer.span(name, traceparent, serving=False)


def raised(host_id: str, revision: int) -> None:
    """The work at hand raises a host's revision to this: what the host does for it belongs to the same trace.

    Called within a transaction. When that is undone, the same revision is raised again by another.
    """
    if _tracer is None:
        return
    _revisions.pop((host_id, revision), None)
    if traceparent := _tracer.traceparent():
        _revisions[host_id, revision] = traceparent
        while len(_revisions) > _MOST_REVISIONS:
            _revisions.popitem(last=False)


def of_revision(host_id: str, revision: int) -> str:
    """What raised a host's revision; empty if that is not known."""
    return _revisions.get((host_id, revision), "")
