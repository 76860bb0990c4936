"""What a new submitted version of a job, or its end, means for the job's schedule: in the same transaction."""

from __future__ import annotations

from arkwright.store.work import SCHEDULES, Transaction, Work, one

# What is overdue was due by the old version; the planner takes that up first.
_RESUBMITTED = """
    UPDATE schedule SET cursor_ms = ?, next_ms = ? WHERE job_id = ? AND state = 'SCHEDULING'
    AND (next_ms IS NULL OR next_ms > ?) RETURNING job_id"""
_FORGET = "DELETE FROM schedule WHERE job_id = ?"


def resubmitted(transaction: Transaction, job_id: int, at_ms: int) -> Work[None]:
    """What a running schedule plans from now on goes by the new version."""
    if (yield one(_RESUBMITTED, at_ms, at_ms, job_id, at_ms)):
        transaction.channels.add(SCHEDULES)


def forgotten(job_id: int) -> Work[None]:
    yield one(_FORGET, job_id)
