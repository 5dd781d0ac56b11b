"""The quotas of VPN gateways and of their public addresses an account, over all regions."""

from __future__ import annotations

from gatewright.store import gateways, ledgers
from gatewright.store.transaction import Transaction

#: Public addresses that one gateway has at the most: one an instance, and one of SSL-VPN's.
MOST_ADDRESSES = 3


def used(transaction: Transaction, account_id: str) -> int:
    """How many gateways the account has, those being deleted included."""
    return ledgers.total(transaction, account_id, ledgers.VPN_GATEWAYS)


def addresses_fit(transaction: Transaction, account_id: str, gateways_used: int, wanted: int, quota: int) -> bool:
    """Whether so many more public addresses are within the quota.

    They are counted only where the account has gateways enough to come near it.
    """
    if (gateways_used + 1) * MOST_ADDRESSES <= quota or not wanted:
        return True
    return gateways.public_addresses(transaction, account_id) + wanted <= quota


def take(transaction: Transaction, account_id: str, region_id: str) -> None:
    """Count a new gateway. It is counted out again when it is gone."""
    ledgers.adjust(transaction, account_id, ledgers.VPN_GATEWAYS, region_id, 1)


def in_region(transaction: Transaction, account_id: str, region_id: str) -> int:
    """How many gateways the account has in a region: the total of an unfiltered listing."""
    return ledgers.count(transaction, account_id, ledgers.VPN_GATEWAYS, region_id)
