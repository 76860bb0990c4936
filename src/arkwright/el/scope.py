"""What an expression may see, and what comes back from evaluating it.

``Scope`` is everything known before evaluation. What must be fetched (the clock, node outputs, object storage,
calendars) is a ``Fact``: the evaluator looks it up in ``Scope.facts`` and, if it isn't there, answers ``Missing``
with the facts to fetch. The caller fetches them and evaluates again. So evaluation itself has no effects, and the
same scope always gives the same answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ClockNow:
    """The present time. Its value is an ``int``: milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class NodeOutput:
    """What a node put out. Its value is a ``str``, or ``None`` for no output."""

    node: str


@dataclass(frozen=True, slots=True)
class ObsPathExists:
    """Whether a file, or a directory ending in "/", exists in object storage. Its value is a ``bool``."""

    path: str


@dataclass(frozen=True, slots=True)
class RunningData:
    """What a node recorded while running. Its value is a JSON text such as ``{"jobIds":["…"]}``, or ``None``."""

    node: str


@dataclass(frozen=True, slots=True)
class InsertJobId:
    """Id of the first insert statement of a node, or of any node when ``node`` is ``None``: ``str`` or ``None``."""

    node: str | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days of a named calendar, or of the job's own calendar when ``name`` is ``None``.

    Its value is a ``WorkCalendar``, or ``None`` if there is no such calendar.
    """

    name: str | None = None


Fact = ClockNow | NodeOutput | ObsPathExists | RunningData | InsertJobId | Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCalendar:
    """Working days: the usual weekdays (ISO numbers, Monday is 1) and the days that differ from them."""

    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    exceptions: Mapping[dt.date, bool] = field(default_factory=dict)

    def is_workday(self, day: dt.date) -> bool:
        """True if people work on that day."""
        exception = self.exceptions.get(day)
        return day.isoweekday() in self.weekdays if exception is None else exception


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopScope:
    """The data set of a For Each node, its current row, and the number of that row counted from 0."""

    data_array: Sequence[Sequence[object]]
    current: Sequence[object]
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on the work of one evaluation.

    ``steps``: parts of the expression plus units of work of costly functions (one unit is well under a
    microsecond to a few microseconds). ``depth``: levels of nesting. ``result_chars``: length of any text that
    comes up, also in between.
    """

    steps: int = 1_000_000
    depth: int = 100
    result_chars: int = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything an expression may see. ``time_zone`` is an IANA name or the ``GMT+8`` form."""

    job_name: str = ""
    project_id: str = ""
    plan_time_ms: int = 0
    start_time_ms: int | None = None
    time_zone: str = "UTC"
    parameters: Mapping[str, str] = field(default_factory=dict)
    node_status: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    event_data: str | None = None
    obs_new_files: str | Sequence[str] | None = None
    loop: LoopScope | None = None
    facts: Mapping[Fact, object] = field(default_factory=dict)
    limits: Limits = Limits()
    trace: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One evaluated sub-expression, for the preview: where it stands, what it gave."""

    expression: str
    position: int
    text: str
    type: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The answer: as text, as value, the name of its type, and (with ``Scope.trace``) how it came about."""

    text: str
    value: object
    type: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """No answer yet: fetch these facts and evaluate again."""

    facts: frozenset[Fact]
