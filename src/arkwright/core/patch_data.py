"""PatchData: which runs of a plan's past a patch consists of, and which of them may start next. Pure.

Rules (factory-behaviour 4.7): the runs are those of the jobs' own expressions in the given spans, also before their
schedules take effect; a span that reaches into
the future ends now. They start in the order of their plan times, or newest day first and ascending inside a day; at
most `parallel` at once. By day: a day begins when the one before it has ended; then a failure may stop what comes
after it. Jobs of one patch wait for each other as their dependencies say, for the patch's own runs alone. In reverse
order nothing waits for an earlier day.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec.structs import replace

from arkwright.core.dependency_graph import find_cycle
from arkwright.core.fire_times import fire_times_between
from arkwright.core.record import Record
from arkwright.core.schedule import Cron, Dependency, DependencyPolicy, DependFailPolicy, Take
from arkwright.core.windows import why_not, windows
from arkwright.core.zone_changes import instant_of, offset_at
from arkwright.errors import InvalidInput

MOST_RUNS: Final = 20_000
_MOST_TIMES: Final = 5 * MOST_RUNS
"""Plan times looked at, where not all of them are run."""
_DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1)


class ThinningUnit(StrEnum):
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


class Thinning(Record, frozen=True, kw_only=True):
    """Of each `every` hours, days, weeks or months of a span only the first plan time is run."""

    every: int
    unit: ThinningUnit


class DayWindow(Record, frozen=True, kw_only=True):
    """A part of each day, `from_minute <= minute of the day < to_minute`; over midnight if from > to."""

    from_minute: int
    to_minute: int

    def holds(self, minute: int) -> bool:
        if self.from_minute <= self.to_minute:
            return self.from_minute <= minute < self.to_minute
        return minute >= self.from_minute or minute < self.to_minute


class RunWindow(Record, frozen=True, kw_only=True):
    """When runs of a patch may start. What is not given is no restriction; a window over midnight belongs to the day on
    which it begins."""

    time_of_day: DayWindow | None = None
    weekdays: tuple[int, ...] = ()
    """ISO numbers, Monday is 1."""
    month_days: tuple[int, ...] = ()


class PatchPlan(Record, frozen=True, kw_only=True):
    """What was asked for."""

    spans: tuple[tuple[int, int], ...]
    """Plan times in `from <= plan time <= to`."""
    zone: str
    """Days are those of this zone."""
    parallel: int = 1
    by_day: bool = False
    stop_on_failure: bool = False
    reverse: bool = False
    thinning: Thinning | None = None
    instance_times: DayWindow | None = None
    """Only plan times in this part of each day."""
    run_window: RunWindow | None = None
    ignore_obs_listening: bool = False


class PatchJob(Record, frozen=True, kw_only=True):
    """A job of the patch; the first one is the patch's own."""

    job_id: int
    name: str
    cron: Cron
    policy: DependencyPolicy = DependencyPolicy.NATURAL
    dependencies: tuple[tuple[int, Dependency], ...] = ()
    """(job of the patch, dependency): those on jobs outside of it are not here."""
    self_dependent: bool = False


class Run(Record, frozen=True, kw_only=True):
    job_id: int
    plan_time_ms: int
    day: int
    """Number of the day in the patch's zone."""


class RunState(StrEnum):
    RUNNING = "running"
    """Made and not ended: waiting, running, abnormal."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class PatchState(StrEnum):
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"


class Decision(Record, frozen=True, kw_only=True):
    start: tuple[Run, ...]
    state: PatchState
    """RUNNING: it is not over."""
    done: int
    """Runs that have ended, or never will be started."""


Key = tuple[int, int]
"""(job, plan time)."""


class _Awaited(NamedTuple):
    """Runs that another one waits for."""

    keys: tuple[Key, ...]
    take: Take
    fail_policy: DependFailPolicy


class Patch:
    """The runs of a patch, in order, and what each waits for. Made once, asked again and again."""

    def __init__(self, plan: PatchPlan, jobs: Sequence[PatchJob], now_ms: int) -> None:
        """Raises `InvalidInput`: nothing to run, too much, jobs in a circle, a pair that the policy does not allow."""
        self.plan = plan
        self._jobs = {each.job_id: replace(each, cron=_unbounded(each.cron)) for each in jobs}
        self._order = {job_id: place for place, job_id in enumerate(_upstream_first(jobs))}
        self.runs = self._expand(now_ms)
        self._times: dict[int, list[int]] = {}
        for run in sorted(self.runs, key=lambda each: each.plan_time_ms):
            self._times.setdefault(run.job_id, []).append(run.plan_time_ms)
        self._awaited: dict[Key, tuple[_Awaited, ...]] = {}
        self._days = {(each.job_id, each.plan_time_ms): each.day for each in self.runs}

    def decide(self, states: Mapping[Key, RunState]) -> Decision:
        """`states`: of the runs that were made."""
        plan = self.plan
        free = plan.parallel - sum(1 for state in states.values() if state is RunState.RUNNING)
        failed = RunState.FAILED in states.values()
        stopped = plan.stop_on_failure and failed
        start: list[Run] = []
        open_ = done = 0
        given_up: set[Key] = set()
        """Runs that are never started because of a failure."""
        current: int | None = None
        for run in self.runs:
            key = (run.job_id, run.plan_time_ms)
            state = states.get(key)
            if state is RunState.RUNNING:
                open_ += 1
                current = run.day if current is None else current
                continue
            if state is not None:
                done += 1
                continue
            waits = stopped or (plan.by_day and current is not None and run.day != current)
            # A verdict costs, and is of use only for one that may start, or that a failure may give up.
            asked = not waits and (failed or len(start) < free)
            verdict = self._verdict(run, states, given_up) if asked else RunState.RUNNING
            if stopped or verdict is RunState.FAILED:
                given_up.add(key)
                done += 1
                continue
            open_ += 1
            current = run.day if current is None else current
            if verdict is RunState.SUCCEEDED and len(start) < free:
                start.append(run)
        if open_:
            return Decision(start=tuple(start), state=PatchState.RUNNING, done=done)
        over = PatchState.FAIL if failed or given_up else PatchState.SUCCESS
        return Decision(start=(), state=over, done=done)

    def _verdict(self, run: Run, states: Mapping[Key, RunState], given_up: set[Key]) -> RunState:
        """Of what a run waits for: SUCCEEDED lets it start, FAILED gives it up, RUNNING lets it wait."""
        job = self._jobs[run.job_id]
        waits = False

        def state_of(key: Key) -> RunState | None:
            return RunState.FAILED if key in given_up else states.get(key)

        if job.self_dependent:
            times = self._times[run.job_id]
            place = bisect_left(times, run.plan_time_ms)
            before = (run.job_id, times[place - 1]) if place else None
            if before is not None and self._counts(before, run) and state_of(before) is not RunState.SUCCEEDED:
                waits = True  # also when it failed: an operator decides, as with every self-dependent job
        for awaited in self._awaited_by(run, job):
            verdict = _upstream(awaited, state_of)
            if verdict is RunState.FAILED:
                return RunState.FAILED
            waits = waits or verdict is RunState.RUNNING
        return RunState.RUNNING if waits else RunState.SUCCEEDED

    def _awaited_by(self, run: Run, job: PatchJob) -> tuple[_Awaited, ...]:
        key = (run.job_id, run.plan_time_ms)
        known = self._awaited.get(key)
        if known is not None:
            return known
        found: list[_Awaited] = []
        for upstream, dependency in job.dependencies:
            times = self._times.get(upstream, [])
            cron = self._jobs[upstream].cron
            for window in windows(job.policy, job.cron, cron, run.plan_time_ms, dependency):
                inside = times[bisect_left(times, window.from_ms) : bisect_left(times, window.to_ms)]
                keys = tuple((upstream, at) for at in inside if self._counts((upstream, at), run))
                if keys:
                    counted = keys[-1:] if window.take is Take.LAST else keys
                    found.append(_Awaited(counted, window.take, dependency.fail_policy))
        self._awaited[key] = tuple(found)
        return self._awaited[key]

    def _counts(self, earlier: Key, run: Run) -> bool:
        """Whether a run may wait for another one: in reverse order not for one of an earlier day."""
        return not self.plan.reverse or self._days[earlier] >= run.day

    # -- which runs there are
    def _expand(self, now_ms: int) -> tuple[Run, ...]:
        found: dict[Key, Run] = {}
        for job in self._jobs.values():
            for from_ms, to_ms in self.plan.spans:
                for at in self._times_of(job.cron, from_ms, min(to_ms, now_ms)):
                    found[job.job_id, at] = Run(job_id=job.job_id, plan_time_ms=at, day=_day(self.plan.zone, at))
                    if len(found) > MOST_RUNS:
                        raise _too_much(f"than {MOST_RUNS} runs")
        if not found:
            raise InvalidInput(
                "No plan time of the job lies in the range of the patch.",
                field="start_date",
                hint="Its expression has none there that is not in the future.",
            )
        sign = -1 if self.plan.reverse else 1
        return tuple(
            sorted(found.values(), key=lambda run: (sign * run.day, run.plan_time_ms, self._order[run.job_id]))
        )

    def _bounded(self, times: Iterable[int]) -> Iterator[int]:
        for count, at in enumerate(times):
            if count == _MOST_TIMES:
                raise _too_much(f"plan times to choose from than {_MOST_TIMES}")
            yield at

    def _times_of(self, cron: Cron, from_ms: int, to_ms: int) -> Iterator[int]:
        times: Iterable[int] = self._bounded(fire_times_between(cron, from_ms, to_ms + 1))
        window = self.plan.instance_times
        if window is not None:
            times = (at for at in times if window.holds(_minute(self.plan.zone, at)))
        if self.plan.thinning is None:
            yield from times
            return
        last = -1
        for at in times:
            step = _step_of(self.plan.thinning, self.plan.zone, from_ms, at)
            if step != last:
                last = step
                yield at


def _upstream(awaited: _Awaited, state_of: Callable[[Key], RunState | None]) -> RunState:
    states = [state_of(key) for key in awaited.keys]
    any_of = awaited.take is Take.ANY
    if any_of and RunState.SUCCEEDED in states:
        return RunState.SUCCEEDED
    pending = any(state is None or state is RunState.RUNNING for state in states)
    if RunState.FAILED in states and not (any_of and pending):
        match awaited.fail_policy:
            case DependFailPolicy.FAIL:
                return RunState.FAILED
            case DependFailPolicy.SUSPEND:
                return RunState.RUNNING
    return RunState.RUNNING if pending else RunState.SUCCEEDED


def next_opening(window: RunWindow, zone: str, now_ms: int) -> int | None:
    """When runs may start: `now_ms` if they may now, else the next moment; None: never."""
    second = now_ms // 1000
    wall = second + offset_at(zone, second)
    for back in range(-1, 370):  # the window of yesterday may go on over midnight
        day = wall // _DAY + back
        if not _opens_on(window, day):
            continue
        hours = window.time_of_day
        start, end = (0, 1440) if hours is None else (hours.from_minute, hours.to_minute)
        if end <= start:
            end += 1440
        opens = instant_of(zone, day * _DAY + start * 60)
        closes = instant_of(zone, day * _DAY + end * 60)
        if second < closes:
            return max(now_ms, opens * 1000)
    return None


def _opens_on(window: RunWindow, day: int) -> bool:
    on = _EPOCH + timedelta(days=day)
    return (not window.weekdays or on.isoweekday() in window.weekdays) and (
        not window.month_days or on.day in window.month_days
    )


def _too_much(what: str) -> InvalidInput:
    return InvalidInput(
        f"The patch would have more {what}.", field="end_date", hint="Ask for a shorter range, or for fewer jobs."
    )


def _unbounded(cron: Cron) -> Cron:
    """The guide's own example patches days before the schedule takes effect."""
    return replace(cron, start_ms=None, end_ms=None)


def _upstream_first(jobs: Sequence[PatchJob]) -> list[int]:
    """Ids of the jobs, each after those that it waits for. Raises `InvalidInput` for a circle, or a forbidden pair."""
    known = {each.job_id: each for each in jobs}

    def upstreams(job_id: int) -> list[int]:
        return [other for other, dependency in known[job_id].dependencies if not dependency.periods_back]

    ordered: list[int] = []
    for job in jobs:
        for other, _ in job.dependencies:
            reason = why_not(job.policy, job.cron, known[other].cron)
            if reason:
                raise InvalidInput(f"{job.name} can't wait for {known[other].name}: {reason}", field="depend_jobs")
        circle = find_cycle(job.job_id, upstreams)
        if circle is not None:
            names = " -> ".join(known[each].name for each in circle)
            raise InvalidInput(f"Jobs of the patch wait for each other in a circle: {names}.", field="depend_jobs")
    waiting = list(known)
    while waiting:
        for job_id in waiting:
            if all(other in ordered for other in upstreams(job_id)):
                ordered.append(job_id)
                waiting.remove(job_id)
                break
    return ordered


def _wall(zone: str, at_ms: int) -> int:
    return at_ms // 1000 + offset_at(zone, at_ms // 1000)


def _day(zone: str, at_ms: int) -> int:
    return _wall(zone, at_ms) // _DAY


def _minute(zone: str, at_ms: int) -> int:
    return _wall(zone, at_ms) % _DAY // 60


def _step_of(thinning: Thinning, zone: str, from_ms: int, at_ms: int) -> int:
    """In which step of the span a plan time lies, counted from the span's start."""
    start, wall = _wall(zone, from_ms), _wall(zone, at_ms)
    match thinning.unit:
        case ThinningUnit.HOURS:
            return (at_ms - from_ms) // 1000 // (3600 * thinning.every)
        case ThinningUnit.DAYS:
            return (wall - start) // (_DAY * thinning.every)
        case ThinningUnit.WEEKS:
            return (wall - start) // (_DAY * 7 * thinning.every)
    first, on = _EPOCH + timedelta(days=start // _DAY), _EPOCH + timedelta(days=wall // _DAY)
    months = (on.year - first.year) * 12 + on.month - first.month
    # A span that begins at the end of a month steps from month end to month end.
    at_end, from_end = (each + timedelta(days=1) for each in (on, first))
    reached = at_end.day == 1 or (on.day >= first.day and from_end.day != 1)
    if not reached or (on.day == first.day and wall % _DAY < start % _DAY):
        months -= 1
    return months // thinning.every
