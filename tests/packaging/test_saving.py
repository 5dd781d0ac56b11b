"""The deployment page's commands: what they save of a service that runs is what they restore."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gatewright.app.data_directory import installation_id
from tests.support.service import Service

PAGE = (Path(__file__).parents[2] / "docs/deployment.md").read_text()


def commands(title: str, folder: Path, data: Path) -> str:
    """The block under a title, with places of the test's instead of the machine's."""
    block = PAGE.partition(f"\n## {title}\n")[2].partition("```sh\n")[2].partition("```")[0]
    places = {"/var/lib/gatewright": data, "/var/backups": folder / "saved", "/srv": folder / "keys"}
    for place, instead in places.items():
        assert place in block
        block = block.replace(place, str(instead))
    assert re.search(r"(?<![\w.])/(var|root|etc|srv)\b", block.replace(str(folder), "")) is None
    return block


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="sqlite3 is not installed")
def test_what_is_saved_is_restored(tmp_path: Path) -> None:
    data = tmp_path / "data"

    def run(title: str) -> None:
        script = commands(title, tmp_path, data)
        ran = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, ""), script

    with Service(data) as service:
        client = service.client()
        client.call("CreateVpc", VpcName="saved")
        # the linux plane has one
        (data / "agent").mkdir(mode=0o700)
        installation = installation_id(data / "agent")
        run("Saving")
        client.call("CreateVpc", VpcName="not-saved")
        service.kill()
        shutil.rmtree(data)
        run("Restoring")
        service.start()
        told = service.client().call("DescribeVpcs")["Vpcs"]["Vpc"]
    assert [vpc["VpcName"] for vpc in told] == ["saved"]
    assert installation_id(data / "agent") == installation
    assert [path for path in data.rglob("*") if path.stat().st_mode & 0o077] == []
