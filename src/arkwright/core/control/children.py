"""What a node that runs other jobs remembers of them: which row is done, which failed, how far it is.

Small whatever the number of rows: two sets of row numbers as hexadecimal bitmaps. What each row is given is not here
but in the attempt's request (`commands.OpenChildren`), written once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arkwright.core.record import Record


class PinnedJob(Record, frozen=True, kw_only=True):
    """A job that an instance may run: the version it had when the instance began, and those of its scripts."""

    job_id: int
    version: int
    script_versions: Mapping[str, tuple[int, int]] = {}
    """Per script name the (definition id, version)."""
    masked: tuple[str, ...] = ()
    """Names of its masked parameters: what it is given for them is sealed."""


class Parent(Record, frozen=True, kw_only=True):
    """Whose child an instance is: the node run of another instance, and the row of its dataset."""

    instance_id: int
    node: int
    attempt: int
    row: int


class ChildRequest(Record, frozen=True, kw_only=True):
    """What one child is given."""

    row: int
    name: str
    """What the instance is called: `<node>_<suffix>` of a For Each, the job's name of a Subjob."""
    parameters: Mapping[str, str] = {}


class Children(Record, frozen=True, kw_only=True):
    """The children of one node run. A row is under way when it is below `next` and in neither set."""

    job_name: str
    total: int
    concurrency: int
    digest: str
    """Of job name and all rows' parameters: only the same rows may be resumed."""
    next: int = 0
    """Rows below it have been started, or need not be."""
    succeeded: str = ""
    """Rows that need not run (again), as a hexadecimal bitmap; those of earlier attempts stay in it."""
    failed: str = ""
    """Rows that failed in this attempt."""
    first_failure: str | None = None

    @property
    def running(self) -> int:
        started = (1 << self.next) - 1
        return (started & ~(_bits(self.succeeded) | _bits(self.failed))).bit_count()

    @property
    def left(self) -> bool:
        """Whether rows are still to be started."""
        later = ((1 << self.total) - 1) & ~((1 << self.next) - 1)
        return bool(later & ~_bits(self.succeeded))

    @property
    def succeeded_count(self) -> int:
        return _bits(self.succeeded).bit_count()

    @property
    def failed_count(self) -> int:
        return _bits(self.failed).bit_count()

    def has_succeeded(self, row: int) -> bool:
        return bool(_bits(self.succeeded) >> row & 1)

    def has_failed(self, row: int) -> bool:
        return bool(_bits(self.failed) >> row & 1)

    def failed_rows(self) -> Iterator[int]:
        bits = _bits(self.failed)
        while bits:
            low = bits & -bits
            yield low.bit_length() - 1
            bits ^= low

    def under_way(self) -> Iterator[int]:
        """Rows that were started and have not ended."""
        done = _bits(self.succeeded) | _bits(self.failed)
        return (row for row in range(self.next) if not done >> row & 1)


def with_row(bitmap: str, row: int) -> str:
    return f"{_bits(bitmap) | 1 << row:x}"


def without_row(bitmap: str, row: int) -> str:
    return f"{_bits(bitmap) & ~(1 << row):x}"


def _bits(bitmap: str) -> int:
    return int(bitmap, 16) if bitmap else 0
