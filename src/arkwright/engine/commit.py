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

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from arkwright.core.alerts import Notice
from arkwright.core.commands import CancelAttempt, Command, OpenChildren, StartAttempt
from arkwright.core.events import AttemptEnded, Event
from arkwright.core.instance import ENDED_NODE, Instance, NodeRun, NodeStatus
from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.core.workers import HERE
from arkwright.store.base import AttemptRow, Commit


class Share:
    """One instance's part of a tick, while it is being put together."""

    __slots__ = (
        *("after", "before", "cancelled", "children", "commands", "ended", "events", "heard", "informs", "notices"),
        *("begotten", "posted", "started"),
    )

    def __init__(self, before: Instance) -> None:
        self.before = before
        self.after = before
        self.events: list[Event] = []
        self.commands: list[Command] = []
        self.started: list[AttemptRow] = []
        self.ended: list[tuple[int, int, Outcome]] = []
        self.cancelled: list[tuple[int, int]] = []
        self.posted: list[int] = []
        self.notices: Sequence[tuple[int, Notice]] = ()
        self.children: list[Instance] = []
        """Instances that this one's nodes start."""
        self.begotten = 0
        """So many of the commands have been looked through for instances to make."""
        self.informs: list[tuple[int, Event]] = []
        self.heard: list[int] = []
        """Ids of children whose end, in the same tick, is among the events."""

    def add(self, event: Event, after: Instance, commands: tuple[Command, ...], *, runner: str) -> None:
        """Take in one step."""
        if isinstance(event, AttemptEnded) and self._ended_by(event):
            self.ended.append((event.node, event.attempt, event.outcome))
        self.after = after
        self.events.append(event)
        for command in commands:
            self.commands.append(command)
            if isinstance(command, StartAttempt | OpenChildren):
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

    def place(self, command: StartAttempt, group: str) -> None:
        """Where one of its attempts is to run. That of a group is offered to its workers by the commit itself."""
        placed = msgspec.structs.replace(command, group=group)
        self.commands = [placed if each is command else each for each in self.commands]
        offered: dict[str, Any] = {"runner": "", "group": group} if group != HERE else {}
        key, request = (command.node, command.attempt), msgspec.to_builtins(placed)
        self.started = [
            replace(row, request=request, **offered) if (row.node, row.attempt) == key else row for row in self.started
        ]

    def _ended_by(self, event: AttemptEnded) -> bool:
        run = self.after.nodes[event.node] if event.node < len(self.after.nodes) else None
        return run is not None and run.attempt == event.attempt and run.status is NodeStatus.RUNNING

    @property
    def changed(self) -> bool:
        return self.after is not self.before or bool(self.posted)

    def _ended_children(self) -> list[tuple[int, int, Outcome]]:
        """Attempts that ran other jobs and are over: no single event ends them."""
        old = self.before.nodes
        return [
            (run.index, run.attempt, _outcome(run))
            for i, run in enumerate(self.after.nodes)
            if run.children is not None
            and _over(run)
            and (i >= len(old) or (old[i] is not run and not (old[i].attempt == run.attempt and _over(old[i]))))
        ]

    def seal(self) -> Commit:
        """The share as the store takes it, with its version counted up."""
        self.ended += self._ended_children()
        self.after = msgspec.structs.replace(self.after, version=self.before.version + 1)
        return Commit(
            before=self.before,
            after=self.after,
            events=self.events,
            started=self.started,
            ended=self.ended,
            cancelled=self.cancelled,
            posted=self.posted,
            notices=self.notices,
            children=self.children,
            informs=self.informs,
            heard=self.heard,
        )


def _over(run: NodeRun) -> bool:
    """Whether its newest attempt has ended, if it ever began."""
    return run.attempt > 0 and (run.status in ENDED_NODE or run.retry_at_ms is not None)


def _outcome(run: NodeRun) -> Outcome:
    if run.status is NodeStatus.SUCCESS:
        return Succeeded(message=run.message)
    kind = FailureKind.CANCELLED if run.status is NodeStatus.MANUAL_STOP else FailureKind.ERROR
    return Failed(kind=kind, message=run.message or "")
