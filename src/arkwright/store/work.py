"""Database work written once for both databases: steps that say which statement comes next.

Theory of operation
-------------------
A piece of work is a generator: it yields `Statement`s and is sent back their rows; what it returns is the answer.
It touches no connection, so the same work is driven by SQLite's writer thread and by PostgreSQL's coroutine.

Statements are neutral SQL: `?` for a value and a few `{marks}` for the places where the databases differ. A driver
translates each text once (`Dialect.translate`).

A piece of work may be run twice (`store/group.py`), so it changes nothing but the database and its `Transaction`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

WAKE = "arkwright_wake"
IDENTITY = "arkwright_identity"
NOTICE = "arkwright_notice"
RULES = "arkwright_rules"
SCHEDULES = "arkwright_schedules"
SLOTS = "arkwright_slots"
PLANNED = "arkwright_planned"
CANCELS = "arkwright_cancels"
SEALED = "arkwright_sealed"
ANY_PLANNED = "planned *"
"""Among what is made known: the planned instances of any job may have changed."""
CHANGED = "arkwright_changed"
SERVERS = "arkwright_servers"
LEASES = "arkwright_leases"
ROOM = "arkwright_room"

Row = Sequence[Any]
Rows = Sequence[Row]
T = TypeVar("T")

ONE, MANY, EACH = 0, 1, 2


class Statement(NamedTuple):
    """One request to the database."""

    text: str
    params: Sequence[Any]
    """The values; of MANY and EACH: a list of values per run."""
    mode: int


def one(text: str, *params: Any) -> Statement:
    """Run once; answers its rows."""
    return Statement(text, params, ONE)


def many(text: str, rows: Sequence[Row]) -> Statement:
    """Run for each row of values in order; answers nothing."""
    return Statement(text, rows, MANY)


def each(text: str, rows: Sequence[Row]) -> Statement:
    """Run for each row of values in order; answers all their rows."""
    return Statement(text, rows, EACH)


Work = Generator[Statement, Rows, T]


@dataclass(slots=True)
class Transaction:
    """What a group's writers share until just before their commit."""

    instance_changes: dict[tuple[Any, ...], int] = field(default_factory=dict)
    definition_changes: dict[tuple[Any, ...], int] = field(default_factory=dict)
    channels: set[str] = field(default_factory=set)
    """What is made known with the commit: `WAKE`, `IDENTITY`, `NOTICE`, `RULES`, `SCHEDULES`, `planned_channel`s,
    `changed_channel`s."""


@dataclass(slots=True, eq=False)
class Write:
    """One writer in a group: its work, who waits for it, and what is done on the event loop once it is durable."""

    work: Callable[[Transaction], Work[Any]] | None
    """None: the new instance in `creation`, which is made in bulk."""
    waiter: asyncio.Future[Any] | None
    """None: `finished` alone is told."""
    creation: Any = None
    finished: Callable[[Any, BaseException | None, bool], None] | None = None
    """Called with the result, the error, and whether somebody still waits, before the waiter is answered."""
    rows: int | None = None
    """How many rows it writes, where that is known and few."""


def planned_channel(job_id: int) -> str:
    """Makes known that planned instances of a job changed."""
    return f"planned {job_id}"


def planned_jobs(channels: Iterable[str]) -> frozenset[int]:
    return frozenset(int(each[8:]) for each in channels if each.startswith("planned ") and each != ANY_PLANNED)


def changed_channel(place_id: int) -> str:
    """Makes known to other processes that instances of a place began, ended, or have another status."""
    return f"changed {place_id}"


def changed_places(channels: Iterable[str]) -> frozenset[int]:
    return frozenset(int(each[8:]) for each in channels if each.startswith("changed "))


class Dialect:
    """Neutral SQL to one database's SQL, each text translated once."""

    def __init__(self, marks: Mapping[str, str], *, numbered: bool) -> None:
        self._marks = marks
        self._numbered = numbered
        self._known: dict[str, str] = {}

    def translate(self, text: str) -> str:
        known = self._known.get(text)
        if known is None:
            if len(self._known) > 2000:  # texts built from filters: bounded, but by many shapes
                self._known.clear()
            known = self._known[text] = self._translate(text)
        return known

    def _translate(self, text: str) -> str:
        for mark, replacement in self._marks.items():
            text = text.replace(mark, replacement)
        if not self._numbered:
            return text
        first, *rest = text.split("?")
        return first + "".join(f"${i}{part}" for i, part in enumerate(rest, 1))
