"""What an operation knows while it runs: who called, where, when, and the transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gatewright.access.principal import Principal
from gatewright.reconcile.traffic import Traffic
from gatewright.resources.regions import Region
from gatewright.secrets import Sealer
from gatewright.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Quotas:
    """How much of what there may be."""

    #: VPN gateways an account.
    vpn_gateways: int = 30
    #: Public addresses that an account's gateways may have together.
    public_addresses: int = 100
    #: VPCs an account and region.
    vpcs: int = 100
    #: vSwitches a VPC.
    vswitches: int = 150
    #: Resource groups an account, besides its default one.
    resource_groups: int = 30
    #: Custom route tables a VPC.
    route_tables: int = 9
    #: Custom entries a route table.
    route_entries: int = 200
    #: Routes of each kind a VPN gateway, destination-based and policy-based.
    vpn_routes: int = 20
    #: Customer gateways an account and region.
    customer_gateways: int = 100
    #: IPsec connections a VPN gateway.
    vpn_connections: int = 10
    #: Attachments an account and region.
    vpn_attachments: int = 50


def _no_delay() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Installation:
    """What is the same for all calls: how this installation is set up."""

    default_region: str
    regions: dict[str, Region]
    quotas: Quotas
    #: The id of the pool that public addresses are of.
    public_pool: str
    #: ``simulated`` or ``linux``.
    plane: str
    #: Seals and opens the secrets of resources.
    sealer: Sealer
    #: What ``InstanceChargeType`` may be.
    charge_types: tuple[str, ...] = ("PREPAY", "POSTPAY")
    #: What a gateway does with a write while it is not ``active``: ``queue`` or, as the cloud, ``refuse``.
    busy_gateways: str = "queue"
    #: Whether IPsec connections may use what is broken or about to be: ``accept`` or ``refuse``.
    weak_algorithms: str = "accept"
    #: What the API speaks here, ``HTTP`` or ``HTTPS``.
    protocol: str = "HTTP"
    #: What has gone through instances.
    traffic: Traffic = field(default_factory=Traffic)
    #: How long a new VPC is ``Pending``, milliseconds.
    vpc_delay: Callable[[], int] = field(default=_no_delay)


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
    #: What the caller calls this service: host and port. Empty when the request does not say.
    endpoint: str

    @property
    def account_id(self) -> str:
        """The account whose resources the call sees."""
        return self.principal.account_id

    @property
    def region(self) -> Region:
        """The region that the request names, else the installation's default."""
        return self.named_region or self.installation.regions[self.installation.default_region]

    @property
    def where(self) -> str:
        """Where the call looks for resources, as details say it: ``in cn-hangzhou``, or ``in any region``."""
        return f"in {self.named_region.id}" if self.named_region else "in any region"

    def here(self, region_id: str) -> bool:
        """Whether a resource of this region is within the request's region; without one, all regions are."""
        return self.named_region is None or self.named_region.id == region_id
