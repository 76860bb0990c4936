"""What one tick of the engine writes: the shares of its instances, in one transaction.

Theory of operation
-------------------
A tick takes all events that have arrived, steps each instance through its own, and commits everything at once: new
states, history, attempts that start or end. Only then are commands carried out and waiters told. Crash cases:

* before the commit: the events are told again by whoever holds them (an executor reads the attempt's files
  again, a request was not answered, a posted event is still in the store, a timer is set again from the state);
* after the commit, before the commands: the next owner works them out again (`core.step.outstanding`);
* the commit's answer is lost (the database went away): the tick is repeated, the store finds the versions moved on and
  says so; the instance is loaded again and the events are told again, which changes nothing the second time.
"""

from __future__ import annotations

import msgspec

from arkwright.core.commands import CancelAttempt, Command, StartAttempt
from arkwright.core.events import AttemptEnded, Event
from arkwright.core.instance import Instance, NodeStatus
from arkwright.core.outcome import Outcome
from arkwright.store.base import AttemptRow, Commit


class Share:
    """One instance's part of a tick, while it is being put together."""

    __slots__ = ("after", "before", "cancelled", "commands", "ended", "events", "posted", "started")

    def __init__(self, before: Instance) -> None:
        self.before = before
        self.after = before
        self.events: list[Event] = []
        self.commands: list[Command] = []
        self.started: list[AttemptRow] = []
        self.ended: list[tuple[int, int, Outcome]] = []
        self.cancelled: list[tuple[int, int]] = []
        self.posted: list[int] = []

    def add(self, event: Event, after: Instance, commands: tuple[Command, ...], *, runner: str) -> None:
        """Take in one step."""
        if isinstance(event, AttemptEnded) and self._ended_by(event):
            self.ended.append((event.node, event.attempt, event.outcome))
        self.after = after
        self.events.append(event)
        for command in commands:
            self.commands.append(command)
            if isinstance(command, StartAttempt):
                self.started.append(
                    AttemptRow(
                        instance_id=command.instance_id,
                        node=command.node,
                        attempt=command.attempt,
                        type=command.type,
                        request=msgspec.to_builtins(command),
                        runner=runner,
                        epoch=1,
                        started_ms=event.at_ms,
                    )
                )
            elif isinstance(command, CancelAttempt):
                self.cancelled.append((command.node, command.attempt))

    def _ended_by(self, event: AttemptEnded) -> bool:
        run = self.after.nodes[event.node] if event.node < len(self.after.nodes) else None
        return run is not None and run.attempt == event.attempt and run.status is NodeStatus.RUNNING

    @property
    def changed(self) -> bool:
        return self.after is not self.before or bool(self.posted)

    def seal(self) -> Commit:
        """The share as the store takes it, with its version counted up."""
        self.after = msgspec.structs.replace(self.after, version=self.before.version + 1)
        return Commit(
            before=self.before,
            after=self.after,
            events=self.events,
            started=self.started,
            ended=self.ended,
            cancelled=self.cancelled,
            posted=self.posted,
        )
