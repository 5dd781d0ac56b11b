"""What any server of the link does with an agent's message, however that came."""

from __future__ import annotations

import logging

from gatewright.errors import ApiError
from gatewright.link import versions
from gatewright.link.contract import HostUnknown, ServedAuthority
from gatewright.link.frames import (
    AgentMessage,
    ChangesAnswer,
    ChangesRequest,
    ControlMessage,
    Failure,
    ReportAnswer,
    SecretsAnswer,
    SecretsRequest,
    TrafficAnswer,
    TrafficRequest,
    TunnelsAnswer,
    TunnelsRequest,
)

_log = logging.getLogger(__name__)
#: How long a poll may wait at the most, seconds.
_LONGEST_WAIT = 60.0


async def answer(authority: ServedAuthority, host_id: str, request: AgentMessage) -> ControlMessage:
    """The control plane's answer to a host's agent. Raises HostUnknown."""
    refusal = versions.refusal(request.version)
    if refusal is not None:
        return Failure(refusal)
    try:
        await authority.met(host_id, request.version)
        if isinstance(request, ChangesRequest):
            wait = max(0.0, min(request.wait, _LONGEST_WAIT))
            changes = await authority.changes(host_id, request.since, wait)
            return ChangesAnswer(versions.known_to(request.version, changes))
        if isinstance(request, TrafficRequest):
            return TrafficAnswer(await authority.traffic(host_id, request.counts))
        if isinstance(request, TunnelsRequest):
            await authority.tunnels(host_id, request.states, request.lines)
            return TunnelsAnswer()
        if isinstance(request, SecretsRequest):
            refusal = versions.secrets_refusal(request.version)
            if refusal is not None:
                return Failure(refusal)
            return SecretsAnswer(tuple(await authority.secrets(host_id, request.references)))
        await authority.report(host_id, request.observations)
        return ReportAnswer()
    except ApiError as error:
        return Failure(str(error))
    except HostUnknown:
        raise
    except Exception:
        _log.exception("answering the agent of %s failed", host_id)
        return Failure("the control plane failed; its log says why")
