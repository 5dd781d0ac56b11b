"""The generated pages are those that follow from the declarations."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts import generate_docs

from gatewright.operations import registry
from gatewright.operations.declaration import VPC
from gatewright.wire.error_pages import rows_of
from tests.conformance import reference_data


def test_the_pages_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    status = generate_docs.main(["--check"])
    assert status == 0, capsys.readouterr().out


def test_a_stale_page_is_named_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate_docs.main([], root=tmp_path) == 0
    assert generate_docs.main(["--check"], root=tmp_path) == 0
    page = tmp_path / "docs" / "errors.md"
    page.write_text("old")
    capsys.readouterr()
    assert generate_docs.main(["--check"], root=tmp_path) == 1
    assert capsys.readouterr().out == "docs/errors.md is stale: run make docs\n"
    assert page.read_text() == "old"


def test_every_operation_of_the_reference_stands_on_the_coverage_page_once() -> None:
    listed = [line.split("`")[1] for line in generate_docs.coverage_page().splitlines() if line.startswith("| `")]
    operations = listed[: len(reference_data.operations())]
    assert sorted(operations) == sorted(reference_data.operations())


def test_every_operation_of_another_product_stands_on_the_coverage_page() -> None:
    rows = [line.split(" | ") for line in generate_docs.coverage_page().splitlines()]
    listed = {(row[0].removeprefix("| "), row[1], row[2].strip("`")) for row in rows if len(row) == 6}
    assert {(*operation.product, operation.name) for operation in registry.ALL if operation.product != VPC} <= listed


def test_every_declared_error_stands_on_the_errors_page() -> None:
    headings = set(generate_docs.errors_page().splitlines())
    for operation in registry.ALL:
        for row in rows_of(operation()):
            assert f"## {row.code}" in headings


def test_assumed_sentences_are_found_in_flowing_text() -> None:
    text = "First. ``B`` is\nso (*assumed*). Last, e.g. this.\n\nAnother\nparagraph: yes (*assumed*)."
    assert generate_docs.assumed_sentences(text) == ["`B` is so.", "Another paragraph: yes."]
