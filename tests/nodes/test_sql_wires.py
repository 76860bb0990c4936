"""A thread that waits for a silent server is let go of, also within TLS, and others' connections are left alone."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
from tests.nodes.conformance_kit import Silence

from arkwright.nodes.sql_wires import Wires

LIMIT_SECONDS = 30.0


@pytest.fixture
def silence() -> Iterator[Silence]:
    silence = Silence()
    yield silence
    silence.listener.close()


def wait_for_an_answer(silence: Silence, wires: Wires | None, connected: list[socket.socket]) -> bytes:
    with wires.noted() if wires else nullcontext():
        made = socket.create_connection(("127.0.0.1", silence.port))
    connected.append(made)
    with made:
        return made.recv(1)


def until(true: Callable[[], bool], pool: ThreadPoolExecutor) -> None:
    while not true():
        pool.submit(lambda: None).result(LIMIT_SECONDS)


def test_what_waits_ends_at_once_and_what_another_connected_stays(silence: Silence) -> None:
    wires, connected = Wires(), list[socket.socket]()
    with ThreadPoolExecutor(3) as pool:
        own = pool.submit(wait_for_an_answer, silence, wires, connected)
        until(lambda: len(connected) == 1, pool)
        other = pool.submit(wait_for_an_answer, silence, None, connected)
        until(lambda: len(connected) == 2, pool)
        wires.cut()
        assert own.result(LIMIT_SECONDS) == b""
        assert not other.done()
        connected[1].shutdown(socket.SHUT_RDWR)
        assert other.result(LIMIT_SECONDS) == b""


def test_a_handshake_that_is_never_answered_ends_too(silence: Silence) -> None:
    wires = Wires()

    def shake_hands() -> None:
        with wires.noted(), socket.create_connection(("127.0.0.1", silence.port)) as made:
            ssl.create_default_context().wrap_socket(made, server_hostname="localhost")

    with ThreadPoolExecutor(2) as pool:
        shaking = pool.submit(shake_hands)
        until(lambda: silence.heard > 0, pool)
        wires.cut()
        with pytest.raises(OSError):
            shaking.result(LIMIT_SECONDS)


def test_nothing_connects_after_they_were_cut(silence: Silence) -> None:
    wires = Wires()
    wires.cut()
    with wires.noted(), pytest.raises(ConnectionAbortedError):
        socket.create_connection(("127.0.0.1", silence.port))
    socket.create_connection(("127.0.0.1", silence.port)).close()
