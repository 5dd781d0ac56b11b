"""Clients over HTTPS accept a certificate of `gatewright certs` when they are told of its authority, and not before.

What each is told by is on docs/tls.md.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from gatewright.app import certs
from tests.support.service import Service

_NODE = shutil.which("node")
_NODE_FOLDER = Path(__file__).parent / "node"
_TERRAFORM = shutil.which("terraform")
_GO = shutil.which("go")
_PATIENCE = 120
#: A state that is not there: Terraform asks for it over HTTPS, as all that is written in Go does.
_BACKEND = 'terraform {{\n  backend "http" {{\n    address = "{endpoint}/errors/none"\n  }}\n}}\n'
_PROGRAM = """package main

import (
	"crypto/tls"
	"fmt"
	"os"
)

func main() {
	connection, err := tls.Dial("tcp", os.Args[1], nil)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	connection.Close()
}
"""
_REQUESTS = "import requests, sys; print(requests.get(sys.argv[1] + '/healthz', timeout=30).text)"
_URLLIB = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1] + '/healthz', timeout=30).read())"
_SDK = """
import sys
from alibabacloud_tea_openapi.models import Config
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client
from darabonba.runtime import RuntimeOptions
config = Config(access_key_id="test", access_key_secret="secret", region_id="cn-hangzhou",
                endpoint=sys.argv[1].removeprefix("https://"), protocol="HTTPS")
options = RuntimeOptions(autoretry=False, max_attempts=1)
print(Client(config).describe_regions_with_options(models.DescribeRegionsRequest(), options).body)
"""
_OLDER_SDK = """
import sys
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
request = CommonRequest(version="2016-04-28", action_name="DescribeRegions")
request.set_endpoint(sys.argv[1].removeprefix("https://"))
request.set_protocol_type("https")
print(AcsClient("test", "secret", "cn-hangzhou", auto_retry=False).do_action_with_exception(request))
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certs.make(tmp_path_factory.mktemp("tls"), [], 30).paths.authority


@pytest.fixture(scope="module")
def secure(authority: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    files = ("--tls-cert", str(authority.with_name("server.crt")), "--tls-key", str(authority.with_name("server.key")))
    with Service(tmp_path_factory.mktemp("secure") / "data", arguments=files, authority=authority) as running:
        yield running


def run(words: Sequence[str], environment: Mapping[str, str], where: Path | None = None) -> tuple[int, str]:
    """Exit status and all that was said, with nothing in the environment of who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "GOCACHE")}
    ran = subprocess.run(
        words, cwd=where, env={**kept, **environment}, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("program", "variable", "answer"),
    [
        (_REQUESTS, "REQUESTS_CA_BUNDLE", "ok"),
        (_URLLIB, "SSL_CERT_FILE", "ok"),
        (_SDK, "SSL_CERT_FILE", "cn-hangzhou"),
        (_OLDER_SDK, "ALIBABA_CLOUD_CA_BUNDLE", "cn-hangzhou"),
    ],
    ids=["requests", "ssl", "alibabacloud-sdk", "aliyun-python-sdk"],
)
def test_python_by_its_variable(program: str, variable: str, answer: str, secure: Service, authority: Path) -> None:
    command = (sys.executable, "-c", program, secure.endpoint)
    status, said = run(command, {})
    assert status == 1
    assert "CERTIFICATE_VERIFY_FAILED" in said
    status, said = run(command, {variable: str(authority)})
    assert (status, answer in said) == (0, True), said


@pytest.mark.skipif(_NODE is None, reason="node is not installed")
@pytest.mark.skipif(
    not (_NODE_FOLDER / "node_modules").is_dir(), reason="tests/clients/node has no node_modules: run `npm ci` there"
)
def test_nodes_sdks_by_their_variable(secure: Service, authority: Path) -> None:
    command = (str(_NODE), "secure.cjs", f"127.0.0.1:{secure.port}")
    _, said = run(command, {}, _NODE_FOLDER)
    refused = json.loads(said)
    assert len(refused) == 2
    assert all("certificate" in str(each) for each in refused), refused
    _, said = run(command, {"NODE_EXTRA_CA_CERTS": str(authority)}, _NODE_FOLDER)
    assert all(count > 5 for count in json.loads(said))


@pytest.mark.skipif(_TERRAFORM is None, reason="terraform is not installed")
def test_terraform_by_gos_variable(secure: Service, authority: Path, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(_BACKEND.format(endpoint=secure.endpoint))
    quiet = {"CHECKPOINT_DISABLE": "1", "TF_HTTP_RETRY_MAX": "0"}
    command = (str(_TERRAFORM), "init", "-no-color", "-input=false")
    status, said = run(command, quiet, tmp_path)
    assert status == 1
    assert "certificate signed by unknown authority" in " ".join(said.split())
    status, said = run(command, quiet | {"SSL_CERT_FILE": str(authority)}, tmp_path)
    assert status == 0, said


@pytest.mark.skipif(_TERRAFORM is not None, reason="Terraform is written in Go, and has shown it")
@pytest.mark.skipif(_GO is None, reason="neither terraform nor go is installed")
def test_go_by_its_variable(secure: Service, authority: Path, tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(_PROGRAM)
    status, said = run([str(_GO), "build", "main.go"], {"GO111MODULE": "off", "CGO_ENABLED": "0"}, tmp_path)
    assert status == 0, said
    command = (str(tmp_path / "main"), f"127.0.0.1:{secure.port}")
    status, said = run(command, {})
    assert status == 1
    assert "certificate signed by unknown authority" in said
    status, said = run(command, {"SSL_CERT_FILE": str(authority)})
    assert status == 0, said
