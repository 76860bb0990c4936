"""Every route of the public API."""

from __future__ import annotations

from arkwright.api import audit, health, obs, openapi, users
from arkwright.api.route import Route
from arkwright.api.v1 import (
    connections,
    data_connections,
    directory,
    exports,
    follow,
    imports,
    instances,
    jobs,
    logs,
    management,
    operations,
    preview,
    real_time,
    resources,
    run_immediate,
    schedule,
    script_runs,
    scripts,
    system_tasks,
    workspace_settings,
    workspaces,
)
from arkwright.api.v2 import routes as v2
from arkwright.api.v3 import tokens

ROUTES: tuple[Route, ...] = (
    *health.ROUTES,
    *openapi.ROUTES,
    *tokens.ROUTES,
    *workspaces.ROUTES,
    *workspace_settings.ROUTES,
    *jobs.ROUTES,
    *run_immediate.ROUTES,
    *schedule.ROUTES,
    *real_time.ROUTES,
    *scripts.ROUTES,
    *script_runs.ROUTES,
    *directory.ROUTES,
    *instances.ROUTES,
    *logs.ROUTES,
    *follow.ROUTES,
    *operations.ROUTES,
    *preview.ROUTES,
    *connections.ROUTES,
    *resources.ROUTES,
    *exports.ROUTES,
    *imports.ROUTES,
    *system_tasks.ROUTES,
    *obs.ROUTES,
    *users.ROUTES,
    *audit.ROUTES,
    *v2.ROUTES,
    *data_connections.ROUTES,
    *management.ROUTES,
)
