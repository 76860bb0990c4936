"""Workers and what they prove themselves with, as they are stored. `iam/` and `store/` both know these records."""

from __future__ import annotations

from arkwright.core.record import Record

HERE = "local"
"""In the place of a group of workers: the server's own machine."""
GROUP = "workerGroup"
"""A node's property, and a job's field: the group of workers that is to run it."""
JOB_GROUP = "jobWorkerGroup"
"""The job's, among the properties of each of its nodes that names none."""


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
