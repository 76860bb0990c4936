"""The process in which hosted nodes run: one per host name, started by a server on demand, and outliving it.

    python -m arkwright.executors.resident_host --folder HOSTS --name NAME --registry MODULE:CALLABLE [--settings JSON]

Rules
-----
* One host per name: it holds `<name>.lock` with flock for its whole life; whoever comes second leaves. The kernel
  lets go of the lock when the process has ended, however it ended, and not before: a host that has the lock knows
  that no earlier one can still be doing anything.
* So it can tell what became of each attempt it is asked for (`resident_runner`), and runs it once.
* An outcome is on file before anybody is told. A server that dies hears it from the next host, or from the file.
* It speaks only with its own user: folder and socket are private, the peer's user is compared where the system tells
  it, and the first message must carry the token of the address file.
* It ends by itself: after `idle_seconds` without work and without a server, and, once a server of another version
  has connected, as soon as it has no work.

Crash cases: killed before the claim: begun by the next host. Between claim and outcome: recalled. Between outcome and
`Ended`: read from the file. A node that kills its host each time is given up after a few times. A server that dies
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
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from arkwright import __version__
from arkwright.executors.limits import limit_this_process
from arkwright.executors.resident_runner import Runner
from arkwright.executors.resident_wire import (
    Address,
    Cancel,
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
from arkwright.nodes.registry import Registry

IDLE_SECONDS = 600.0
HELLO_SECONDS = 10.0
CLAIM_SECONDS = 50.0
"""How long a new host waits for one that is ending (a large database takes time to close)."""

READY = b"ready\n"
CLAIMED = b"claimed\n"
"""What a host says on its stdout to the server that started it."""


class Host:
    def __init__(self, files: HostFiles, registry: Registry, settings: Mapping[str, Any]) -> None:
        self._files = files
        self._settings = dict(settings)
        self._runner = Runner(registry, settings, files.log.name, self._look_idle)
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
        self._runner.close()

    def _look_idle(self) -> None:
        """Called whenever an attempt or a server has come or gone."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._runner.busy:
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
            self._runner.forget(writer)
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
            if not self._runner.busy:
                return False  # and `_look_idle` ends this host: the server starts one of its own version
        if self._ending.is_set():
            return False
        self._servers.add(writer)
        self._settings = dict(hello.settings)
        self._runner.configure(hello.settings)
        self._look_idle()
        send(writer, Welcome(version=__version__, pid=os.getpid()))
        return True

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (message := await receive(reader)) is not None:
            match message:
                case Run():
                    if self._ending.is_set():
                        return  # the server asks the next host
                    self._runner.take(message, writer)
                case Cancel(key=key):
                    self._runner.cancel(key)
                case Ping():
                    send(writer, Pong())
                case _:
                    return


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


def load_registry(name: str) -> Registry:
    """`module:callable`, called without arguments."""
    module, _, attribute = name.partition(":")
    registry: Registry = getattr(importlib.import_module(module), attribute)()
    return registry


def claim_name(files: HostFiles) -> bool:
    """Take the lock of the name, for the life of this process. False: another host has it, and listens.

    One that has it and doesn't listen is just starting or ending: look again for a while.
    """
    lock = os.open(files.lock, os.O_RDWR | os.O_CREAT, 0o600)
    last_look = time.monotonic() + CLAIM_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if _somebody_listens(files) or time.monotonic() > last_look:
                os.close(lock)
                return False
            time.sleep(0.02)


def _somebody_listens(files: HostFiles) -> bool:
    address = files.read_address()
    if address is None:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(address.socket)
        except OSError:
            return False
        return True


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
    if not claim_name(files):
        _tell_starter(CLAIMED)
        return 0
    settings: dict[str, Any] = msgspec.json.decode(given.settings)
    limit_this_process(int(settings.get("host_memory_bytes") or 0))
    host = Host(files, load_registry(given.registry), settings)
    asyncio.run(host.serve())
    # Threads of nodes can't be stopped from outside and hold nothing any more: don't wait for them.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
