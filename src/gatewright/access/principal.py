"""The identity behind a request."""

from __future__ import annotations

from typing import NamedTuple


class Principal(NamedTuple):
    """Who a request acts as: so far always an account itself, its first administrator."""

    account_id: str

    @property
    def arn(self) -> str:
        """``acs:ram::<account>:root``."""
        return f"acs:ram::{self.account_id}:root"


class Credential(NamedTuple):
    """A request's proven identity and what of its signature must not come twice."""

    principal: Principal
    key_id: str
    #: A digest of the nonce.
    nonce: bytes
    nonce_text: str
    #: Milliseconds since the epoch, when the request's time is out of the window anyway.
    nonce_expires: int
