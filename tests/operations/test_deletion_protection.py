"""DeletionProtection of what there is not."""

from __future__ import annotations

import pytest

from tests.support.cell import Cell


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("EIP", 404, "InvalidAllocationId.NotFound"),
        ("CBWP", 400, "DeletionProtection.ResourceNotExist"),
        ("NATGW", 400, "DeletionProtection.ResourceNotExist"),
        ("VPNGW", 400, "DeletionProtection.TypeNotSupport"),
    ],
)
def test_nothing_that_could_be_protected_is_there(cell: Cell, kind: str, status: int, code: str) -> None:
    refused = cell.refusal("DeletionProtection", InstanceId="eip-x", Type=kind, ProtectionEnable=True)
    assert (refused.status, refused.code) == (status, code)
    assert refused.detail.startswith("Type" if kind == "VPNGW" else "InstanceId")
