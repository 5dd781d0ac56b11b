"""charon's strongswan.conf: everything that is fixed before it starts. Connections come over VICI later."""

from __future__ import annotations

from pathlib import Path

from gatewright.plane.linux.esp import Backend

#: openssl has what is documented, DES and MD5 among it, and what is an extension.
_CRYPTO = "random nonce openssl pem pkcs1 x509 pubkey constraints revocation gcm aes md5 sha1 sha2 hmac kdf"
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
    interfaces_use = {interface}
    # 1 + 1.5 + 2.3 + 3.4 + 5.1 + 7.6 = 21 s after the first question, a peer that does not answer is gone
    retransmit_timeout = 1.0
    retransmit_base = 1.5
    retransmit_tries = 5
    # the documented API has it; whoever chooses it has been told what it is worth
    i_dont_care_about_security_and_use_aggressive_mode_psk = yes
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
            # what happens, and how it starts; not every question whether a peer is there, which nobody would clear away
            default = 0
            dmn = 1
            lib = 1
            knl = 1
        }}
    }}
    journal {{
        default = -1
    }}
}}
"""


def render(backend: Backend, interface: str, socket: Path, log: Path) -> str:
    """A strongswan.conf, for one link to peers. A different text means that a running charon has to be started anew.

    16 threads: with kernel-libipsec, fewer than 9 leave none that would answer VICI (measured, 5.9.8).
    """
    return _TEMPLATE.format(
        crypto=_CRYPTO,
        kernel=" ".join(backend.plugins),
        services=_SERVICES,
        interface=interface,
        socket=socket,
        log=log,
    )
