"""The page of the benchmark and its plots are what the file of results says, and nothing more."""

from __future__ import annotations

import copy
import re
import socket
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from bench import results
from bench.__main__ import PARTS
from bench.figures import Figure, Part
from bench.page import page
from bench.plots import PLOTS, plots
from bench.results import RESULTS, ROOT, Results

QUIET = {"load_before": 0.0, "cores": 2}


@pytest.fixture
def measured() -> Results:
    return copy.deepcopy(results.read())


def figure_of(measured: Results, part: str, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [figure for figure in measured[part]["figures"] if figure["name"] == name]
    assert len(found) == 1
    return found[0]


def test_a_figure_is_in_the_table_with_its_ratio_and_goal(measured: Results) -> None:
    measured["create"]["measured"] |= QUIET
    figure_of(measured, "create", "8 conn.").update(value=1234.0, beside=100.0, ratio=12.34, met=True)
    assert "| create: 8 conn. | 1,234 /s | moto 100 /s | 12.3 | >= 5x moto: met |\n" in page(measured)


def test_of_a_busy_machine_only_ratios_are_told(measured: Results) -> None:
    measured["create"]["measured"] |= {"load_before": 7.0, "cores": 2}
    figure_of(measured, "create", "8 conn.").update(value=1234.0, beside=100.0, ratio=12.34, met=False)
    text = page(measured)
    assert "| create: 8 conn. |  | moto | 12.3 |  |\n" in text
    assert "create: processor time" not in text
    assert "Others had much of the machine" in text
    assert "busy machine" in plots({"create": measured["create"]})["docs/bench/latency.svg"]


def test_a_table_without_rows_is_none(measured: Results) -> None:
    empty = re.compile(r"^\|[-|]+\|\n(?!\|)", re.MULTILINE)
    measured["connections"]["measured"] |= {"load_before": 7.0, "cores": 2}
    measured["connections"]["figures"] = [{"topic": "connections", "name": "first ping", "value": 1.0, "unit": "s"}]
    text = page(measured)
    assert re.search(r"<!-- figures of: connections -->\n\nNo figure is shown.\n\nMeasured ", text)
    assert not empty.search(text)
    assert not empty.search((ROOT / "docs/bench.md").read_text())


def test_every_part_has_its_place_on_the_page(measured: Results) -> None:
    blocks = re.findall(r"<!-- figures of: ([a-z ]+) -->", page(measured))
    named = [name for block in blocks for name in block.split()]
    # "api" is measured as three
    assert sorted(named) == sorted({*PARTS, "create", "page", "memory"} - {"api"})
    assert page({}).count("Not measured yet.") == len(blocks)


def test_plots_follow_the_figures_and_are_the_same_for_the_same(measured: Results) -> None:
    before = plots(measured)
    assert sorted(before) == sorted(f"docs/bench/{name}.svg" for name in PLOTS)
    assert plots(measured) == before
    measured["create"]["runs"]["8 connections"]["percentiles_ms"]["gatewright"][50] += 1.0
    after = plots(measured)
    assert [name for name, text in after.items() if text != before[name]] == ["docs/bench/latency.svg"]
    for text in before.values():
        texts = "".join("".join(element.itertext()) for element in ElementTree.fromstring(text).iter())  # noqa: S314 - ours
        assert any(word in texts for word in ("gateways", "Gatewright", "stream"))
        assert "prefers-color-scheme: dark" in text
        assert "#0" not in text.partition("</style>")[2], "a colour that the dark does not change"


def test_a_run_replaces_what_it_has_measured_and_leaves_the_rest(tmp_path: Path) -> None:
    def part(value: float) -> Part:
        return Part([Figure("start", "fresh", "s", value)], [], {"fresh": [value]})

    then, now = {"at": "2026-01-01T00:00:00Z"}, {"at": "2026-02-02T00:00:00Z"}
    results.write({"start": part(1.0), "mixed": part(2.0)}, then, tmp_path)
    # what cannot be measured here has no figures
    results.write({"start": part(3.0), "mixed": Part([], ["It needs root."], {})}, now, tmp_path)
    found = results.read(tmp_path)
    assert {name: (each["measured"], each["runs"]["fresh"]) for name, each in found.items()} == {
        "start": (now, [3.0]),
        "mixed": (then, [2.0]),
    }
    assert '"fresh": [3.0]\n' in (tmp_path / RESULTS).read_text()


def test_conditions_name_no_host_and_no_path(tmp_path: Path) -> None:
    told = results.conditions(tmp_path, quick=True)
    assert {"at", "commit", "quick", "cores", "kernel", "python", "load_before"} <= set(told)
    for text in (str(told), (ROOT / RESULTS).read_text()):
        assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)
        assert not re.search(r"/(home|root|tmp|var|work)\b", text)
