"""For a shell: this program's own command, and the aliyun CLI."""

from __future__ import annotations

import shlex

from gatewright.client.snippets.target import Target

#: The parameters that name a gateway's vSwitches.
VSWITCHES = ("VSwitchId", "DisasterRecoveryVSwitchId")


def call(to: Target) -> str:
    """A gateway with this program's own command, for a shell."""
    options = "".join(f" {shlex.quote(word)}" for word in to.options)

    def command(operation: str) -> str:
        return f"{shlex.join((to.program, 'call', operation))}{options}"

    lines = ["# A VPN gateway, with Gatewright's own command, which finds endpoint and key by itself."]
    lines += [f"vpc=$({command('CreateVpc')} --CidrBlock 10.0.0.0/8 \\", "    --query VpcId --output text) &&"]
    chosen = []
    for number, (zone, parameter) in enumerate(zip(to.zones, VSWITCHES, strict=False), 1):
        lines += [
            f'vswitch{number}=$({command("CreateVSwitch")} --VpcId "$vpc" \\',
            f"    --ZoneId {zone} --CidrBlock 10.{number}.0.0/24 --wait --query VSwitchId --output text) &&",
        ]
        chosen.append(f'--{parameter} "$vswitch{number}" ')
    lines += [
        f'{command("CreateVpnGateway")} --VpcId "$vpc" \\',
        f"    {''.join(chosen)}--Bandwidth {to.bandwidth} --wait",
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
