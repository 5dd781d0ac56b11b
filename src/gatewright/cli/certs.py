"""``gatewright certs``: a certificate for the API, and the authority that clients are told of."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewright.app.certs import Made, Paths

_DESCRIPTION = """
Make a certificate to serve the API over HTTPS with, and a local authority that has issued it. Run again it renews the
certificate with the same authority, so clients need not be told anew. The names of before are kept unless others are
given.
"""
#: Who reads which variable; what is tested is in docs/tls.md.
_CLIENTS = (
    ("curl", "curl --cacert {ca}"),
    ("Go: Terraform, aliyun CLI", "export SSL_CERT_FILE={ca}"),
    ("Node, its SDKs too", "export NODE_EXTRA_CA_CERTS={ca}"),
    ("Python: alibabacloud SDKs", "export SSL_CERT_FILE={ca}"),
    ("Python: requests", "export REQUESTS_CA_BUNDLE={ca}"),
    ("Python: aliyun-python-sdk", "export ALIBABA_CLOUD_CA_BUNDLE={ca}"),
    ("gatewright call, elsewhere", "gatewright profiles add NAME --ca {ca}"),
)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    text = "make a certificate for the API, and a local authority"
    parser = commands.add_parser("certs", help=text, description=_DESCRIPTION)
    parser.set_defaults(run=_run)
    parser.add_argument("--out", type=Path, default=Path("tls"), metavar="DIR", help="the folder (default: tls)")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name or an address that clients call it by, besides this machine's own; repeat it",
    )
    parser.add_argument(
        "--days", type=int, default=365, metavar="N", help="how long the certificate is good for (default: 365)"
    )


def _run(parsed: argparse.Namespace) -> int:
    from gatewright.app import certs

    print(*_told(certs.make(parsed.out, parsed.name, parsed.days)), sep="\n")
    return 0


def _told(made: Made) -> list[str]:
    paths = made.paths
    first = "A certificate and the authority that issued it:"
    if made.renewed:
        first = "The certificate is renewed, by the same authority:"
    elif not made.new_authority:
        first = "Another certificate, by the authority that is there:"
    rows = [
        (paths.authority, f"the authority, for clients; until {made.authority_until:%Y-%m-%d}"),
        (paths.authority_key, "its key: nobody else may have it, and no service needs it"),
        (paths.certificate, f"the certificate; until {made.until:%Y-%m-%d}"),
        (paths.key, "its key"),
    ]
    wide = max(len(str(path)) for path, _ in rows)
    return [
        first,
        "",
        *(f"  {path!s:{wide}}  {text}" for path, text in rows),
        "",
        "It is for:",
        *(f"  {name}" for name in made.names),
        "",
        *(_renewal() if made.renewed else _serving(paths)),
        "What tells clients of the authority:",
        "",
        *_clients(paths),
    ]


def _serving(paths: Paths) -> list[str]:
    certificate, key = (shlex.quote(str(path)) for path in (paths.certificate, paths.key))
    return ["Serve with it:", "", f"  gatewright serve --tls-cert {certificate} --tls-key {key}", ""]


def _renewal() -> list[str]:
    return ["A service that runs shows it after SIGHUP: systemctl reload, or kill -HUP its process.", ""]


def _clients(paths: Paths) -> list[str]:
    wide = max(len(client) for client, _ in _CLIENTS)
    authority = shlex.quote(str(paths.authority))
    return [f"  {client:{wide}}  {how.format(ca=authority)}" for client, how in _CLIENTS]
