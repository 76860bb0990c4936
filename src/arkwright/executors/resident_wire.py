"""What a server and a resident host say to each other, and the files by which they find each other.

Transport: a Unix socket; each message is four bytes of length (big endian) and a JSON text of that length.

    server -> host   Hello, then Run | Cancel | Ping
    host -> server   Welcome, then Ended | TooLate | Pong

`Run` serves both `submit` and `attach`: the attempt's folder decides whether the attempt starts, goes on, is asked
back from a dead host, or has ended; the server need not know which.

Files in the hosts folder (mode 0700), per host name:

    <name>.lock   held with flock by the host for its whole life: one host per name
    <name>.json   `Address`, mode 0600, written when the host listens: where it is and the token that it expects
    <name>.log    what the host itself has to say (never a node's log)
    <name>.sock   the socket, or, where that path is too long for a socket, one in a private temporary folder
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from arkwright.core.outcome import Outcome
from arkwright.nodes.base import AttemptKey, Context

MESSAGE_LIMIT_BYTES = 256 * 1024 * 1024
"""A sane bound against a broken peer; the largest message is a `Run` with a script's text."""

SOCKET_PATH_LIMIT_BYTES = 100
"""The kernel's own limit is 108 bytes on Linux and 104 on macOS, the closing zero included."""

_HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

T = TypeVar("T")


class Message(Struct, frozen=True, kw_only=True, tag=True, tag_field="message"):
    """One line of the conversation."""


class Hello(Message, frozen=True, kw_only=True):
    """The first message of a server."""

    token: str
    version: str
    settings: Mapping[str, Any] = {}
    """For the nodes; replaces what an earlier server sent."""


class Welcome(Message, frozen=True, kw_only=True):
    version: str
    pid: int


class Run(Message, frozen=True, kw_only=True):
    """See to it that this attempt runs exactly once, and tell how it ended."""

    type: str
    context: Context
    cancelled: bool = False
    """A cancel was asked for: what has no effect yet is not begun."""
    rebooted: bool = False
    """The machine was restarted since the attempt may have begun: a missing claim proves nothing (a power cut takes
    what was not synced), so the node is asked (`recall`)."""
    until: float | None = None
    """It may begin before that moment only (`beginning.since_boot`). None: whenever."""


class Cancel(Message, frozen=True, kw_only=True):
    key: AttemptKey


class Ended(Message, frozen=True, kw_only=True):
    key: AttemptKey
    outcome: Outcome


class TooLate(Message, frozen=True, kw_only=True):
    """Nothing of it has begun, since it may not now. The host has let go of it."""

    key: AttemptKey


class Ping(Message, frozen=True, kw_only=True):
    pass


class Pong(Message, frozen=True, kw_only=True):
    pass


class Address(Struct, frozen=True, kw_only=True):
    """Where a host listens. Only its own user can read this."""

    socket: str
    token: str
    pid: int
    version: str


def _encode_other(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} can't be sent")


def _decode_other(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} can't be received")


_encoder = msgspec.json.Encoder(enc_hook=_encode_other)
_message_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(
    Hello | Welcome | Run | Cancel | Ended | TooLate | Ping | Pong,
    dec_hook=_decode_other,
)
_outcome_decoder: msgspec.json.Decoder[Outcome] = msgspec.json.Decoder(Outcome)
_address_decoder = msgspec.json.Decoder(Address)


def encode(value: object) -> bytes:
    return _encoder.encode(value)


def decode_outcome(text: bytes) -> Outcome:
    """Raises `msgspec.MsgspecError` for a text that is no outcome."""
    return _outcome_decoder.decode(text)


def send(writer: asyncio.StreamWriter, message: Message) -> None:
    """Queue a message. A peer that is gone is noticed by the reading side, never here."""
    if writer.is_closing():
        return
    text = _encoder.encode(message)
    writer.write(len(text).to_bytes(4, "big") + text)


async def receive(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None once the peer is gone, in whatever way, or speaks nonsense."""
    try:
        length = int.from_bytes(await reader.readexactly(4), "big")
        if length > MESSAGE_LIMIT_BYTES:
            return None
        return _message_decoder.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, OSError, msgspec.MsgspecError):
        return None


def write_atomically(path: Path, content: bytes) -> None:
    """Readers see the old file or the whole new one, also when the writer is killed. Not synced on purpose: after a
    power cut nothing runs any more, and the store alone is the truth."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _is_private(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077


class HostFiles:
    """The files of one host name."""

    def __init__(self, folder: Path, name: str) -> None:
        if _HOST_NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no name for a host: letters, digits, '.', '_' and '-', at most 100.")
        self.folder = folder
        self.name = name
        self.lock = folder / f"{name}.lock"
        self.address = folder / f"{name}.json"
        self.log = folder / f"{name}.log"

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.folder.stat().st_mode & 0o077:
            self.folder.chmod(0o700)

    def socket(self) -> Path:
        """Where this host listens. The address file tells others: in place of a long path it is one in a private
        temporary folder, the last host's where it died without clearing up."""
        path = (self.folder / f"{self.name}.sock").absolute()
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT_BYTES:
            return path
        last = self.read_address()
        if last is not None and _is_private(Path(last.socket).parent):
            return Path(last.socket)
        for parent in (None, "/tmp"):  # noqa: S108  (mkdtemp makes a folder of mode 0700 with a random name)
            short = Path(tempfile.mkdtemp(prefix="arkwright-", dir=parent)) / "socket"
            if len(os.fsencode(short)) <= SOCKET_PATH_LIMIT_BYTES:
                return short
            short.parent.rmdir()
        raise OSError(f"No folder with a path short enough for the socket of {self.name}; set TMPDIR to a short one.")

    def read_address(self) -> Address | None:
        try:
            return _address_decoder.decode(self.address.read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None
