"""What to copy to drive a service with each client: pure text, with no secret but in :func:`env`.

How clients are pointed at an address is from the sources of the Terraform provider alicloud 1.289.0, of the aliyun CLI
v3 and of the Python SDK; the last one and the shell's are run by the tests as they stand.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gatewright.client.profile import Profile
from gatewright.errors import ConfigurationError
from gatewright.resources.regions import Region, regions


@dataclass(frozen=True)
class Target:
    """A service as a snippet says it."""

    #: ``HOST:PORT``.
    address: str
    secure: bool
    region: Region
    #: A file with the authorities to trust for HTTPS, PEM; None where the system's are enough.
    ca: Path | None
    #: Product codes that are served at the address: ``Vpc``, ``Ecs``.
    products: tuple[str, ...]
    #: How a shell calls this program, and the options that tell it this service from any folder.
    program: str
    options: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The line of a shell that takes the key into its environment."""
        return f'eval "$({shlex.join((self.program, "snippets", "env", *self.options))})"'


def target(profile: Profile, products: tuple[str, ...], program: str, options: tuple[str, ...] = ()) -> Target:
    """The service of a profile. Raises ConfigurationError for an endpoint or a region that there cannot be."""
    parts = urlsplit(profile.endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"the endpoint {profile.endpoint!r} is not of the form http://HOST:PORT")
    region = regions().get(profile.region)
    if region is None:
        raise ConfigurationError(f"region is {profile.region!r}: the catalogue has {', '.join(regions())}")
    address = parts.netloc.rpartition("@")[2]
    return Target(address, parts.scheme == "https", region, profile.ca, products, program, options)


def env(profile: Profile, environment: Mapping[str, str]) -> str:
    """The key as variables that every client reads, for a shell. The only text here with a secret in it.

    What is in ``environment`` already and would send requests elsewhere is put right: a session's token of another
    key, a proxy. The aliyun CLI would take its own profile's key otherwise.
    """
    wanted = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": profile.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": profile.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": profile.security_token or "",
        # Terraform asks for these first
        "ALICLOUD_ACCESS_KEY": profile.access_key_id,
        "ALICLOUD_SECRET_KEY": profile.access_key_secret,
        "ALICLOUD_SECURITY_TOKEN": profile.security_token or "",
        "ALIBABA_CLOUD_IGNORE_PROFILE": "TRUE",
        "SSL_CERT_FILE": "" if profile.ca is None else str(profile.ca),
    }
    if any(environment.get(name) for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")):
        parts = urlsplit(profile.endpoint)
        old = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
        # some clients compare the host, Terraform's the host with its port
        direct = dict.fromkeys(filter(None, (*old.split(","), parts.hostname or "", parts.netloc)))
        wanted |= dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(direct))
    lines = [f"export {name}={shlex.quote(value)}" for name, value in wanted.items() if value]
    lines += [f"unset {name}" for name in wanted if name.endswith("_TOKEN") and not wanted[name]]
    return "\n".join(lines) + "\n"


def call(to: Target) -> str:
    """A gateway with this program's own command, for a shell."""
    options = "".join(f" {shlex.quote(word)}" for word in to.options)

    def command(operation: str) -> str:
        return f"{shlex.join((to.program, 'call', operation))}{options}"

    lines = ["# A VPN gateway, with Gatewright's own command, which finds endpoint and key by itself."]
    lines += [f"vpc=$({command('CreateVpc')} --CidrBlock 10.0.0.0/8 \\", "    --query VpcId --output text) &&"]
    chosen = []
    for number, (zone, parameter) in enumerate(zip(_zones(to.region), _VSWITCHES, strict=False), 1):
        lines += [
            f'vswitch{number}=$({command("CreateVSwitch")} --VpcId "$vpc" \\',
            f"    --ZoneId {zone} --CidrBlock 10.{number}.0.0/24 --wait --query VSwitchId --output text) &&",
        ]
        chosen.append(f'--{parameter} "$vswitch{number}" ')
    lines += [
        f'{command("CreateVpnGateway")} --VpcId "$vpc" \\',
        f"    {''.join(chosen)}--Bandwidth {_bandwidth(to.region)} --wait",
    ]
    return "\n".join(lines) + "\n"


def aliyun(to: Target) -> str:
    """The aliyun CLI, for a shell."""
    # --insecure is that CLI's word for plain HTTP
    where = f"--endpoint {shlex.quote(to.address)}" + ("" if to.secure else " --insecure")
    region = to.region.id
    return f"""\
# The aliyun CLI, version 3. The key comes from the environment: in this shell, once,
#   {to.key}
aliyun vpc CreateVpc {where} \\
    --region {region} --RegionId {region} --CidrBlock 10.0.0.0/8
aliyun vpc DescribeVpcs {where} \\
    --region {region} --RegionId {region}
"""


def python(to: Target) -> str:
    """A gateway with the Python SDK, a program."""
    region = to.region.id
    ca = "" if to.ca is None else f"        ca={_quoted(str(to.ca))},\n"
    zones = _zones(to.region)
    pairs = "".join(f'("{zone}", "10.{number}.0.0/24"), ' for number, zone in enumerate(zones, 1))
    second = "        disaster_recovery_vswitch_id=vswitches[1],\n" if len(zones) > 1 else ""
    return f"""\
# The Python SDK: pip install alibabacloud_vpc20160428
# The key comes from the environment: in this shell, once,
#   {to.key}
import os
import time

from alibabacloud_tea_openapi.models import Config
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client

client = Client(
    Config(
        access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        endpoint={_quoted(to.address)},
        protocol="{"HTTPS" if to.secure else "HTTP"}",
{ca}        region_id="{region}",
    )
)
region = "{region}"
vpc = client.create_vpc(models.CreateVpcRequest(region_id=region, cidr_block="10.0.0.0/8")).body.vpc_id
vswitches = [
    client.create_vswitch(
        models.CreateVSwitchRequest(region_id=region, vpc_id=vpc, zone_id=zone, cidr_block=cidr)
    ).body.v_switch_id
    for zone, cidr in [{pairs.rstrip(", ")}]
]
gateway = client.create_vpn_gateway(
    models.CreateVpnGatewayRequest(
        region_id=region,
        vpc_id=vpc,
        v_switch_id=vswitches[0],
{second}        bandwidth={_bandwidth(to.region)},
    )
).body.vpn_gateway_id
status = ""
while status in ("", "init", "provisioning"):
    time.sleep(0.2)
    now = client.describe_vpn_gateway(models.DescribeVpnGatewayRequest(region_id=region, vpn_gateway_id=gateway)).body
    status = now.status

print(gateway, status, now.internet_ip)
"""


def terraform(to: Target) -> str:
    """A gateway with Terraform, a ``main.tf`` as ``terraform fmt`` writes it."""
    width = max(len(product) for product in to.products)
    endpoints = "".join(f"    {product.lower():{width}} = {_quoted(to.address)}\n" for product in to.products)
    vswitches = "".join(
        f"""
resource "alicloud_vswitch" "zone{number}" {{
  vpc_id     = alicloud_vpc.main.id
  zone_id    = "{zone}"
  cidr_block = "10.{number}.0.0/24"
}}
"""
        for number, zone in enumerate(_zones(to.region), 1)
    )
    arguments = {"vpc_id": "alicloud_vpc.main.id", "vswitch_id": "alicloud_vswitch.zone1.id"}
    if len(_zones(to.region)) > 1:
        arguments["disaster_recovery_vswitch_id"] = "alicloud_vswitch.zone2.id"
    arguments |= {"bandwidth": str(_bandwidth(to.region)), "payment_type": '"PayAsYouGo"'}
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


#: The snippets without a secret, by what the command calls them.
SNIPPETS: dict[str, Callable[[Target], str]] = {
    "call": call,
    "aliyun": aliyun,
    "python": python,
    "terraform": terraform,
}


#: The parameters that name a gateway's vSwitches.
_VSWITCHES = ("VSwitchId", "DisasterRecoveryVSwitchId")


def _zones(region: Region) -> tuple[str, ...]:
    """Where a gateway's vSwitches may be: two zones where gateways have two instances."""
    zones = region.gateway_zones or region.zones
    return (zones[0], zones[min(1, len(zones) - 1)]) if region.dual_tunnel else zones[:1]


def _bandwidth(region: Region) -> int:
    """The least that a public gateway is offered with there, Mbit/s."""
    return min(region.public_bandwidths)


def _quoted(text: str) -> str:
    """As Python and Terraform both read it; Terraform takes ``${`` and ``%{`` for its own."""
    return json.dumps(text, ensure_ascii=False)
