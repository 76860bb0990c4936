"""An attempt that this worker holds: from its claim until its end is told, or it is given up."""

from __future__ import annotations

import asyncio

import msgspec

from arkwright.core.outcome import Failed, FailureKind, Outcome
from arkwright.executors.attempt_wire import Claimed
from arkwright.executors.base import Executor
from arkwright.nodes.base import AttemptKey, Context

FENCED_BEFORE = "The worker could not reach the server to renew its lease, and was started again since."
FENCED_BY_GUARD = "The worker did not renew its lease in time, so its guard stopped the program."


class Attempt:
    __slots__ = (
        *("alarm", "claimed", "context", "ended", "executor", "fenced", "outcome", "over", "preparing", "stopped"),
        "until",
    )

    def __init__(self, claimed: Claimed, context: Context, executor: Executor, until: float) -> None:
        self.claimed = claimed
        self.context = context
        self.executor = executor
        self.until = until
        """End of its lease, by `guard.now_seconds`."""
        self.alarm: asyncio.TimerHandle | None = None
        """Stops it when too little of its lease is left."""
        self.preparing: asyncio.Task[Failed | None] | None = None
        """Its files are being brought; the executor does not have it yet."""
        self.fenced = ""
        """Why this worker stops it by itself."""
        self.stopped = False
        """Somebody asked for its stop."""
        self.over = False
        """It is this worker's no more."""
        self.outcome: Outcome | None = None
        self.ended = asyncio.Event()
        """It is reported, or was given up."""

    @property
    def key(self) -> AttemptKey:
        return self.context.key

    @property
    def epoch(self) -> int:
        return self.claimed.epoch

    def stop(self) -> None:
        """Its end is told by whoever has it at this moment."""
        if self.preparing is not None:
            self.preparing.cancel()
        else:
            self.executor.cancel(self.key)

    def told(self, outcome: Outcome) -> Outcome:
        """The outcome as the server is told of it."""
        by_guard = self.fenced == FENCED_BY_GUARD and not self.stopped
        if by_guard or (isinstance(outcome, Failed) and (self.fenced or self._unasked(outcome))):
            return Failed(kind=FailureKind.LOST, message=self.fenced or FENCED_BEFORE)
        if outcome.message:
            return msgspec.structs.replace(outcome, message=self.context.scrubbed(outcome.message))
        return outcome

    def _unasked(self, outcome: Failed) -> bool:
        """It was cancelled, and not because somebody wanted that: the process before this one had fenced it."""
        return outcome.kind is FailureKind.CANCELLED and not self.stopped
