"""Started schedules, what they planned, and who waits, as the store keeps it.

Theory of operation
-------------------
A schedule is one row with a cursor: every plan time up to it was planned or passed over. `plan` makes the instances
of many schedules and moves their cursors on in one transaction that compares each cursor, and a plan time of a job is
kept once for ever, so:

* kill -9 before the commit: neither instances nor cursors are there, the times are due still;
* kill -9 after it: both are there; the instances are found by whoever claims them;
* two servers that both believe to plan: the second one finds the cursor moved on and makes nothing.

Whoever waits watches jobs (`watched`): when a planned instance of such a job changes, `on_planned` is called with the
job's id, after the commit and on every server. So nothing is asked for again and again, and what a look costs follows
from who waits, never from history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from arkwright.core.gate_rules import Peer
    from arkwright.core.instance import Instance
    from arkwright.core.slots import SlotLimits
    from arkwright.store.definition_record import Definition
    from arkwright.store.place import Place


class ScheduleState(StrEnum):
    SCHEDULING = "SCHEDULING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    job_id: int
    place: Place
    state: ScheduleState
    cursor_ms: int
    """Every plan time up to here was planned, or passed over."""
    next_ms: int | None
    """The next plan time. None: there is none."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """What it was started with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanShare:
    """One schedule's part of a planning."""

    job_id: int
    before_ms: int
    """Its cursor as it was read; compared."""
    cursor_ms: int
    next_ms: int | None
    instances: Sequence[Instance] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateQuestions:
    """What is to be read for the gates of some instances."""

    windows: frozenset[tuple[int, int, int]] = frozenset()
    """(job, from, to): planned instances with `from <= plan time < to`."""
    before: frozenset[tuple[int, int]] = frozenset()
    """(job, plan time): the planned instance before it."""
    newest: frozenset[int] = frozenset()
    """Jobs whose newest planned instance is asked for."""
    jobs: frozenset[int] = frozenset()
    """Jobs whose unended planned instances are asked for."""
    schedules: frozenset[int] = frozenset()
    """Jobs whose schedules are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnswers:
    windows: Mapping[tuple[int, int, int], Sequence[Peer]]
    """By plan time."""
    before: Mapping[tuple[int, int], Peer]
    newest: Mapping[int, Peer]
    jobs: Mapping[int, Sequence[Peer]]
    """By start time, or plan time while there is none."""
    schedules: Mapping[int, tuple[ScheduleState, int | None]]
    """State and next plan time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotCount:
    """How many node runs of a task group (empty: of none) hold a slot, and how many wait for one."""

    group: str
    held: int
    waiting: int


class ScheduleStore(Protocol):
    async def set_schedule(self, row: ScheduleRow, *, job_name: str, job_status: str) -> None:
        """Write a schedule, and its job's state with it. Raises `NotFound` (job)."""
        ...

    async def get_schedules(self, job_ids: Sequence[int]) -> Sequence[ScheduleRow]: ...

    async def due_schedules(self, *, after_ms: int, until_ms: int, limit: int) -> Sequence[ScheduleRow]:
        """Schedules whose next plan time is in `after_ms < next <= until_ms`, by that time."""
        ...

    async def count_due(self, *, until_ms: int) -> tuple[int, int | None]:
        """How many schedules have a next plan time up to then, and the oldest of these."""
        ...

    async def next_due(self) -> int | None:
        """The earliest next plan time of all."""
        ...

    async def plan(self, shares: Sequence[PlanShare], *, owner: str | None) -> frozenset[int]:
        """Ids of the instances that were made: none for a schedule whose cursor is not the one that was read or that
        is not scheduling, none for a plan time that its job has had."""
        ...

    async def submitted_of(self, job_ids: Sequence[int]) -> Sequence[Definition]:
        """The submitted versions of these jobs, those that have none left out."""
        ...

    async def watching(self, job_ids: Iterable[int] | None, *, after: int, limit: int) -> Sequence[Instance]:
        """Waiting instances that watch one of these jobs (None: all), by id from the one after `after` on, without
        node runs."""
        ...

    async def watched_jobs(self) -> frozenset[int]:
        """Jobs that some waiting instance watches."""
        ...

    async def expiring(self, *, until_ms: int, limit: int) -> Sequence[Instance]:
        """Waiting instances whose time limit is up by then."""
        ...

    async def next_expiry(self, *, after_ms: int) -> int | None:
        """The earliest time limit after that time."""
        ...

    async def answer_gates(self, questions: GateQuestions) -> GateAnswers:
        """All of one moment."""
        ...

    async def planned_instances(self, job_id: int, *, from_ms: int, to_ms: int, limit: int) -> Sequence[Instance]:
        """Planned instances with `from_ms <= plan time < to_ms`, by plan time, without node runs."""
        ...

    # -- slots: taken and given back with the node runs of `commit`
    async def places_with_queues(self) -> Sequence[Place]:
        """Where node runs wait for a slot."""
        ...

    async def grant_slots(self, place: Place, limits: SlotLimits, *, now_ms: int) -> int:
        """Give free slots to those that wait (`core/slots.py` says to whom), each with its `SlotGranted` left for its
        instance; how many."""
        ...

    async def slot_holders(self, place: Place, group: str | None, *, limit: int) -> Sequence[tuple[int, int]]:
        """(instance, node) of those that hold a slot: of a group, or of the whole workspace (None)."""
        ...

    async def count_slots(self, place: Place) -> Sequence[SlotCount]: ...

    async def leaked_slots(self) -> int:
        """Slots whose node run is over. There are none, ever: this is for those who watch that."""
        ...

    def on_slots(self, heard: Callable[[], None]) -> None:
        """Call when somebody waits for a slot, one became free, or a limit changed."""
        ...

    def on_planned(self, heard: Callable[[frozenset[int] | None], None]) -> None:
        """Call on the event loop's thread with jobs whose planned instances changed; None: any may have."""
        ...

    def on_schedules(self, heard: Callable[[], None]) -> None:
        """Call when a schedule was started, stopped, or its job submitted anew."""
        ...
