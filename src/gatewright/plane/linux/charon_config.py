"""charon's strongswan.conf: everything that is fixed before it starts. Connections come over VICI later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gatewright.plane.linux.esp import Backend

_CRYPTO = "random nonce openssl pem pkcs1 x509 pubkey constraints revocation gcm aes sha2 hmac kdf"
_SERVICES = "socket-default vici updown counters"

_TEMPLATE = """\
charon-systemd {{
    load_modular = no
    load = {crypto} {kernel} {services}
    threads = 16
    install_routes = no
    install_virtual_ip = no
    # kernel-libipsec installs routes all the same: into a table that is looked at after main
    routing_table = 220
    routing_table_prio = 40000
    interfaces_use = {interfaces}
    plugins {{
        socket-default {{
            use_ipv6 = no
        }}
        vici {{
            socket = unix://{socket}
        }}
    }}
    filelog {{
        file {{
            path = {log}
            time_format = %Y-%m-%dT%H:%M:%S
            ike_name = yes
            append = yes
            flush_line = yes
            default = 1
            ike = 1
            knl = 1
        }}
    }}
    journal {{
        default = -1
    }}
}}
"""


def render(backend: Backend, interfaces: Sequence[str], socket: Path, log: Path) -> str:
    """A strongswan.conf. A different text means that a running charon has to be started anew.

    16 threads: with kernel-libipsec, fewer than 9 leave none that would answer VICI (measured, 5.9.8).
    """
    return _TEMPLATE.format(
        crypto=_CRYPTO,
        kernel=" ".join(backend.plugins),
        services=_SERVICES,
        interfaces=", ".join(interfaces),
        socket=socket,
        log=log,
    )
