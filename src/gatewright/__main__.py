"""``python -m gatewright``."""

import os
import sys

if not sys.flags.safe_path and sys.path and sys.path[0] == os.getcwd():  # noqa: PTH109 (pathlib may be such a file)
    # Python puts the working directory there: what lies in it is no part of the program, which may run as root
    del sys.path[0]

from gatewright.cli.main import main

sys.exit(main())
