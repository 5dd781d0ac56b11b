"""Ecs DescribeZones."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gatewright.errors import ErrorRow
from gatewright.operations.call import Call
from gatewright.operations.declaration import ECS, Access, OneOf, Operation, Parameter, Part, Request, Response
from gatewright.operations.ecs.offer import (
    CHARGE_TYPES,
    CREATABLE,
    DISK_CATEGORIES,
    INSTANCE_FAMILIES,
    INSTANCE_TYPES,
    LANGUAGE_NOT_FOUND,
    NETWORK,
    SPOT_STRATEGIES,
)

REGION_NOT_FOUND = ErrorRow(
    404, "InvalidRegionId.NotFound", "The specified RegionId does not exist.", "DescribeRegions lists the regions."
)
CHARGE_TYPE_NOT_FOUND = ErrorRow(
    404, "InvalidInstanceChargeType.NotFound", "The InstanceChargeType does not exist in our records"
)
INVALID_SPOT_STRATEGY = ErrorRow(400, "InvalidSpotStrategy", "The specified SpotStrategy is not valid.")


class DescribeZonesRequest(Request, kw_only=True, frozen=True):
    region_id: Annotated[str, Parameter()]
    verbose: Annotated[bool, Parameter()] = True
    instance_charge_type: Annotated[str | None, Parameter(OneOf(*CHARGE_TYPES, error=CHARGE_TYPE_NOT_FOUND))] = None
    spot_strategy: Annotated[str | None, Parameter(OneOf(*SPOT_STRATEGIES, error=INVALID_SPOT_STRATEGY))] = None
    accept_language: Annotated[str | None, Parameter(OneOf("zh-CN", "en-US", "ja", error=LANGUAGE_NOT_FOUND))] = None


class DedicatedHostTypes(Part, kw_only=True):
    dedicated_host_type: list[str]


class DedicatedHostGenerations(Part, kw_only=True):
    dedicated_host_generation: list[str]


class VolumeCategories(Part, kw_only=True):
    volume_categories: list[str]


class DiskCategories(Part, kw_only=True):
    disk_categories: list[str]


class InstanceTypes(Part, kw_only=True):
    instance_types: list[str]


class ResourceTypes(Part, kw_only=True):
    resource_types: list[str]


class DataDisks(Part, kw_only=True):
    categories: list[str] = msgspec.field(name="supportedDataDiskCategory")


class SystemDisks(Part, kw_only=True):
    categories: list[str] = msgspec.field(name="supportedSystemDiskCategory")


class Generations(Part, kw_only=True):
    generations: list[str] = msgspec.field(name="supportedInstanceGeneration")


class Families(Part, kw_only=True):
    families: list[str] = msgspec.field(name="supportedInstanceTypeFamily")


class Types(Part, kw_only=True):
    types: list[str] = msgspec.field(name="supportedInstanceType")


class Networks(Part, kw_only=True):
    categories: list[str] = msgspec.field(name="supportedNetworkCategory")


class ResourcesInfo(Part, kw_only=True):
    data_disk_categories: DataDisks
    system_disk_categories: SystemDisks
    instance_generations: Generations
    instance_type_families: Families
    instance_types: Types
    io_optimized: bool
    network_types: Networks


class ResourcesInfoList(Part, kw_only=True):
    resources_info: list[ResourcesInfo]


class ZonePart(Part, kw_only=True):
    zone_id: str
    zone_type: str
    local_name: str
    available_resource_creation: ResourceTypes | None = None
    available_instance_types: InstanceTypes | None = None
    available_disk_categories: DiskCategories | None = None
    available_resources: ResourcesInfoList | None = None
    available_dedicated_host_types: DedicatedHostTypes | None = None
    dedicated_host_generations: DedicatedHostGenerations | None = None
    available_volume_categories: VolumeCategories | None = None


class ZoneList(Part, kw_only=True):
    zone: list[ZonePart]


class DescribeZonesResponse(Response, kw_only=True):
    zones: ZoneList


class DescribeZones(Operation[DescribeZonesRequest, DescribeZonesResponse]):
    """List the zones of a region, those with VPN gateways first.

    What can be created in a zone is a vSwitch. Three instance types and three disk categories are named nevertheless,
    because Terraform passes over a zone that has none (*assumed*). ``Verbose`` false leaves out all but the zone's
    id, type and name (*assumed*). ``LocalName`` is the zone's id whatever language is asked for (*assumed*).
    """

    product = ECS
    access = Access.LIST
    region_not_found = REGION_NOT_FOUND
    errors = (REGION_NOT_FOUND, CHARGE_TYPE_NOT_FOUND, INVALID_SPOT_STRATEGY, LANGUAGE_NOT_FOUND)

    def execute(self, call: Call, request: DescribeZonesRequest) -> DescribeZonesResponse:
        told = _verbose if request.verbose else _brief
        return DescribeZonesResponse(zones=ZoneList(zone=[told(zone) for zone in call.region.zones]))


def _brief(zone_id: str) -> ZonePart:
    return ZonePart(zone_id=zone_id, zone_type="AvailabilityZone", local_name=zone_id)


def _verbose(zone_id: str) -> ZonePart:
    disks = list(DISK_CATEGORIES)
    info = ResourcesInfo(
        data_disk_categories=DataDisks(categories=disks),
        system_disk_categories=SystemDisks(categories=disks),
        instance_generations=Generations(generations=[]),
        instance_type_families=Families(families=list(INSTANCE_FAMILIES)),
        instance_types=Types(types=list(INSTANCE_TYPES)),
        io_optimized=True,
        network_types=Networks(categories=[NETWORK]),
    )
    return ZonePart(
        zone_id=zone_id,
        zone_type="AvailabilityZone",
        local_name=zone_id,
        available_resource_creation=ResourceTypes(resource_types=list(CREATABLE)),
        available_instance_types=InstanceTypes(instance_types=list(INSTANCE_TYPES)),
        available_disk_categories=DiskCategories(disk_categories=disks),
        available_resources=ResourcesInfoList(resources_info=[info]),
        available_dedicated_host_types=DedicatedHostTypes(dedicated_host_type=[]),
        dedicated_host_generations=DedicatedHostGenerations(dedicated_host_generation=[]),
        available_volume_categories=VolumeCategories(volume_categories=[]),
    )
