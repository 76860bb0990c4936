"""The contract of an executor: *where* an attempt runs. An executor is only transport.

The truth about an attempt is the store's attempt row and, for this host, the attempt's folder: an executor
reports what it sees through `finished`, and the engine turns that into one `AttemptEnded` event. Reporting twice is
harmless.

* `submit` starts the attempt. Submitting a key twice, also from another process after a crash, must not start it
  twice: the attempt folder's claim file decides.
* `attach` finds an attempt that an earlier server submitted (or was about to) and reports its end: it goes on
  watching it if it runs, reports its outcome if it has ended, starts it if it is certain that it never started,
  and reports `Failed(LOST)` if nobody can know.
* `cancel` asks it to stop; its end is reported through `finished` as any other. Cancelling an unknown or ended
  attempt does nothing.
* `close` lets go without stopping anything that survives the server.

Nothing begins once somebody else may begin it (`beginning`): what comes too late waits, unclaimed, until it may after
all, or is cancelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

from arkwright.core.outcome import Outcome
from arkwright.executors.beginning import Beginning
from arkwright.nodes.base import AttemptKey, Context

Finished = Callable[[AttemptKey, Outcome], None]
"""Called on the event loop's thread, once per attempt and process."""


class Executor(Protocol):
    @property
    def beginning(self) -> Beginning:
        """Until when its attempts may begin; whoever holds the lease sets it."""
        ...

    async def open(self, finished: Finished) -> None: ...

    def submit(self, type_name: str, context: Context) -> None:
        """Never blocks and never raises for a fault of the attempt: that is a `Failed` outcome."""
        ...

    def attach(self, type_name: str, context: Context) -> None: ...

    def cancel(self, key: AttemptKey) -> None: ...

    async def close(self) -> None: ...


@runtime_checkable
class Queueing(Protocol):
    """An executor in which attempts wait for their turn, before anything of them has happened."""

    @property
    def queued(self) -> int:
        """How many wait."""
        ...

    @property
    def slots(self) -> int:
        """How many are under way at once, at most."""
        ...

    @property
    def room(self) -> int:
        """How many more would begin at once."""
        ...

    def waiting(self) -> Iterator[AttemptKey]:
        """Those that wait, the last one first. Nothing may be taken out meanwhile."""
        ...

    def waits(self, key: AttemptKey) -> bool: ...

    def take_out(self, key: AttemptKey) -> None:
        """Forget one that waits; nothing is reported of it."""
        ...
