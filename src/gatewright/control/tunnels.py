"""The tunnels of the simulated plane, and how the devices at their other ends behave."""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from gatewright.agent.simulated_host import SimulatedHost
from gatewright.control.routes import Asked, Body, Refusal, Route
from gatewright.plane.simulated import Behaviour, Peers
from gatewright.plane.simulated.peers import Peer, Probes, Session
from gatewright.plane.simulated.tunnels import Tunnel


class BehaviourChange(Body):
    """What is to change of how a device behaves; the rest stays."""

    peer: Peer | UnsetType = UNSET
    bgp: Session | UnsetType = UNSET
    health: Probes | UnsetType = UNSET


def routes(host: SimulatedHost, peers: Peers) -> tuple[Route, ...]:
    """``/v1/tunnels``."""

    async def tell(asked: Asked) -> list[dict[str, object]]:  # noqa: ARG001 - a request without contents
        return [_told(tunnel) for tunnel in host.plane.tunnels.every()]

    async def change_new(asked: Asked) -> Behaviour:
        peers.behaviour = _changed(peers.behaviour, asked.body)
        return peers.behaviour

    async def change(asked: Asked) -> list[dict[str, object]]:
        wanted = asked.path["id"]
        found = [each for each in host.plane.tunnels.every() if wanted in (each.spec.id, each.spec.connection_id)]
        if not found:
            raise Refusal(404, f"there is no tunnel or connection {wanted}; GET /v1/tunnels lists them", "id")
        for tunnel in found:
            host.plane.tunnels.behave(tunnel, _changed(tunnel.behaviour, asked.body))
        return [_told(tunnel) for tunnel in found]

    return (
        Route("GET", "/v1/tunnels", tell, settles=True),
        Route("POST", "/v1/tunnels", change_new, BehaviourChange),
        Route("POST", "/v1/tunnels/{id}", change, BehaviourChange, settles=True),
    )


def _changed(behaviour: Behaviour, body: BehaviourChange) -> Behaviour:
    return replace(behaviour, **{name: value for name, value in asdict(body).items() if value is not UNSET})


def _told(tunnel: Tunnel) -> dict[str, object]:
    return {
        "id": tunnel.spec.id,
        "connection": tunnel.spec.connection_id,
        "gateway": tunnel.instance.gateway_id,
        "instance": tunnel.instance.id,
        "role": tunnel.spec.role,
        "status": tunnel.status,
        **asdict(tunnel.behaviour),
    }
