"""Ships logs and outputs of attempts in folders of this machine to where every server can read them.

Theory of operation
-------------------
* A log is shipped while its program runs, at most `lag_seconds` after it wrote, and whole at its end. The system tells
  of the first change after each look (`file_news`), so nothing polls: a program that says nothing costs nothing, one
  that writes without pause is looked at once per lag. Programs shorter than the lag are shipped at their end alone.
* How far it has come stands at the sink (`log_end`), not here. A server that dies and finds its programs again asks
  once per attempt and goes on there: nothing is missing, nothing is there twice.
* `finish` returns when all of an attempt is at the sink, so that its end is told to nobody who could not read it.
  Should the sink fail for longer than `patience_seconds`, runs go on: a note of the attempt stays in `notes`, and what
  is missing is shipped when the sink is back, also after a restart.
* A note is also there for each attempt that is being shipped: what a server that died had not shipped, and that
  another one has taken over, is shipped when the server comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from arkwright.errors import ArkwrightError
from arkwright.executors.attempt_wire import attempt_key, attempt_name
from arkwright.executors.file_news import FileNews
from arkwright.executors.local_guard import cut_offset
from arkwright.executors.log_tail import LARGEST, Piece, next_piece
from arkwright.nodes.base import AttemptKey

log = logging.getLogger("arkwright.executors")

LAG_SECONDS = 2.0
PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 10.0
"""Between two looks at a log of which nobody tells us."""
AGAIN_SECONDS = 30.0
AT_ONCE = 16
OUTPUT_BYTES = 16 * 1024 * 1024
"""More of an output is never read by anybody."""
_PAUSES = (0.1, 0.3, 1.0, 2.0)


class Sink(Protocol):
    """Where logs and outputs go. Every call may be repeated. Raises `ArkwrightError` or `OSError` when it fails."""

    async def log_end(self, key: AttemptKey) -> int:
        """How many bytes of the log have arrived."""
        ...

    async def write_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        """Bytes of the log from that offset on. Those that have arrived before are the same."""
        ...

    async def cut_log(self, key: AttemptKey, offset: int, data: bytes) -> None:
        """From that offset on the log is this, and nothing else."""
        ...

    async def write_output(self, key: AttemptKey, name: str, data: bytes) -> None:
        """A file of the attempt's folder, as a whole."""
        ...

    async def ended(self, key: AttemptKey) -> None:
        """All of it has arrived."""
        ...


class _Shipment:
    __slots__ = ("end", "folder", "key", "lock", "mark", "noted", "prepared", "seen", "timer", "watch")

    def __init__(self, key: AttemptKey, folder: Path, end: int | None) -> None:
        self.key = key
        self.folder = folder
        self.end = end
        """Bytes at the sink. None: the sink has not been asked yet."""
        self.mark = (0, 0)
        self.watch: int | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.lock = asyncio.Lock()
        self.noted = end is None
        """There is, or may be from before, a note of it."""
        self.prepared = False
        self.seen = end is not None


class Shipper:
    def __init__(
        self,
        sink: Sink,
        *,
        cap: int,
        notes: Path,
        folder_of: Callable[[AttemptKey], Path],
        lag_seconds: float | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`cap`: of a log, in bytes, as the executors have it. `notes`: a folder of the shipper's own."""
        self._sink = sink
        self._cap = cap
        self._notes = notes
        self._folder_of = folder_of
        self._lag = LAG_SECONDS if lag_seconds is None else lag_seconds
        self._patience = patience_seconds
        self._news = FileNews()
        self._shipments: dict[AttemptKey, _Shipment] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._again: asyncio.TimerHandle | None = None
        self._open = False

    async def open(self) -> None:
        self._open = True
        self._news.open()
        if await asyncio.to_thread(self._noted):
            self._arm_again()

    async def close(self) -> None:
        """Let go. What has not been shipped is shipped after the next start."""
        self._open = False
        if self._again is not None:
            self._again.cancel()
        for shipment in self._shipments.values():
            self._disarm(shipment)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._shipments.clear()
        self._news.close()

    # -- an attempt
    def begin(self, key: AttemptKey, folder: Path, *, adopted: bool) -> None:
        """Ship its log from now on. `adopted`: some of it may have been shipped before."""
        if self._open and key not in self._shipments:
            shipment = self._shipments[key] = _Shipment(key, folder, None if adopted else 0)
            self._look_later(shipment, self._lag)

    async def finish(self, key: AttemptKey, outputs: Iterable[str]) -> None:
        """Ship the rest of its log, and these files of its folder; returns when all of it has arrived, or when that
        takes too long: it is then seen to behind the caller's back. Never raises but when cancelled."""
        shipment = self._shipments.get(key) or _Shipment(key, self._folder_of(key), None)
        self._disarm(shipment)
        names = tuple(outputs)
        until = time.monotonic() + self._patience
        tries = 0
        while True:
            try:
                await self._ship_all(shipment, names)
                break
            except (ArkwrightError, OSError) as error:
                if tries == 0:
                    log.warning("the log of attempt %s can't be shipped: %s; trying again", key, error)
                if time.monotonic() > until:
                    log.error("the log of attempt %s is shipped later: %s", key, error)
                    await asyncio.to_thread(self._note, shipment, names)
                    self._shipments.pop(key, None)
                    self._arm_again()
                    return
                await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
                tries += 1
        self._shipments.pop(key, None)

    def drop(self, key: AttemptKey) -> None:
        """Nobody here runs it any more."""
        shipment = self._shipments.pop(key, None)
        if shipment is not None:
            self._disarm(shipment)

    # -- while it runs
    def _look_later(self, shipment: _Shipment, seconds: float) -> None:
        if shipment.timer is None and self._open:
            loop = asyncio.get_running_loop()
            shipment.timer = loop.call_later(seconds, self._start, shipment)

    def _start(self, shipment: _Shipment) -> None:
        shipment.timer = None
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(self._look(shipment))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, shipment: _Shipment) -> None:
        """Ask for news first and look then, so that nothing falls in between."""
        if not shipment.prepared:
            await asyncio.to_thread(self._prepare, shipment)
            shipment.prepared = True
        if self._shipments.get(shipment.key) is not shipment:
            return  # it has ended meanwhile
        shipment.watch = self._news.ask(shipment.folder, lambda: self._told(shipment))
        try:
            await self._ship_log(shipment)
        except (ArkwrightError, OSError) as error:
            log.warning("the log of attempt %s can't be shipped now: %s", shipment.key, error)
            self._look_later(shipment, AGAIN_SECONDS)
        if shipment.watch is None and self._shipments.get(shipment.key) is shipment:
            self._look_later(shipment, LOOK_SECONDS)

    def _told(self, shipment: _Shipment) -> None:
        shipment.watch = None
        self._look_later(shipment, self._lag)

    def _disarm(self, shipment: _Shipment) -> None:
        if shipment.timer is not None:
            shipment.timer.cancel()
            shipment.timer = None
        if shipment.watch is not None:
            self._news.forget(shipment.watch)
            shipment.watch = None

    def _prepare(self, shipment: _Shipment) -> None:
        """A program may wait for hours before it makes its folder, and only what is there can be watched."""
        with contextlib.suppress(OSError):
            shipment.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._note(shipment, ())

    # -- shipping
    async def _ship_log(self, shipment: _Shipment) -> None:
        async with shipment.lock:
            if shipment.end is None:
                shipment.end = await self._sink.log_end(shipment.key)
            while True:
                piece = await asyncio.to_thread(
                    next_piece,
                    shipment.folder / "log",
                    shipment.end,
                    self._cap,
                    shipment.mark,
                    seen=shipment.seen,
                )
                if piece is None:
                    return
                async with self._at_once:
                    await self._send(shipment, piece)
                shipment.end = piece.end
                shipment.mark = piece.mark
                shipment.seen = True
                if piece.data and len(piece.data) < LARGEST and piece.end != cut_offset(self._cap):
                    return  # all of it; what ends where logs are cut may have more behind the cut

    async def _send(self, shipment: _Shipment, piece: Piece) -> None:
        if piece.replaces:
            await self._sink.cut_log(shipment.key, piece.offset, piece.data)
        else:
            await self._sink.write_log(shipment.key, piece.offset, piece.data)

    async def _ship_all(self, shipment: _Shipment, outputs: Sequence[str]) -> None:
        await self._ship_log(shipment)
        for name in outputs:
            data = await asyncio.to_thread(_read, shipment.folder / name)
            if data is not None:
                async with self._at_once:
                    await self._sink.write_output(shipment.key, name, data)
        await self._sink.ended(shipment.key)
        if shipment.noted:
            await asyncio.to_thread(self._unnote, shipment.key)

    # -- notes: a file per attempt; in it the names of its outputs
    def _note(self, shipment: _Shipment, outputs: Sequence[str]) -> None:
        self._notes.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._notes / attempt_name(shipment.key)
        path.write_text("".join(f"{name}\n" for name in outputs), "utf-8")
        shipment.noted = True

    def _unnote(self, key: AttemptKey) -> None:
        (self._notes / attempt_name(key)).unlink(missing_ok=True)

    def _noted(self) -> dict[AttemptKey, tuple[str, ...]]:
        found = {}
        with contextlib.suppress(FileNotFoundError):
            for path in self._notes.iterdir():
                key = attempt_key(path.name)
                with contextlib.suppress(ValueError, OSError):
                    if key is not None:
                        found[key] = tuple(path.read_text("utf-8").split("\n")[:-1])
        return found

    def _arm_again(self) -> None:
        if self._again is None and self._open:
            loop = asyncio.get_running_loop()
            self._again = loop.call_later(AGAIN_SECONDS, self._try_again)

    def _try_again(self) -> None:
        self._again = None
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(self._ship_noted())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ship_noted(self) -> None:
        for key, outputs in (await asyncio.to_thread(self._noted)).items():
            if key in self._shipments:
                continue  # it runs here
            shipment = _Shipment(key, self._folder_of(key), None)
            try:
                await self._ship_all(shipment, outputs)
            except (ArkwrightError, OSError) as error:
                log.warning("the log of attempt %s still can't be shipped: %s", key, error)
                self._arm_again()


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(OUTPUT_BYTES)
    except OSError:
        return None
