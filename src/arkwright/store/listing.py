# ruff: noqa: S608 -- the texts are put together from constants; every value is a parameter
"""The instance list: a page and its total out of any number of instances, without counting history.

Theory of operation
-------------------
The window is cut into whole days, whole hours and whole minutes, whose numbers are read from the counters, and at
most two partial minutes, which are counted by index. That gives the total, and it gives the way to the page: segments
that lie before the offset are skipped by their numbers, and of the one where the page begins the finer counters are
read, so that only a few rows are ever stepped over. With a filter, segments without a match are left out, so that
rare rows are found without reading what lies between them.

All of it is read in one snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from arkwright.core.instance import Instance, InstanceStatus
from arkwright.store import encoding
from arkwright.store.base import InstanceFilter, Page, Place
from arkwright.store.counters import ALL_JOBS, DAY, HOUR, MINUTE, WIDTHS
from arkwright.store.work import Row, Rows, Work, each, one

STEP_OVER = 1000
"""So many rows may be stepped over before finer counters are worth reading."""
FINE_HOURS = 48
"""Of so many hours at most the minutes are read to find rare rows."""
_LAST_MS = 2**53
_FINER = {DAY: HOUR, HOUR: MINUTE}
# Sums of bigints are numeric on PostgreSQL.
_N = "CAST(sum(n) AS bigint)"


class Segment(NamedTuple):
    """Rows with low <= at_ms < high; width 0: a partial minute."""

    low: int
    high: int
    n: int
    width: int


OF_ALL_JOBS = "place_id = ? AND id > 0"
"""What holds for every id is the condition of the index by place. Who asks for one job doesn't say it, so the job's own
index is the only one, whatever the statistics are: the other would read all that ran in the place at that time."""
OF_ONE_JOB = "place_id = ?"


class _Condition(NamedTuple):
    """A piece of WHERE and its values."""

    text: str
    params: Sequence[Any]


def cut(low: int, high: int) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]]]:
    """The window [low, high) as partial minutes [(low, high)] and whole buckets [(width, first, end)]."""
    partial: list[tuple[int, int]] = []
    whole: list[tuple[int, int, int]] = []
    first, end = -(-low // MINUTE), high // MINUTE
    if first >= end:
        return ([(low, high)] if low < high else []), whole
    if low < first * MINUTE:
        partial.append((low, first * MINUTE))
    if end * MINUTE < high:
        partial.append((end * MINUTE, high))
    # first and end are buckets of `width`; what does not fill a bucket of the wider width stays behind.
    for width, wider in ((MINUTE, HOUR), (HOUR, DAY)):
        ratio = wider // width
        wide_first, wide_end = -(-first // ratio), end // ratio
        if wide_first >= wide_end:
            whole.append((width, first, end))
            return partial, whole
        if first < wide_first * ratio:
            whole.append((width, first, wide_first * ratio))
        if wide_end * ratio < end:
            whole.append((width, wide_end * ratio, end))
        first, end = wide_first, wide_end
    whole.append((DAY, first, end))
    return partial, whole


def _one_of(column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    if len(values) == 1:
        return f" AND {column} = ?", list(values)
    return f" AND {column} IN ({', '.join('?' * len(values))})", list(values)


def _properties(where: InstanceFilter) -> _Condition:
    """The part of the filter that rows and counters have in common."""
    text, params = "", []
    for column, values in (
        ("status", [status.value for status in where.statuses]),
        ("type", [int(type_) for type_ in where.instance_types]),
        ("force_success", [] if where.force_success is None else [int(where.force_success)]),
        ("ignore_success", [] if where.ignore_success is None else [int(where.ignore_success)]),
    ):
        if values:
            more, its_params = _one_of(column, values)
            text += more
            params += its_params
    return _Condition(text, params)


def _jobs(job_ids: Sequence[int] | None) -> _Condition:
    if job_ids is None:
        return _Condition("", ())
    if len(job_ids) == 1:
        return _Condition(" AND job_id = ?", tuple(job_ids))
    return _Condition(" AND job_id {in_ids}", (encoding.array(job_ids),))


class _Listing:
    """One call's filter, as SQL."""

    def __init__(self, place_id: int, where: InstanceFilter) -> None:
        self.place_id = place_id
        self.properties = _properties(where)
        self.filtered = bool(self.properties.text)
        jobs = _jobs(where.job_ids)
        self.counted_jobs = jobs if where.job_ids is not None else _Condition(" AND job_id = ?", (ALL_JOBS,))
        of_place = OF_ALL_JOBS if where.job_ids is None else OF_ONE_JOB
        self.whose = _Condition(of_place + jobs.text, (place_id, *jobs.params))
        """Of rows; counters have `counted_jobs`."""
        self.low = max(where.from_ms, -_LAST_MS)
        self.high = min(where.to_ms, _LAST_MS) + 1

    def total(self) -> Work[list[Segment]]:
        """The window's segments that are not empty, newest first."""
        partial, whole = cut(self.low, self.high)
        segments: list[Segment] = []
        texts: list[str] = []
        params: list[Any] = []
        for width, first, end in whole:
            texts.append(
                f"SELECT {width} AS width, bucket, {_N} FROM instance_count "
                f"WHERE place_id = ?{self.counted_jobs.text} AND width_ms = {width} AND bucket >= ? AND bucket < ?"
                f"{self.properties.text} GROUP BY bucket"
            )
            params += [self.place_id, *self.counted_jobs.params, first, end, *self.properties.params]
        for low, high in partial:
            texts.append(
                f"SELECT 0 AS width, CAST(? AS bigint), count(*) FROM instance WHERE {self.whose.text} "
                f"AND at_ms >= ? AND at_ms < ?{self.properties.text}"
            )
            params += [low, *self.whose.params, low, high, *self.properties.params]
        if texts:
            rows = yield one(" UNION ALL ".join(texts), *params)
            ends = dict(partial)
            for width, bucket, n in rows:
                if n and width:
                    segments.append(Segment(bucket * width, (bucket + 1) * width, n, width))
                elif n:
                    segments.append(Segment(bucket, ends[bucket], n, 0))
        segments.sort(reverse=True)
        return segments

    def finer(self, segments: Sequence[Segment], which: Sequence[bool]) -> Work[list[Segment]]:
        """The same segments, the chosen ones replaced by those of the next finer width."""
        found: list[Segment] = [s for s, chosen in zip(segments, which, strict=True) if not chosen]
        for width in WIDTHS[:-1]:
            fine = _FINER[width]
            ratio = width // fine
            buckets = [
                (s.low // fine, s.low // fine + ratio)
                for s, chosen in zip(segments, which, strict=True)
                if chosen and s.width == width
            ]
            if buckets:
                rows = yield one(
                    f"SELECT bucket, {_N} FROM {{ranges}} AS r CROSS JOIN {{per_range}} instance_count "
                    f"WHERE place_id = ?{self.counted_jobs.text} AND width_ms = {fine} "
                    f"AND bucket >= r.low AND bucket < r.high{self.properties.text} {{/per_range}} GROUP BY bucket",
                    encoding.array(buckets),
                    self.place_id,
                    *self.counted_jobs.params,
                    *self.properties.params,
                )
                found += [Segment(b * fine, (b + 1) * fine, n, fine) for b, n in rows if n]
        found.sort(reverse=True)
        return found

    def rows(self, segments: Sequence[Segment], offset: int, limit: int) -> Work[Rows]:
        """Ids and bodies of the page, which lies in these segments and begins `offset` rows after their start."""
        # Without a filter, what lies between the segments is empty.
        ranges = _joined(segments) if self.filtered else [(segments[-1].low, segments[0].high)]
        where = f"{self.whose.text}{self.properties.text}"
        params = [*self.whose.params, *self.properties.params]
        if len(ranges) == 1:
            page = f"SELECT id FROM instance WHERE {where} AND at_ms >= ? AND at_ms < ?"
            params += ranges[0]
        else:
            page = (
                f"SELECT id FROM {{ranges}} AS r CROSS JOIN {{per_range}} instance "
                f"WHERE {where} AND at_ms >= r.low AND at_ms < r.high {{/per_range}}"
            )
            params.insert(0, encoding.array(ranges))
        # The page's ids come from the index alone; only then are its rows read.
        return (
            yield one(
                f"SELECT id, body FROM instance WHERE id IN ({page} ORDER BY at_ms DESC, id DESC LIMIT ? OFFSET ?) "
                "ORDER BY at_ms DESC, id DESC",
                *params,
                limit,
                offset,
            )
        )


def _joined(segments: Sequence[Segment]) -> list[tuple[int, int]]:
    """The segments' ranges, newest first, neighbours made one."""
    ranges: list[tuple[int, int]] = []
    for segment in segments:
        if ranges and segment.high == ranges[-1][0]:
            ranges[-1] = (segment.low, ranges[-1][1])
        else:
            ranges.append((segment.low, segment.high))
    return ranges


def _touched(segments: Sequence[Segment], offset: int, limit: int) -> tuple[list[Segment], int]:
    """The segments that hold the page, and the page's offset in them."""
    skipped, held = 0, 0
    chosen: list[Segment] = []
    for segment in segments:
        if not chosen and skipped + segment.n <= offset:
            skipped += segment.n
            continue
        chosen.append(segment)
        held += segment.n
        if held >= offset - skipped + limit:
            break
    return chosen, offset - skipped


def list_page(place_id: int, where: InstanceFilter, offset: int, limit: int) -> Work[Page[Instance]]:
    if where.job_ids is not None and not where.job_ids:
        return Page(total=0, items=())
    listing = _Listing(place_id, where)
    segments = yield from listing.total()
    total = sum(segment.n for segment in segments)
    if offset >= total or limit <= 0:
        return Page(total=total, items=())
    several_jobs = where.job_ids is not None and len(where.job_ids) > 1
    chosen, offset = _touched(segments, offset, limit)
    for coarse in WIDTHS[:-1]:
        if listing.filtered and (coarse == DAY or len(chosen) <= FINE_HOURS):
            which = [s.width == coarse for s in chosen]
        elif several_jobs:  # their rows are sorted: have few of them
            which = [s.width == coarse and s.n > STEP_OVER for s in chosen]
        else:
            which = [s.width == coarse and i == 0 and offset > STEP_OVER for i, s in enumerate(chosen)]
        if any(which):
            finer = yield from listing.finer(chosen, which)
            chosen, offset = _touched(finer, offset, limit)
    rows: Sequence[Row] = yield from listing.rows(chosen, offset, limit)
    return Page(total=total, items=encoding.instances(rows))


_NEWEST = f"""
    SELECT job_id, status, id, body FROM instance WHERE {OF_ONE_JOB} AND job_id = ?
    ORDER BY at_ms DESC, id DESC LIMIT 1"""


def newest_of_jobs(
    place: Place, place_id: int, job_ids: Sequence[int], statuses: Sequence[InstanceStatus]
) -> Work[list[Instance]]:
    """Mostly the newest of a job is in a wanted status; for the others the list knows how to find it."""
    wanted = {status.value for status in statuses}
    rows = yield each(_NEWEST, [(place_id, job_id) for job_id in job_ids])
    found: list[Instance] = []
    for job_id, status, *newest in rows:
        if status in wanted:
            found += encoding.instances([newest])
            continue
        where = InstanceFilter(place=place, job_ids=(job_id,), from_ms=0, to_ms=_LAST_MS, statuses=statuses)
        page = yield from list_page(place_id, where, 0, 1)
        found += page.items
    return found
