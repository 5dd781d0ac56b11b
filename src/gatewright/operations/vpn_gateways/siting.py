"""Where a new gateway's instances go, and what keeps them from going there."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network
from typing import NamedTuple, Protocol

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.resources.addresses import SERVICE_NETWORK
from gatewright.store import capacities, pools, vswitches
from gatewright.store.vpcs import VpcRow
from gatewright.store.vswitches import VSwitchRow

VSWITCH_NOT_FOUND = ErrorRow(
    400,
    "InvalidVSwitchId.NotFound",
    "The specified vswitchId is not found.",
    "DescribeVSwitches lists the vSwitches of a VPC.",
)
NO_INVENTORY = ErrorRow(
    400, "InventoryNotEnough", "The inventory is not enough.", "Add hosts to the region, or widen the public pool."
)
NO_INVENTORY_HERE = ErrorRow(
    400,
    "OperationFailed.InventoryNotEnough",
    "No enough available resource. Try another vswitch with different available zone.",
    "Choose a vSwitch in a zone that the detail names.",
)
VSWITCH_CONFLICT = ErrorRow(
    400,
    "OperationFailed.VSwitchConflict",
    "The vswitch can't create vpn. Try another vswitch.",
    "Choose a vSwitch outside of 100.64.0.0/10 and 169.254.0.0/16 that is not being deleted.",
)
NO_PRIVATE_ADDRESS = ErrorRow(
    400,
    "OperationFailed.IpNotEnough",
    "Operation failed because private ip address of the virtual switch is not enough.",
    "Use a larger vSwitch; AvailableIpAddressCount tells how many addresses one has.",
)
ZONE_UNSUPPORTED = ErrorRow(
    400,
    "OperationFailed.AzNotSupport",
    "Current available zone can't create vpn. Try another vswitch with different available zone.",
    "DescribeZones lists the zones with VPN gateways first.",
)
SECOND_ZONE_UNSUPPORTED = ErrorRow(
    400, "InvalidVSwitchId.SecondVswitchNotSupport", "The available zone of vswitch2 not supported."
)
#: The rows above.
SITE_ERRORS = (
    VSWITCH_NOT_FOUND,
    NO_INVENTORY,
    NO_INVENTORY_HERE,
    VSWITCH_CONFLICT,
    NO_PRIVATE_ADDRESS,
    ZONE_UNSUPPORTED,
    SECOND_ZONE_UNSUPPORTED,
)

#: Where no gateway may be, because what a gateway talks to by itself lies there.
_NO_GATEWAYS_IN = (SERVICE_NETWORK, IPv4Network("169.254.0.0/16"))

MASTER = "master"
SLAVE = "slave"


class Wanted(Protocol):
    """What of an order decides where a gateway goes."""

    @property
    def vswitch_id(self) -> str | None: ...

    @property
    def disaster_recovery_vswitch_id(self) -> str | None: ...

    @property
    def vpn_type(self) -> str: ...


class Half(NamedTuple):
    """Where one instance of a new gateway goes."""

    role: str
    instance_id: str
    vswitch: VSwitchRow

    @property
    def parameter(self) -> str:
        """Which parameter names the vSwitch."""
        return "VSwitchId" if self.role == MASTER else "DisasterRecoveryVSwitchId"


def halves_of(call: Call, wanted: Wanted, vpc: VpcRow, gateway_id: str) -> list[Half]:
    """Which vSwitches the instances go into: both named ones in a dual-tunnel region, else the first or any."""
    if call.region.dual_tunnel:
        named = (wanted.vswitch_id or "", wanted.disaster_recovery_vswitch_id or "")
        rows = {row.id: row for row in vswitches.find_all(call.transaction, named)}
        first = _of_vpc(rows.get(named[0]), vpc, "VSwitchId", named[0])
        second = _of_vpc(rows.get(named[1]), vpc, "DisasterRecoveryVSwitchId", named[1])
        return [Half(MASTER, f"{gateway_id}-1", first), Half(SLAVE, f"{gateway_id}-2", second)]
    if wanted.disaster_recovery_vswitch_id is not None:
        _vswitch(call, vpc, "DisasterRecoveryVSwitchId", wanted.disaster_recovery_vswitch_id)
    if wanted.vswitch_id is not None:
        chosen = _vswitch(call, vpc, "VSwitchId", wanted.vswitch_id)
    else:
        chosen = _any_vswitch(call, vpc)
    return [Half(MASTER, f"{gateway_id}-1", chosen)]


def _vswitch(call: Call, vpc: VpcRow, parameter: str, vswitch_id: str) -> VSwitchRow:
    row = vswitches.find(call.transaction, call.account_id, vswitch_id)
    return _of_vpc(row, vpc, parameter, vswitch_id)


def _of_vpc(row: VSwitchRow | None, vpc: VpcRow, parameter: str, vswitch_id: str) -> VSwitchRow:
    if row is None or row.vpc_id != vpc.id:
        raise VSWITCH_NOT_FOUND(parameter, vswitch_id, f"names no vSwitch of VPC {vpc.id}")
    return row


def _any_vswitch(call: Call, vpc: VpcRow) -> VSwitchRow:
    """The oldest vSwitch of the VPC that a gateway can be in; one in a zone with room first."""
    free = capacities.free(call.transaction, call.region.id)
    suitable = []
    for row in vswitches.of_vpcs(call.transaction, [vpc.id]):
        if row.zone_id in call.region.gateway_zones and _unfit(row) is None:
            pool = pools.find(call.transaction, row.id)
            if pool is not None and pool.available > 0:
                if free.get(row.zone_id, 1) > 0:
                    return row
                suitable.append(row)
    if not suitable:
        raise VSWITCH_NOT_FOUND(
            "VSwitchId", "", f"VPC {vpc.id} has no vSwitch with a free address in a zone with VPN gateways"
        )
    return suitable[0]


def _unfit(row: VSwitchRow) -> str | None:
    """Why no gateway can be in a vSwitch, or None."""
    if row.deleting:
        return "is being deleted"
    reserved = _reserved(row.cidr_block)
    return None if reserved is None else f"its network {row.cidr_block} overlaps {reserved}"


@lru_cache(maxsize=4096)
def _reserved(cidr_block: str) -> IPv4Network | None:
    """What no gateway may be in and the network overlaps. Networks recur: working it out is a tenth of an order."""
    network = IPv4Network(cidr_block)
    return next((reserved for reserved in _NO_GATEWAYS_IN if network.overlaps(reserved)), None)


def check_vswitches(halves: list[Half]) -> None:
    """Refuse vSwitches that no gateway can be in. Raises ApiError."""
    for half in halves:
        reason = _unfit(half.vswitch)
        if reason is not None:
            raise VSWITCH_CONFLICT(half.parameter, half.vswitch.id, reason)


def check_zones(call: Call, wanted: Wanted, halves: list[Half]) -> None:
    """Refuse zones without gateways, and one zone twice where the region has more. Raises ApiError."""
    zones = call.region.gateway_zones
    first = halves[0].vswitch
    if wanted.vpn_type == "NationalStandard" and call.installation.plane == "linux":
        raise ZONE_UNSUPPORTED("VpnType", "NationalStandard", "no host of this installation offers SM ciphers")
    if first.zone_id not in zones:
        raise ZONE_UNSUPPORTED(
            "VSwitchId",
            first.id,
            f"its zone {first.zone_id} has no VPN gateways; {', '.join(zones)} have",
        )
    if len(halves) == 1:
        return
    second = halves[1].vswitch
    if second.zone_id not in zones:
        raise SECOND_ZONE_UNSUPPORTED(
            "DisasterRecoveryVSwitchId",
            second.id,
            f"its zone {second.zone_id} has no VPN gateways; {', '.join(zones)} have",
        )
    if second.zone_id == first.zone_id and len(zones) > 1:
        raise SECOND_ZONE_UNSUPPORTED(
            "DisasterRecoveryVSwitchId",
            second.id,
            f"its zone {second.zone_id} is that of VSwitchId; {call.region.id} has {len(zones)} zones for two",
        )


def take_capacity(call: Call, halves: list[Half]) -> None:
    """Count the instances in their zones; refuse what the zones' hosts have no room for. Raises ApiError."""
    free = capacities.free(call.transaction, call.region.id, claim=True)
    if not free:
        return
    zones = [half.vswitch.zone_id for half in halves]
    for half, zone in zip(halves, zones, strict=True):
        wanted = zones.count(zone)
        if free.get(zone, wanted) >= wanted:
            continue
        # The other half's zone is no advice where the two must differ.
        elsewhere = [
            other for other in call.region.gateway_zones if other not in zones and free.get(other, wanted) >= wanted
        ]
        if elsewhere:
            raise NO_INVENTORY_HERE(
                half.parameter, half.vswitch.id, f"its zone {zone} is full; {', '.join(elsewhere)} have room"
            )
        raise NO_INVENTORY("RegionId", call.region.id, "no host of the region can take the gateway")
    capacities.count(call.transaction, [(call.region.id, zone) for zone in zones], 1)
