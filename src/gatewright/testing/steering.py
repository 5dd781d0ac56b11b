"""The parts of the control API: what each is asked, and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import quote, urlencode


class Ask(Protocol):
    """Sends a request with and for JSON values."""

    def __call__(self, method: str, target: str, body: object = None) -> Any: ...


@dataclass(frozen=True)
class Fault:
    """What happens to some calls, and how often it did."""

    id: str
    #: ``*`` for any.
    operation: str
    #: How many calls matched so far.
    seen: int
    #: How many of them were hit.
    hits: int


@dataclass(frozen=True)
class Instance:
    """A gateway's instance in one zone."""

    id: str
    gateway: str
    zone: str
    #: ``master`` or ``slave``.
    role: str
    #: ``up``, ``killed``, ``waiting``, ``provisioning``, ``updating`` or ``deleting``.
    state: str


@dataclass(frozen=True)
class Tunnel:
    """A tunnel of an IPsec connection, and how the device at its other end behaves."""

    id: str
    connection: str
    gateway: str
    instance: str
    #: ``master`` or ``slave``.
    role: str
    #: As the API tells it: ``ike_sa_not_established`` to ``ipsec_sa_established``.
    status: str
    peer: str
    bgp: str
    health: str


@dataclass(frozen=True)
class Call:
    """A call that a client has made; secrets are ``***``."""

    #: Running, from 1.
    number: int
    #: By the service's clock, UTC.
    time: str
    operation: str
    version: str
    parameters: Mapping[str, str]
    access_key_id: str
    #: ``1.0`` or ``3.0``; empty for a call that is not signed.
    signature_version: str
    #: Of HTTP; None when the connection was dropped.
    status: int | None
    #: The error's; None where there was none.
    code: str | None
    request_id: str


#: How a device answers when a tunnel is negotiated.
Peer = Literal["ready", "silent", "refuses_proposal", "refuses_authentication", "refuses_subnets"]
Value = TypeVar("Value", Fault, Instance, Tunnel, Call)


def _read(kind: Callable[..., Value], told: Mapping[str, Any]) -> Value:
    """What a field stands for here; a newer service may tell more."""
    return kind(**{each.name: told[each.name] for each in fields(kind)})  # type: ignore[arg-type]  # a dataclass


class Clock:
    """The service's time. Real time goes on from what it is set to."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def now(self) -> datetime:
        """To the second, UTC."""
        return datetime.fromisoformat(self._ask("GET", "/v1/clock")["now"])

    def advance(self, by: float | timedelta) -> None:
        """Skip so many seconds: what would have happened in them has happened."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        self._ask("POST", "/v1/clock", {"advance": seconds})

    def set(self, to: datetime | None) -> None:
        """Make it be this time, which has a time zone; None for the machine's own. Raises ValueError without a zone."""
        if to is not None and to.tzinfo is None:
            raise ValueError(f"{to} has no time zone: use datetime(..., tzinfo=UTC)")
        text = None if to is None else to.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._ask("POST", "/v1/clock", {"set": text})


class Delays:
    """How long changes take, in seconds of the service's clock; 0 at first."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def get(self) -> dict[str, float]:
        """All of them by name."""
        told: dict[str, float] = self._ask("GET", "/v1/delays")
        return told

    def set(
        self,
        *,
        provisioning: float | None = None,
        updating: float | None = None,
        deleting: float | None = None,
        vpc: float | None = None,
        vswitch: float | None = None,
        tunnel: float | None = None,
    ) -> None:
        """Change those that are given, for what begins from now on."""
        given = {
            "provisioning": provisioning,
            "updating": updating,
            "deleting": deleting,
            "vpc": vpc,
            "vswitch": vswitch,
            "tunnel": tunnel,
        }
        self._ask("POST", "/v1/delays", {name: value for name, value in given.items() if value is not None})


class Capacity:
    """How many instances of gateways a zone takes."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def set(self, zone: str, instances: int | None, *, region: str | None = None) -> None:
        """None for any number. A zone's region is what stands before its last dash unless it is given."""
        where = zone.rpartition("-")[0] if region is None else region
        self._ask("POST", "/v1/capacity", {"region": where, "zone": zone, "instances": instances})


class Faults:
    """Calls that fail, hang or lose their answers."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def add(
        self,
        operation: str,
        *,
        code: str | None = None,
        status: int | None = None,
        message: str | None = None,
        delay: float | None = None,
        drop: bool | None = None,
        when: Literal["before", "after"] = "before",
        call: int | None = None,
        calls: Sequence[int] | None = None,
        rate: float | None = None,
        seed: int | None = None,
        count: int | None = None,
    ) -> Fault:
        """Have calls of an operation (``*``: of any) fail with ``code``, take ``delay`` seconds longer, or ``drop``.

        Which: the n-th ``call`` from now, several ``calls``, each at a ``rate`` of 0 to 1, else every one; ``count`` of
        them at the most. ``after`` it was done and committed, only its answer is replaced, late or lost.
        """
        rule = {
            "operation": operation,
            "code": code,
            "status": status,
            "message": message,
            "delay": delay,
            "drop": drop,
            "when": when,
            "call": call,
            "calls": None if calls is None else list(calls),
            "rate": rate,
            "seed": seed,
            "count": count,
        }
        given = {name: value for name, value in rule.items() if value is not None}
        return _read(Fault, self._ask("POST", "/v1/faults", given))

    def all(self) -> list[Fault]:
        """Those that there are, with how they have fared."""
        return [_read(Fault, told) for told in self._ask("GET", "/v1/faults")]

    def end(self, fault: Fault) -> None:
        """End one, and the calls that it holds up."""
        self._ask("DELETE", f"/v1/faults/{quote(fault.id, safe='')}")

    def clear(self) -> None:
        """End all."""
        self._ask("DELETE", "/v1/faults")


class Instances:
    """The gateways' instances, which can be killed and recovered."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def all(self) -> list[Instance]:
        """Of all gateways."""
        return [_read(Instance, told) for told in self._ask("GET", "/v1/instances")]

    def kill(self, instance: str) -> Instance:
        """It is down until it is recovered; ``instance`` is its id."""
        return self._act(instance, "kill")

    def recover(self, instance: str) -> Instance:
        """It is up again, if it was."""
        return self._act(instance, "recover")

    def carry(self, instance: str, *, received: int = 0, sent: int = 0) -> Instance:
        """From now on it receives and sends so many bits a second, for the clients that look at traffic."""
        return self._act(instance, "carry", received=received, sent=sent)

    def _act(self, instance: str, action: str, **more: int) -> Instance:
        body = {"action": action, **more}
        return _read(Instance, self._ask("POST", f"/v1/instances/{quote(instance, safe='')}", body))


class Tunnels:
    """The tunnels of IPsec connections, which come up by themselves as far as the devices at their other ends agree."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def all(self) -> list[Tunnel]:
        """Of all connections."""
        return [_read(Tunnel, told) for told in self._ask("GET", "/v1/tunnels")]

    def behave(
        self,
        target: str | None = None,
        *,
        peer: Peer | None = None,
        bgp: Literal["up", "down"] | None = None,
        health: Literal["good", "failed"] | None = None,
    ) -> list[Tunnel]:
        """Have the devices of a tunnel or a connection, by its id, behave like this; without one, of new tunnels.

        A tunnel is cut by ``peer="silent"``, and comes back by ``"ready"``.
        """
        given = {name: value for name, value in (("peer", peer), ("bgp", bgp), ("health", health)) if value is not None}
        if target is None:
            self._ask("POST", "/v1/tunnels", given)
            return []
        return [_read(Tunnel, told) for told in self._ask("POST", f"/v1/tunnels/{quote(target, safe='')}", given)]


class Calls:
    """What clients have sent; the last 10,000 at the most."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def all(self, operation: str | None = None) -> list[Call]:
        """Oldest first, those that were refused or hit by a fault too; of one operation if it is given."""
        found: list[Call] = []
        while page := self._page(operation, found[-1].number if found else 0):
            found += page
        return found

    def clear(self) -> None:
        """Forget all; the numbers go on."""
        self._ask("DELETE", "/v1/calls")

    def _page(self, operation: str | None, after: int) -> list[Call]:
        query = {"after": str(after), "limit": "1000"} | ({} if operation is None else {"operation": operation})
        return [_read(Call, told) for told in self._ask("GET", f"/v1/calls?{urlencode(query)}")]
