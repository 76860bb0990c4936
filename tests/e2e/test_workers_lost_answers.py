"""A worker whose server answers, and whose answer never arrives: what it was given is its own all the same."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.house import node
from tests.e2e.yard import yard

pytestmark = pytest.mark.long


class Way:
    """Carries bytes to a server and back, and loses the first answer to a request with each of these words in it."""

    def __init__(self, port: int, *words: bytes) -> None:
        self.lost: list[bytes] = []
        self._words = words
        self._port = port
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        listener = self._kept(socket.create_server(("127.0.0.1", 0)))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._begin(self._listen, listener)

    def _kept(self, made: socket.socket) -> socket.socket:
        self._open.append(made)
        return made

    def _begin(self, work: Callable[..., None], *given: Any) -> None:
        self._threads.append(threading.Thread(target=work, args=given, daemon=True))
        self._threads[-1].start()

    def _listen(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here = self._kept(listener.accept()[0])
                there = self._kept(socket.create_connection(("127.0.0.1", self._port)))
                loses = threading.Event()
                self._begin(self._carry, here, there, loses, True)
                self._begin(self._carry, there, here, loses, False)

    def _carry(self, source: socket.socket, target: socket.socket, loses: threading.Event, asks: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                for word in self._words if asks else ():
                    if word in data and word not in self.lost:
                        self.lost.append(word)
                        loses.set()
                if not asks and loses.is_set():
                    break
                target.sendall(data)
        _end(source)
        _end(target)

    def close(self) -> None:
        for each in self._open:
            _end(each)
        for thread in self._threads:
            thread.join(10)
        for each in self._open:
            each.close()


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


@contextmanager
def way(port: int, *words: bytes) -> Iterator[Way]:
    made = Way(port, *words)
    try:
        yield made
    finally:
        made.close()


def test_an_answer_that_is_lost_changes_nothing(tmp_path: Path) -> None:
    words = [b"/claim HTTP", b"/finish HTTP"]
    with yard(tmp_path) as place, way(int(place.home.url.rpartition(":")[2]), *words) as lossy:
        worker = place.worker("one", "default")
        arguments: list[Any] = list(worker.arguments)
        arguments[arguments.index("--api") + 1] = lossy.url
        worker.arguments = arguments
        worker.start()
        client = place.home.client()
        trace = tmp_path / "trace"
        client.save_job("once", node("a", statement=f"echo $$ >> {trace}"))
        ended = client.ended("once", client.run("once"))
        assert ended["status"] == "success", ended
        assert lossy.lost == words
        assert len(trace.read_text().splitlines()) == 1
        client.close()
