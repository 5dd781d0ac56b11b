"""The SDKs for Node: ``@alicloud/pop-core`` (signature V1) and ``@alicloud/vpc20160428`` (V3)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients import journey
from tests.support.service import Service

_FOLDER = Path(__file__).parent / "node"
_NODE = shutil.which("node")
#: The whole round takes a second; starting Node and loading the SDK most of it.
_PATIENCE = 60

pytestmark = [
    pytest.mark.skipif(_NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (_FOLDER / "node_modules").is_dir(), reason="tests/clients/node has no node_modules: run `npm ci` there"
    ),
]


def _run(script: str, service: Service, *arguments: str) -> Any:
    done = subprocess.run(
        [str(_NODE), script, f"127.0.0.1:{service.port}", *arguments],
        cwd=_FOLDER,
        capture_output=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return json.loads(done.stdout)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pop_core(service: Service, method: str) -> None:
    seen = _run("pop-core.cjs", service, method)

    journey.check(seen)
    for failure in seen["raised"]:
        assert failure["name"] == f"{failure['code']}Error"


def test_vpc20160428(service: Service) -> None:
    seen = _run("vpc20160428.cjs", service)

    journey.check(seen)
    assert {failure["name"] for failure in seen["raised"]} == {"ClientError"}


def test_pop_core_takes_a_code_of_success_for_success(service: Service) -> None:
    """It throws for any other code in an answer with status 200."""
    answer = _run("ask.cjs", service, "2017-12-14", "QueryAvailableInstances", "{}")

    assert (answer["Code"], answer["Data"]["TotalCount"]) == ("Success", 0)
