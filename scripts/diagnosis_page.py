"""``docs/diagnosis.md``: why a tunnel does not come up, from the table that the API answers by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gatewright.resources.troubles import MEANINGS, Cause, Meaning

#: The groups of the page: what is in each, by how its reason begins, or by what the rows say.
_OF_ROWS = (
    Cause.NO_ROUTE,
    Cause.NOT_PUBLISHED,
    Cause.UPDATING,
    Cause.UNATTACHED,
    Cause.UNSEEN,
    Cause.AWAY,
    Cause.CLOCK,
    Cause.HOST,
    Cause.SAME_PEER,
)
_UP = (Cause.HEALTH, Cause.BGP, Cause.BGP_PEER_ASN, Cause.BGP_LOCAL_ASN, Cause.NAT, Cause.NAT_UNWANTED, Cause.LIFETIME)


def diagnosis_page(notice: str) -> str:
    """The whole page."""
    around = set(_OF_ROWS + _UP)
    phase_2 = [cause for cause, meaning in MEANINGS.items() if meaning.phase_2]
    phase_1 = [cause for cause in MEANINGS if cause not in around and cause not in phase_2 and cause is not Cause.NONE]
    tables: dict[str, Sequence[Cause]] = {"phase_1": phase_1, "phase_2": phase_2, "up": _UP, "around": _OF_ROWS}
    return _PAGE.format(notice=notice, **{name: "\n".join(_table(causes)) for name, causes in tables.items()})


def _table(causes: Sequence[Cause]) -> Iterator[str]:
    yield "| code | severity | what is wrong | parameters | what to do |"
    yield "|---|---|---|---|---|"
    for cause in causes:
        meaning = MEANINGS[cause]
        yield f"| `{meaning.code}` | {meaning.severity} | {meaning.reason} | {_named(meaning)} | {meaning.advice} |"


def _named(meaning: Meaning) -> str:
    return ", ".join(f"`{each}`" for each in meaning.parameters)


_PAGE = """{notice}
<!-- every block: tests/operations/test_diagnosis.py, tests/operations/test_gateway_diagnosis.py -->

# Why a tunnel does not come up

Ask the service; it has read what its daemons said:

```sh
gatewright call DiagnoseVpnConnections --VpnConnectionIds.1 vco-bp1... \\
    --query 'VpnConnections[].[TunnelId,FailedReasonCode,FailedReason]' --output text
```

Each line is one finding, the gravest of each tunnel first: its code, what is wrong, and which parameter to change.
`--output yaml` in place of both options has all of it: also since when it has been so, and the line of the log that
says it. A tunnel that nothing is wrong with has `NoExceptionFound`. Of a connection with two tunnels the parameters are
called `TunnelIkeConfig`, `TunnelIpsecConfig` and `TunnelBgpConfig`. `DescribeVpnConnectionLogs` has all that was said.

**Who is refused is not told why.** When the gateway begins and the device refuses, only the device's log says which
algorithm or name it wanted. When the device begins and the gateway refuses, both values are known: they are in
`MismatchLocalParam` and `MismatchRemoteParam`, in the API's words. So if an entry says `AlgorithmMismatch` or
`PskMismatch` without values, have the device begin. What says more stands for a minute before what says less.

Codes are those that the API's documentation names, as far as it does (`PeerMismatch`, `AlgorithmMismatch`,
`EncryptionAlgorithmMismatch`, `AuthenticationAlgorithmMismatch`, `DhGroupMismatch`, `Phase1NegotiationTimeout`); the
others are formed like these (*assumed*).

On the [simulated plane](control.md#tunnels) peers that are steered to refuse give the same findings.

## A gateway's diagnosis

```sh
gatewright call DiagnoseVpnGateway --VpnGatewayId vpn-bp1... --ResourceType IPsec --ResourceId vco-bp1...
gatewright call GetVpnGatewayDiagnoseResult --VpnGatewayId vpn-bp1...
```

It tells of the gateway and one of its connections, item by item, each `normal`, `warning` or `error`, with a
description in JSON: conflicts of routes, how full quotas are, where the two sides are configured differently, whether
the devices answer, what hosts say of the instances, all findings of the tunnels, and what of the routes the VPC knows.
With `--IPsecExtendInfo '{{"PrivateSourceIp": "10.0.0.7", "PrivateDestinationIp": "192.168.0.7"}}'` also whether
everything here leads from the one address to the other. No packets are sent for it, so there is no `rtt`: a device
answers if it has answered IKE (*assumed*).

## It does not come up: phase 1

{phase_1}

## It does not come up: phase 2

{phase_2}

## It is up, and yet

{up}

## Around it

{around}
"""
