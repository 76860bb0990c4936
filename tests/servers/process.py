"""A server's process on ports of the loopback: started, waited for until it listens, killed in the end."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any


def free_ports(count: int) -> list[int]:
    """Different ones, that nobody had just now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def running(command: Sequence[str], log: Path, *, port: int, seconds: float, **more: Any) -> Iterator[None]:
    """The body runs while it does. `more`: of `subprocess.Popen`."""
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **more)
    try:
        _listens(process, port, log, seconds)
        yield
    finally:
        process.kill()
        process.wait()


def _listens(process: subprocess.Popen[bytes], port: int, log: Path, seconds: float) -> None:
    """A server tells nobody when it accepts."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())
