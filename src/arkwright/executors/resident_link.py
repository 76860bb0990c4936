"""A server's side of one host name: starts the host when there is work, speaks with it, and starts another when it
died with work in hand.

Rules: one conversation per name and server; what is pending is asked for again after each connect, which is harmless
(the attempt's folder decides). The link lets go when nothing is pending for `LINGER_SECONDS`, so that an idle host may
end. A host that can't be started, or that dies again and again without ending any attempt, fails what is pending
with what is known of it: an attempt without a claim never began (ERROR), any other is LOST.

What may not begin now (`beginning`) is not asked for, and what a host was asked for in time says until when it may
begin. It waits here for the next lease; what is cancelled is asked for at any time, since that begins nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

import arkwright
from arkwright.core.outcome import Failed, FailureKind, Outcome
from arkwright.executors.beginning import LATE_SECONDS, Beginning
from arkwright.executors.process import DEFAULTED
from arkwright.executors.resident_attempt import AttemptFolder
from arkwright.executors.resident_wire import Cancel, Ended, Hello, HostFiles, Run, TooLate, Welcome, receive, send
from arkwright.nodes.base import AttemptKey, Context

log = logging.getLogger("arkwright.executors.resident")

LINGER_SECONDS = 60.0
START_SECONDS = 60.0
"""A host that is not ready by then (an overloaded machine, a huge warehouse log to replay) is given up."""
BARREN_CONVERSATIONS = 8
"""Conversations in a row that may break, or not come about, without any attempt having ended."""
LOG_KEPT_BYTES = 1024 * 1024

_INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    "JAVA_HOME",  # Spark of a workspace
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How hosts are started: the same for all names."""

    folder: Path
    registry: str
    """`module:callable` that makes the registry in the host."""
    settings: Mapping[str, Any]
    environment: Mapping[str, str]
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """More settings, which a host is told over its socket alone: everybody may read the arguments of a process."""


@dataclass(slots=True, kw_only=True)
class Pending:
    type: str
    context: Context
    rebooted: bool
    cancelled: bool = False
    asked: bool = False
    """Of the host that we speak with."""

    def message(self, until: float | None) -> Run:
        return Run(type=self.type, context=self.context, cancelled=self.cancelled, rebooted=self.rebooted, until=until)


class HostLink:
    """All methods are called on the loop's thread; none blocks."""

    def __init__(
        self, name: str, launch: Launch, beginning: Beginning, ended: Callable[[AttemptKey, Outcome], None]
    ) -> None:
        self._beginning = beginning
        self._files = HostFiles(launch.folder, name)
        self._launch = launch
        self._ended = ended
        self._pending: dict[AttemptKey, Pending] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None
        self._barren = 0
        self._said = ""

    def run(self, pending: Pending) -> None:
        key = pending.context.key
        if key in self._pending:
            return
        self._pending[key] = pending
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        self._ask(pending)
        if self._task is None:
            self._barren = 0
            self._task = asyncio.get_running_loop().create_task(self._converse_while_pending())

    def cancel(self, key: AttemptKey) -> None:
        pending = self._pending.get(key)
        if pending is None:
            return
        pending.cancelled = True
        if not pending.asked:
            self._ask(pending)
        elif self._writer is not None:
            send(self._writer, Cancel(key=key))

    async def close(self) -> None:
        self._pending.clear()
        for timer in (self._linger, self._late):
            if timer is not None:
                timer.cancel()
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # -- asking
    def _ask(self, pending: Pending) -> None:
        """Have the host see to it, if there is one (else it is asked once it is there) and it may begin."""
        if self._writer is None:
            return
        key = pending.context.key
        if pending.cancelled or self._beginning.open(key):
            pending.asked = True
            send(self._writer, pending.message(self._beginning.until(key)))
        elif self._late is None:
            self._late = asyncio.get_running_loop().call_later(LATE_SECONDS, self._ask_late)

    def _ask_late(self) -> None:
        self._late = None
        for pending in list(self._pending.values()):
            if not pending.asked:
                self._ask(pending)

    # -- the conversation
    async def _converse_while_pending(self) -> None:
        try:
            while self._pending:
                if self._barren >= BARREN_CONVERSATIONS:
                    await self._give_up()
                    continue
                if self._barren:
                    pause_seconds = min(2.0, 0.02 * 2**self._barren)
                    await asyncio.sleep(pause_seconds * random.uniform(0.5, 1.0))  # noqa: S311
                self._barren += 1
                try:
                    await self._converse()
                except Exception as fault:  # a defect must not leave attempts without an end
                    log.exception("the conversation with the host %s", self._files.name)
                    self._said = f"{type(fault).__name__}: {fault}"
        finally:
            self._task = None

    async def _converse(self) -> None:
        connection = await self._connect() or await self._start()
        if connection is None:
            return
        reader, writer = connection
        try:
            self._writer = writer
            for pending in list(self._pending.values()):
                pending.asked = False
                self._ask(pending)
            if not self._pending:  # all were ended or forgotten while it connected
                self._let_go_later()
            while (message := await receive(reader)) is not None:
                match message:
                    case Ended():
                        self._barren = 0
                        self._forget(message.key, message.outcome)
                    case TooLate() if (late := self._pending.get(message.key)) is not None:
                        self._barren = 0
                        late.asked = False
                        self._ask(late)
        finally:
            self._writer = None
            writer.close()

    def _forget(self, key: AttemptKey, outcome: Outcome) -> None:
        if self._pending.pop(key, None) is not None:
            self._ended(key, outcome)
        if not self._pending:
            self._let_go_later()

    def _let_go_later(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
        self._linger = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._let_go)

    def _let_go(self) -> None:
        if not self._pending and self._writer is not None:
            self._writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """To the host that is there, if it is, and speaks with us."""
        address = await asyncio.to_thread(self._files.read_address)
        if address is None:
            return None
        try:
            reader, writer = await asyncio.open_unix_connection(address.socket)
        except OSError:
            return None
        send(
            writer,
            Hello(
                token=address.token,
                version=arkwright.__version__,
                settings={**self._launch.settings, **self._launch.secrets},
            ),
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                answer = await receive(reader)
        except TimeoutError:
            answer = None
        except BaseException:
            writer.close()
            raise
        if isinstance(answer, Welcome):
            return reader, writer
        writer.close()
        return None

    async def _start(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Start a host. None also where another one holds the lock: it is just starting or ending; try again."""
        try:
            output = await asyncio.to_thread(self._spawn)
        except OSError as fault:
            self._said = f"{fault}"
            return None
        try:
            async with asyncio.timeout(START_SECONDS):
                word = await _read_line(output)
        except TimeoutError:
            self._said = f"it was not ready within {START_SECONDS:.0f} seconds"
            return None
        finally:
            os.close(output)
        if not word:
            self._said = await asyncio.to_thread(self._last_words)
        return await self._connect() if word else None

    def _spawn(self) -> int:
        """Returns the end of a pipe that the host speaks one line into. Blocks for about a millisecond."""
        self._files.prepare()
        _keep_short(self._files.log)
        arguments = [sys.executable, "-P", "-m", "arkwright.executors.resident_host"]
        arguments += ["--folder", str(self._launch.folder), "--name", self._files.name]
        arguments += ["--registry", self._launch.registry]
        arguments += ["--settings", msgspec.json.encode(dict(self._launch.settings)).decode()]
        ours, theirs = os.pipe()
        try:
            actions = (
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, theirs, 1),
                (os.POSIX_SPAWN_OPEN, 2, str(self._files.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            )
            pid = _spawn_detached(arguments, self._launch.environment, actions)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        threading.Thread(target=os.waitpid, args=(pid, 0), name=f"reap-{self._files.name}", daemon=True).start()
        os.set_blocking(ours, False)
        return ours

    def _last_words(self) -> str:
        try:
            return self._files.log.read_text(errors="replace").strip()[-500:]
        except OSError as fault:
            return str(fault)

    async def _give_up(self) -> None:
        """Nobody can be asked about what is pending."""
        self._barren = 0
        given_up, self._pending = self._pending, {}
        said = self._said or await asyncio.to_thread(self._last_words) or "it left no message."
        for key, pending in given_up.items():
            folder = AttemptFolder(pending.context.folder)
            begun = pending.rebooted or await asyncio.to_thread(folder.is_claimed)
            message = f"The process {self._files.name} that it belongs to can't be started, or dies at once: {said}"
            kind = FailureKind.LOST if begun else FailureKind.ERROR
            self._ended(key, Failed(kind=kind, message=message))


def _spawn_detached(arguments: list[str], environment: Mapping[str, str], actions: Sequence[Any]) -> int:
    """A session of its own: the host outlives the server, and a Ctrl-C at the server's terminal doesn't reach it."""
    given: dict[str, Any] = {"file_actions": actions, "setsigmask": (), "setsigdef": DEFAULTED}
    try:
        return os.posix_spawn(arguments[0], arguments, environment, setsid=True, **given)
    except NotImplementedError:  # a libc without POSIX_SPAWN_SETSID
        return os.posix_spawn(arguments[0], arguments, environment, setpgroup=0, **given)


async def _read_line(descriptor: int) -> bytes:
    """The line that a host says when it is ready; empty if it ended without a word."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[bytes] = loop.create_future()

    def readable() -> None:
        loop.remove_reader(descriptor)
        if not line.done():
            line.set_result(os.read(descriptor, 100))

    loop.add_reader(descriptor, readable)
    try:
        return await line
    finally:
        loop.remove_reader(descriptor)


def _keep_short(log: Path) -> None:
    try:
        if log.stat().st_size > LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".log.old"))
    except FileNotFoundError:
        pass


def clean_environment() -> dict[str, str]:
    """What a host is given of the server's environment: nothing that is Arkwright's own, no proxies, no secrets."""
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    # the very code that runs here, also where it isn't installed (a checkout)
    environment["PYTHONPATH"] = str(Path(arkwright.__file__).parents[1])
    return environment
