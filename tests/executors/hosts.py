"""The host processes of hosted nodes, as tests end them."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from arkwright.executors.resident_wire import HostFiles

LIMIT_SECONDS = 30.0


@contextlib.contextmanager
def shared_hosts(folder: Path) -> Iterator[Path]:
    """A folder for the hosts of many stages: starting one costs more than most of what tests do with it."""
    try:
        yield folder
    finally:
        end_hosts(folder)


def end_hosts(folder: Path) -> None:
    for path in folder.glob("*.json"):
        address = HostFiles(folder, path.stem).read_address()
        if address is None:
            continue
        with contextlib.suppress(ProcessLookupError):
            kill_process(address.pid)
        place = Path(address.socket).parent
        if place != folder:  # in place of a path that is too long
            shutil.rmtree(place, ignore_errors=True)


def kill_process(pid: int) -> None:
    """kill -9, and wait until it is gone."""
    with watched(pid) as end:
        os.kill(pid, signal.SIGKILL)
        end()


@contextlib.contextmanager
def watched(pid: int) -> Any:
    """A process pinned by a pidfd; the value waits for its end."""
    descriptor = os.pidfd_open(pid)

    def end(seconds: float = LIMIT_SECONDS) -> None:
        assert select.select([descriptor], [], [], seconds)[0], f"process {pid} did not end"

    try:
        yield end
    finally:
        os.close(descriptor)
