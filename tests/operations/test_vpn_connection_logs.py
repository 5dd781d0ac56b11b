"""DescribeVpnConnectionLogs: whose lines, of what time, page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatewright.resources.tunnel_states import TunnelLine
from gatewright.store import tunnel_logs
from tests.support.cell import Cell

#: Seconds.
NOW = 1_800_000_000


class Logged:
    """A connection whose tunnels have said a line a minute, from ten minutes ago until now, one after the other."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        gateway = cell.gateway(cell.network())
        self.id = cell.connection(gateway, cell.customer_gateway("203.0.113.7"), cell.customer_gateway("203.0.113.8"))
        told = cell.call("DescribeVpnConnection", VpnConnectionId=self.id)["TunnelOptionsSpecification"]
        self.ends = [each["TunnelId"] for each in told["TunnelOptions"]]
        self.say(*((minute % 2, NOW - 600 + 60 * minute, f"[IKE] line {minute}") for minute in range(11)))

    def say(self, *lines: tuple[int, int, str]) -> None:
        told = [TunnelLine(tunnel_id=self.ends[end], at=at * 1000 + 5, text=text) for end, at, text in lines]
        self.cell.run(self.cell.control_plane.tunnels("local", (), told))

    def ask(self, **parameters: Any) -> dict[str, Any]:
        return self.cell.call("DescribeVpnConnectionLogs", VpnConnectionId=self.id, **parameters)

    def lines(self, **parameters: Any) -> list[int]:
        """The numbers of the lines that are told."""
        answer = self.ask(PageSize=50, **parameters)
        assert answer["Count"] == len(answer["Data"]["Logs"])
        return [int(line.rpartition(" ")[2]) for line in answer["Data"]["Logs"]]


@pytest.fixture
def logged(make_cell: Callable[..., Cell]) -> Logged:
    return Logged(make_cell(with_agent=False))


def test_the_time_is_given_in_four_ways(logged: Logged) -> None:
    assert logged.lines(From=NOW - 120, To=NOW) == [8, 9, 10]
    assert logged.lines(From=NOW - 121, To=NOW - 60) == [8, 9]
    assert logged.lines(From=NOW - 600, MinutePeriod=1) == [0, 1]
    assert logged.lines(To=NOW - 60, MinutePeriod=2) == [7, 8, 9]
    assert logged.lines(MinutePeriod=10) == list(range(11))
    assert logged.lines(MinutePeriod=2, From=0, To=NOW + 1) == list(range(11))
    assert logged.lines(From=0, To=1) == []


def test_lines_have_their_time_and_their_tunnel(logged: Logged) -> None:
    told = logged.ask(MinutePeriod=10, PageSize=1)
    assert told["Data"]["Logs"] == [f"2027-01-15T07:50:00.005Z {logged.ends[0]} [IKE] line 0"]
    assert (told["Count"], told["IsCompleted"], told["PageNumber"], told["PageSize"]) == (11, True, 1, 1)
    assert logged.lines(MinutePeriod=10, TunnelId=logged.ends[1]) == [1, 3, 5, 7, 9]


def test_pages_follow_one_another(logged: Logged) -> None:
    pages = [logged.ask(MinutePeriod=10, PageSize=4, PageNumber=number)["Data"]["Logs"] for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [4, 4, 3, 0]
    assert [line for page in pages for line in page] == logged.ask(MinutePeriod=10, PageSize=50)["Data"]["Logs"]


def test_what_was_forgotten_is_said(logged: Logged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel_logs, "MOST_KEPT", 3)
    logged.say((0, NOW, "[IKE] line 11"))
    assert not logged.ask(MinutePeriod=10)["IsCompleted"]
    assert logged.lines(MinutePeriod=10) == [9, 10, 11]
    assert logged.ask(From=NOW - 10, To=NOW)["IsCompleted"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "MissingMinutePeriod"),
        ({"From": NOW}, "MissingMinutePeriod"),
        ({"To": NOW}, "MissingMinutePeriod"),
        ({"From": NOW, "To": NOW - 1}, "InvalidParameter"),
        ({"MinutePeriod": 11}, "InvalidParameter"),
        ({"MinutePeriod": 0}, "InvalidParameter"),
        ({"From": -1, "To": NOW}, "InvalidParameter"),
        ({"MinutePeriod": 1, "PageSize": 51}, "InvalidParameter"),
        ({"MinutePeriod": 1, "TunnelId": "tun-none"}, "InvalidParameter"),
        ({"MinutePeriod": 1, "VpnConnectionId": "vco-none"}, "InvalidVpnConnectionInstanceId.NotFound"),
    ],
)
def test_what_is_wrong_is_refused(cell: Cell, parameters: dict[str, Any], code: str) -> None:
    logged = Logged(cell)
    wanted = {"VpnConnectionId": logged.id, **parameters}
    assert cell.refusal("DescribeVpnConnectionLogs", **wanted).code == code


def test_anothers_connection_has_no_lines_for_us(logged: Logged) -> None:
    other = logged.cell.other()
    refused = other.refusal("DescribeVpnConnectionLogs", VpnConnectionId=logged.id, MinutePeriod=1)
    assert refused.code == "InvalidVpnConnectionInstanceId.NotFound"


def test_a_simulated_tunnel_tells_how_it_came_up(make_cell: Callable[..., Cell]) -> None:
    steered = make_cell(control=True)
    gateway = steered.gateway(steered.network())
    connection = steered.connection(gateway, steered.customer_gateway(), steered.customer_gateway("203.0.113.8"))
    steered.control("GET", "/v1/tunnels")
    told = steered.call("DescribeVpnConnectionLogs", VpnConnectionId=connection, MinutePeriod=1)
    assert told["Count"] == 6
    assert sum("CHILD_SA" in line for line in told["Data"]["Logs"]) == 2
