"""The operations of Ecs that Terraform's ``alicloud_regions`` and ``alicloud_zones`` ask, and no other.

No ECS instance can be made here. ``offer.py`` says what zones name nevertheless, and why.
"""

from __future__ import annotations

from gatewright.operations.ecs.available_resources import DescribeAvailableResource
from gatewright.operations.ecs.regions import DescribeRegions
from gatewright.operations.ecs.zones import DescribeZones

OPERATIONS = (DescribeRegions, DescribeZones, DescribeAvailableResource)
