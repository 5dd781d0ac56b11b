"""A client that asks again until it is answered, for services that are killed while it asks."""

from __future__ import annotations

import http.client
import time
from typing import Any

from tests.support.client import Client, Refused

_PAUSE = 0.02
#: What a service says that is up and cannot do it now: the documentation says to ask again.
_LATER = 503


class PersistentClient:
    """Calls operations until they are acknowledged or refused."""

    def __init__(self, port: int, patience: float) -> None:
        """``patience`` is how many seconds one call may take, all its tries together."""
        self._client = Client(port)
        self._patience = patience
        #: How many tries the last call took. After more than one, an earlier try may have been carried out.
        self.tries = 0

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Raises Refused, and TimeoutError when nobody has answered in time."""
        deadline = time.monotonic() + self._patience
        self.tries = 0
        while True:
            self.tries += 1
            try:
                return self._client.call(action, **parameters)
            except Refused as refused:
                # the client sends a request that nobody answered once more as it is: then an earlier one had arrived
                if refused.status != _LATER and refused.code != "SignatureNonceUsed":
                    raise
                last: Exception = refused
            except (OSError, http.client.HTTPException) as error:
                self._client.close()
                last = error
            if time.monotonic() > deadline:
                raise TimeoutError(f"{action} was not answered within {self._patience:g} s: {last!r}") from last
            time.sleep(_PAUSE)

    def delete(self, action: str, gone: str, **parameters: Any) -> None:
        """Delete something that is there; ``gone`` is the code of one that is not. Raises like :meth:`call`.

        That it is gone is a success when an earlier try may have been carried out, and its answer lost.
        """
        try:
            self.call(action, **parameters)
        except Refused as refused:
            if refused.code != gone or self.tries == 1:
                raise

    def close(self) -> None:
        self._client.close()
