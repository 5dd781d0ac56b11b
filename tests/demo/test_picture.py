"""The live picture at any size, and what the command says where it cannot run."""

from __future__ import annotations

import os
import time

import pytest
from demo.__main__ import main
from demo.cloud import ROLES, UP, TunnelStatus
from demo.picture import frame
from demo.telling import Failure, Known
from rich.cells import cell_len

WIDTHS = [(80, 24), (200, 50), (40, 12), (80, 6)]


def known() -> Known:
    """In the middle of it, but for a stream."""
    made = Known(tell=lambda _: None)
    made.headline = "The slave's tunnel carries"
    made.addresses = ("198.18.0.2", "198.18.0.3")
    made.tunnels = (TunnelStatus("master", "ike_sa_not_established", "false"), TunnelStatus("slave", UP, "success"))
    made.rates = {"master": 0.0, "slave": 449.0}
    made.failures = [Failure("the master's strongSwan at the gateway is killed", time.monotonic(), 0.226, 0.227, 21)]
    made.happens("something with a name that is longer than any terminal is wide " * 5)
    return made


@pytest.mark.parametrize(("width", "height"), WIDTHS)
@pytest.mark.parametrize("fancy", [True, False])
def test_a_frame_fits(width: int, height: int, fancy: bool) -> None:
    lines = frame(known(), width, height, fancy=fancy)

    assert len(lines) <= height
    assert all(cell_len(line.plain) <= width for line in lines)
    if not fancy:
        assert all(line.plain.replace("…", "").isascii() for line in lines)


def test_a_frame_of_80_columns_shows_tunnels_addresses_and_pauses() -> None:
    told = "\n".join(line.plain for line in frame(known(), 80, 24))

    for each in (*ROLES, "198.18.0.2", "198.18.200.50", "10.0.0.100", "172.16.1.10", "ike_sa_not_established"):
        assert each in told
    assert "226 ms (TCP 227 ms)" in told


def test_who_is_not_root_is_told_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert main([]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert "sudo make demo" in line
