"""The Terraform example: its form always, and all of it where the provider is at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gatewright import testing

EXAMPLE = Path(__file__).parents[2] / "examples/terraform"
PROVIDERS = os.environ.get("GATEWRIGHT_TERRAFORM_PROVIDERS")
pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")


def terraform(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments],
        env={**os.environ, "CHECKPOINT_DISABLE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_it_is_formatted() -> None:
    checked = terraform(EXAMPLE, "fmt", "-check", "-diff", "-recursive")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.skipif(
    PROVIDERS is None, reason="GATEWRIGHT_TERRAFORM_PROVIDERS names no mirror with the alicloud provider"
)
def test_it_is_applied_without_drift_and_destroyed(tmp_path: Path) -> None:
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    assert PROVIDERS is not None
    with testing.server() as gw:
        environment = gw.environment() | {"TF_VAR_endpoint": gw.address}

        def run(*arguments: str) -> str:
            ran = terraform(folder, *arguments, "-no-color", **environment)
            assert ran.returncode == 0, ran.stdout + ran.stderr + gw.output
            return ran.stdout

        run("init", "-input=false", f"-plugin-dir={Path(PROVIDERS).absolute()}")
        run("validate")
        run("apply", "-auto-approve", "-input=false")
        # 0: nothing differs
        run("plan", "-detailed-exitcode", "-input=false")
        addresses = json.loads(run("output", "-json"))["addresses"]["value"]
        assert len(set(addresses)) == 2
        run("destroy", "-auto-approve", "-input=false")
        with gw.caller() as caller:
            assert caller.call("DescribeVpcs")["TotalCount"] == 0
