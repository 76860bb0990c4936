"""The files of one attempt in its folder, as a resident host keeps them.

    claim         made with O_EXCL before the node's work begins; one line per time it was begun
    log           what the node had to say, streamed, capped
    output        the node's own
    outcome.json  how it ended; written whole, before anybody is told

What they tell after a crash: no `claim`: never begun. `claim` without `outcome.json`: running, or its host died; the
host that holds the lock of the name knows which. `outcome.json`: ended, whoever asks and whichever host is alive.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec

from arkwright.core.outcome import Outcome
from arkwright.core.scrubbing import Scrubber
from arkwright.executors.resident_wire import decode_outcome, encode, write_atomically

CLAIM = "claim"
LOG = "log"
OUTCOME = "outcome.json"

LOG_CAP_BYTES = 30 * 1024 * 1024


class AttemptFolder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def outcome(self) -> Outcome | None:
        """None: there is none. Raises OSError if that can't be seen now."""
        try:
            return decode_outcome((self.path / OUTCOME).read_bytes())
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
            return None

    def end(self, outcome: Outcome) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self.path / OUTCOME, encode(outcome))

    def is_claimed(self) -> bool:
        return (self.path / CLAIM).exists()

    def claim(self) -> bool:
        """True: the work may begin, and never before has. False: it has been begun before."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(self.path / CLAIM, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "wb") as file:
            file.write(_begun())
        return True

    def begin_again(self) -> None:
        with (self.path / CLAIM).open("ab") as file:
            file.write(_begun())

    def times_begun(self) -> int:
        """At least 1, also if the host died between making the file and writing into it, or a power cut took it."""
        try:
            return max(1, (self.path / CLAIM).read_bytes().count(b"\n"))
        except FileNotFoundError:
            return 1


def _begun() -> bytes:
    return f"{os.getpid()}\n".encode()


class AttemptLog:
    """`log`, appended to as the node speaks, from any thread; what is over the cap is dropped with a note."""

    def __init__(self, folder: Path, cap_bytes: int = LOG_CAP_BYTES, secrets: tuple[str, ...] = ()) -> None:
        """`secrets` are masked, also where one straddles two writes."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = (folder / LOG).open("ab", buffering=0)
        self._left = cap_bytes - self._file.tell()
        self._cap = cap_bytes
        self._full = self._left < 0
        self._lock = threading.Lock()
        self._scrubber = Scrubber(secrets) if secrets else None

    def write(self, text: bytes) -> None:
        with self._lock:
            self._write(self._scrubber.feed(text) if self._scrubber is not None else text)

    def _write(self, text: bytes) -> None:
        if self._full or self._file.closed:
            return
        self._file.write(text[: self._left])
        self._left -= len(text)
        if self._left < 0:
            self._full = True
            self._file.write(f"\n[log cut at {self._cap} bytes; the node ran on]\n".encode())

    def close(self) -> None:
        with self._lock:
            if self._scrubber is not None and not self._file.closed:
                self._write(self._scrubber.end())
            self._file.close()
