"""What has to happen by itself as time goes by."""

from __future__ import annotations

import asyncio

from gatewright.clock import Clock
from gatewright.errors import ApiError
from gatewright.store import ledgers
from gatewright.store.database import Database

#: Seconds between two rounds.
_INTERVAL = 60.0


async def expire_for_ever(database: Database, clock: Clock, token_lifetime: int) -> None:
    """Forget client tokens and nonces that have expired, every minute. ``token_lifetime`` in milliseconds."""
    while True:
        now = clock.now()
        try:
            await database.write(
                lambda transaction, now=now: ledgers.expire(  # type: ignore[misc]
                    transaction, tokens_before=now - token_lifetime, nonces_before=now
                )
            )
        except ApiError:
            # The database does not answer, which the store has logged; the next round does what this one did not.
            pass
        await asyncio.sleep(_INTERVAL)
