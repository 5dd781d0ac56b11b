"""What `serve` loads: memory and start-up time are spent on what is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = (
    "alembic",
    "psycopg",
    "vici",
    "typer",
    "rich",
    "starlette",
    "jinja2",
    "mako",
    "prometheus_client",
    "opentelemetry",
)


def test_serving_loads_nothing_that_it_does_not_use() -> None:
    code = "import gatewright.app.api, gatewright.store.upgrade, sys; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "sqlalchemy" in loaded
    assert [name for name in loaded if name.partition(".")[0] in HEAVY] == []


def test_the_supervisor_loads_next_to_nothing() -> None:
    code = "import gatewright.cli.main, gatewright.app.supervisor, sys; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    unwanted = (*HEAVY, "sqlalchemy", "uvicorn", "cryptography")
    assert [name for name in loaded if name.partition(".")[0] in unwanted] == []


def test_nothing_is_loaded_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text("raise SystemExit('loaded from the working directory')\n")
    command = [sys.executable, "-m", "gatewright", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_has_started_collects_garbage_again() -> None:
    code = (
        "import gc; from gatewright.app.processes import settle_memory as s; gc.disable(); s(); print(gc.isenabled())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"
