"""The process in which hosted nodes run: one per host name, started by a server on demand, and outliving it.

    python -m arkwright.executors.resident_host --folder HOSTS --name NAME --registry MODULE:CALLABLE [--settings JSON]

Rules
-----
* One host per name: it holds `<name>.lock` with flock for its whole life; whoever comes second leaves. The kernel
  lets go of the lock when the process has ended, however it ended, and not before: a host that has the lock knows
  that no earlier one can still be doing anything.
* So for each attempt it is asked for: an outcome on file is the answer. One that it has in hand goes on. One that was
  begun (a claim file) but is not in hand was begun by a host that died: the node is asked what became of it
  (`recall`). One without a claim begins now.
* An outcome is on file before anybody is told. A server that dies hears it from the next host, or from the file.
* It speaks only with its own user: folder and socket are private, the peer's user is compared where the system tells
  it, and the first message must carry the token of the address file.
* It ends by itself: after `idle_seconds` without work and without a server, and, once a server of another version
  has connected, as soon as it has no work.

Crash cases: killed before the claim: begun by the next host. Between claim and outcome: recalled. Between outcome and
`Ended`: read from the file. A node that kills its host each time is given up after `TIMES_BEGUN`. A server that dies
while a host starts: the host listens, finds no server, and is used by the next server or ends.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import hmac
import importlib
import os
import secrets
import socket
import struct
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec

from arkwright import __version__
from arkwright.core.outcome import Failed, FailureKind, Outcome
from arkwright.executors.resident_attempt import LOG_CAP_BYTES, AttemptFolder, AttemptLog
from arkwright.executors.resident_wire import (
    Address,
    Cancel,
    Ended,
    Hello,
    HostFiles,
    Ping,
    Pong,
    Run,
    Welcome,
    encode,
    receive,
    send,
    write_atomically,
)
from arkwright.nodes.base import AttemptKey, Context, HostedNode, NodeImplementation, Work

IDLE_SECONDS = 600.0
TIMES_BEGUN = 3
"""How often an attempt is begun in all, when its host dies under it again and again."""
HELLO_SECONDS = 10.0

READY = b"ready\n"
CLAIMED = b"claimed\n"
"""What a host says on its stdout to the server that started it."""


class Finds(Protocol):
    """The part of the registry that is needed here. An unknown type is a `Failed` value."""

    def find(self, type_name: str) -> NodeImplementation | Failed: ...


@runtime_checkable
class Configurable(Protocol):
    """A hosted node with settings of the installation. Called before its first attempt and when they change."""

    def configure(self, settings: Mapping[str, Any]) -> None: ...


@runtime_checkable
class Closable(Protocol):
    """A hosted node that holds something for all attempts of its host. Called when the host ends in good order."""

    def close(self) -> None: ...


class Attempt:
    """One that this host has in hand."""

    def __init__(self, run: Run) -> None:
        self.type = run.type
        self.context = run.context
        self.cancel_requested = run.cancelled
        self.rebooted = run.rebooted
        self.working: asyncio.Task[Outcome] | None = None
        self.told: set[asyncio.StreamWriter] = set()

    def cancel(self) -> None:
        self.cancel_requested = True
        if self.working is not None:
            self.working.cancel()


class Host:
    def __init__(self, files: HostFiles, registry: Finds, settings: Mapping[str, Any]) -> None:
        self._files = files
        self._registry = registry
        self._settings = dict(settings)
        self._nodes: dict[str, HostedNode] = {}
        self._attempts: dict[AttemptKey, Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: set[asyncio.StreamWriter] = set()
        self._token = secrets.token_hex(32)
        self._retiring = False
        self._idle: asyncio.TimerHandle | None = None
        self._ending = asyncio.Event()

    # -- life
    async def serve(self) -> None:
        """Listen until there is no reason to go on."""
        path = self._files.socket()
        path.unlink(missing_ok=True)  # of a dead host: this one holds the lock
        listener = await asyncio.start_unix_server(self._converse, path=path)
        path.chmod(0o600)
        address = Address(socket=str(path), token=self._token, pid=os.getpid(), version=__version__)
        write_atomically(self._files.address, encode(address))
        _tell_starter(READY)
        self._look_idle()
        await self._ending.wait()
        self._files.address.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        if path.parent != self._files.folder.absolute():
            path.parent.rmdir()
        listener.close()
        for writer in self._servers:
            writer.close()
        for node in self._nodes.values():
            if isinstance(node, Closable):
                node.close()

    def _look_idle(self) -> None:
        """Called whenever an attempt or a server has come or gone."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._attempts:
            return
        if self._retiring:
            self._ending.set()
        elif not self._servers:
            seconds = float(self._settings.get("idle_seconds", IDLE_SECONDS))
            self._idle = asyncio.get_running_loop().call_later(seconds, self._ending.set)

    # -- servers
    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await self._greet(reader, writer):
                await self._listen(reader, writer)
        finally:
            self._servers.discard(writer)
            for attempt in self._attempts.values():
                attempt.told.discard(writer)
            writer.close()
            self._look_idle()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if not _same_user(writer.get_extra_info("socket")):
            return False
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                hello = await receive(reader)
        except TimeoutError:
            return False
        if not isinstance(hello, Hello) or not hmac.compare_digest(hello.token.encode(), self._token.encode()):
            return False
        if hello.version != __version__:
            self._retiring = True
            if not self._attempts:
                return False  # and `_look_idle` ends this host: the server starts one of its own version
        if self._ending.is_set():
            return False
        self._servers.add(writer)
        self._configure(hello.settings)
        self._look_idle()
        send(writer, Welcome(version=__version__, pid=os.getpid()))
        return True

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (message := await receive(reader)) is not None:
            match message:
                case Run():
                    self._take(message, writer)
                case Cancel(key=key):
                    attempt = self._attempts.get(key)
                    if attempt is not None:
                        attempt.cancel()
                case Ping():
                    send(writer, Pong())
                case _:
                    return

    def _configure(self, settings: Mapping[str, Any]) -> None:
        if settings == self._settings:
            return
        self._settings = dict(settings)
        for node in self._nodes.values():
            if isinstance(node, Configurable):
                node.configure(self._settings)

    # -- attempts
    def _take(self, run: Run, writer: asyncio.StreamWriter) -> None:
        if self._ending.is_set():  # the server asks the next host
            writer.close()
            return
        attempt = self._attempts.get(run.context.key)
        if attempt is not None:
            attempt.told.add(writer)
            if run.cancelled:
                attempt.cancel()
            return
        attempt = self._attempts[run.context.key] = Attempt(run)
        attempt.told.add(writer)
        self._look_idle()
        task = asyncio.get_running_loop().create_task(self._see_through(attempt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _see_through(self, attempt: Attempt) -> None:
        key = attempt.context.key
        folder = AttemptFolder(attempt.context.folder)
        try:
            outcome = folder.outcome()
            if outcome is None:
                outcome = await self._carry(attempt, folder)
                folder.end(outcome)
        except Exception as fault:  # the folder can't be used: disk full, no rights
            traceback.print_exc()
            outcome = Failed(kind=FailureKind.ERROR, message=f"The attempt's folder can't be used: {fault}")
        del self._attempts[key]
        for writer in attempt.told:
            send(writer, Ended(key=key, outcome=outcome))
        self._look_idle()

    async def _carry(self, attempt: Attempt, folder: AttemptFolder) -> Outcome:
        """From a folder without an outcome to one."""
        context = attempt.context
        node = self._node(attempt.type)
        if isinstance(node, Failed):
            return node
        begun_before = folder.is_claimed() or attempt.rebooted
        if not begun_before:
            refused = node.check(context)
            if refused is not None:
                return refused
            if attempt.cancel_requested:
                return _cancelled("before it began")
            begun_before = not folder.claim()
        log = AttemptLog(context.folder, int(self._settings.get("log_cap_bytes", LOG_CAP_BYTES)))
        try:
            if begun_before:
                log.write(b"[The process that ran this died; asking what became of it]\n")
                outcome = await self._recall(node, context)
                if outcome is not None:
                    return outcome
                if attempt.cancel_requested:
                    return _cancelled("after its process had died; it had no effect")
                times = folder.times_begun()
                if times >= TIMES_BEGUN:
                    message = (
                        f"The process that ran it died {times} times; see {self._files.log.name} in the hosts folder."
                    )
                    return Failed(kind=FailureKind.ERROR, message=message)
                folder.begin_again()
                log.write(b"[It had no effect; it runs again]\n")
            return await self._work(attempt, node, log)
        finally:
            log.close()

    async def _work(self, attempt: Attempt, node: HostedNode, log: AttemptLog) -> Outcome:
        attempt.working = asyncio.get_running_loop().create_task(_run(node, attempt.context, log))
        try:
            return await attempt.working
        except asyncio.CancelledError:
            if not attempt.cancel_requested:
                raise
            return _cancelled("on request")
        except Exception as fault:
            log.write(traceback.format_exc().encode(errors="replace"))
            return _fault(fault)

    async def _recall(self, node: HostedNode, context: Context) -> Outcome | None:
        try:
            return await node.recall(context)
        except Exception as fault:
            traceback.print_exc()
            message = f"What became of it can't be known: asking failed with {type(fault).__name__}: {fault}"
            return Failed(kind=FailureKind.LOST, message=message)

    def _node(self, type_name: str) -> HostedNode | Failed:
        node = self._nodes.get(type_name)
        if node is not None:
            return node
        try:
            found = self._registry.find(type_name)
        except Exception as fault:
            return _fault(fault)
        if isinstance(found, Failed):
            return found
        if found.type.work is not Work.HOSTED:
            return Failed(kind=FailureKind.REFUSED, message=f"Nodes of type {found.type.name} don't run in a host.")
        hosted: HostedNode = found  # type: ignore[assignment]  # `work` says which of the union it is
        if isinstance(hosted, Configurable):
            hosted.configure(self._settings)
        self._nodes[type_name] = hosted
        return hosted


async def _run(node: HostedNode, context: Context, log: AttemptLog) -> Outcome:
    return await node.run(context, log.write)


def _cancelled(when: str) -> Failed:
    return Failed(kind=FailureKind.CANCELLED, message=f"It was stopped {when}.")


def _fault(fault: Exception) -> Failed:
    return Failed(kind=FailureKind.ERROR, message=f"{type(fault).__name__}: {fault}")


def _same_user(peer: socket.socket) -> bool:
    """Whether the other end is our own user. Where the system has no way to tell, folder and token must do."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return bool(user == os.getuid())


def _tell_starter(word: bytes) -> None:
    """Say it to the server that started this host, if it is still there, and then let go of the pipe."""
    try:
        os.write(1, word)
    except OSError:
        pass
    os.dup2(2, 1)


def load_registry(name: str) -> Finds:
    """`module:callable`, called without arguments."""
    module, _, attribute = name.partition(":")
    registry: Finds = getattr(importlib.import_module(module), attribute)()
    return registry


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="arkwright.executors.resident_host")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--registry", required=True)
    parser.add_argument("--settings", default="{}")
    given = parser.parse_args(arguments)
    os.umask(0o077)
    os.chdir("/")  # holds no folder of the server's
    files = HostFiles(Path(given.folder).absolute(), given.name)
    files.prepare()
    lock = os.open(files.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _tell_starter(CLAIMED)
        return 0
    settings: dict[str, Any] = msgspec.json.decode(given.settings)
    host = Host(files, load_registry(given.registry), settings)
    asyncio.run(host.serve())
    # Threads of nodes can't be stopped from outside and hold nothing any more: don't wait for them.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
