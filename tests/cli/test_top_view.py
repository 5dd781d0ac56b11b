"""What ``gatewright top`` works out and shows, at any size, without a service or a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gatewright.cli.top import _changed
from gatewright.cli.top_model import Look, Model, Order
from gatewright.cli.top_view import Frame, Size, View, frame

NOW = 1_800_000_000_000
VIEW = View("http://127.0.0.1:8080", "cn-hangzhou")
HOSTS = [{"HostId": "local", "Status": "up"}, {"HostId": "spare", "Status": "away"}]


def instance(gateway: int, number: int = 1, **changed: Any) -> dict[str, Any]:
    told = {
        "InstanceId": f"vpn-{gateway:021}-{number}",
        "VpnGatewayId": f"vpn-{gateway:021}",
        "VpnGatewayName": f"edge-{gateway}",
        "VpnGatewayStatus": "active",
        "ZoneId": f"cn-hangzhou-{'kj'[number - 1]}",
        "HostId": "local",
        "Status": "ready",
        "PrivateIp": "10.0.0.1",
        "PublicIp": "240.0.0.2",
        "Bandwidth": 10,
    }
    return told | changed


def traffic(received: int, sent: int, at: int) -> dict[str, int]:
    return {"ReceivedBytes": received, "SentBytes": sent, "Time": NOW + at}


def look(instances: Sequence[dict[str, Any]], at: int = 0, events: Sequence[dict[str, Any]] = ()) -> Look:
    return Look("simulated", NOW + at, HOSTS, instances, events=events)


def model_of(*looks: Look) -> Model:
    model = Model()
    for each in looks:
        model.take(each)
    return model


def text(made: Frame) -> list[str]:
    return [line.plain.rstrip() for line in made.lines]


def many(count: int) -> Model:
    event = {"Time": NOW, "ResourceId": "vpn-1", "From": "init", "To": "active", "Text": "x" * 300}
    instances = [instance(gateway, number) for gateway in range(count) for number in (1, 2)]
    for each in instances[::7]:
        each |= {"VpnGatewayName": "名" * 40, "Status": "failed", "Reason": "it\x1b[2J broke " * 20}
    return model_of(look(instances), look(instances, 1000, [event] * 30))


@pytest.mark.parametrize(("count", "away"), [(0, ""), (1, "nobody listens at " + "x" * 300), (1000, "")])
def test_a_frame_is_as_large_as_the_terminal(count: int, away: str) -> None:
    model = many(count)
    model.away = away
    for width in (20, 40, 79, 80, 149, 150, 200):
        for height in (1, 2, 5, 13, 14, 24, 50):
            for order in Order:
                made = frame(model, VIEW._replace(order=order, skipped=3), Size(width, height))
                assert len(made.lines) == height
                assert {line.cell_len for line in made.lines} == {width}
                assert "\x1b" not in "".join(text(made))


def test_what_goes_through_follows_from_two_counts() -> None:
    counted = [instance(1, Traffic=traffic(1_000, 0, 0)), instance(1, 2, Traffic=traffic(0, 0, 0)), instance(2)]
    model = model_of(look(counted))
    assert list(model.received.history) == [None]
    counted = [
        instance(1, Traffic=traffic(126_000, 2_500, 1000)),
        instance(1, 2, Traffic=traffic(0, 250_000, 2000)),
        instance(2),
    ]
    model.take(look(counted, 2000))
    one, two = model.rows(Order.NAME)
    assert (one.received.now, one.sent.now) == (1_000_000, 20_000 + 1_000_000)
    assert (two.received.now, two.sent.now) == (None, None)
    shown = text(frame(model, VIEW, Size(80, 24)))
    assert shown[3].split() == ["in", "1.0", "Mbit/s", "█", "out", "1.0", "Mbit/s", "█"]
    assert shown[5].split() == ["edge-1", "active", "2/2", "1.0M", "█", "1.0M", "█"]
    assert shown[6].split() == ["edge-2", "active", "1/1", "-", "-"]
    # the host has nothing new to say: first it may only be late, then nothing goes through any more
    model.take(look(counted, 3000))
    assert model.rows(Order.NAME)[0].received.now == 1_000_000
    model.take(look(counted, 9000))
    assert (model.received.now, model.sent.now) == (0, 0)
    # counting began anew
    model.take(look([instance(1, Traffic=traffic(5, 5, 10_000))], 10_000))
    assert [round(rate) if rate is not None else None for rate in model.received.history] == [
        None,
        1_000_000,
        1_000_000,
        0,
        None,
    ]


def test_tunnels_that_are_up_are_shown_of_those_there_are() -> None:
    model = model_of(look([instance(1, Tunnels=2, TunnelsUp=2), instance(1, 2, Tunnels=2, TunnelsUp=1), instance(2)]))
    narrow, wide = (text(frame(model, VIEW, Size(width, 24))) for width in (80, 100))
    assert narrow[2].endswith("tunnels 3/4 up")
    assert [each.split()[:4] for each in wide[5:7]] == [
        ["edge-1", "active", "2/2", "3/4"],
        ["edge-2", "active", "1/1", "-"],
    ]
    assert "TUNNELS" not in narrow[4]
    assert text(frame(model_of(look([instance(2)])), VIEW, Size(80, 24)))[2].endswith("tunnels -")


def test_of_a_change_that_does_not_fit_it_is_shown_where_it_leads() -> None:
    change = {"From": "ike_sa_not_established", "To": "ipsec_sa_established", "Text": ""}
    model = model_of(look([], events=[{"Time": NOW, "ResourceId": "vco-1", **change}]))
    narrow, wide = (" ".join(text(frame(model, VIEW, Size(width, 24)))) for width in (80, 100))
    assert " -> ipsec_sa_established" in narrow
    assert "ike_sa_not_established" not in narrow
    assert "ike_sa_not_established -> ipsec_sa_established" in wide


def test_gateways_are_sorted_and_scrolled() -> None:
    busy = [instance(number, Traffic=traffic(0, 0, 0)) for number in range(40)]
    model = model_of(
        look(busy), look([each | {"Traffic": traffic(n * 1000, 0, 1000)} for n, each in enumerate(busy)], 1000)
    )
    names = [row.name for row in model.rows(Order.THROUGHPUT)]
    assert names == [f"edge-{number}" for number in range(39, -1, -1)]
    view, size = VIEW._replace(order=Order.NAME), Size(80, 24)
    first = frame(model, view, size)
    assert text(first)[-1].endswith(f"1-{first.page} of 40")
    for key, shown in (
        ("page down", first.page + 1),
        ("down", first.page + 2),
        ("end", 40 - first.page + 1),
        ("k", 40 - first.page),
    ):
        made = frame(model, view, size)
        view = _changed(view, key, made.most_skipped, made.page)
        assert f"{shown}-{shown + first.page - 1} of 40" in text(frame(model, view, size))[-1]
    assert _changed(view, "home", 5, 5).skipped == 0
    assert _changed(view, "s", 5, 5).order is Order.STATUS


def test_what_is_wrong_is_shown_first_by_status_and_at_any_width() -> None:
    broken = instance(7, VpnGatewayStatus="updating", Status="failed", Reason="charon ended")
    model = model_of(look([instance(1), broken]))
    for width in (80, 200):
        shown = text(frame(model, VIEW._replace(order=Order.STATUS), Size(width, 24)))
        assert shown[5].startswith("edge-7")
        assert shown[6].strip().startswith(f"└ {broken['InstanceId']} on local failed: charon ended"[:78])
    assert shown[1] == "2 gateways: 1 active, 1 updating  2 instances: 1 failed, 1 ready"
    assert shown[2].startswith("on local 2  spare (away) 0  in cn-hangzhou-k 2")
    plain = text(frame(model, VIEW._replace(fancy=False), Size(80, 24)))
    assert "".join(plain).isascii()


def test_a_service_that_is_away_is_told_above_what_was_seen_last() -> None:
    model = model_of(look([instance(1)]))
    before = text(frame(model, VIEW, Size(80, 24)))
    model.away = "nobody listens"
    after = text(frame(model, VIEW, Size(80, 24)))
    assert after[1] == "No answer, trying again: nobody listens"
    assert after[2:5] == before[1:4]
    model.take(look([], 1000))
    assert "No gateways in this region yet." in text(frame(model, VIEW, Size(80, 24)))
    assert "No answer" not in "".join(text(frame(model, VIEW, Size(80, 24))))
