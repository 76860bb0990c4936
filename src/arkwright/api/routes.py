"""Every route of the public API."""

from __future__ import annotations

from arkwright.api import health, obs, openapi
from arkwright.api.route import Route
from arkwright.api.v1 import (
    connections,
    data_connections,
    follow,
    instances,
    jobs,
    logs,
    management,
    real_time,
    resources,
    run_immediate,
    schedule,
    scripts,
    workspaces,
)
from arkwright.api.v2 import routes as v2
from arkwright.api.v3 import tokens

ROUTES: tuple[Route, ...] = (
    *health.ROUTES,
    *openapi.ROUTES,
    *tokens.ROUTES,
    *workspaces.ROUTES,
    *jobs.ROUTES,
    *run_immediate.ROUTES,
    *schedule.ROUTES,
    *real_time.ROUTES,
    *scripts.ROUTES,
    *instances.ROUTES,
    *logs.ROUTES,
    *follow.ROUTES,
    *connections.ROUTES,
    *resources.ROUTES,
    *obs.ROUTES,
    *v2.ROUTES,
    *data_connections.ROUTES,
    *management.ROUTES,
)
