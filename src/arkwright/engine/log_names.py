"""The names that logs of nodes have as objects.

The documented pattern, `<base>/<job>/<plan time>/<node>/<node>.job`, in which the plan time is followed by the
instance's id, since instances may share a plan time. The base is the job's own `logPath`, else
`obs://dlf-log-<project>`.
"""

from __future__ import annotations

from datetime import datetime

from arkwright.core.instance import Instance
from arkwright.el.java_zones import find_zone
from arkwright.objects.paths import SCHEME

_BUCKET = "dlf-log-"


def bucket_of(project_id: str) -> str:
    return f"{_BUCKET}{project_id.lower()}"


def log_path_of(instance: Instance, node_name: str, own_base: str = "") -> str:
    """`own_base`: the job's `logPath`."""
    at = datetime.fromtimestamp(instance.plan_time_ms / 1000, find_zone(instance.time_zone).info)
    plan_time = f"{at:%Y-%m-%d %H_%M_%S}.{instance.plan_time_ms % 1000:03d}-{instance.id}"
    node = _segment(node_name)
    base = own_base.rstrip("/") or f"{SCHEME}{bucket_of(instance.project_id)}"
    return f"{base}/{instance.job_name}/{plan_time}/{node}/{node}.job"


def _segment(name: str) -> str:
    """A node's name as one segment of a key."""
    plain = name.replace("/", "_")
    return plain if plain not in {".", ".."} else "_"
