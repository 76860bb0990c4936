"""Workers, the ways to them, and what they prove themselves with, as they are stored and told.

`iam/`, `store/` and `executors/` all know these records.
"""

from __future__ import annotations

from collections.abc import Sequence

from arkwright.core.record import Record

HERE = "local"
"""In the place of a group of workers: the server's own machine."""
GROUP = "workerGroup"
"""A node's property, and a job's field: the group of workers that is to run it."""
JOB_GROUP = "jobWorkerGroup"
"""The job's, among the properties of each of its nodes that names none."""


class Way(Record, frozen=True, kw_only=True):
    """A scheduler by which a server reaches workers."""

    url: str
    groups: tuple[str, ...] = ()
    """Those whose attempts go by it."""
    others: bool = False
    """Whether those of all groups go by it that no way of the server names."""
    connected: bool = False
    """Whether it can be reached now."""


def ways_to(group: str, ways: Sequence[Way]) -> tuple[Way, ...]:
    """Those of a server's ways by which a group's attempts go."""
    named = tuple(each for each in ways if group in each.groups)
    return named or tuple(each for each in ways if each.others)


class Worker(Record, frozen=True, kw_only=True):
    """A worker, as it last told of itself."""

    name: str
    groups: tuple[str, ...]
    version: str
    slots: int
    """Attempts that it runs at once."""
    running: int
    draining: bool
    since_ms: int
    seen_ms: int
    token_id: int
    lease_until_ms: int
    """It counts as there until then."""


class WorkerToken(Record, frozen=True, kw_only=True):
    """Allows the runner's routes for some groups, and nothing else."""

    id: int
    token_hash: bytes
    groups: tuple[str, ...]
    created_ms: int
    created_by: str
    expires_ms: int
    revoked_ms: int | None = None
