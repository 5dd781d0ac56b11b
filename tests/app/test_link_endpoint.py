"""Where other hosts' agents call: its certificate is renewed, and it does not end unnoticed."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl

import pytest

from gatewright.app import link_endpoint
from gatewright.link.https_server import server_context
from gatewright.secrets.certificates import Authority

OURS = Authority.make("0123abcd")


def test_a_certificate_that_cannot_be_renewed_is_tried_again_soon(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = os.memfd_create

    def fails(_name: str) -> int:
        raise OSError(24, "Too many open files")

    context = server_context(OURS.certificate)
    monkeypatch.setattr(os, "memfd_create", fails)
    assert link_endpoint._renew(context, OURS, "127.0.0.1") == 60.0
    assert "Too many open files" in caplog.text
    monkeypatch.setattr(os, "memfd_create", real)
    assert link_endpoint._renew(context, OURS, "127.0.0.1") == 30 * 24 * 3600.0


def test_an_endpoint_outlives_failed_renewals_and_serves_the_next_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_endpoint, "_RENEWAL", 0.001)
    monkeypatch.setattr(link_endpoint, "_RENEW_AGAIN", 0.001)
    renewed = asyncio.Event()
    tries = 0
    real = link_endpoint._certify

    def certify(context: ssl.SSLContext, authority: Authority, host: str) -> None:
        nonlocal tries
        tries += 1
        if tries in (2, 3):
            raise OSError(24, "Too many open files")
        real(context, authority, host)
        if tries > 3:
            renewed.set()

    monkeypatch.setattr(link_endpoint, "_certify", certify)

    class Nobody:
        """A database with an authority, and a control plane without hosts."""

        async def read(self, _find: object) -> Authority:
            return OURS

    async def scene() -> None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        nobody: object = Nobody()
        serving = asyncio.create_task(
            link_endpoint._serve_for_ever("127.0.0.1", listener, nobody, nobody, lambda _: OURS)  # type: ignore[arg-type]  # stands for a server  # no call comes
        )
        async with asyncio.timeout(20):
            await renewed.wait()
        assert not serving.done()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(scene())


def test_an_endpoint_that_cannot_serve_ends_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody:
        async def read(self, _find: object) -> Authority:
            return OURS

    async def scene() -> None:
        listener = socket.socket()
        listener.close()
        nobody: object = Nobody()
        with pytest.raises(OSError, match="Bad file descriptor"):
            await link_endpoint._serve_for_ever("127.0.0.1", listener, nobody, nobody, lambda _: OURS)  # type: ignore[arg-type]  # stands for a server

    asyncio.run(scene())
