"""Logs of nodes as objects: the bytes behind the path that `logPath` answers.

Under `obs://dlf-log-<project>/…` nothing is copied: the object is the log of the node's newest attempt, where it lies,
and grows with it. It can be read (`GET /obs/…`), not written, listed or deleted, by whoever may read the job's
instances. It comes before an object that somebody stored under the same path: any project may write there, and nobody
puts words into another's log. Once the log is cleared away, that object is read. The logs of a job with a `logPath` of
its own are copied there when they are whole (`engine/attempt_ends.py`): ordinary objects.
"""

from __future__ import annotations

import re

from arkwright.api.access import require
from arkwright.api.call import Call
from arkwright.core.instance import Instance
from arkwright.engine.log_names import bucket_of, log_path_of
from arkwright.engine.run_files import LogNow
from arkwright.iam.model import Action
from arkwright.nodes.base import AttemptKey
from arkwright.objects.paths import ObsPath

_KEY = re.compile(r"[^/]+/[^/]*-(\d{1,16})/([^/]+)/\2\.job")


async def own_base_of(call: Call, instance: Instance) -> str:
    """The `logPath` of the instance's job at its version; empty: it has none."""
    job = await call.parts.store.get_definition_version(instance.job_id, instance.job_version)
    base = job.body.get("logPath") if job is not None else None
    return base if isinstance(base, str) and base.startswith("obs://") else ""


async def find_log(call: Call, path: ObsPath) -> LogNow | None:
    """The log behind such a path; None: it is none of these, or the node has not begun. Raises `Forbidden`."""
    match = _KEY.fullmatch(path.key)
    if match is None or path.bucket != bucket_of(call.workspace.project_id):
        return None
    require(call.actor, Action.JOB_READ, call.workspace)
    instance = await call.parts.store.get_instance(call.place, int(match[1]))
    if instance is None:
        return None
    for run in instance.nodes:
        if run.attempt and log_path_of(instance, run.name) == str(path):
            key = AttemptKey(instance_id=instance.id, node=run.index, attempt=run.attempt)
            return await call.parts.run_files.log(key)
    return None
