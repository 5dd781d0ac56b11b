"""Resource groups, as far as they are served: every account has its default one."""

from __future__ import annotations

from gatewright import ids


def default_group(account_id: str) -> str:
    """The id of an account's default resource group."""
    return ids.derived_id("rg", f"acct-{account_id}")
