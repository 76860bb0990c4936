"""The state of one instance: what is known, nothing that can be worked out again.

An instance is one row and each node run is one row; `step` replaces only what changes, so that the engine can
tell by identity which rows to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any

from arkwright.core.control.children import Children, Parent, PinnedJob
from arkwright.core.gate import Gate
from arkwright.core.record import Record
from arkwright.core.rules import Rules
from arkwright.core.slots import SlotUse


class InstanceStatus(StrEnum):
    """States of a job instance, with the API's words (factory-behaviour 2.1)."""

    WAITING_CONFIRM = "waiting-confirm"
    WAITING = "waiting"
    RUNNING = "running"
    RUNNING_EXCEPTION = "running-exception"
    PAUSE = "pause"
    SUCCESS = "success"
    FAIL = "fail"
    MANUAL_STOP = "manual-stop"
    FREEZE = "freeze"
    SKIP_BY_DEPEND = "skip-by-depend"


class NodeStatus(StrEnum):
    """States of a node run, with the API's words (factory-behaviour 2.2)."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCESS = "success"
    FAIL = "fail"
    SKIP = "skip"
    PAUSE = "pause"
    MANUAL_STOP = "manual-stop"


class InstanceType(IntEnum):
    NORMAL = 0
    MANUAL = 2
    PATCH_DATA = 5
    SUBJOB = 6
    ONCE = 7
    SCRIPT = 100
    """A script that was executed by itself: ours, and in no list of instances."""


class ConditionPolicy(StrEnum):
    """What several lines with conditions into one node mean."""

    OR = "OR"
    AND = "AND"


ENDED_INSTANCE = frozenset(
    {
        InstanceStatus.SUCCESS,
        InstanceStatus.FAIL,
        InstanceStatus.MANUAL_STOP,
        InstanceStatus.SKIP_BY_DEPEND,
    }
)
ENDED_NODE = frozenset({NodeStatus.SUCCESS, NodeStatus.FAIL, NodeStatus.SKIP, NodeStatus.MANUAL_STOP})


class NodeRun(Record, frozen=True, kw_only=True):
    """One node in one instance. Times are epoch milliseconds."""

    index: int
    name: str
    status: NodeStatus = NodeStatus.WAITING
    start_time_ms: int | None = None
    end_time_ms: int | None = None
    attempt: int = 0
    """Number of the newest attempt; it goes on counting over retries and reruns."""
    retries: int = 0
    """Retries used in this run."""
    retry_at_ms: int | None = None
    """Set while the node waits for its retry interval to pass."""
    deadline_ms: int | None = None
    """When the running attempt exceeds the node's maximum time."""
    timed_out: bool = False
    """The running attempt exceeded its time and is being stopped."""
    cancelling: bool = False
    """The running attempt was asked to stop."""
    looking_up: bool = False
    """Facts its expressions need were asked for."""
    look_ups: int = 0
    """Number of the newest look-up; like `attempt` it goes on counting, so that a late answer is known as one."""
    look_up_failure: str | None = None
    """Why facts that were asked for could not be found."""
    slot: SlotUse | None = None
    """A slot that it waits for, or holds."""
    facts: Mapping[str, Any] = {}
    """Facts that have arrived, until the node starts (see `core/facts.py` for the keys)."""
    output: str | None = None
    value: str | None = None
    """Of an Assignment: what it gives to later nodes."""
    chosen: tuple[int, ...] | None = None
    """Of a Branch: positions of the nodes right behind it that may run; None: it has decided nothing."""
    input_row_count: int | None = None
    output_row_count: int | None = None
    exit_code: int | None = None
    failure_ignored: bool = False
    """Failed under failPolicy IGNORE: successors run."""
    skipped_alone: bool = False
    """Skipped by its conditions, and nothing but it: what comes after it runs."""
    blocked: bool = False
    """Not run because a node before it failed (status skip), so nothing after it runs either."""
    forced: bool = False
    """An operator decided how it ended: set to success, or skipped (what comes after it runs then)."""
    children: Children | None = None
    """Of a node that runs other jobs: what became of its newest attempt's children."""
    message: str | None = None


class Instance(Record, frozen=True, kw_only=True):
    """One run of a job. Times are epoch milliseconds; ids are below 2^53."""

    id: int
    project_id: str
    workspace_id: str
    job_id: int
    job_name: str
    job_version: int
    script_versions: Mapping[str, tuple[int, int]] = {}
    """Per script name the (definition id, version) this instance is pinned to."""
    subjobs: Mapping[str, PinnedJob] = {}
    """Per name the jobs that its nodes run, and those of these jobs, at the versions this instance began with."""
    parent: Parent | None = None
    """The node run of another instance that made this one (type 6)."""
    name: str = ""
    """What the instance itself is called; empty: as its job."""
    instance_type: InstanceType = InstanceType.MANUAL
    status: InstanceStatus = InstanceStatus.WAITING
    plan_time_ms: int
    submit_time_ms: int
    start_time_ms: int | None = None
    end_time_ms: int | None = None
    time_zone: str
    parameters: Mapping[str, str] = {}
    """Values given for this run; they win over the job's own and are inserted as they are."""
    environment: Mapping[str, str] = {}
    """The workspace's environment variables as they were when the instance was made."""
    condition_policy: ConditionPolicy = ConditionPolicy.OR
    """The workspace's, as it was then."""
    rules: Rules = Rules()
    """The workspace's other rules, as they were then."""
    overdue_at_ms: int | None = None
    """When it exceeds the time limit of its job; None: it has none, or is not begun."""
    overdue: bool = False
    """It has exceeded that limit. It runs on: the limit only notifies."""
    created_by: str = ""
    event_data: str | None = None
    """The message or delivery that started it (`Job.eventData`)."""
    obs_new_files: tuple[str, ...] | None = None
    """The new objects that started it (`Job.trigger.obsNewFiles`)."""
    event_source: str = ""
    """Where that came from, in words: `KAFKA orders/0@41`."""
    gate: Gate | None = None
    """What it waits for before it starts; None: for nothing."""
    dry_run: bool = False
    """Nothing is executed: it was planned for a day without work."""
    force_success: bool = False
    ignore_success: bool = False
    stopping: InstanceStatus | None = None
    """Set while running nodes are being stopped: the state the instance ends in when the last one has ended.
    SUCCESS: an operator forced it."""
    message: str | None = None
    operations: tuple[str, ...] = ()
    """Ids of the operator events applied so far: a repeated id changes nothing."""
    nodes: tuple[NodeRun, ...] = ()
    version: int = 0
    """Counts commits; the store compares it, so that two writers can't both win."""

    @property
    def ended(self) -> bool:
        return self.status in ENDED_INSTANCE
