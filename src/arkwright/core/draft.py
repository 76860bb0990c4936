"""The working copy inside one `step`: collects changes and commands, then makes the new state.

Only what changed is replaced, so unchanged node runs stay the same objects: the engine writes by identity.
"""

from __future__ import annotations

from typing import Any

import msgspec

from arkwright.core.commands import CancelAttempt, Command, StopChildren
from arkwright.core.instance import Instance, InstanceStatus, NodeRun, NodeStatus
from arkwright.core.job import Plan


class Draft:
    def __init__(self, plan: Plan, state: Instance, at_ms: int) -> None:
        self.plan = plan
        self.state = state
        self.at_ms = at_ms
        self.runs: list[NodeRun] = list(state.nodes)
        self.commands: list[Command] = []
        self._changes: dict[str, Any] = {}

    # -- the instance
    def set(self, **changes: Any) -> None:
        self._changes.update(changes)

    @property
    def status(self) -> InstanceStatus:
        status: InstanceStatus = self._changes.get("status", self.state.status)
        return status

    @property
    def stopping(self) -> InstanceStatus | None:
        stopping: InstanceStatus | None = self._changes.get("stopping", self.state.stopping)
        return stopping

    def header(self) -> Instance:
        """The instance as it stands in this step, its node runs left aside."""
        return msgspec.structs.replace(self.state, **self._changes) if self._changes else self.state

    def result(self) -> Instance:
        return msgspec.structs.replace(self.state, **self._changes, nodes=tuple(self.runs))

    # -- node runs
    def change(self, index: int, **changes: Any) -> NodeRun:
        run = msgspec.structs.replace(self.runs[index], **changes)
        self.runs[index] = run
        return run

    def end(self, index: int, status: NodeStatus, message: str | None, **changes: Any) -> None:
        """The run is over: whatever was pending for it is cleared."""
        self.change(
            index,
            status=status,
            message=message,
            end_time_ms=self.at_ms,
            retry_at_ms=None,
            deadline_ms=None,
            looking_up=False,
            look_up_failure=None,
            facts={},
            slot=None,
            **changes,
        )

    def cancel_running(self) -> None:
        """Ask every running attempt to stop; a node that only waits for its retry has nothing to stop."""
        for run in list(self.runs):
            if run.status is not NodeStatus.RUNNING or run.cancelling:
                continue
            if run.retry_at_ms is not None:
                self.end(run.index, NodeStatus.MANUAL_STOP, run.message)
                continue
            if run.children is not None and not run.children.running:  # paused between two rows
                self.end(run.index, NodeStatus.MANUAL_STOP, "Stopped before the next row.")
                continue
            self.cancel(self.change(run.index, cancelling=True))

    def cancel(self, run: NodeRun) -> None:
        """Ask what the node runs to stop."""
        stop = CancelAttempt if run.children is None else StopChildren
        self.commands.append(stop(instance_id=self.state.id, node=run.index, attempt=run.attempt))
