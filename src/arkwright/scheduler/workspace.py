"""What a workspace's settings say about scheduling."""

from __future__ import annotations

from arkwright.core.identity import Workspace
from arkwright.core.planning import INSTANCES_PER_JOB, WAITING_DAYS, PlanSettings
from arkwright.core.schedule import CatchUp, DependencyPolicy


def node_limit(workspace: Workspace | None) -> int:
    """How many nodes of the workspace run at once; 0: any number."""
    given = (workspace.settings.get("scheduling") or {}) if workspace is not None else {}
    return int(given.get("nodeLimit") or 0)


def may_depend_on(upstream: Workspace | None, downstream_id: str) -> bool:
    """Whether jobs of another workspace may wait for this one's: all (the default), none, or those that are listed."""
    if upstream is None or upstream.id == downstream_id:
        return True
    allowed = (upstream.settings.get("scheduling") or {}).get("dependents", "ALL")
    return allowed == "ALL" or (isinstance(allowed, list) and downstream_id in allowed)


def plan_settings(workspace: Workspace) -> PlanSettings:
    given = workspace.settings.get("scheduling") or {}
    days = given.get("waitingDays")
    return PlanSettings(
        dependency_policy=DependencyPolicy(given.get("dependencyPolicy") or DependencyPolicy.NATURAL),
        catch_up=CatchUp(given.get("catchUp") or CatchUp.ALL),
        waiting_days=WAITING_DAYS if days is None else int(days),
        instances_per_job=int(given.get("instancesPerJob") or INSTANCES_PER_JOB),
        time_zone=workspace.time_zone,
    )
