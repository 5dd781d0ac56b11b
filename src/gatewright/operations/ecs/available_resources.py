"""Ecs DescribeAvailableResource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import (
    ECS,
    Access,
    Between,
    Constraint,
    NotYet,
    OneOf,
    Operation,
    Parameter,
    Part,
    Request,
    Response,
)
from gatewright.operations.ecs.offer import (
    CHARGE_TYPES,
    DISK_CATEGORIES,
    INSTANCE_TYPES,
    NETWORK,
    SPOT_STRATEGIES,
)

ZONE = "Zone"
OPTIMIZED = "optimized"
#: By ``DestinationResource``, what there is of it; zones are listed themselves.
SUPPORTED: dict[str, tuple[str, ...]] = {
    "IoOptimized": (OPTIMIZED,),
    "InstanceType": INSTANCE_TYPES,
    "SystemDisk": DISK_CATEGORIES,
    "DataDisk": DISK_CATEGORIES,
    "Network": (NETWORK,),
    "ddh": (),
}
AVAILABLE, WITH_STOCK = "Available", "WithStock"

REGION_NOT_FOUND = ErrorRow(
    404,
    "InvalidRegionId.NotFound",
    "The RegionId provided does not exist in our records.",
    "DescribeRegions lists the regions.",
)
INVALID_DESTINATION = ErrorRow(
    404, "Invalid.DestinationResource", "The specified DestinationResource is not valid.", "Terraform asks for Zone."
)
INVALID_CHARGE_TYPE = ErrorRow(400, "Invalid.InstanceChargeType", "The specified InstanceChargeType is not valid.")
INVALID_SPOT_STRATEGY = ErrorRow(404, "Invalid.SpotStrategy", "The specified SpotStrategy is not valid.")
INVALID_IO_OPTIMIZED = ErrorRow(404, "Invalid.IoOptimized", "The specified IoOptimized is not valid.")
INVALID_NETWORK = ErrorRow(404, "Invalid.NetworkCategory", "The specified NetworkCategory is not valid.")
INVALID_RESOURCE_TYPE = ErrorRow(
    404, "Invalid.ResourceType", "The ResourceType provided does not exist in our records."
)

_DISK: Constraint = OneOf("cloud", "cloud_efficiency", "cloud_ssd", "ephemeral_ssd", "cloud_essd", "cloud_auto")


class DescribeAvailableResourceRequest(Request, kw_only=True, frozen=True):
    not_yet = (
        NotYet("Cores", "integer"),
        NotYet("Memory", "float"),
        NotYet("DedicatedHostId", "string"),
        NotYet("Scope", "string"),
    )

    region_id: Annotated[str, Parameter()]
    destination_resource: Annotated[str, Parameter(OneOf(ZONE, *SUPPORTED, error=INVALID_DESTINATION))]
    zone_id: Annotated[str | None, Parameter()] = None
    instance_charge_type: Annotated[str | None, Parameter(OneOf(*CHARGE_TYPES, error=INVALID_CHARGE_TYPE))] = None
    spot_strategy: Annotated[str | None, Parameter(OneOf(*SPOT_STRATEGIES, error=INVALID_SPOT_STRATEGY))] = None
    spot_duration: Annotated[int | None, Parameter(Between(0, 1))] = None
    io_optimized: Annotated[str, Parameter(OneOf("none", OPTIMIZED, error=INVALID_IO_OPTIMIZED))] = OPTIMIZED
    instance_type: Annotated[str | None, Parameter()] = None
    system_disk_category: Annotated[str | None, Parameter(_DISK)] = None
    data_disk_category: Annotated[str | None, Parameter(_DISK)] = None
    network_category: Annotated[str, Parameter(OneOf(NETWORK, "classic", error=INVALID_NETWORK, any_case=True))] = (
        NETWORK
    )
    resource_type: Annotated[
        str | None,
        Parameter(OneOf("instance", "disk", "reservedinstance", "ddh", error=INVALID_RESOURCE_TYPE, any_case=True)),
    ] = None


class SupportedResource(Part, kw_only=True):
    value: str
    status: str
    status_category: str


class SupportedResourceList(Part, kw_only=True):
    supported_resource: list[SupportedResource]


class AvailableResource(Part, kw_only=True):
    type: str
    supported_resources: SupportedResourceList


class AvailableResourceList(Part, kw_only=True):
    available_resource: list[AvailableResource]


class AvailableZone(Part, kw_only=True):
    zone_id: str
    region_id: str
    status: str
    status_category: str
    available_resources: AvailableResourceList | None = None


class AvailableZoneList(Part, kw_only=True):
    available_zone: list[AvailableZone]


class DescribeAvailableResourceResponse(Response, kw_only=True):
    available_zones: AvailableZoneList


class DescribeAvailableResource(Operation[DescribeAvailableResourceRequest, DescribeAvailableResourceResponse]):
    """List the zones that have what is asked for; all zones have the same, which DescribeZones names.

    With ``DestinationResource`` ``Zone`` the zones themselves are told, without ``AvailableResources``. What no zone
    has, another instance type or the classic network, and an unknown ``ZoneId`` give an empty list (*assumed*).
    """

    product = ECS
    access = Access.LIST
    region_not_found = REGION_NOT_FOUND
    errors = (
        REGION_NOT_FOUND,
        INVALID_DESTINATION,
        INVALID_CHARGE_TYPE,
        INVALID_SPOT_STRATEGY,
        INVALID_IO_OPTIMIZED,
        INVALID_NETWORK,
        INVALID_RESOURCE_TYPE,
    )

    def execute(self, call: Call, request: DescribeAvailableResourceRequest) -> DescribeAvailableResourceResponse:
        zones = [zone for zone in call.region.zones if request.zone_id in (None, zone)]
        resources = _resources(request)
        if not _offered(request) or (resources is not None and not resources):
            zones = []
        return DescribeAvailableResourceResponse(
            available_zones=AvailableZoneList(
                available_zone=[
                    AvailableZone(
                        zone_id=zone,
                        region_id=call.region.id,
                        status=AVAILABLE,
                        status_category=WITH_STOCK,
                        available_resources=_told(request.destination_resource, resources),
                    )
                    for zone in zones
                ]
            )
        )


def _offered(request: DescribeAvailableResourceRequest) -> bool:
    """Whether the zones have everything that the request names."""
    return (
        request.io_optimized == OPTIMIZED
        and request.network_category.lower() == NETWORK
        and request.instance_type in (None, *INSTANCE_TYPES)
        and request.system_disk_category in (None, *DISK_CATEGORIES)
        and request.data_disk_category in (None, *DISK_CATEGORIES)
    )


def _resources(request: DescribeAvailableResourceRequest) -> Sequence[str] | None:
    """What there is of the kind that is asked for, and of that kind the one that the request names; None for zones."""
    if request.destination_resource == ZONE:
        return None
    named = {
        "InstanceType": request.instance_type,
        "SystemDisk": request.system_disk_category,
        "DataDisk": request.data_disk_category,
    }.get(request.destination_resource)
    return [value for value in SUPPORTED[request.destination_resource] if named in (None, value)]


def _told(kind: str, resources: Sequence[str] | None) -> AvailableResourceList | None:
    if resources is None:
        return None
    supported = [SupportedResource(value=value, status=AVAILABLE, status_category=WITH_STOCK) for value in resources]
    return AvailableResourceList(
        available_resource=[
            AvailableResource(type=kind, supported_resources=SupportedResourceList(supported_resource=supported))
        ]
    )
