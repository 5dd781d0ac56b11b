"""Terraform."""

from __future__ import annotations

from gatewright.client.snippets.target import Target, quoted

#: The products that are served here, by the names of the provider's ``endpoints`` block, which takes no other name.
ENDPOINTS = ("vpc", "ecs", "alb", "resourcemanager", "location", "bssopenapi", "sts")


def terraform(to: Target) -> str:
    """A gateway with Terraform, a ``main.tf`` as ``terraform fmt`` writes it."""
    width = max(map(len, ENDPOINTS))
    endpoints = "".join(f"    {name:{width}} = {quoted(to.address)}\n" for name in ENDPOINTS)
    vswitches = "".join(
        f"""
resource "alicloud_vswitch" "zone{number}" {{
  vpc_id     = alicloud_vpc.main.id
  zone_id    = "{zone}"
  cidr_block = "10.{number}.0.0/24"
}}
"""
        for number, zone in enumerate(to.zones, 1)
    )
    arguments = {"vpc_id": "alicloud_vpc.main.id", "vswitch_id": "alicloud_vswitch.zone1.id"}
    if len(to.zones) > 1:
        arguments["disaster_recovery_vswitch_id"] = "alicloud_vswitch.zone2.id"
    arguments |= {"bandwidth": str(to.bandwidth), "payment_type": '"PayAsYouGo"'}
    longest = max(map(len, arguments))
    gateway = "".join(f"  {name:{longest}} = {value}\n" for name, value in arguments.items())
    return f"""\
# terraform init && terraform apply. The key comes from the environment: in this shell, once,
#   {to.key}
terraform {{
  required_providers {{
    alicloud = {{
      source = "aliyun/alicloud"
    }}
  }}
}}

provider "alicloud" {{
  region       = "{to.region.id}"
  protocol     = "{"HTTPS" if to.secure else "HTTP"}"
  account_type = "Domestic"

  endpoints {{
{endpoints}  }}
}}

resource "alicloud_vpc" "main" {{
  vpc_name   = "gatewright"
  cidr_block = "10.0.0.0/8"
}}
{vswitches}
resource "alicloud_vpn_gateway" "main" {{
{gateway}}}

output "internet_ip" {{
  value = alicloud_vpn_gateway.main.internet_ip
}}
"""
