"""Settings: declared once, read from defaults, a TOML file, the environment and the command line, later ones winning.

======================  ==============================  =============================
on the command line     in the file                     in the environment
======================  ==============================  =============================
``--listen``            ``listen = "127.0.0.1:8080"``   ``GATEWRIGHT_LISTEN``
``--allow-plaintext``   ``allow_plaintext = true``      ``GATEWRIGHT_ALLOW_PLAINTEXT``
======================  ==============================  =============================

and so on. Secrets come from the environment only: a command line can be read by every user of the machine.
"""

from gatewright.settings.checks import has_password, health_interval, trace_endpoint
from gatewright.settings.declarations import BACKLOG, OPTIONS, PREFIX, SECRETS, AdministratorSettings, Option, Settings
from gatewright.settings.loading import administrator, load

__all__ = [
    "BACKLOG",
    "OPTIONS",
    "PREFIX",
    "SECRETS",
    "AdministratorSettings",
    "Option",
    "Settings",
    "administrator",
    "has_password",
    "health_interval",
    "load",
    "trace_endpoint",
]
