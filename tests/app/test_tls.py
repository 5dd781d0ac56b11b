"""`gatewright serve` over HTTPS: with which files, who is let in, and another certificate while it runs."""

from __future__ import annotations

import contextlib
import http.client
import os
import pty
import select
import signal
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gatewright.app import certs
from gatewright.app.certificate_files import LARGEST, Certificate, read_certificate
from gatewright.app.handover import CertificateKeeper, take
from gatewright.app.local_profile import local_profile
from gatewright.client import Caller, Unreachable
from gatewright.errors import ConfigurationError
from gatewright.secrets.certificates import Authority
from gatewright.settings import Settings, load
from tests.support.linux import clean, unmet
from tests.support.metrics import Scrape
from tests.support.service import Service, _children


def settings(folder: Path, **given: object) -> Settings:
    files = {"tls_cert": str(folder / "server.crt"), "tls_key": str(folder / "server.key")}
    return load({"data": "/d", **files, **given}, {}, None)


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        action()
    return str(refused.value)


def secure(folder: Path, data: Path, **options: str) -> Service:
    """A service with a certificate that is made for it."""
    paths = certs.make(folder, [], 30).paths
    arguments = ("--tls-cert", str(paths.certificate), "--tls-key", str(paths.key))
    return Service(data, arguments=arguments, authority=paths.authority, **options)  # type: ignore[arg-type]  # texts


def connected(service: Service, folder: Path) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=folder / "ca.crt")
    connection = http.client.HTTPSConnection("127.0.0.1", service.port, timeout=30, context=context)
    connection.connect()
    return connection


def healthy(connection: http.client.HTTPSConnection) -> bool:
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    answer.read()
    return answer.status == 200


def shown(service: Service, folder: Path) -> set[str]:
    """The names in the certificate that a new handshake gets."""
    with contextlib.closing(connected(service, folder)) as connection:
        assert healthy(connection)
        sock: ssl.SSLSocket = connection.sock
        found = sock.getpeercert() or {}
    return {str(value) for _, value in found["subjectAltName"]}  # type: ignore[str-unpack]  # pairs


def await_text(terminal: int, text: bytes) -> None:
    """Read a terminal until something is written to it."""
    said, deadline = b"", time.monotonic() + 30
    while text not in said:
        assert select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0], said.decode()
        said += os.read(terminal, 1024)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_both_files_or_none_and_then_it_may_listen_anywhere(tmp_path: Path) -> None:
    assert "tls_cert goes with tls_key" in refusal(lambda: load({"data": "/d", "tls_cert": "/c"}, {}, None))
    assert "tls_key goes with tls_cert" in refusal(lambda: load({"data": "/d"}, {"GATEWRIGHT_TLS_KEY": "/k"}, None))
    assert settings(tmp_path, listen="0.0.0.0:8443").port == 8443
    assert "gatewright certs" in refusal(lambda: load({"data": "/d", "listen": "0.0.0.0:8443"}, {}, None))
    # the control API has none
    steered = {"control": True, "control_listen": "0.0.0.0:1"}
    assert "is not a loopback address" in refusal(lambda: settings(tmp_path, **steered))


def test_files_that_cannot_be_served_with_are_refused_with_the_reason(tmp_path: Path) -> None:
    read = settings(tmp_path)
    assert "there is no such file: `gatewright certs` makes" in refusal(lambda: read_certificate(read))
    paths = certs.make(tmp_path, [], 30).paths
    found = read_certificate(read)
    assert found is not None
    assert found.authority == str(paths.authority)
    assert "PRIVATE" not in repr(found)
    good = paths.key.read_text()
    paths.key.write_text(Authority.make("x", "x").private_key)
    said = refusal(lambda: read_certificate(read))
    assert str(paths.certificate) in said
    assert "not that of the first certificate" in said
    paths.key.write_text(good + "x" * LARGEST)
    assert "no certificate or key" in refusal(lambda: read_certificate(read))
    paths.key.unlink()
    paths.key.mkdir()
    assert "no file" in refusal(lambda: read_certificate(read))
    paths.key.rmdir()
    paths.key.write_text(good)
    # one that somebody else issued lies beside it by chance
    paths.authority.write_text(Authority.make("x", "x").certificate)
    found = read_certificate(read)
    assert found is not None
    assert found.authority is None
    assert read_certificate(load({"data": "/d"}, {}, None)) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_a_key_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    certs.make(tmp_path, [], 30).paths.key.chmod(0)
    assert "may not read" in refusal(lambda: read_certificate(settings(tmp_path)))


def test_a_supervisor_hands_over_what_is_good_and_keeps_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path
    issuer = certs.make(folder, ["one.test"], 30).paths
    # a long chain fits into one message
    chain = issuer.authority.read_text() * ((LARGEST - 2048) // issuer.authority.stat().st_size)
    with issuer.certificate.open("a") as file:
        file.write(chain)

    def names(found: Certificate | None) -> tuple[str, ...]:
        assert found is not None
        return found.names

    keeper = CertificateKeeper(settings(folder))
    theirs = keeper.begin()
    assert theirs is not None
    with theirs, contextlib.closing(keeper):
        theirs.settimeout(10)
        assert "one.test" in names(take(theirs))
        issuer.certificate.write_text(issuer.certificate.read_text().removesuffix(chain))
        certs.make(folder, ["two.test"], 30)
        keeper.reload()
        assert "two.test" in names(take(theirs))
        issuer.key.write_text("")
        keeper.reload()
        assert "the one before stays" in caplog.text
        # an API that is started now gets the one before, and the other none any more
        again = keeper.begin()
        assert again is not None
        with again:
            again.settimeout(10)
            assert "two.test" in names(take(again))
            assert take(theirs) is None
        certs.make(folder, ["three.test"], 30)
        keeper.reload()
    assert "it gets it when it is started again" in caplog.text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls") / "tls"


@pytest.fixture(scope="module")
def service(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with secure(folder, tmp_path_factory.mktemp("secure") / "data") as running:
        yield running


def test_a_folder_is_enough_to_call_it(service: Service, folder: Path, tmp_path: Path) -> None:
    profile = local_profile(service.data)
    assert (profile.endpoint, profile.ca) == (service.endpoint, folder / "ca.crt")
    with Caller(profile) as caller:
        assert caller.call("DescribeVpcs")["TotalCount"] == 0
        found = caller.call("DescribeEndpoints", {"Id": "cn-hangzhou", "ServiceCode": "vpc"}, "2015-06-12")
        (endpoint,) = found["Endpoints"]["Endpoint"]
        assert endpoint["Protocols"] == {"Protocols": ["HTTPS"]}
    for authority in (None, certs.make(tmp_path, [], 30).paths.authority):
        stranger = type(profile)(profile.endpoint, "test", "secret", ca=authority)
        with Caller(stranger) as caller, pytest.raises(Unreachable, match="not trusted here"):
            caller.call("DescribeVpcs")


def test_what_is_said_names_https(service: Service) -> None:
    said = service.printed()
    assert f"  endpoint           https://127.0.0.1:{service.port}\n" in said
    assert "  certificate        for localhost, " in said
    assert "PRIVATE" not in said


def test_metrics_tell_until_when_the_certificate_is_valid(service: Service, folder: Path) -> None:
    with contextlib.closing(connected(service, folder)) as connection:
        connection.request("GET", "/metrics")
        told = Scrape(connection.getresponse().read().decode())
    left = told.value("gatewright_certificate_expiry_timestamp_seconds") - time.time()
    assert timedelta(days=29) < timedelta(seconds=left) <= timedelta(days=30)


def test_sighup_has_the_files_read_again_and_old_connections_go_on(service: Service, folder: Path) -> None:
    assert service.process is not None
    assert "reloaded.test" not in shown(service, folder)
    with contextlib.closing(connected(service, folder)) as old:
        assert healthy(old)
        certs.make(folder, ["reloaded.test"], 30)
        service.process.send_signal(signal.SIGHUP)
        until(lambda: "reloaded.test" in shown(service, folder))
        assert "The certificate was read again: for " in service.printed()
        good = (folder / "server.key").read_text()
        (folder / "server.key").write_text("nothing")
        service.process.send_signal(signal.SIGHUP)
        until(lambda: "and the one before stays: " in service.printed())
        assert "reloaded.test" in shown(service, folder)
        assert healthy(old)
        (folder / "server.key").write_text(good)
    assert service.process.poll() is None


def test_an_expired_certificate_does_not_start(tmp_path: Path) -> None:
    paths = certs.make(tmp_path / "tls", [], 30).paths
    issued = Authority.load(paths.authority.read_text(), paths.authority_key.read_text()).issue_server(
        "Gatewright", ["127.0.0.1"], timedelta(seconds=-1)
    )
    paths.certificate.write_text(issued.certificate)
    paths.key.write_text(issued.private_key)
    arguments = ("--tls-cert", str(paths.certificate), "--tls-key", str(paths.key))
    with pytest.raises(AssertionError, match=r"serve ended with 2:\ngatewright: tls_cert .* was valid until .*\n\Z"):
        Service(tmp_path / "data", arguments=arguments).start()


def test_it_ends_when_its_terminal_has_gone(tmp_path: Path) -> None:
    """SIGHUP says so too, and a service that goes on where nobody sees it is none that somebody wanted."""
    service = secure(tmp_path / "tls", tmp_path / "data")
    pid, terminal = pty.fork()
    if pid == 0:
        # never returns
        words = ["gatewright", "serve", *service.arguments, "--listen", "127.0.0.1:0"]
        os.execv(sys.executable, [sys.executable, "-m", *words])  # noqa: S606 - as a shell does on a terminal
    try:
        await_text(terminal, b"access key secret")
        os.kill(pid, signal.SIGHUP)
        await_text(terminal, b"was read again")
        assert (tmp_path / "data" / "api" / "running.json").exists()
        os.close(terminal)
        # it is a zombie then
        until(lambda: os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not (tmp_path / "data" / "api" / "running.json").exists()


@pytest.mark.skipif(bool(unmet()), reason=unmet() or "the linux plane can run")
def test_on_the_linux_plane_the_key_is_roots_alone_and_sighup_reloads(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    folder.mkdir(mode=0o700)
    service = secure(folder, tmp_path / "data", plane="linux")
    try:
        with service:
            assert service.process is not None
            assert (folder / "server.key").stat().st_uid == 0
            assert (folder / "server.key").stat().st_mode & 0o777 == 0o600
            halves = _children(service.process.pid)
            with Caller(local_profile(service.data)) as caller:
                assert caller.call("DescribeVpcs")["TotalCount"] == 0
            with contextlib.closing(connected(service, folder)) as old:
                assert healthy(old)
                certs.make(folder, ["reloaded.test"], 30)
                # a closed terminal tells the whole group
                os.killpg(service.process.pid, signal.SIGHUP)
                until(lambda: "reloaded.test" in shown(service, folder))
                (folder / "server.crt").write_text("nothing")
                service.process.send_signal(signal.SIGHUP)
                until(lambda: "and the one before stays: " in service.printed())
                assert healthy(old)
            assert _children(service.process.pid) == halves
            (api,) = (pid for pid in halves if b"half-api" in Path(f"/proc/{pid}/cmdline").read_bytes())
            assert Path(f"/proc/{api}").stat().st_uid != 0
            os.kill(api, signal.SIGKILL)
            # who calls meanwhile waits, and gets the certificate that counts
            assert "reloaded.test" in shown(service, folder)
            assert api not in _children(service.process.pid)
            assert service.stop() == 0
    finally:
        clean(service.installation)
