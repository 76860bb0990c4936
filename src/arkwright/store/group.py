"""Group commit: writers that arrive together share one transaction, and each still succeeds or fails alone.

Theory of operation
-------------------
1. `together` runs all of them without savepoints, the new instances as one bulk, and writes the counters last.
   Almost every group ends here.
2. If anything raises (a refusal such as `AlreadyExists`, or a broken constraint), the driver rolls the transaction
   back and runs `one_by_one`: each writer under a savepoint of its own, so that only the guilty one fails.

Crash cases: before the commit returns, nothing of the group is there after a restart; after it, all of it is. Nobody
is answered before it returns; whoever is not answered can't know, and finds out by reading (or by idempotency key).
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from arkwright.errors import LeaseLost, StoreUnavailable
from arkwright.store import instances
from arkwright.store.counters import write_counters
from arkwright.store.work import Transaction, Work, Write, changed_channel, one

log = logging.getLogger("arkwright.store")


def together(group: Sequence[Write], channels: set[str]) -> Work[list[Any]]:
    """Run a group as one. Answers a result per writer; an exception among them is that writer's refusal.
    `channels` is filled with what is to be made known."""
    transaction = Transaction()
    results: list[Any] = [None] * len(group)
    new = [i for i, write in enumerate(group) if write.work is None]
    if new:
        accepted = yield from instances.create(transaction, [group[i].creation for i in new])
        for i, result in zip(new, accepted, strict=True):
            results[i] = result
    for i, write in enumerate(group):
        if write.work is not None:
            results[i] = yield from write.work(transaction)
    yield from write_counters(transaction)
    channels |= transaction.channels
    channels |= {changed_channel(counted[0]) for counted in transaction.instance_changes}
    return results


def one_by_one(group: Sequence[Write], channels: set[str]) -> Work[list[Any]]:
    """As `together`, but whoever raises fails alone."""
    results: list[Any] = []
    for write in group:
        yield one("SAVEPOINT alone")
        result: Any
        try:
            (result,) = yield from together([write], channels)
        except Exception as error:
            result = error
            # Where the error ended the whole transaction, this raises, and the whole group fails.
            yield one("ROLLBACK TO SAVEPOINT alone")
        yield one("RELEASE SAVEPOINT alone")
        results.append(result)
    return results


SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)
"""Upper bounds of the classes of groups' sizes; a last class has none."""


class Counts:
    """Of a process, since its start."""

    def __init__(self) -> None:
        self.accepted = 0
        """New instances that requests made."""
        self.writes = 0
        self.sizes = [0] * (len(SIZES) + 1)
        """Groups, by how many writers they had."""


COUNTS = Counts()


def answer(group: Sequence[Write], results: Sequence[Any]) -> None:
    """Tell everybody who waits, on the event loop's thread. Never raises."""
    if group:
        COUNTS.writes += len(group)
        COUNTS.sizes[bisect_left(SIZES, len(group))] += 1
    for write, result in zip(group, results, strict=True):
        if write.creation is not None:
            COUNTS.accepted += 1
        waiter = write.waiter
        waiting = waiter is None or not waiter.done()
        error = result if isinstance(result, BaseException) else None
        if write.finished is not None:
            try:
                write.finished(None if error else result, error, waiting)
            except Exception:  # a bug of one; the others' writes are durable too, and they wait to hear it
                log.exception("what follows a write failed")
        if waiter is None or not waiting:
            continue
        if error is None:
            waiter.set_result(result)
        else:
            waiter.set_exception(error)


def is_of_all(error: BaseException) -> bool:
    """Whether an error says something of the database rather than of one writer."""
    return isinstance(error, StoreUnavailable) and not isinstance(error, LeaseLost)
