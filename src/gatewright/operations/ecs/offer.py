"""What every zone offers, and the words that Ecs has for it.

Terraform passes over a zone that offers no instance types or no disk categories, whatever it looks for; so zones name
a few that configurations for VPN gateways commonly filter by. What can really be created in a zone is a vSwitch.
"""

from __future__ import annotations

from gatewright.errors import ErrorRow

CREATABLE = ("VSwitch",)
INSTANCE_TYPES = ("ecs.n4.large", "ecs.g6.large", "ecs.g7.large")
INSTANCE_FAMILIES = ("ecs.n4", "ecs.g6", "ecs.g7")
DISK_CATEGORIES = ("cloud_efficiency", "cloud_ssd", "cloud_essd")
NETWORK = "vpc"

CHARGE_TYPES = ("PrePaid", "PostPaid")
SPOT_STRATEGIES = ("NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo")

LANGUAGE_NOT_FOUND = ErrorRow(
    404,
    "InvalidAcceptLanguage.NotFound",
    "Only Chinese (zh-CN), English (en-US), and Japanese (ja) are allowed.",
)
