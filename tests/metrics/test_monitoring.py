"""The alert rules and the dashboard name only what a service really tells."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatewright import errors
from gatewright.resources.traffic import Count
from tests.metrics.promql import parse
from tests.metrics.test_metrics import order, scrape
from tests.support.cell import Cell, sqlite_url
from tests.support.metrics import Scrape

FOLDER = Path(__file__).parents[2] / "monitoring"
PAGE = Path(__file__).parents[2] / "docs" / "observing.md"
#: What Prometheus itself adds to every series, and its own metric of whether a target answered.
TARGET = {"job", "instance"}
OWN = {"up"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrape]:
    """What a service tells that has done something."""
    cell = Cell(sqlite_url(tmp_path_factory.mktemp("told")))
    cell.traffic.note("local", [Count(f"{order(cell)}-1", 1, 1, 1, 1)], 0)
    cell.metrics.valid_until = lambda: datetime.now(UTC)
    yield scrape(cell)
    cell.close()


def alerts() -> list[dict[str, Any]]:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    board = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    return list(board["panels"])


def without_variables(expression: str) -> str:
    """What Grafana makes of a panel's expression."""
    return expression.replace("$__rate_interval", "5m").replace("$instance", ".*")


EXPRESSIONS = [rule["expr"] for rule in alerts()] + [
    without_variables(target["expr"]) for panel in panels() for target in panel.get("targets", ())
]
#: What the templates of a rule or a panel's legend name, and the expression that they are for.
TEMPLATES = [
    (rule["expr"], name)
    for rule in alerts()
    for text in rule["annotations"].values()
    for name in re.findall(r"\$labels\.(\w+)", text)
] + [
    (without_variables(target["expr"]), name)
    for panel in panels()
    for target in panel.get("targets", ())
    for name in re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"])
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_an_expression_names_is_told(expression: str, told: Scrape) -> None:
    known, named = told.labels(), parse(expression)
    assert named.metrics
    for metric, matchers in named.metrics:
        assert metric in known or metric in OWN, metric
        for label, operator, value in matchers:
            assert label in known.get(metric, set()) | TARGET, (metric, label)
            values = {dict(labels).get(label) for labels in told.of(metric)}
            if label == "code":
                values |= {errors.INTERNAL_ERROR.code, errors.SERVICE_UNAVAILABLE.code}
            for each in value.split("|") if label not in TARGET else ():
                assert each in values, (metric, label, operator, each)
    labels = set().union(*(known.get(metric, set()) for metric, _ in named.metrics)) | TARGET
    assert named.labels <= labels


@pytest.mark.parametrize(("expression", "label"), TEMPLATES)
def test_what_a_template_names_is_left_by_its_expression(expression: str, label: str, told: Scrape) -> None:
    named = parse(expression)
    if named.left is not None:
        assert label in named.left
    else:
        assert any(label in told.labels().get(metric, set()) | TARGET for metric, _ in named.metrics)


def test_every_metric_of_ours_is_on_the_page_and_no_other(told: Scrape) -> None:
    ours = {re.sub(r"_(bucket|sum|count)\Z", "", name) for name in told.labels() if name.startswith("gatewright_")}
    named = set(re.findall(r"`(gatewright_\w+)`", PAGE.read_text()))
    assert {name for name in named if not name.endswith("_")} == ours


def test_every_alert_says_what_to_do() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    for rule in alerts():
        assert rule["alert"].startswith("Gatewright")
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
    assert "assumed" in (FOLDER / "alerts.yml").read_text()


def test_panels_have_places_of_their_own() -> None:
    places = [panel["gridPos"] for panel in panels()]
    assert len({panel["id"] for panel in panels()}) == len(places)
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(place["x"] + place["w"] <= 24 for place in places)


@pytest.mark.parametrize("wrong", ["sum(a", "a)", 'a{b="c}', "a{b}", "sum by a (b)", "a ? b", "a{b=c}"])
def test_what_is_no_promql_is_refused(wrong: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        parse(wrong)


def test_words_are_told_apart_by_where_they_stand() -> None:
    named = parse('sum by (le, x) (rate(a_total{b="by", c=~"d|e"}[5m] offset 1h)) / on (x) group_left (y) f > bool 1e3')
    assert named.metrics == (("a_total", (("b", "=", "by"), ("c", "=~", "d|e"))), ("f", ()))
    assert named.labels == {"le", "x", "y"}
    assert named.left == frozenset({"le", "x"})
