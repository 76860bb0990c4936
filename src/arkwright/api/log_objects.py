"""Logs of nodes as objects: the path that `logPath` answers, and the bytes behind it.

Decided here: the documented pattern, `obs://dlf-log-<project>/<job>/<plan time>/<node>/<node>.job`, in which the plan
time is followed by the instance's id, since instances may share a plan time. Nothing is copied: the object is the log
of the node's newest attempt, where it lies, and grows with it. It can be read (`GET /obs/…`), not written, listed or
deleted, by whoever may read the job's instances. An object that somebody stored under the same path comes first.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import datetime
from pathlib import Path

from arkwright.api.access import require
from arkwright.api.call import Call
from arkwright.core.instance import Instance, NodeRun
from arkwright.el.java_zones import find_zone
from arkwright.iam.model import Action
from arkwright.objects.paths import SCHEME, ObsPath

CHUNK_BYTES = 256 * 1024
_BUCKET = "dlf-log-"
_KEY = re.compile(r"[^/]+/[^/]*-(\d{1,16})/([^/]+)/\2\.job")


def bucket_of(project_id: str) -> str:
    return f"{_BUCKET}{project_id.lower()}"


def log_path_of(instance: Instance, run: NodeRun) -> str:
    at = datetime.fromtimestamp(instance.plan_time_ms / 1000, find_zone(instance.time_zone).info)
    plan_time = f"{at:%Y-%m-%d %H_%M_%S}.{instance.plan_time_ms % 1000:03d}-{instance.id}"
    node = _segment(run.name)
    return f"{SCHEME}{bucket_of(instance.project_id)}/{instance.job_name}/{plan_time}/{node}/{node}.job"


async def find_log(call: Call, path: ObsPath) -> Path | None:
    """The file behind such a path; None: it is none of these, or the node has not begun. Raises `Forbidden`."""
    match = _KEY.fullmatch(path.key)
    if match is None or path.bucket != bucket_of(call.workspace.project_id):
        return None
    require(call.actor, Action.JOB_READ, call.workspace)
    instance = await call.parts.store.get_instance(call.place, int(match[1]))
    if instance is None:
        return None
    for run in instance.nodes:
        if run.attempt and log_path_of(instance, run) == str(path):
            return call.parts.log_path(instance.id, run.index, run.attempt)
    return None


def pieces(file: Path, start: int, end: int) -> Generator[bytes, None, None]:
    """Blocks. What is not there (yet) is empty."""
    try:
        with file.open("rb") as opened:
            opened.seek(start)
            while start < end and (piece := opened.read(min(CHUNK_BYTES, end - start))):
                start += len(piece)
                yield piece
    except FileNotFoundError:
        return


def _segment(name: str) -> str:
    """A node's name as one segment of a key."""
    plain = name.replace("/", "_")
    return plain if plain not in {".", ".."} else "_"
