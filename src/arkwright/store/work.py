"""Database work written once for both databases: steps that say which statement comes next.

Theory of operation
-------------------
A piece of work is a generator: it yields `Statement`s and is sent back their rows; what it returns is the answer.
It touches no connection, so the same work is driven by SQLite's writer thread and by PostgreSQL's coroutine.

Statements are neutral SQL: `?` for a value and a few `{marks}` for the places where the databases differ. A driver
translates each text once (`Dialect.translate`).

Writers that arrive together form a group, and a group is one transaction:

1. `together` runs all of them without savepoints, the new instances as one bulk. Almost every group ends here.
2. If anything raises (a refusal such as `AlreadyExists`, or a broken constraint), the driver rolls the transaction
   back and runs `one_by_one`: each writer under a savepoint of its own, so that only the guilty one fails.

So a piece of work may be run twice and must not change anything but the database and its `Transaction`.
Crash cases: before the commit returns, nothing of the group is there after a restart; after it, all of it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

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
    """Who is told after the commit: `wake`, `identity`."""


@dataclass(slots=True, eq=False)
class Write:
    """One writer in a group: its work, who waits for it, and what is done on the event loop once it is durable."""

    work: Callable[[Transaction], Work[Any]] | None
    """None: the new instance in `creation`, which is made in bulk."""
    waiter: asyncio.Future[Any]
    creation: Any = None
    finished: Callable[[Any, BaseException | None, bool], None] | None = None
    """Called with the result, the error, and whether somebody still waits, before the waiter is answered."""


Bulk = Callable[[Transaction, Sequence[Any]], Work[Sequence[Any]]]
Finish = Callable[[Transaction], Work[None]]


def together(group: Sequence[Write], create: Bulk, finish: Finish) -> Work[list[Any]]:
    """Run a group as one. Answers a result per writer; an exception among them is that writer's refusal."""
    transaction = Transaction()
    results: list[Any] = [None] * len(group)
    new = [i for i, write in enumerate(group) if write.work is None]
    if new:
        accepted = yield from create(transaction, [group[i].creation for i in new])
        for i, result in zip(new, accepted, strict=True):
            results[i] = result
    for i, write in enumerate(group):
        if write.work is not None:
            results[i] = yield from write.work(transaction)
    yield from finish(transaction)
    return results


def one_by_one(group: Sequence[Write], create: Bulk, finish: Finish) -> Work[list[Any]]:
    """As `together`, but whoever raises fails alone."""
    results: list[Any] = []
    for write in group:
        yield one("SAVEPOINT alone")
        try:
            result = (yield from together([write], create, finish))[0]
        except Exception as error:
            result = error
            # Where the error ended the transaction as well, this raises, and the whole group fails.
            yield one("ROLLBACK TO SAVEPOINT alone")
        yield one("RELEASE SAVEPOINT alone")
        results.append(result)
    return results


def answer(group: Sequence[Write], results: Sequence[Any]) -> None:
    """Tell everybody who waits, on the event loop's thread."""
    for write, result in zip(group, results, strict=True):
        waiter = write.waiter
        waiting = not waiter.done()
        error = result if isinstance(result, BaseException) else None
        if write.finished is not None:
            write.finished(None if error else result, error, waiting)
        if not waiting:
            continue
        if error is None:
            waiter.set_result(result)
        else:
            waiter.set_exception(error)


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
