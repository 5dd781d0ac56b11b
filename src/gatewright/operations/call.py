"""What an operation knows while it runs: who called, where, when, and the transaction."""

from __future__ import annotations

from dataclasses import dataclass

from gatewright.access.principal import Principal
from gatewright.resources.regions import Region
from gatewright.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Installation:
    """What is the same for all calls: how this installation is set up."""

    default_region: str
    regions: dict[str, Region]
    #: Gateways an account.
    quota_vpn_gateways: int
    #: The id of the pool that public addresses are of.
    public_pool: str
    #: ``simulated`` or ``linux``.
    plane: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation."""

    principal: Principal
    transaction: Transaction
    #: Milliseconds since the epoch.
    now: int
    installation: Installation
    #: The region that the request names; None when it names none.
    named_region: Region | None

    @property
    def account_id(self) -> str:
        """The account whose resources the call sees."""
        return self.principal.account_id

    @property
    def region(self) -> Region:
        """The region that the request names, else the installation's default."""
        return self.named_region or self.installation.regions[self.installation.default_region]

    def here(self, region_id: str) -> bool:
        """Whether a resource of this region is within the request's region; without one, all regions are."""
        return self.named_region is None or self.named_region.id == region_id
