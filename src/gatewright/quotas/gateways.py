"""The quotas of VPN gateways and of their public addresses an account, over all regions."""

from __future__ import annotations

from gatewright.store import ledgers
from gatewright.store.transaction import Transaction


def used(transaction: Transaction, account_id: str) -> int:
    """How many gateways the account has, those being deleted included."""
    return ledgers.total(transaction, account_id, ledgers.VPN_GATEWAYS)


def public_addresses(transaction: Transaction, account_id: str) -> int:
    """How many public addresses the account's gateways have together."""
    return ledgers.total(transaction, account_id, ledgers.PUBLIC_ADDRESSES)


def take(transaction: Transaction, account_id: str, region_id: str, addresses: int) -> None:
    """Count a new gateway with its public addresses. They are counted out again when it is gone."""
    ledgers.adjust(transaction, account_id, ledgers.VPN_GATEWAYS, region_id, 1)
    if addresses:
        ledgers.adjust(transaction, account_id, ledgers.PUBLIC_ADDRESSES, region_id, addresses)


def in_region(transaction: Transaction, account_id: str, region_id: str) -> int:
    """How many gateways the account has in a region: the total of an unfiltered listing."""
    return ledgers.count(transaction, account_id, ledgers.VPN_GATEWAYS, region_id)
