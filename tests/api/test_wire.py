"""What comes over the wire and is no good request: one shape of errors, bounded in size and time, no defect."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from tests.api.server import PROJECT, RunningServer, shell
from tests.api.test_direct import Line, line

from arkwright import http_guard

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def job(server: RunningServer, name: str) -> str:
    server.save_job(f"wire_{name}", {"name": "a", "type": "Dummy"})
    return f"wire_{name}"


@pytest.fixture
def wire(server: RunningServer) -> Iterator[Line]:
    with line(server) as made:
        yield made


def run(server: RunningServer, job: str, more: str = "", query: str = "") -> bytes:
    """The head of a call of run-immediate, without its empty line."""
    token = server.client.headers["X-Auth-Token"]
    return (
        f"POST /v1/{PROJECT}/jobs/{job}/run-immediate{query} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n{more}"
    ).encode()


def assert_last_word(wire: Line, status: int) -> None:
    got, headers, body = wire.reply()
    assert (got, body["error_code"]) == (status, "APIGW.0201"), body
    assert len(headers["x-request-id"]) == 32
    assert wire.ended()


@pytest.mark.parametrize(
    "request_",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz HTTP/3.0\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nA: b\x00\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v3/auth/tokens HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v3/auth/tokens HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /v3/auth/tokens HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"POST /v3/auth/tokens HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_no_request_is_answered_in_the_shape_of_errors(
    wire: Line, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        wire.send(request_)
        assert_last_word(wire, 400)
    assert not [record for record in caplog.records if record.exc_info]


def test_a_head_has_a_largest_size_in_one_piece_and_in_many(server: RunningServer) -> None:
    begin = b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: "
    with line(server) as whole:
        whole.send(begin + b"a" * http_guard.HEAD_BYTES + b"\r\n\r\n")
        assert_last_word(whole, 431)
    with line(server) as endless:
        endless.send(begin)
        for _ in range(65):
            endless.send(b"a" * 1024)
        assert_last_word(endless, 431)
    with line(server) as just:
        just.send(begin + b"a" * (http_guard.HEAD_BYTES - 200) + b"\r\n\r\n")
        assert just.reply()[0] == 200


@pytest.mark.parametrize("begin", [b"2\r\n{}\r\n0\r\nTrailer: ", b"2;extension="])
def test_trailers_and_extensions_of_chunks_have_a_largest_size_too(
    server: RunningServer, wire: Line, job: str, begin: bytes
) -> None:
    wire.send(run(server, job, "Transfer-Encoding: chunked\r\n\r\n") + begin)
    for _ in range(1000):
        if wire.answered():
            break
        wire.send(b"a" * 1024)
    assert_last_word(wire, 431)


def test_a_trailer_is_no_header(server: RunningServer, wire: Line, job: str) -> None:
    """What a proxy looked at, and what was signed, must be what counts."""
    wire.send(run(server, job, "Transfer-Encoding: chunked\r\n\r\n") + b"2\r\n{}\r\n0\r\nworkspace: nowhere\r\n\r\n")
    assert wire.reply()[0] == 200


def test_a_head_that_does_not_end_is_not_waited_for(wire: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_guard, "HEAD_SECONDS", 0.1)
    wire.send(b"GET /healthz HTTP/1.1\r\nHo")
    assert_last_word(wire, 408)


def test_a_body_that_does_not_go_on_is_not_waited_for(
    server: RunningServer,
    wire: Line,
    job: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(http_guard, "BODY_SECONDS", 0.1)
    with caplog.at_level(logging.WARNING):
        wire.send(run(server, job, "Content-Length: 2\r\n\r\n") + b"{")
        assert_last_word(wire, 408)
    assert not caplog.records


def test_a_body_in_pieces_is_waited_for_while_it_goes_on(server: RunningServer, wire: Line, job: str) -> None:
    wire.send(run(server, job, "Content-Length: 2\r\n\r\n") + b"{")
    wire.send(b"}")
    assert wire.reply()[0] == 200
    wire.send(HEALTH)
    assert wire.reply()[0] == 200


def test_empty_lines_alone_are_no_request(wire: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_guard, "HEAD_SECONDS", 0.1)
    wire.send(b"\r\n\r\n")
    assert wire.ended()


def test_an_empty_line_behind_a_request_that_is_being_answered_spoils_nothing(
    server: RunningServer, wire: Line, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_guard, "HEAD_SECONDS", 0.05)
    server.save_job(f"slow_{name}", shell("a", "sleep 0.5"))
    wire.send(run(server, f"slow_{name}", "Content-Length: 0\r\n\r\n", "?wait=30"))
    wire.send(b"\r\n")
    assert wire.reply()[2]["status"] == "success"


def test_empty_lines_before_a_request_are_skipped(wire: Line) -> None:
    wire.send(b"\r\n\r\n" + HEALTH)
    assert wire.reply()[0] == 200


def test_what_follows_a_request_never_spoils_its_answer(server: RunningServer, wire: Line, job: str) -> None:
    wire.send(run(server, job, "Content-Length: 0\r\n\r\n", "?wait=30") + b"hello\r\n\r\n")
    status, _, body = wire.reply()
    assert (status, body["status"]) == (200, "success")
    assert wire.ended()


def test_requests_in_a_row_are_all_answered_before_the_connection_ends(
    server: RunningServer, wire: Line, job: str
) -> None:
    wire.send(run(server, job, "Content-Length: 0\r\n\r\n", "?wait=30") + HEALTH + b"hello\r\n\r\n")
    assert wire.reply()[2]["status"] == "success"
    assert wire.reply()[2] == {"status": "ok"}
    assert wire.ended()
