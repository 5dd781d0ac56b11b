"""Turns what the kernel answers into errors that people can read: every failure says what was being done."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from gatewright.plane.contract import PlaneError
from gatewright.telemetry import tracing

_HINTS = {
    errno.EPERM: "the linux plane needs root with CAP_NET_ADMIN and CAP_SYS_ADMIN",
    errno.EACCES: "the linux plane needs root with CAP_NET_ADMIN and CAP_SYS_ADMIN",
    errno.EOPNOTSUPP: "this kernel does not have it",
    errno.ENOSPC: "make room on the disk, or raise the limit (for namespaces: user.max_net_namespaces)",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}
#: Reasons that are told together.
_MOST = 5


def together(reasons: Iterable[str]) -> str:
    """Several reasons in one text, each once; of very many the first, and how many more there are."""
    each = list(dict.fromkeys(reasons))
    more = f"; and {len(each) - _MOST} more" if len(each) > _MOST else ""
    return "; ".join(each[:_MOST]) + more


@contextmanager
def step(doing: str) -> Iterator[None]:
    """Raises PlaneError that says ``doing``, and a hint, for what the system refuses inside the block.

    Where traces are recorded the block is a span.
    """
    try:
        with tracing.within(doing):
            yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0)
        raise PlaneError(f"{doing}: {error}" + (f" ({hint})" if hint else "")) from error
