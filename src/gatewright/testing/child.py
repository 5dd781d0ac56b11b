"""The process of a service that a test has started. It ends with whoever started it, and takes its folder along.

Its standard input is a pipe that nobody writes to, and that is at its end when the starter is gone, however it went.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from gatewright import settings
from gatewright.errors import MISCONFIGURED, ConfigurationError

#: How long serving has to end once the starter is gone, seconds.
_PATIENCE = 5.0


def main() -> int:
    """Serve; the command line has the folder that goes with this process, the environment the settings."""
    folder = Path(sys.argv[1])
    # until serving has a handler of its own
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_starter, args=(folder,), daemon=True).start()
    try:
        _serve(folder / "data")
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return MISCONFIGURED
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _serve(data: Path) -> None:
    from gatewright.app import api
    from gatewright.app.data_directory import open_data_directory

    loopback = "127.0.0.1:0"
    ours = {"plane": "simulated", "data": str(data), "listen": loopback, "control": True, "control_listen": loopback}
    chosen = settings.load(ours, os.environ, None)
    open_data_directory(chosen.data)
    api.run(chosen)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as handlers are called
    raise SystemExit(0)


def _end_with_starter(folder: Path) -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_PATIENCE)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
