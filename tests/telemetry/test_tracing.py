"""Traces: one from a client's call down to what hosts do for it, in whatever process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewright.errors import ConfigurationError
from gatewright.settings import trace_endpoint
from gatewright.telemetry import tracing
from tests.support.client import Client, Refused, sign_v1, texts, v1_parameters
from tests.support.linux import clean, unmet
from tests.support.otlp import Receiver, Sent
from tests.support.service import Service

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
#: In what is sent, and not to be in a span.
MARK = "Pl4nt3d"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture(params=["simulated", "linux"])
def service(request: pytest.FixtureRequest, receiver: Receiver, tmp_path: Path) -> Iterator[Service]:
    linux = request.param == "linux"
    if linux and unmet():
        pytest.skip(unmet())
    environment = {"GATEWRIGHT_TRACE_ENDPOINT": receiver.url, "GATEWRIGHT_ACCESS_KEY_SECRET": MARK}
    with Service(tmp_path / "data", plane=request.param, environment=environment) as started:
        yield started
        assert started.stop() == 0
    if linux:
        clean((tmp_path / "data" / "agent" / "installation").read_text().strip())


def traced(client: Client, action: str, parent: str, sampled: bool = True, **parameters: str) -> dict[str, str]:
    """Call an operation as a part of a trace."""
    signed = v1_parameters(action, texts({"RegionId": client.region, **parameters}), client.key)
    signed["Signature"] = sign_v1("POST", signed, client.secret)
    headers = {
        "traceparent": f"00-{CALLER}-{parent}-0{int(sampled)}",
        "content-type": "application/x-www-form-urlencoded",
    }
    body = "&".join(f"{name}={_encode(value)}" for name, value in signed.items()).encode()
    reply = client.send("POST", "/", body, headers)
    if reply.status != 200:
        raise Refused(reply.status, reply.json())
    answered: dict[str, str] = json.loads(reply.body)
    return answered


def _encode(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.~-]", lambda found: f"%{ord(found[0]):02X}", text)


def by_name(spans: list[Sent], name: str) -> list[Sent]:
    return [span for span in spans if span.name == name]


def test_a_trace_goes_from_the_callers_span_to_the_planes_steps(service: Service, receiver: Receiver) -> None:
    linux = "linux" in service.arguments
    client = service.client(secret=MARK)
    vpc = client.call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    network = {"VpcId": vpc, "ZoneId": "cn-hangzhou-k", "CidrBlock": "10.1.0.0/24"}
    made = traced(client, "CreateVSwitch", "00f067aa0ba902b7", **network, VSwitchName=MARK, ClientToken=MARK)
    traced(client, "DescribeVSwitches", "00f067aa0ba902b8", sampled=False)
    with pytest.raises(Refused) as refusal:
        traced(client, "CreateVSwitch", "00f067aa0ba902b9", **{**network, "CidrBlock": "10.2.0.0/24"}, ClientToken=MARK)
    assert MARK in refusal.value.detail

    def complete(spans: list[Sent]) -> bool:
        done = {span.name for span in spans if span.trace == CALLER}
        calls = [span for span in by_name(spans, "CreateVSwitch") if span.trace == CALLER]
        return {"transaction", "bring about vswitch"} <= done and len(calls) == 2

    spans = [span for span in receiver.until(complete) if span.trace == CALLER]
    known = {span.id: span for span in spans}
    call = next(span for span in by_name(spans, "CreateVSwitch") if span.parent == "00f067aa0ba902b7")
    assert (call.process, call.failed) == ("api", False)
    assert call.attributes["gatewright.request_id"] == made["RequestId"]
    assert (call.attributes["gatewright.status"], call.attributes["gatewright.code"]) == ("200", "OK")
    refused = next(span for span in by_name(spans, "CreateVSwitch") if span.parent == "00f067aa0ba902b9")
    assert (refused.attributes["gatewright.status"], refused.failed) == ("400", False)
    host = by_name(spans, "bring about vswitch")[0]
    assert host.process == ("agent" if linux else "api")
    assert host.attributes["gatewright.item"] == made["VSwitchId"]
    transaction = known[host.parent]
    assert (transaction.name, transaction.parent) == ("transaction", call.id)
    # whoever says that it records nothing is not recorded, and what nobody asked for is no trace
    assert not by_name(spans, "DescribeVSwitches")
    everything = receiver.until(lambda _: True)
    assert {span.name for span in everything if not span.parent} <= {"CreateVpc"}
    if linux:
        assert [span for span in spans if span.parent == host.id and span.process == "agent"]
    assert not any(MARK.encode() in body for body in receiver.bodies)


def test_a_receiver_that_is_away_hinders_nobody(tmp_path: Path) -> None:
    with Receiver() as gone:
        url = gone.url
    with Service(tmp_path / "data", arguments=("--trace-endpoint", url)) as service:
        assert service.client().call("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
        assert service.stop() == 0


def test_while_nobody_wants_traces_nothing_is_recorded() -> None:
    tracing.start("", "api")
    assert not tracing.on()
    with tracing.serving("call", "00-" + CALLER + "-00f067aa0ba902b7-01") as span:
        assert span is tracing.NOTHING
        span.tell(code="OK")
        with tracing.within("a") as part, tracing.following("b", "00-x") as other:
            assert part is other is tracing.NOTHING
        tracing.raised("local", 5)
    assert tracing.of_revision("local", 5) == ""


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("", ""),
        ("http://h:4318", "http://h:4318/v1/traces"),
        ("https://h/", "https://h/v1/traces"),
        ("http://[::1]:4318/otlp/v1/traces", "http://[::1]:4318/otlp/v1/traces"),
    ],
)
def test_an_endpoint_gets_the_path_of_otlp(given: str, used: str) -> None:
    assert trace_endpoint(given) == used


@pytest.mark.parametrize(
    "url", ["h:4318", f"http://u:{MARK}@h", "ftp://h", f"http://h/?k={MARK}", "http://h:x", "http:"]
)
def test_what_is_no_endpoint_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_HEADERS") as refused:
        trace_endpoint(url)
    assert MARK not in str(refused.value)
