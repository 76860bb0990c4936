"""A tick that can't be stored: whose fault it is, and what becomes of that instance.

Theory of operation: a tick is one transaction, so what one instance brings and no database takes (a character that a
column refuses, a number that is too large) would fail them all, again after each restart, and on each engine that takes
over. Waiting doesn't help, as the database is there. The tick has changed nothing; so its events are taken one by one,
each as a tick of its own, and where that fails again, the instance is ended as failed; what somebody asked for is
refused instead. One that can't even be ended is left alone until a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from arkwright.core.events import AttemptEnded, EngineFault
from arkwright.core.outcome import Failed, FailureKind
from arkwright.engine.told import Told, answer
from arkwright.errors import ArkwrightError

log = logging.getLogger("arkwright.engine")


class Unwritable(Exception):
    """What a tick would write can't be written; `__cause__` says why."""


async def take_apart(
    batch: Sequence[Told], fault: Unwritable, tick: Callable[[list[Told]], Awaitable[None]], now_ms: Callable[[], int]
) -> set[int]:
    """Take the events of a tick that failed. Answers the instances that could not even be ended."""
    guilty: set[int] = set()
    for told in batch:
        if told.instance_id in guilty or (told.durable is not None and told.durable.done()):
            answer(told, _unstorable(told.instance_id, fault))
            continue
        try:
            await tick([told])  # also where it was alone: what failed once for another reason may be over
            continue
        except Unwritable as again:
            fault = again
        if told.durable is not None:  # somebody asked for it, and hears why not; the instance stays as it was
            answer(told, _unstorable(told.instance_id, fault))
            continue
        log.error(
            "what instance %d would become can't be stored; it is ended as failed",
            told.instance_id,
            exc_info=fault.__cause__,
        )
        if not await _end(told, fault, tick, now_ms()):
            log.error("instance %d can't even be ended", told.instance_id)
            guilty.add(told.instance_id)
    return guilty


async def _end(told: Told, fault: Unwritable, tick: Callable[[list[Told]], Awaitable[None]], at_ms: int) -> bool:
    """End the instance. The event itself is taken too, if it can be, since nobody tells it again: a node that waits for
    the end of its attempt would wait for ever."""
    message = f"Internal error: what it would become can't be stored: {fault.__cause__} The server's log has more."
    end = Told(told.instance_id, EngineFault(at_ms=at_ms, message=message), told.posted_id)
    then = [[Told(told.instance_id, told.event)], []]
    if isinstance(told.event, AttemptEnded):
        lost = Failed(kind=FailureKind.ERROR, message="How it ended can't be stored.")
        then.insert(1, [Told(told.instance_id, msgspec.structs.replace(told.event, outcome=lost))])
    for more in then:
        try:
            await tick([end, *more])
        except Unwritable:
            continue
        return True
    return False


def _unstorable(instance_id: int, fault: Unwritable) -> ArkwrightError:
    return ArkwrightError(f"What instance {instance_id} would become can't be stored: {fault.__cause__}")
