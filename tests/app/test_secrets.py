"""Secrets are planted wherever one can be, and then looked for in every log and every command line."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gatewright.cli.main import main
from gatewright.errors import ConfigurationError
from gatewright.settings import administrator, load
from gatewright.store.transaction import Transaction
from tests.support.cell import Cell
from tests.support.client import Client, Refused, now, sign_v1, v1_parameters
from tests.support.linux import clean, unmet
from tests.support.postgresql import PostgresqlServer
from tests.support.service import Service

#: In everything that is planted; unchanged by percent-encoding, and no part of any other word.
MARK = "Pl4nt3d"
KEY = base64.b64encode(f"{MARK} sealing key, 32 b".ljust(32).encode()).decode()


@pytest.fixture(scope="module", params=["simulated", "linux"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that logs all that it logs: simulated, steered, on PostgreSQL with a password; and the linux plane."""
    linux = request.param == "linux"
    if linux and unmet():
        pytest.skip(unmet())
    data = tmp_path_factory.mktemp(f"secrets-{request.param}") / "data"
    environment = {
        "GATEWRIGHT_ACCESS_KEY_SECRET": f"{MARK}-access-key",
        "GATEWRIGHT_SECRET_KEY": KEY,
        "GATEWRIGHT_LOG_LEVEL": "DEBUG",
        "PGPASSWORD": f"{MARK}-pgpassword",
    }
    with contextlib.ExitStack() as stack:
        if not linux:
            server: PostgresqlServer = request.getfixturevalue("postgresql_server")
            url = server.create()
            stack.callback(server.drop, url)
            environment["GATEWRIGHT_DATABASE"] = url.replace("gatewright@", f"gatewright:{MARK}-password@")
        started = Service(
            data,
            plane=request.param,
            arguments=() if linux else ("--control",),
            environment=environment,
        )
        with started:
            yield started
            started.stop()
        if linux:
            clean((data / "agent" / "installation").read_text().strip())


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in descendants(int(child)))]


def calls(client: Client) -> set[str]:
    """Plant in what clients send, rightly and wrongly. Returns the signatures."""
    named = f"{MARK}-name"
    client.call("CreateVpc", VpcName=named, Description=named, ClientToken=f"{MARK}-token")
    for refused in (
        {"ClientToken": f"{MARK}-token", "VpcName": "another"},
        {"CidrBlock": f"{MARK}-network"},
        {f"{MARK}Parameter": "x"},
    ):
        with contextlib.suppress(Refused):
            client.call("CreateVpc", **refused)
    assert (
        client.v3("CreateVpc", body={"RegionId": client.region, "VpcName": named, "Psk": f"{MARK}-psk"}).status == 200
    )
    made = client.call("CreateCustomerGateway", IpAddress="203.0.113.1", AuthKey=f"{MARK}-auth-key")
    for key in (f"{MARK}-second-key", f"{MARK} wrong key"):
        with contextlib.suppress(Refused):
            client.call("ModifyCustomerGatewayAttribute", CustomerGatewayId=made["CustomerGatewayId"], AuthKey=key)
    client.call("DeleteCustomerGateway", CustomerGatewayId=made["CustomerGatewayId"])
    signed = v1_parameters("DescribeVpcs", {"RegionId": "cn-hangzhou"}, "test")
    signatures = {sign_v1("POST", signed, client.secret)}
    wrong = v1_parameters("DescribeVpcs", {"AccessKeySecret": f"{MARK}-secret"}, "test")
    for parameters in ({**signed, "Signature": next(iter(signatures))}, {**wrong, "Signature": f"{MARK}-signature"}):
        client.send("GET", "/?" + urlencode(parameters))
    headers = {
        "x-acs-action": "DescribeVpcs",
        "x-acs-version": "2016-04-28",
        "x-acs-date": now(),
        "x-acs-signature-nonce": f"{MARK}-nonce",
        "x-acs-security-token": f"{MARK}-sts",
        "authorization": f"ACS3-HMAC-SHA256 Credential=test,SignedHeaders=host,Signature={MARK}signature",
        "cookie": f"session={MARK}",
    }
    assert client.send("POST", "/", b"", headers).status in (400, 403)
    for method, target, body, more in (
        ("POST", "/", f'{{"Psk": "{MARK}"'.encode(), {"content-type": "application/json"}),
        ("POST", "/", f"Action=CreateVpc&Psk={MARK}%".encode(), {"authorization": f"Basic {MARK}"}),
        ("POST", f"/{MARK}?Action={MARK}&Version={MARK}&AccessKeyId={MARK}", b"", {}),
        ("PUT", f"/?Action=DescribeVpcs&Format={MARK}", b"", {}),
        ("GET", f"/errors/{MARK}", None, {"host": MARK}),
    ):
        assert 400 <= client.send(method, target, body, more).status < 500
    return signatures


def noise(port: int) -> None:
    """Plant in what is no request."""
    for sent in (
        f"{MARK}\r\n\r\n".encode(),
        f"GET /{MARK} HTTP/9.9\r\n{MARK}: {MARK}\r\n\r\n".encode(),
        f"POST / HTTP/1.1\r\nhost: x\r\nauthorization: {MARK}\r\ncontent-length: x\r\n\r\n".encode(),
        f"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{MARK}\r\n".encode(),
        b"GET / HTTP/1.1\r\nx: " + MARK.encode() * 12_000 + b"\r\n\r\n",
    ):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


def steering(port: int) -> None:
    """Plant in what the control API is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    good = {"operation": "CreateVpc", "code": "Throttling.User"}
    for method, target, body in (
        ("POST", "/v1/faults", json.dumps({"operation": f"{MARK}", "code": MARK})),
        ("POST", "/v1/faults", json.dumps(good | {"call": MARK})),
        ("POST", "/v1/faults", f'{{"{MARK}": '),
        ("PUT", "/v1/snapshot", f"{MARK}-snapshot"),
        ("POST", "/v1/clock", json.dumps({MARK: MARK})),
        ("POST", f"/v1/{MARK}", "{}"),
    ):
        connection.request(method, target, body, {"content-type": "application/json", "authorization": MARK})
        answer = connection.getresponse()
        answer.read()
        assert 400 <= answer.status < 500, target
    connection.close()


def call_from_the_shell(service: Service) -> str:
    """What `gatewright call` prints, with its secret in the environment; it is looked for while it runs."""
    command = [sys.executable, "-m", "gatewright", "call", "DescribeVpcs", "--endpoint"]
    environment = service.environment | {"GATEWRIGHT_ACCESS_KEY_SECRET": f"{MARK}-wrong"}
    with subprocess.Popen(
        [*command, f"http://127.0.0.1:{service.port}"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as called:
        assert MARK.encode() not in command_lines()
        printed, _ = called.communicate(timeout=60)
    assert called.returncode == 1
    return printed


def command_lines() -> bytes:
    """Those of every process of the machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes())
    return b"\n".join(found)


def until_active(client: Client) -> None:
    """Make a gateway, so that agent and daemons have something to tell."""
    vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    first, second = (
        client.call("CreateVSwitch", VpcId=vpc, ZoneId=f"cn-hangzhou-{zone}", CidrBlock=cidr)["VSwitchId"]
        for zone, cidr in (("k", "10.1.0.0/16"), ("j", "10.2.0.0/16"))
    )
    told = {"VSwitchId": first, "DisasterRecoveryVSwitchId": second, "Bandwidth": 10, "Name": f"{MARK}-gateway"}
    made = client.call("CreateVpnGateway", VpcId=vpc, **told)
    peer = client.call("CreateCustomerGateway", IpAddress="203.0.113.9")["CustomerGatewayId"]
    tunnels = [
        {"Role": role, "CustomerGatewayId": peer, "TunnelIkeConfig": {"Psk": f"{MARK}-psk", "IkeVersion": "ikev2"}}
        for role in ("master", "slave")
    ]
    wanted = {"VpnGatewayId": made["VpnGatewayId"], "LocalSubnet": "10.0.0.0/8", "RemoteSubnet": "192.168.0.0/16"}
    for text in (json.dumps(tunnels), json.dumps(tunnels)[:-1], json.dumps(tunnels).replace(MARK, f"{MARK} ")):
        with contextlib.suppress(Refused):
            client.call("CreateVpnConnection", **wanted, EffectImmediately=True, TunnelOptionsSpecification=text)
    assert client.call("DescribeVpnConnections")["TotalCount"] == 1
    deadline = time.monotonic() + 60
    while client.call("DescribeVpnGateway", VpnGatewayId=made["VpnGatewayId"])["Status"] != "active":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_no_secret_is_in_a_log_or_in_a_command_line(service: Service) -> None:
    assert service.process is not None
    secret = f"{MARK}-access-key"
    signatures = calls(service.client(secret=secret))
    noise(service.port)
    if service.control_port:
        steering(service.control_port)
    printed = call_from_the_shell(service)
    until_active(service.client(secret=secret))
    processes = descendants(service.process.pid)
    assert MARK.encode() not in command_lines()
    half_without = [pid for pid in processes if b"half-agent" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    for pid in half_without:
        assert MARK.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    logged = service.printed()
    metrics = service.client().send("GET", "/metrics").body.decode()
    assert "gatewright_requests_total" in metrics
    assert "DescribeVpcs 403" in logged or "DescribeVpcs 400" in logged
    for secret in (MARK, KEY, *signatures):
        assert secret not in logged
        assert secret not in printed
        assert secret not in metrics
    for path in Path("/run/gatewright").glob(f"{service.installation if half_without else '?'}/**/*.log"):
        assert MARK not in path.read_text(errors="replace")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{MARK}[x@h/d",
        f"postgresql://u:{MARK}@h:port/d",
        f"postgresql://u:{MARK}\u2100@h/d",
        f"postgresql://u:{MARK}%zz@h/d",
        f"postgresql://u:{MARK} x@h/d",
        f"postgresql://u:{MARK}#x@h/d",
        f"postgresql://u:{MARK}/x@h/d",
        f"postgresql://u:{MARK}?x@h/d",
        f"postgresql://u:x@{MARK}@h/d?a=b@c",
        f"postgresql:u:{MARK}@h/d",
        f"postgresql://h/d?password={MARK}&x",
        f"mysql://u:{MARK}@h/d",
        f"sqlite://u:{MARK}@h",
        f"{MARK}",
    ],
)
def test_a_database_that_is_misread_is_refused_without_its_password(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEWRIGHT_DATABASE", url)
    assert main(["serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("gatewright: database ")
    assert said.count("\n") == 1
    assert MARK not in said


def test_what_is_refused_of_settings_is_told_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--database", f"postgresql://u:{MARK}@h/d"]) == 2
    assert main(["serve", "--database", f"postgresql://u:{MARK}[x@h/d"]) == 2
    assert main(["serve", "--database", f"postgresql://h/d?sslpassword={MARK}"]) == 2
    for text in (f'secret_key = "{MARK}"', f'[access]\nkey = "{MARK}"', f'database = "{MARK}', f"listen = {MARK}"):
        file = tmp_path / "gatewright.toml"
        file.write_text(text)
        assert main(["serve", "--config", str(file)]) == 2
    said = capsys.readouterr().err
    assert said.count("gatewright: ") == 7
    assert MARK not in said
    for environment in ({}, {"GATEWRIGHT_ACCESS_KEY_ID": "a b"}, {"GATEWRIGHT_ACCESS_KEY_ID": "a"}):
        with pytest.raises(ConfigurationError) as refused:
            administrator({"GATEWRIGHT_ACCESS_KEY_SECRET": f"{MARK} {MARK}", **environment})
        assert MARK not in str(refused.value)
    assert load({"database": f"postgresql://h/{MARK}"}, {}, None).database.endswith(MARK)


def test_a_failure_of_the_database_tells_no_value(cell: Cell) -> None:
    """It comes into the log with its traceback."""
    planted = MARK

    def twice(transaction: Transaction) -> None:
        for _ in range(2):
            transaction.raw(f"INSERT INTO accounts (id, created_at) VALUES ('{planted}', 0)")

    with pytest.raises(Exception, match=r"(?i)unique") as failed:
        cell.run(cell.database.write(twice))
    assert MARK not in "".join(traceback.format_exception(failed.value))
