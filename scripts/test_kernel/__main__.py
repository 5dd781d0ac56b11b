"""Run tests that are marked ``kernel_esp`` in an emulated machine; arguments are pytest's, and ``--all``.

Without any, or with options only, those are run that are also marked ``kernel_first``: as many as CI has the time for.
``--all`` runs every one, and a selection (``-k``, a file) is one of every one.

The exit status is pytest's, or 125 when the machine came to nothing. The machine is set by environment variables:
``GATEWRIGHT_VM_MEMORY`` (MB), ``_CPUS``, ``_ACCEL``, ``_CPU`` (as QEMU names them), ``_SECONDS``.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.test_kernel.failure import Failure
from scripts.test_kernel.kernel import newest
from scripts.test_kernel.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache/test-kernel"
#: Where such tests are; tests/conftest.py sees to it.
TESTS = "tests/plane/linux"
MARKED, FIRST = "kernel_esp", "kernel_first"
#: Seconds that the machine may take for all of them, unless it is said: it takes a tenth where nobody else is.
ALL_SECONDS = 10_800
#: Parts of pytest that no test of ours needs, and that take seconds to load there.
SPARED = tuple(word for name in ("unittest", "doctest", "junitxml", "pastebin") for word in ("-p", f"no:{name}"))
#: The machine came to nothing: none of pytest's exit statuses.
NOTHING = 125
#: How many times slower than here the machine is.
PATIENCE = 20


def main(arguments: list[str]) -> int:
    wanted, arguments = chosen(arguments)
    try:
        patient = {"GATEWRIGHT_VM_SECONDS": str(ALL_SECONDS)} if wanted == MARKED else {}
        machine = Machine.of(patient | os.environ)
        with _alone():
            kernel = newest(CACHE)
        environment = _environment()
        options = ["-m", wanted, "-p", "no:cacheprovider"]
        if any(word.startswith("tests/") for word in arguments):
            _collected([*options, *arguments], environment)
        else:
            arguments = [*arguments, *_collected([*options, *arguments, TESTS], environment)]
        begin = time.monotonic()
        print(f"Starting an emulated machine with Linux {kernel.release}", flush=True)
        command = [sys.executable, "-m", "pytest", *options, *SPARED, *arguments]
        status = machine.run(kernel, ROOT, shlex.join(command), environment)
    except Failure as failure:
        print(f"test-kernel: {failure}", file=sys.stderr)
        return NOTHING
    except KeyboardInterrupt:
        return 130
    print(f"The machine took {time.monotonic() - begin:.0f} s")
    return status


def chosen(arguments: list[str]) -> tuple[str, list[str]]:
    """Which tests are to be run, as pytest's ``-m`` has it, and the arguments that are for pytest. Pure."""
    rest = [word for word in arguments if word != "--all"]
    selecting = any(word.startswith(("-k", "tests/")) for word in rest)
    return (MARKED if selecting or rest != arguments else f"{MARKED} and {FIRST}"), rest


def _environment() -> dict[str, str]:
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TERM": os.environ.get("TERM", "dumb"),
        "COLUMNS": str(shutil.get_terminal_size().columns),
        "PYTHONPATH": str(ROOT / "src"),
        # what was compiled here need not be compiled there
        "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode"),
        # none is used, and loading them takes long there
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "GATEWRIGHT_REQUIRE_KERNEL_ESP": "1",
        "GATEWRIGHT_TEST_PATIENCE": str(PATIENCE),
        "PY_COLORS": "1" if sys.stdout.isatty() else "0",
    }


def _collected(arguments: list[str], environment: dict[str, str]) -> list[str]:
    """The files that have the tests in question: found here, because the machine takes minutes to read all.

    What they import is compiled here as well, which takes there as long.
    """
    here = {name: value for name, value in environment.items() if name != "GATEWRIGHT_REQUIRE_KERNEL_ESP"}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=here, stdout=subprocess.PIPE, text=True, check=False)
    files = [name for name, colon, _ in (line.rpartition(":") for line in done.stdout.splitlines()) if colon]
    if done.returncode != 0 or not files:
        raise Failure(f"no tests to run:\n{done.stdout}")
    # what they import only when they run
    compiling = [sys.executable, "-m", "compileall", "-q", "src", "tests/support", TESTS]
    subprocess.run(compiling, cwd=ROOT, env=here, check=True)
    return files


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time fetches a kernel into the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
