"""What arrives from a network: malformed, huge, slow, chunked. A 4xx or a served call, never a 5xx or a hang."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.support.client import Client, sign_v1, v1_parameters
from tests.support.service import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("http") / "data") as started:
        yield started


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    made = service.client()
    yield made
    made.close()


def exchange(service: Service, *pieces: bytes) -> bytes:
    """Send raw bytes and read until the server closes, or has been silent for a moment after answering."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        answer = b""
        # A server may answer and hang up before it has read everything.
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for piece in pieces:
                connection.sendall(piece)
        try:
            while chunk := connection.recv(65536):
                answer += chunk
                connection.settimeout(0.3)
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass
    return answer


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer[9:12])


def test_both_signatures_and_methods(client: Client) -> None:
    assert client.v1("DescribeRegions").status == 200
    assert client.v1("DescribeRegions", method="GET").status == 200
    assert client.v3("DescribeZones", RegionId="cn-hangzhou").status == 200
    assert client.v3("CreateVpc", body={"RegionId": "cn-hangzhou", "VpcName": "übung *~ +"}).status == 200
    found = client.call("DescribeVpcs", VpcName="übung *~ +")
    assert found["TotalCount"] == 1


def test_a_body_that_is_not_the_signed_one_is_refused(client: Client) -> None:
    headers = {
        "host": f"127.0.0.1:{client.port}",
        "x-acs-action": "CreateVpc",
        "x-acs-version": "2016-04-28",
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": "abc",
        "x-acs-content-sha256": hashlib.sha256(b"RegionId=cn-beijing").hexdigest(),
        "content-type": "application/x-www-form-urlencoded",
    }
    headers["authorization"] = client.authorize_v3("POST", "", headers)
    refused = client.send("POST", "/?", b"RegionId=cn-hangzhou", headers)
    assert (refused.status, refused.json()["Code"]) == (400, "IncompleteSignature")
    assert refused.json()["Detail"].startswith("x-acs-content-sha256")
    assert client.send("POST", "/?", b"RegionId=cn-beijing", headers).status == 200


@pytest.mark.parametrize("padding", [" ", "\t", "  ", "\xa0"])
def test_a_padded_nonce_is_no_new_nonce(client: Client, padding: str) -> None:
    headers = {
        "host": f"127.0.0.1:{client.port}",
        "x-acs-action": "CreateVpc",
        "x-acs-version": "2016-04-28",
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": f"padded-{ord(padding[0])}-{len(padding)}",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
    }
    headers["authorization"] = client.authorize_v3("POST", "RegionId=cn-hangzhou", headers)
    assert client.send("POST", "/?RegionId=cn-hangzhou", b"", headers).status == 200
    again = {**headers, "x-acs-signature-nonce": headers["x-acs-signature-nonce"] + padding}
    refused = client.send("POST", "/?RegionId=cn-hangzhou", b"", again)
    assert refused.json()["Code"] in ("SignatureNonceUsed", "SignatureDoesNotMatch")


def test_a_header_that_counts_is_given_once(service: Service) -> None:
    twice = b"x-acs-signature-nonce: a\r\nx-acs-signature-nonce: b\r\n"
    parts = "Credential=test,SignedHeaders=x-acs-content-sha256;x-acs-date;x-acs-signature-nonce,Signature=x"
    head = f"POST /?Action=DescribeRegions&Version=2016-04-28 HTTP/1.1\r\nauthorization: ACS3-HMAC-SHA256 {parts}\r\n"
    rest = b"x-acs-date: 2026-11-23T08:00:00Z\r\nx-acs-content-sha256: x\r\n\r\n"
    answer = exchange(service, head.encode() + twice + rest)
    assert status(answer) == 400
    assert b"must be given once" in answer


def test_trailers_are_bounded_and_nobodys_headers(service: Service, client: Client) -> None:
    head = f"POST {signed_target(client, method='POST')} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert status(exchange(service, head.encode() + b"0\r\nAccept: text/xml\r\n\r\n")) == 200
    trailer = b"t: " + b"a" * 1000 + b"\r\n"
    assert status(exchange(service, head.encode() + b"0\r\n", *[trailer] * 100)) == 431


def test_unsigned_routing_headers_are_refused(client: Client) -> None:
    headers = {
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": "def",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
    }
    headers["authorization"] = client.authorize_v3("POST", "", headers)
    headers |= {"x-acs-action": "DescribeRegions", "x-acs-version": "2016-04-28"}
    refused = client.send("POST", "/?", b"", headers)
    assert (refused.status, refused.json()["Code"]) == (400, "IncompleteSignature")


def test_an_unsigned_header_does_not_choose_the_operation(client: Client) -> None:
    parameters = v1_parameters("", {"RegionId": "cn-hangzhou"}, client.key)
    del parameters["Action"]
    parameters["Signature"] = sign_v1("GET", parameters, client.secret)
    refused = client.send("GET", "/?" + urlencode(parameters), headers={"x-acs-action": "CreateVpc"})
    assert (refused.status, refused.json()["Code"]) == (400, "MissingAction")


def signed_target(client: Client, action: str = "DescribeRegions", method: str = "GET") -> str:
    parameters = v1_parameters(action, {}, client.key)
    parameters["Signature"] = sign_v1(method, parameters, client.secret)
    return "/?" + urlencode(parameters)


@pytest.mark.parametrize("host", ["vpc.cn-hangzhou.aliyuncs.com", "http://127.0.0.1:1", "", "[::1]:80", "a b"])
def test_any_host_is_served(service: Service, client: Client, host: str) -> None:
    request = f"GET {signed_target(client)} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    assert status(exchange(service, request.encode())) == 200


def test_a_chunked_body_is_read(service: Service, client: Client) -> None:
    parameters = v1_parameters("CreateVpc", {"RegionId": "cn-hangzhou", "VpcName": "chunked"}, client.key)
    parameters["Signature"] = sign_v1("POST", parameters, client.secret)
    body = urlencode(parameters).encode()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    pieces = [b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:100], body[100:])]
    assert status(exchange(service, head, *pieces, b"0\r\n\r\n")) == 200
    assert client.call("DescribeVpcs", VpcName="chunked")["TotalCount"] == 1


def test_a_connection_is_kept_and_pipelined_requests_are_answered_in_order(service: Service, client: Client) -> None:
    first = f"GET {signed_target(client)} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    second = f"GET {signed_target(client, 'Nothing')} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    answer = exchange(service, first + second)
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.index(b"HTTP/1.1 200") < answer.index(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: minus\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT 1.2.3.4:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[::1/?x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?a=1&a=2 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?Action=%00&Version=2016-04-28 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /other/path HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /?Action=DescribeRegions&Version=2016-04-28 HTTP/1.1\r\nAuthorization: x\r\n\r\n",
        b"GET /errors/Nothing HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_malformed_requests_get_a_4xx(service: Service, garbage: bytes) -> None:
    assert 400 <= status(exchange(service, garbage)) < 500
    assert service.client().v1("DescribeRegions").status == 200


def test_a_huge_body_and_a_huge_head_are_refused(service: Service) -> None:
    announced = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"
    assert status(exchange(service, announced)) == 413
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    assert status(exchange(service, head, *[chunk] * 20)) == 413
    line = b"x-header: " + b"a" * 10_000 + b"\r\n"
    assert status(exchange(service, b"GET / HTTP/1.1\r\n", *[line] * 200)) in (400, 431)


def test_a_client_that_goes_away_harms_nobody(service: Service) -> None:
    for sent in (b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"):
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            connection.sendall(sent)
    assert service.client().v1("DescribeRegions").status == 200


def test_the_pages_for_people(client: Client) -> None:
    assert client.send("GET", "/healthz").body == b"ok\n"
    page = client.send("GET", "/errors/Resource.QuotaFull")
    assert page.status == 200
    assert b"GATEWRIGHT_QUOTA_VPN_GATEWAYS" in page.body
    refused = client.v1("DescribeVpnGateway", RegionId="cn-hangzhou")
    recommended = refused.json()["Recommend"]
    assert recommended == f"http://127.0.0.1:{client.port}/errors/MissingVpnGatewayId"
    assert client.send("GET", recommended.partition(str(client.port))[2]).status == 200


def test_nothing_went_wrong_inside(service: Service) -> None:
    assert "Traceback" not in service.printed()
