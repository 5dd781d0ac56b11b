"""What has to happen by itself as time goes by."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

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
        # A database that does not answer is logged by the store; the next round does what this one did not.
        with contextlib.suppress(ApiError):
            await database.write(partial(ledgers.expire, tokens_before=now - token_lifetime, nonces_before=now))
        await asyncio.sleep(_INTERVAL)
