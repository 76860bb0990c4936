"""Every route of the newer API."""

from __future__ import annotations

from arkwright.api.route import Route
from arkwright.api.v2 import (
    alarms,
    baselines,
    depend_instances,
    environment,
    instances,
    jobs,
    lineage,
    monitor,
    operations,
    patch_data,
    real_time,
    releases,
    search,
)

ROUTES: tuple[Route, ...] = (
    *jobs.ROUTES,
    *operations.ROUTES,
    *instances.ROUTES,
    *depend_instances.ROUTES,
    *real_time.ROUTES,
    *patch_data.ROUTES,
    *environment.ROUTES,
    *search.ROUTES,
    *releases.ROUTES,
    *alarms.ROUTES,
    *monitor.ROUTES,
    *lineage.ROUTES,
    *baselines.ROUTES,
)
