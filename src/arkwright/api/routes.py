"""Every route of the public API."""

from __future__ import annotations

from arkwright.api import health, openapi
from arkwright.api.route import Route
from arkwright.api.v1 import follow, instances, jobs, logs, run_immediate, scripts, workspaces
from arkwright.api.v3 import tokens

ROUTES: tuple[Route, ...] = (
    *health.ROUTES,
    *openapi.ROUTES,
    *tokens.ROUTES,
    *workspaces.ROUTES,
    *jobs.ROUTES,
    *run_immediate.ROUTES,
    *scripts.ROUTES,
    *instances.ROUTES,
    *logs.ROUTES,
    *follow.ROUTES,
)
