"""What has to happen by itself as time goes by."""

from __future__ import annotations

import asyncio
import contextlib

from gatewright.clock import Clock
from gatewright.errors import ApiError
from gatewright.store import accounts, events, ledgers
from gatewright.store.database import Database
from gatewright.store.transaction import Transaction

#: Seconds between two rounds.
_INTERVAL = 60.0
#: How much longer a client token is kept than it counts, milliseconds: a clock that was ahead is set back, and then it
#: counts again.
_SET_BACK = 2 * 3600 * 1000


async def expire_for_ever(database: Database, clock: Clock, machine: Clock, token_lifetime: int) -> None:
    """Forget client tokens and nonces that have expired and events that are too many, every minute."""
    while True:
        # A database that does not answer is logged by the store; the next round does what this one did not.
        with contextlib.suppress(ApiError):
            await expire(database, clock, machine, token_lifetime)
        await asyncio.sleep(_INTERVAL)


async def expire(database: Database, clock: Clock, machine: Clock, token_lifetime: int) -> None:
    """Forget what has expired by now: client tokens by the service's clock, nonces by the machine's; and old events.

    Clients sign with the real time, whatever time it is in the service. ``token_lifetime`` in milliseconds. Raises
    ApiError.
    """
    tokens_before, nonces_before = clock.now() - token_lifetime - _SET_BACK, machine.now()

    def forget(transaction: Transaction) -> None:
        ledgers.expire(transaction, tokens_before=tokens_before, nonces_before=nonces_before)
        events.trim(transaction, [account.id for account in accounts.every(transaction)])

    await database.write(forget)
