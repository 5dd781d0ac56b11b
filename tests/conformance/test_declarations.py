"""Every declared operation against the reference, and the table of deviations against both."""

from __future__ import annotations

from types import ModuleType

import pytest

from gatewright import errors
from gatewright.errors import GATEWAY_ROWS, ErrorRow
from gatewright.operations import deviations, registry
from gatewright.operations.declaration import GATEWRIGHT, PRODUCTS, VPC
from gatewright.wire.error_pages import rows_of
from tests.conformance import reference_data
from tests.conformance.differences import Declared, differences


def _name(operation: Declared) -> str:
    return operation.title


#: Our own product has no reference but its declarations.
_OF_THE_API = [operation for operation in registry.ALL if operation.product != GATEWRIGHT]


@pytest.mark.parametrize("operation", _OF_THE_API, ids=_name)
def test_the_declaration_differs_only_as_the_deviations_say(operation: Declared) -> None:
    meant = {
        deviation.difference for deviation in deviations.DEVIATIONS if deviation.difference.operation == operation.title
    }
    found = set(differences(operation))
    unexplained = [f"{kind.value} {subject}: {what}" for _, kind, subject, what in sorted(found - meant, key=str)]
    outdated = [f"{kind.value} {subject}: {what}" for _, kind, subject, what in sorted(meant - found, key=str)]
    assert not unexplained, f"{operation.title} differs from the reference, and no deviation says why"
    assert not outdated, f"{operation.title} has deviations that are no differences any more"


def test_deviations_are_of_declared_operations_and_stand_once() -> None:
    listed = [deviation.difference for deviation in deviations.DEVIATIONS]
    assert {difference.operation for difference in listed} <= {operation.title for operation in registry.ALL}
    assert len(listed) == len(set(listed))
    assert all(deviation.reason and deviation.source for deviation in deviations.DEVIATIONS)


def test_the_products_are_those_of_the_operations() -> None:
    assert {operation.product for operation in registry.ALL} == set(PRODUCTS)
    assert len({product.version for product in PRODUCTS}) == len(PRODUCTS)


def test_every_operation_of_another_product_that_the_reference_has_is_served() -> None:
    others = {operation.title for operation in registry.ALL if operation.product not in (VPC, GATEWRIGHT)}
    assert others == set(reference_data.others())


@pytest.mark.parametrize("operation", registry.ALL, ids=_name)
def test_the_whole_answer_has_a_request_id(operation: Declared) -> None:
    assert "RequestId" in operation.response_type.__struct_encode_fields__


@pytest.mark.parametrize("row", GATEWAY_ROWS, ids=lambda row: row.code)
def test_a_gateway_row_is_documented(row: ErrorRow) -> None:
    documented = {(known.status, known.message) for known in reference_data.gateway_errors() if known.code == row.code}
    assert (row.status, row.message) in documented


def test_errors_with_variable_texts_are_documented() -> None:
    answered = [
        errors.missing_parameter("{ParameterName}"),
        errors.invalid_parameter("{name}", "", ""),
        errors.signature_mismatch(errors.SIGNATURE_MISMATCH_V1 + "{StringToSign}", ""),
        errors.signature_mismatch(
            errors.SIGNATURE_MISMATCH_V3.format("ACS3-HMAC-SHA256\n{hash}", "{canonical request}"), ""
        ),
    ]
    documented = {(row.status, row.code, row.message) for row in reference_data.gateway_errors()}
    assert {(error.status, error.code, error.message) for error in answered} <= documented


def _modules() -> list[ModuleType]:
    """The modules that declare operations."""
    return [module for module in vars(registry).values() if isinstance(module, ModuleType)]


@pytest.mark.parametrize("module", _modules(), ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_row_of_a_module_is_declared_by_an_operation(module: ModuleType) -> None:
    """A row that is raised but not declared would be missing from the errors page."""
    declared = {row for operation in registry.ALL for row in rows_of(operation())} | set(GATEWAY_ROWS)
    rows = {name: row for name, row in vars(module).items() if isinstance(row, ErrorRow)}
    assert not [name for name, row in rows.items() if row not in declared]
