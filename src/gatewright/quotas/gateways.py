"""The quota of VPN gateways an account, over all regions."""

from __future__ import annotations

from gatewright.store import ledgers
from gatewright.store.transaction import Transaction


def used(transaction: Transaction, account_id: str) -> int:
    """How many gateways the account has, those being deleted included."""
    return ledgers.total(transaction, account_id, ledgers.VPN_GATEWAYS)


def take(transaction: Transaction, account_id: str, region_id: str) -> None:
    """Count a new gateway. It is counted out again when it is gone."""
    ledgers.adjust(transaction, account_id, ledgers.VPN_GATEWAYS, region_id, 1)


def in_region(transaction: Transaction, account_id: str, region_id: str) -> int:
    """How many gateways the account has in a region: the total of an unfiltered listing."""
    return ledgers.count(transaction, account_id, ledgers.VPN_GATEWAYS, region_id)
