"""When a job runs by itself: the records that the scheduler, the simulation and the API share.

`core/schedule_document.py` reads them out of a job's document, `core/fire_times.py` computes a cron's plan times,
`core/windows.py` what a dependency waits for. Nothing here decides anything.
"""

from __future__ import annotations

from enum import StrEnum

from arkwright.core.quartz import CronFields
from arkwright.core.record import Record


class ScheduleType(StrEnum):
    EXECUTE_ONCE = "EXECUTE_ONCE"
    """Only by hand or through the API."""
    CRON = "CRON"
    EVENT = "EVENT"


class Cycle(StrEnum):
    """The granularity of a plan, from fine to coarse. Dependencies go by it (factory-behaviour 4.5)."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    SEASON = "season"
    YEAR = "year"

    @property
    def rank(self) -> int:
        """0 is the finest."""
        return _RANKS[self]


_RANKS = {cycle: rank for rank, cycle in enumerate(Cycle)}


class Cron(Record, frozen=True, kw_only=True):
    """A plan by the clock. The expression alone decides when; `cycle` is what dependencies go by."""

    expression: str
    """As it was given."""
    fields: CronFields
    zone: str
    """An IANA name, or `GMT+8`. Fields are wall times of it."""
    cycle: Cycle
    discrete: bool = False
    """Hours (or minutes) are listed one by one instead of by a step."""
    start_ms: int | None = None
    """Inclusive. None: no bound."""
    end_ms: int | None = None
    """Inclusive. None: forever."""
    period: str = ""
    """The newer API's `period` ("1 hours"), as it was given; only kept."""


class DependencyPolicy(StrEnum):
    """A workspace setting: which instances of another job a run waits for."""

    TRADITIONAL = "TRADITIONAL"
    NATURAL = "NATURAL"


class Take(StrEnum):
    """How many of the instances in a window count."""

    DEFAULT = "DEFAULT"
    """As the policy's table says."""
    ALL = "ALL"
    ANY = "ANY"
    LAST = "LAST"


class DependFailPolicy(StrEnum):
    """What happens to a run when an instance that it waits for fails."""

    FAIL = "FAIL"
    """Cancelled (`manual-stop`)."""
    IGNORE = "IGNORE"
    """Runs all the same."""
    SUSPEND = "SUSPEND"
    """Goes on waiting, until the other one is rerun or forced to success."""


class Dependency(Record, frozen=True, kw_only=True):
    """One job that another one waits for."""

    job: str
    workspace: str = ""
    """Id of another workspace; empty: the job's own (unless `workspace_name` names another one)."""
    workspace_name: str = ""
    """Where the document names the workspace instead of giving its id."""
    periods_back: int = 0
    """0: the same cycle. N (1..30): each of the N cycles before."""
    take: Take = Take.DEFAULT
    fail_policy: DependFailPolicy = DependFailPolicy.FAIL


class CatchUp(StrEnum):
    """What becomes of plan times that passed while the server was down."""

    ALL = "ALL"
    LATEST = "LATEST"
    NONE = "NONE"


class EventType(StrEnum):
    KAFKA = "KAFKA"
    DIS = "DIS"
    OBS = "OBS"


class ReadPolicy(StrEnum):
    LAST = "LAST"
    """From the position reached last."""
    NEW = "NEW"
    """Only what arrives from now on."""


class EventFailPolicy(StrEnum):
    SUSPEND = "SUSPEND"
    IGNORE = "IGNORE"


class Event(Record, frozen=True, kw_only=True):
    """A plan by messages or files."""

    type: EventType
    channel: str = ""
    """Topic, stream or bucket."""
    connection: str = ""
    """Name of the Kafka connection."""
    fail_policy: EventFailPolicy = EventFailPolicy.SUSPEND
    concurrent: int = 1
    """1..128."""
    read_policy: ReadPolicy = ReadPolicy.LAST
    interval_seconds: int = 0
    """How often is looked for new messages. 0: not given."""


class ObsListening(Record, frozen=True, kw_only=True):
    """An instance waits for a file."""

    path: str
    """May hold EL."""
    interval_seconds: int
    """60..3600."""
    timeout_seconds: int
    """60..86400."""


class Schedule(Record, frozen=True, kw_only=True):
    """All that a job's document says about its runs without a caller."""

    type: ScheduleType
    cron: Cron | None = None
    """None beside type CRON: "no plan yet", which never fires."""
    event: Event | None = None
    dependencies: tuple[Dependency, ...] = ()
    self_dependent: bool = False
    """`dependPrePeriod`: a run waits until the one for the plan time before has succeeded."""
    concurrent: int | None = None
    """How many instances run at once; 1: one after another, whatever their ends. None: the general limit (five)."""
    wait_for_end: bool = False
    """"Run after the dependency ended": all instances of the cycle before must have ended first."""
    skip_waiting: bool = False
    """Minute and hour jobs: waiting older instances are skipped in favour of the newest."""
    manual_confirmation: bool = False
    calendar: str = ""
    """Name of a calendar; on days that are no working days the instance is a dry run."""
    catch_up: CatchUp | None = None
    """None: the workspace's."""
    waiting_days: int | None = None
    """Waiting instances older than this are cancelled. None: the workspace's; 0: never."""
    obs_listening: ObsListening | None = None
    task_group: str = ""
    priority: int = 0
    """0 high, 1 medium, 2 low."""
    dry_run: bool = False
