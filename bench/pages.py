"""A page of 50 out of 1,000 gateways, ours and moto's in turns."""

from __future__ import annotations

import json
import re

from bench import load
from bench.figures import Figure, Part, median
from bench.load import Load
from bench.moto import Moto
from bench.ours import Gatewright

GATEWAYS = 1000
_PAGE = 50
_TOPIC = "page"
_TIMES_MOTO = 15.0


def measure(ours: Gatewright, moto: Moto, *, rounds: int, count: int, moto_count: int) -> Part:
    """``count`` pages of ours a run, ``moto_count`` of moto's. Both sides have the 1,000 gateways already."""
    mine: list[Load] = []
    theirs: list[Load] = []
    for _ in range(rounds):
        mine.append(load.run(ours.port, 1, ours.pages(count), expected='"vpn-'))
        theirs.append(load.run(moto.port, 1, moto.pages(moto_count), expected=">vgw-"))
    listed = json.loads(mine[0].first.partition("\r\n\r\n")[2])
    if listed["TotalCount"] != GATEWAYS or len(listed["VpnGateways"]["VpnGateway"]) != _PAGE:
        raise load.Refused(f"not a page of {_PAGE} of {GATEWAYS}: {mine[0].first[:500]}")
    moto_listed = len(re.findall("<vpnGatewayId>", theirs[0].first))
    if moto_listed != GATEWAYS:
        raise load.Refused(f"moto listed {moto_listed} gateways and not all {GATEWAYS}")
    p50, moto_p50 = median([run.p50 for run in mine]), median([run.p50 for run in theirs])
    p99, moto_p99 = median([run.p99 for run in mine]), median([run.p99 for run in theirs])
    ratio = moto_p50 / p50
    return Part(
        [
            Figure(
                _TOPIC, "p50", "ms", p50, moto_p50, "moto", ratio, f">= {_TIMES_MOTO:g}x moto", ratio >= _TIMES_MOTO
            ),
            Figure(_TOPIC, "p99", "ms", p99, moto_p99, "moto", moto_p99 / p99),
            Figure(_TOPIC, "bytes an answer", "B", mine[0].bytes_per_answer, theirs[0].bytes_per_answer, "moto"),
        ],
        [
            f"moto ignores MaxResults={_PAGE} and answers with all {moto_listed} gateways: "
            f"{theirs[0].bytes_per_answer:,.0f} bytes, ours {mine[0].bytes_per_answer:,.0f} for {_PAGE}."
        ],
        {"gatewright": [run.document() for run in mine], "moto": [run.document() for run in theirs]},
    )
