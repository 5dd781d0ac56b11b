"""The client that the command line calls with, against a real service and against what is none."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gatewright.client import Caller, Profile, Refused, Unreachable
from gatewright.client.signing import Signature
from tests.support.service import Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("caller")) as running:
        yield running


@pytest.fixture
def profile(service: Service) -> Profile:
    return Profile(f"http://127.0.0.1:{service.port}", "test", "secret")


@pytest.mark.parametrize("signature", ["V1", "V3"])
def test_operations_are_called_with_either_signature(profile: Profile, signature: Signature) -> None:
    with Caller(profile, signature=signature) as caller:
        vpc = caller.call("CreateVpc", {"CidrBlock": "10.0.0.0/8", "VpcName": "two words & ü=%"})["VpcId"]
        assert caller.call("DescribeVpcAttribute", {"VpcId": vpc})["VpcName"] == "two words & ü=%"
        assert caller.call("DescribeVpcs", {"RegionId": "cn-beijing"})["TotalCount"] == 0
        assert caller.call("DescribeZones", {}, "2014-05-26")["Zones"]["Zone"]


def test_a_refusal_tells_code_message_detail_and_where_to_read_on(profile: Profile) -> None:
    with Caller(profile) as caller, pytest.raises(Refused) as caught:
        caller.call("CreateVpc", {"CidrBlock": "10.0.0.0/99"})
    refused = caught.value
    assert (refused.status, refused.action) == (400, "CreateVpc")
    assert refused.code
    assert refused.message
    assert "CidrBlock" in refused.detail
    assert refused.recommend.startswith("http://127.0.0.1:")
    assert len(refused.request_id) == 36


def test_a_wrong_secret_is_refused_and_told_nowhere(profile: Profile) -> None:
    wrong = replace(profile, access_key_secret="hush-hush", security_token="token-token")
    with Caller(wrong) as caller, pytest.raises(Refused) as caught:
        caller.call("DescribeVpcs")
    assert caught.value.code == "SignatureDoesNotMatch"
    assert "hush" not in repr(wrong) + str(caught.value)
    assert "token-token" not in repr(wrong)


def test_a_connection_that_was_closed_meanwhile_is_opened_anew(profile: Profile) -> None:
    with Caller(profile) as caller:
        caller.call("DescribeVpcs")
        assert caller._connection is not None
        assert caller._connection.sock is not None
        caller._connection.sock.shutdown(socket.SHUT_RDWR)
        assert caller.call("DescribeVpcs")["TotalCount"] >= 0


def whole_request(connection: socket.socket) -> bytes:
    """A request with its body, which may come in a packet of its own."""
    connection.settimeout(10)
    with connection.makefile("rb") as stream:
        head = b""
        while (line := stream.readline()) not in (b"\r\n", b""):
            head += line
        length = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
        assert length is not None
        return head + stream.read(int(length[1]))


def test_a_request_that_got_no_answer_is_not_sent_again(profile: Profile) -> None:
    """It may have been carried out: a second gateway would be ordered. On a connection that served before, too."""
    asked: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        connection, _ = listener.accept()
        with connection:
            for reply in (answer, b""):
                asked.append(whole_request(connection))
                connection.sendall(reply)
        with contextlib.suppress(TimeoutError):
            listener.settimeout(0.5)
            connection, _ = listener.accept()
            with connection:
                asked.append(whole_request(connection))
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with Caller(replace(profile, endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}")) as caller:
            assert caller.call("DescribeVpcs") == {}
            with pytest.raises(Unreachable, match=r"no answer to CreateVpnGateway .* whether it was carried out"):
                caller.call("CreateVpnGateway")
        thread.join(10)
    assert len(asked) == 2


@contextlib.contextmanager
def answering(reply: bytes) -> Iterator[str]:
    """Somebody who answers the first request with this, whatever it is, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                whole_request(connection)
                connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.join(10)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "no JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "no JSON"),
        (b"220 mail.example ESMTP\r\n", "whether it was carried out is not known"),
        (b"", "whether it was carried out is not known"),
    ],
)
def test_who_is_no_api_is_named(profile: Profile, reply: bytes, told: str) -> None:
    with answering(reply) as endpoint, Caller(replace(profile, endpoint=endpoint)) as caller:
        with pytest.raises(Unreachable) as caught:
            caller.call("DescribeVpcs")
        assert endpoint in str(caught.value)
        assert told in str(caught.value)


def test_where_nobody_listens_it_is_said_what_to_do(profile: Profile, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    caller = Caller(replace(profile, endpoint=f"http://127.0.0.1:{port}"))
    with caller, pytest.raises(Unreachable, match=r"gatewright serve"):
        caller.call("DescribeVpcs")


@pytest.mark.parametrize("endpoint", ["127.0.0.1:8080", "ftp://127.0.0.1", "", "http://"])
def test_an_endpoint_is_a_url(profile: Profile, endpoint: str) -> None:
    with pytest.raises(Unreachable, match=r"http://HOST:PORT"):
        Caller(replace(profile, endpoint=endpoint))
