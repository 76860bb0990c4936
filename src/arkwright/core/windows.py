"""Which instances of an upstream job a run waits for (factory-behaviour 4.5), as pure functions.

Words: the *downstream* job has the plan time T and waits; the *upstream* job is waited for. A window is a span of
upstream plan times, half open: `from_ms <= plan time < to_ms`. Natural periods (hour, day, week, month) are those of
the downstream's zone. A window without upstream plan times holds nothing up.

The two policies are two tables: `_traditional` goes by the downstream's period P and by the natural period before
T's; `_natural` goes by the calendar hour and day of T. Where the documents give no cell (seasons and years; an
earlier cycle of the traditional policy, or of a weekly or monthly job), the nearest cell of the table is continued,
as said there.

P is the time since the plan time before, but at most the step of the expression: after a night in which a plan of
every 15 minutes stood still, its first run waits for the last 15 minutes, not for the whole night.
"""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Final

from arkwright.core.fire_times import fire_times_between, previous_fire
from arkwright.core.record import Record
from arkwright.core.schedule import Cron, Cycle, Dependency, DependencyPolicy, Take
from arkwright.core.zone_changes import instant_of, offset_at
from arkwright.errors import Code, InvalidInput

_HOUR_MS: Final = 3_600_000
_MINUTE_MS: Final = 60_000
_DAY_S: Final = 86_400
_EPOCH: Final = date(1970, 1, 1)
_WITHIN_A_DAY: Final = (Cycle.MINUTE, Cycle.HOUR)
_COARSE: Final = (Cycle.WEEK, Cycle.MONTH, Cycle.SEASON, Cycle.YEAR)


class Window(Record, frozen=True, kw_only=True):
    """Upstream plan times in `from_ms <= plan time < to_ms`, of which `take` counts."""

    from_ms: int
    to_ms: int
    take: Take
    """ALL, ANY or LAST, never DEFAULT."""
    rule: str
    """The rule in words with its times, for "why it waits": `all of the calendar day 2026-11-22 (Europe/Berlin)`."""


def windows(
    policy: DependencyPolicy, downstream: Cron, upstream: Cron, plan_time_ms: int, dependency: Dependency
) -> tuple[Window, ...]:
    """What one run waits for because of one dependency: all of these windows, the newest first.

    One window for the same cycle; with `periods_back` N one for each of the N cycles before. Raises `InvalidInput`
    where the policy does not allow the pair (`why_not` tells beforehand).
    """
    reason = why_not(policy, downstream, upstream)
    if reason:
        raise InvalidInput(reason, field="schedule.cron.dependJobs", code=Code.JOB_SCHEDULE_INVALID)
    table = _traditional if policy is DependencyPolicy.TRADITIONAL else _natural
    backs = range(1, dependency.periods_back + 1) if dependency.periods_back else (0,)
    return tuple(table(downstream, upstream, plan_time_ms, back, dependency.take) for back in backs)


def why_not(policy: DependencyPolicy, downstream: Cron, upstream: Cron) -> str:
    """Why the policy does not let a job of the one cycle depend on one of the other; empty: it does."""
    if policy is DependencyPolicy.NATURAL:
        return ""
    one, other = downstream.cycle, upstream.cycle
    if Cycle.WEEK in (one, other):
        return (
            "Under the traditional dependency policy no weekly job can depend or be depended on: put both in one job."
        )
    if one.rank < other.rank:
        return (
            "Under the traditional dependency policy a job can't depend on a coarser one: this one's cycle is a "
            f"{one}, the other one's a {other}."
        )
    if one in _COARSE and other is not Cycle.DAY:
        return (
            f"Under the traditional dependency policy a job whose cycle is a {one} can depend on daily jobs only, and "
            f"the other one's is a {other}: put both in one job."
        )
    return ""


def awaited(window: Window, upstream: Cron) -> tuple[int, ...]:
    """The plan times of the upstream's plan in the window, ascending; for LAST the last one alone.

    ALL and LAST: each must have ended well. ANY: one of them. Empty: nothing to wait for. Instances that exist beside
    the plan (an older version of it, run by hand) are not in it: the scheduler adds those it knows of.
    """
    if window.take is Take.LAST:
        last = previous_fire(upstream, window.to_ms)
        return (last,) if last is not None and last >= window.from_ms else ()
    return tuple(fire_times_between(upstream, window.from_ms, window.to_ms))


# ---------------------------------------------------------------- the traditional policy


def _traditional(downstream: Cron, upstream: Cron, at: int, back: int, take: Take) -> Window:
    zone = downstream.zone
    counted = Take.ALL if take is Take.DEFAULT else take
    if downstream.cycle is upstream.cycle:
        span, ends = period_ms(downstream, at), at
        if downstream.cycle is Cycle.DAY:
            # A day is one on the calendar, also where the clocks change.
            starts, ends = _days_before(zone, at, back + 1), _days_before(zone, at, back)
        else:
            starts, ends = at - (back + 1) * span, at - back * span
        words = f"later than {_shown(zone, starts)}, up to {_shown(zone, ends)} (one period)"
        return _window(starts + 1, ends + 1, counted, words, zone)
    period = downstream.cycle
    starts, ends = _period_start(zone, at, period, back + 1), _period_start(zone, at, period, back)
    return _window(starts, ends, counted, f"of the {period} {_named(zone, starts, period)}, the one before", zone)


# ---------------------------------------------------------------- the policy of natural periods


def _natural(downstream: Cron, upstream: Cron, at: int, back: int, take: Take) -> Window:
    """The cell of the table of factory-behaviour 4.5 for the pair of cycles."""
    zone = downstream.zone
    one, other = downstream.cycle, upstream.cycle
    counted = Take.ALL if take is Take.DEFAULT else take
    if one is Cycle.MINUTE and other is Cycle.MINUTE:
        span = period_ms(downstream, at)
        ends = at - back * max(span, period_ms(upstream, at))  # "one longer period back"
        words = f"later than {_shown(zone, ends - span)}, up to {_shown(zone, ends)} (one period)"
        return _window(ends - span + 1, ends + 1, counted, words, zone)
    if one in _WITHIN_A_DAY and other in _WITHIN_A_DAY:
        return _hour(one, other, zone, at, back, counted)
    # All other cells are the calendar day: of T, or N days before it. A coarser upstream job has an instance on it or
    # hasn't.
    if back and take is Take.DEFAULT and other in _WITHIN_A_DAY and one not in _WITHIN_A_DAY:
        counted = Take.LAST  # "last instance of yesterday"
    starts, ends = _period_start(zone, at, Cycle.DAY, back), _period_start(zone, at, Cycle.DAY, back - 1)
    return _window(starts, ends, counted, f"of the calendar day {_named(zone, starts, Cycle.DAY)}", zone)


def _hour(one: Cycle, other: Cycle, zone: str, at: int, back: int, take: Take) -> Window:
    """Within a day: the natural hour of T for an hourly job on an hourly one, else the hour before it.

    The earlier cycle of a minute on an hour and of an hour on minutes is "the previous hour" in the documents as
    well, which is the same one; two back is the hour before that.
    """
    hours = back if one is Cycle.HOUR and other is Cycle.HOUR else max(back, 1)
    starts = _period_start(zone, at, Cycle.HOUR, hours)
    ends = _period_start(zone, at, Cycle.HOUR, hours - 1)
    if one is Cycle.HOUR and other is Cycle.MINUTE:  # (h-1:00, h:00]
        return _window(
            starts + 1, ends + 1, take, f"later than {_shown(zone, starts)}, up to {_shown(zone, ends)}", zone
        )
    return _window(starts, ends, take, f"of the hour {_shown(zone, starts)}", zone)


# ---------------------------------------------------------------- periods


def period_ms(cron: Cron, at: int) -> int:
    """P: the time since the plan time before, at most the step (of minutes, of hours)."""
    before = previous_fire(cron, at)
    step = _step_ms(cron)
    return min(step, at - before) if before is not None else step


def _step_ms(cron: Cron) -> int:
    """How far apart two plan times are where nothing interrupts the plan: the largest gap inside an hour, or a day."""
    fields = cron.fields
    match cron.cycle:
        case Cycle.MINUTE:
            values, size, unit = fields.minutes, 60, _MINUTE_MS
        case Cycle.HOUR:
            values, size, unit = fields.hours, 24, _HOUR_MS
        case _:
            return _DAY_S * 1000
    gaps = [later - earlier for earlier, later in itertools.pairwise(values)]
    return max(gaps, default=size) * unit


def _days_before(zone: str, at: int, days: int) -> int:
    """The same wall time some days earlier."""
    second, rest = divmod(at, 1000)
    return instant_of(zone, second + offset_at(zone, second) - days * _DAY_S) * 1000 + rest if days else at


def _period_start(zone: str, at: int, period: Cycle, back: int) -> int:
    """The start of the natural period of an instant; with `back` of the one so many before it (-1: after it)."""
    second = at // 1000
    offset = offset_at(zone, second)
    wall = second + offset
    if period is Cycle.HOUR:
        # By elapsed time: a doubled hour is two, a missing one none. Some zones are off by half an hour.
        return (second - wall % 3600 - back * 3600) * 1000
    day = _EPOCH + timedelta(days=wall // _DAY_S)
    match period:
        case Cycle.DAY:
            start = day - timedelta(days=back)
        case Cycle.WEEK:  # weeks start on Sunday
            start = day - timedelta(days=day.isoweekday() % 7 + 7 * back)
        case Cycle.MONTH:
            start = _month_start(day, day.month - back)
        case Cycle.SEASON:
            start = _month_start(day, (day.month - 1) // 3 * 3 + 1 - 3 * back)
        case _:
            start = date(day.year - back, 1, 1)
    return instant_of(zone, (start - _EPOCH).days * _DAY_S) * 1000


def _month_start(day: date, month: int) -> date:
    years, month = divmod(month - 1, 12)
    return date(day.year + years, month + 1, 1)


# ---------------------------------------------------------------- words


def _window(from_ms: int, to_ms: int, take: Take, words: str, zone: str) -> Window:
    which = {Take.ALL: "all instances", Take.ANY: "any instance", Take.LAST: "the last instance"}[take]
    return Window(from_ms=from_ms, to_ms=to_ms, take=take, rule=f"{which} {words} ({zone})")


def _shown(zone: str, at: int) -> str:
    wall = at // 1000 + offset_at(zone, at // 1000)
    day, second = divmod(wall, _DAY_S)
    seconds = f":{second % 60:02d}" if second % 60 else ""
    return f"{_EPOCH + timedelta(days=day)} {second // 3600:02d}:{second // 60 % 60:02d}{seconds}"


def _named(zone: str, starts: int, period: Cycle) -> str:
    shown = _shown(zone, starts)[:10]
    match period:
        case Cycle.HOUR:
            return _shown(zone, starts)
        case Cycle.MONTH:
            return shown[:7]
        case Cycle.SEASON | Cycle.YEAR:
            return f"from {shown}"
    return shown
