"""Who waits for a write's answer, and what if nobody does: it was cancelled before the answer came, or just then.

What was written is durable all the same. So where more must follow than the answer, that is told to somebody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

Unheard = Callable[[Any], None]
"""Told the answer of a write that nobody heard."""


def unless_heard(unheard: Unheard | None) -> Callable[[Any, BaseException | None, bool], None] | None:
    """As `Write.finished`: for a write for which nobody waits any more when it is answered."""
    if unheard is None:
        return None

    def finished(result: Any, error: BaseException | None, waiting: bool) -> None:
        if error is None and not waiting:
            unheard(result)

    return finished


async def heard(waiter: asyncio.Future[T], unheard: Unheard | None) -> T:
    try:
        return await waiter
    except asyncio.CancelledError:
        # Whoever waits may be cancelled between the answer and its own next turn.
        if unheard is not None and waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            unheard(waiter.result())
        raise
