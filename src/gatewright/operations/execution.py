"""How a call is carried out: region, transaction, client token, dry run. The same for every operation."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from gatewright.access.principal import Credential
from gatewright.clock import Clock
from gatewright.errors import DRY_RUN, IDEMPOTENT_MISMATCH, NONCE_USED
from gatewright.operations.call import Call, Installation
from gatewright.operations.declaration import Access, Operation, Part, Request
from gatewright.resources.regions import Region
from gatewright.secrets import Place
from gatewright.store import accounts, ledgers
from gatewright.store.database import Database
from gatewright.store.transaction import Transaction

#: How long a client token's answer is kept, milliseconds.
TOKEN_LIFETIME = 24 * 3600 * 1000


class Executor:
    """Carries out decoded requests."""

    def __init__(self, database: Database, clock: Clock, installation: Installation) -> None:
        self._database = database
        self._clock = clock
        self._installation = installation

    async def run(
        self, operation: Operation[Any, Any], credential: Credential, request: Request, endpoint: str
    ) -> Part:
        """The operation's answer, once what it did is committed. Raises ApiError.

        ``endpoint`` is what the caller calls this service: the host and port of the request.
        A write notes its nonce in its own transaction, so that a replay of it is refused after a restart too.
        """
        operation.validate(request)
        region = self._region(operation, request)

        def call_in(transaction: Transaction) -> Call:
            return Call(credential.principal, transaction, self._clock.now(), self._installation, region, endpoint)

        if operation.access is not Access.WRITE:
            return await self._database.read(
                lambda transaction: self._dry(request, operation.execute(call_in(transaction), request))
            )

        def note_nonce(transaction: Transaction) -> None:
            accounts.lock(transaction, credential.principal.account_id)
            if not ledgers.use_nonce(transaction, credential.nonce, credential.nonce_expires):
                raise NONCE_USED("SignatureNonce", credential.nonce_text, "was used by an earlier request")

        return await self._database.write(
            lambda transaction: self._once(operation, call_in(transaction), request), note_nonce
        )

    def _region(self, operation: Operation[Any, Any], request: Request) -> Region | None:
        region_id: str | None = getattr(request, "region_id", None)
        if region_id is None:
            return None
        region = self._installation.regions.get(region_id)
        if region is None:
            raise operation.region_not_found("RegionId", region_id, "must be one that DescribeRegions lists")
        return region

    def _once(self, operation: Operation[Any, Any], call: Call, request: Request) -> Part:
        """Execute a write; with a client token, only the first time that it comes."""
        token: str | None = getattr(request, "client_token", None)
        if token is None or getattr(request, "dry_run", None):
            return self._dry(request, self._execute(operation, call, request))
        digest, sealer = _digest(request), self._installation.sealer
        places = [
            Place("client_tokens", f"{call.account_id}/{operation.name}/{token}", column)
            for column in ("digest", "response")
        ]
        earlier = ledgers.token(call.transaction, call.account_id, operation.name, token)
        if earlier is not None and earlier.created_at > call.now - TOKEN_LIFETIME:
            if sealer.open(earlier.digest, places[0]) != digest:
                raise IDEMPOTENT_MISMATCH(
                    "ClientToken", token, f"was used for another {operation.name} within 24 hours"
                )
            return msgspec.json.decode(sealer.open(earlier.response, places[1]), type=operation.response_type)
        if earlier is not None:
            ledgers.drop_token(call.transaction, call.account_id, operation.name, token)
        response = self._execute(operation, call, request)
        answer = msgspec.json.encode(response).decode()
        row = ledgers.TokenRow(sealer.seal(digest, places[0]), sealer.seal(answer, places[1]), call.now)
        ledgers.add_token(call.transaction, call.account_id, operation.name, token, row)
        return response

    def _execute(self, operation: Operation[Any, Any], call: Call, request: Request) -> Part:
        response: Part = operation.execute(call, request)
        return response

    def _dry(self, request: Request, response: Part) -> Part:
        """Turn the answer of a dry run into its documented error, which undoes what was done."""
        if getattr(request, "dry_run", None):
            raise DRY_RUN.because("The request is valid; DryRun is true, so nothing was changed.")
        return response


def _digest(request: Request) -> str:
    """What makes two requests with one client token the same: all declared parameters but the token."""
    same: Any = msgspec.structs.replace(request, client_token=None)
    return hashlib.sha256(msgspec.msgpack.encode(same)).hexdigest()
