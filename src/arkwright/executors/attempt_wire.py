"""What a worker and the server say to each other about attempts: JSON over HTTP (routes: `api/v1/attempts.py`).

    arrive                       who I am; answered with the lease's length, or refused (another version)
    claim   attempt              may I run it? answered with all that it needs, secrets included, or refused
    renew   [(attempt, epoch)]   I still run these; answered with those that are still mine
    cancels                      held open: which of mine are to stop
    inputs  attempt, number      a file that its settings name
    log, output, finish attempt  what came of it; the end of a short log and short outputs come with `finish`
    leave                        I am going

Rules: every message names the worker and, about an attempt, the claim's epoch; one with an older epoch changes nothing.
Each may be sent again without harm. A worker is told seconds, never times of day: clocks may differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from arkwright.core.outcome import Outcome
from arkwright.nodes.base import AttemptKey, Context
from arkwright.nodes.program_limits import NO_LIMITS, ProgramLimits

T = TypeVar("T")

OUTPUTS = ("output", "columns")
"""Files of an attempt that later nodes, or whoever asks, read."""


class Arrival(Struct, frozen=True, kw_only=True):
    """Sent when a worker starts."""

    runner: str
    version: str
    groups: tuple[str, ...]
    slots: int
    scheduler: str = ""
    """Address of the Dask scheduler that it is at, as it knows it."""


class Welcome(Struct, frozen=True, kw_only=True):
    version: str
    lease_seconds: float
    """A claim is this worker's for so long, counted from the moment that it asked."""
    log_cap_bytes: int
    settings: Mapping[str, Any] = {}
    """For hosted nodes."""


class Claim(Struct, frozen=True, kw_only=True):
    runner: str
    version: str
    resume: bool = False
    """It is this worker's own, from before it was restarted."""


class Claimed(Struct, frozen=True, kw_only=True):
    """All that the worker needs to run it."""

    epoch: int
    type: str
    context: Context
    """Its folders are the worker's to choose."""
    limits: ProgramLimits = NO_LIMITS
    """What programs of its workspace may take."""
    known_hosts: str = ""
    """Of one that goes to a host by SSH: what its workspace knows of that host's keys."""


class ClaimAnswer(Struct, frozen=True, kw_only=True):
    """One of both. That an attempt is not free for a worker is nothing unusual: it leaves it."""

    claimed: Claimed | None = None
    refusal: str = ""
    stop: bool = False
    """With a refusal: this worker will get none, it should end."""


class Held(Struct, frozen=True, kw_only=True, array_like=True):
    """An attempt that a worker has."""

    attempt: str
    epoch: int


class Renewal(Struct, frozen=True, kw_only=True):
    runner: str
    held: tuple[Held, ...]
    slots: int
    draining: bool = False


class Renewed(Struct, frozen=True, kw_only=True):
    attempts: tuple[str, ...]
    """Those that are this worker's for another lease; any other is so no more."""


class Asked(Struct, frozen=True, kw_only=True):
    """What the worker knows already."""

    runner: str
    known: tuple[Held, ...] = ()


class Cancels(Struct, frozen=True, kw_only=True):
    attempts: tuple[Held, ...] = ()


class LogEnd(Struct, frozen=True, kw_only=True):
    """How far the log has arrived."""

    offset: int


class LogPiece(Struct, frozen=True, kw_only=True):
    """Of a log, from `offset` on."""

    offset: int
    data: bytes
    cut: bool = False
    """The log ends with it."""


class Report(Struct, frozen=True, kw_only=True):
    runner: str
    epoch: int
    outcome: Outcome
    log: tuple[LogPiece, ...] = ()
    """The last of it, if that is little."""
    outputs: Mapping[str, bytes] = {}
    """Whole files, if they are small."""
    learned: str = ""
    """Lines of `known_hosts` that were not known before."""


class Leave(Struct, frozen=True, kw_only=True):
    """A worker goes."""

    runner: str


def attempt_name(key: AttemptKey) -> str:
    """Of an attempt in addresses, and as the key of a task: `instance-node-attempt`."""
    return f"{key.instance_id}-{key.node}-{key.attempt}"


def attempt_key(name: str) -> AttemptKey | None:
    """None: it is no such name."""
    parts = name.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 16 for part in parts):
        return None
    instance_id, node, attempt = map(int, parts)
    return AttemptKey(instance_id=instance_id, node=node, attempt=attempt)


def encode(message: Struct) -> bytes:
    return _encoder.encode(message)


def decode(body: bytes, kind: type[T]) -> T:
    """Raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(body, type=kind, dec_hook=_decode_other)


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
