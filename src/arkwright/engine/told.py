"""Events on their way into instances, through the engine's loop."""

from __future__ import annotations

import asyncio

import msgspec

from arkwright.core.events import Event
from arkwright.engine.commit import Share


class Told(msgspec.Struct, eq=False):
    """An event on its way into an instance."""

    instance_id: int
    event: Event
    posted_id: int | None = None
    durable: asyncio.Future[None] | None = None
    child: Share | None = None
    """The share of the same tick that this is news of."""


def answer(told: Told, error: Exception | None) -> None:
    """Tell who waits for it, once."""
    if told.durable is None or told.durable.done():
        return
    if error is None:
        told.durable.set_result(None)
    else:
        told.durable.set_exception(error)
