"""The network connections that a blocking driver opens, so that a thread which waits for a silent server is let go of.

Drivers have no way to give up a read from outside, and keep their sockets to themselves. But Python tells of each
connection before it is made (audit event `socket.connect`), in the thread that makes it. What a session's threads
connect is noted, by a descriptor of our own, since TLS takes the socket over.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_here = threading.local()


class Wires:
    """Of one session. Safe in any thread."""

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        self._is_cut = False
        self._lock = threading.Lock()
        _listen()

    @contextmanager
    def noted(self) -> Iterator[None]:
        """What this thread connects to meanwhile is of this session."""
        before = getattr(_here, "wires", None)
        _here.wires = self
        try:
            yield
        finally:
            _here.wires = before

    def add(self, made: socket.socket) -> None:
        """Raises `ConnectionAbortedError` once they are cut."""
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("It was stopped.")
            self._descriptors.append(os.dup(made.fileno()))

    def cut(self) -> None:
        """Whoever waits for the server fails at once, and nothing connects any more."""
        with self._lock:
            self._is_cut = True
            for each in self._descriptors:
                with contextlib.suppress(OSError), socket.socket(fileno=each) as wire:  # and closes it
                    wire.shutdown(socket.SHUT_RDWR)
            self._descriptors.clear()


@functools.cache
def _listen() -> None:
    """Once in a process: a hook stays."""

    def heard(event: str, given: tuple[Any, ...]) -> None:
        if event == "socket.connect" and (wires := getattr(_here, "wires", None)) is not None:
            wires.add(given[0])

    sys.addaudithook(heard)
