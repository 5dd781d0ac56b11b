"""Programs with the SDKs: Python and Node."""

from __future__ import annotations

from gatewright.client.snippets.target import Target, quoted


def python(to: Target) -> str:
    """A gateway with the Python SDK, a program."""
    region = to.region.id
    ca = "" if to.ca is None else f"        ca={quoted(str(to.ca))},\n"
    zones = to.zones
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
        endpoint={quoted(to.address)},
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
{second}        bandwidth={to.bandwidth},
    )
).body.vpn_gateway_id
status = ""
while status in ("", "init", "provisioning"):
    time.sleep(0.2)
    now = client.describe_vpn_gateway(models.DescribeVpnGatewayRequest(region_id=region, vpn_gateway_id=gateway)).body
    status = now.status

print(gateway, status, now.internet_ip)
"""


def node(to: Target) -> str:
    """A gateway with the Node SDK, a program."""
    vswitches = "".join(
        f'    await vswitch("{zone}", "10.{number}.0.0/24"),\n' for number, zone in enumerate(to.zones, 1)
    )
    second = ", disasterRecoveryVSwitchId" if len(to.zones) > 1 else ""
    return f"""\
// The Node SDK: npm install @alicloud/vpc20160428 @alicloud/openapi-core
// The key comes from the environment: in this shell, once,
//   {to.key}
const sdk = require("@alicloud/vpc20160428");
const {{ $OpenApiUtil }} = require("@alicloud/openapi-core");

const regionId = "{to.region.id}";
const client = new sdk.default(new $OpenApiUtil.Config({{
  accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID,
  accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
  endpoint: {quoted(to.address)},
  protocol: "{"https" if to.secure else "http"}",
  regionId,
}}));

async function main() {{
  const {{ vpcId }} = (await client.createVpc(new sdk.CreateVpcRequest({{ regionId, cidrBlock: "10.0.0.0/8" }}))).body;
  const vswitch = async (zoneId, cidrBlock) =>
    (await client.createVSwitch(new sdk.CreateVSwitchRequest({{ regionId, vpcId, zoneId, cidrBlock }}))).body.vSwitchId;
  const [vSwitchId{second}] = [
{vswitches}  ];
  const order = new sdk.CreateVpnGatewayRequest({{
    regionId, vpcId, vSwitchId{second}, bandwidth: {to.bandwidth},
  }});
  const {{ vpnGatewayId }} = (await client.createVpnGateway(order)).body;
  let now = {{ status: "init" }};
  while (["init", "provisioning"].includes(now.status)) {{
    await new Promise((wake) => setTimeout(wake, 200));
    now = (await client.describeVpnGateway(new sdk.DescribeVpnGatewayRequest({{ regionId, vpnGatewayId }}))).body;
  }}
  console.log(vpnGatewayId, now.status, now.internetIp);
}}

main().catch((error) => {{
  console.error(error.message);
  process.exitCode = 1;
}});
"""
