"""``docs/peers.md``: what each kind of device is told of a connection, by the code that tells it to people."""

from __future__ import annotations

import textwrap

import msgspec
from tests.peers.answers import OURS, THEIRS, dual

from gatewright.peers import VENDORS, Part, Vendor, peer

#: What is to be known before a configuration of a device is used, beside what it says itself.
_NOTES = {
    "strongswan": "An XFRM interface a tunnel, which Linux has since 4.19. The `updown` script makes it and sets its "
    "routes when the tunnel stands, and takes them away when it falls, so the slave's are used then. With BGP, "
    "`bird.conf` is for BIRD 2.",
    "strongswan-userspace": "For machines whose kernel has no ESP, containers for example. One tunnel a charon: "
    "choose it with `--tunnel`. If the connection has subnets, this machine needs an address in each local one. "
    "The main table needs a default route: the routes that charon installs whatever it is told come after it.",
    "libreswan": "It is shipped without `group1` and `group2`; `group2` is the API's default. Nothing "
    "moves static routes when a tunnel falls: with two tunnels use BGP. Libreswan 5 takes IKEv1 only with "
    "`ikev1-policy=accept`.",
    "vyos": "Routes go with the interface, which is down while its tunnel is.",
    "frr": "BGP and BFD, or static routes, in the place of `bird.conf`: the interfaces are those of "
    "`--vendor strongswan`.",
    "cisco-ios": "IKEv2 takes any key; IKEv1 none with a `?`, and no name as `LocalId` that is not the router's own. "
    "Selectors on a tunnel interface need IOS XE 16.12.",
    "juniper": "With selectors their routes come with the tunnel; BFD below 300 ms is not for every SRX.",
    "mikrotik": "RouterOS has no interface for an IPsec tunnel, so no BGP in it, and of two tunnels one is enabled. "
    "Networks that the connection does not say are named with `--local-network` and `--remote-network`.",
    "fortigate": "A key has at least 6 characters.",
    "pfsense": "What to enter: pfSense has no commands for it, and imports whole machines only.",
    "windows": "IKEv2 is a site-to-site interface of RRAS on a server, IKEv1 a rule of the firewall. Only addresses as "
    "identities, no aggressive mode, no `group5`, no BGP in the tunnel.",
}

_PAGE = """\
{notice}
<!-- every block: tests/conformance/test_docs.py::test_the_pages_are_up_to_date -->

# A customer's device

`gatewright peer-config` writes what a customer's device has to be told, so that its end of an IPsec connection meets
the gateway's:

```sh
gatewright peer-config vco-bp1mx2ag0m8szbcjz8tl --vendor vyos
```

It asks the service for the connection, with `DescribeVpnConnection` and `DownloadVpnConnectionConfig`; where there is
BGP, for its key, with `DescribeCustomerGateway`; where routes decide, for the networks of the gateway's VPC, with
`DescribeVpnGateway` and `DescribeVpcAttribute`.

| option | |
|---|---|
| `--vendor V` | one of the devices below |
| `--tunnel master`, `--tunnel slave` | one of two tunnels; both, if it is not said |
| `--part NAME` | one of several files alone, to be redirected into it |
| `--number N` | of the first tunnel's interface on the device (1): another for each further connection |
{networks}
| `--without-secrets` | a placeholder for each key |
| `--psk-file FILE` | the same, and the keys into a new file that only you can read |

- **The pre-shared keys are in what is printed**, because the device needs them; standard error says so. They are
  quoted as the device reads them, in hexadecimal or Base64 where its quoting is not enough.
- What a device cannot do is refused, with what to change of the connection.
- Let the device send and take UDP 500 and 4500. A gateway on a host whose kernel has no ESP speaks UDP 4500 always, as
  behind NAT; with a kernel that has it, and no NAT, it is IP protocol 50 too.
- Interfaces have an MTU of 1400, which fits into 1500 with every algorithm and NAT traversal.
- Both ends should send by the same tunnel: the master's routes are preferred, by distance or by local preference. BFD
  notices in some 0.3 s that a tunnel is gone; without BGP it takes until DPD does.
- With a health check the gateway pings an address behind the device: it has to answer.

| `--vendor` | device | tried |
|---|---|---|
{table}

Each example is the master's tunnel of one connection with two tunnels, IKEv2 and BGP. The network `{ours}` is
behind the device, `{theirs}` behind the gateway.
{examples}"""
_NETWORKS = (
    "| `--local-network CIDR`, `--remote-network CIDR` | what is behind device and gateway, where subnets of "
    "`0.0.0.0/0` do not say it; the gateway's VPC is known |"
)


def peers_page(notice: str) -> str:
    """The page."""
    answers = dual(with_bgp=True)
    whole = peer(*answers, keys={"cgw-one": "md5-key"}, local_networks=[OURS], remote_networks=[THEIRS])
    shown = msgspec.structs.replace(whole, tunnels=whole.tunnels[:1])
    table = [
        f"| `{name}` | {vendor.title} | {vendor.tried or 'not on a device: from its documentation'} |"
        for name, vendor in VENDORS.items()
    ]
    examples = [_example(name, vendor, vendor.write(shown)) for name, vendor in VENDORS.items()]
    return _PAGE.format(
        notice=notice,
        networks=_NETWORKS,
        table="\n".join(table),
        ours=OURS,
        theirs=THEIRS,
        examples="".join(examples).rstrip() + "\n",
    )


def _example(name: str, vendor: Vendor, parts: list[Part]) -> str:
    blocks = "".join(
        f"\n{f'`{part.name}`: ' if len(parts) > 1 else ''}{part.goes}\n\n```text\n{part.text}```\n" for part in parts
    )
    return f"\n## {vendor.title}\n\n{textwrap.fill(_NOTES[name], 120)}\n{blocks}"
