"""What the answer of one operation is good for in another one: the links of the OpenAPI document.

Rules: a link takes the values of path variables from the request or the answer of the operation that it starts at;
what both paths have in common (`project_id`) it passes on by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    to: str
    """Operation that it leads to."""
    parameters: Mapping[str, str]
    """Per path variable an expression for its value."""


_NAMED = "$request.body#/name"
_JOB = "$request.path.job_name"
_INSTANCE = "$response.body#/instanceId"


def _to(*operations: str, **parameters: str) -> tuple[Link, ...]:
    return tuple(Link(to=each, parameters=parameters) for each in operations)


_OF_A_JOB = (
    "showJob",
    "updateJob",
    "deleteJob",
    "runOnce",
    "startJob",
    "stopJob",
    "showJobStatus",
    "exportJob",
    "setFactoryJobTags",
    "showFactoryJobDependInstances",
    "listFactoryJobInstancesByName",
    "runFactoryJob",
    "updateFactoryJobName",
)
_OF_AN_INSTANCE = ("showJobInstance", "stopJobInstance", "restoreJobInstance", "showJobInstanceHistory")

LINKS: Mapping[str, tuple[Link, ...]] = {
    "createJob": _to(*_OF_A_JOB, job_name=_NAMED),
    "createFactoryJob": _to(*_OF_A_JOB, job_name=_NAMED),
    "updateJob": _to("showJob", "deleteJob", job_name=_NAMED),
    "updateFactoryJobName": _to("showJob", "deleteJob", job_name=_NAMED),
    "listJobs": _to("showJob", job_name="$response.body#/jobs/0/name"),
    "runOnce": (
        *_to(*_OF_AN_INSTANCE, "showFactoryJobInstance", job_name=_JOB, instance_id=_INSTANCE),
        *_to("showFactoryDependInstances", instance_id=_INSTANCE),
    ),
    "runFactoryJob": _to(*_OF_AN_INSTANCE, "stopFactoryJobInstance", job_name=_JOB, instance_id=_INSTANCE),
    "showJob": _to("listFactoryJobInstancesByName", "stopJob", job_name=_JOB),
    "createScript": _to("showScript", "updateScript", "deleteScript", "executeScript", script_name=_NAMED),
    "listScripts": _to("showScript", script_name="$response.body#/scripts/0/name"),
    "executeScript": _to(
        "listScriptResults",
        "cancelScript",
        script_name="$request.path.script_name",
        instance_id=_INSTANCE,
    ),
    "createResource": _to("showResource", "updateResource", "deleteResource", resource_id="$response.body#/resourceId"),
    "createConnection": _to("showConnection", "updateConnection", "deleteConnction", connection_name=_NAMED),
    "createConnections": _to(
        "showDataconnection",
        "updateDataconnection",
        "deleteDataconnection",
        data_connection_id="$response.body#/data_connection_id",
    ),
    "importJob": _to("listSystemTasks", task_id="$response.body#/taskId"),
    "importConnections": _to("listSystemTasks", task_id="$response.body#/taskId"),
    "createFactorySupplementDataInstance": _to("stopFactorySupplementDataInstance", instance_name=_NAMED),
    "createFactoryPendingItemsPackage": _to(
        "showFactoryPackageDetail", package_id="$response.body#/release_package_id"
    ),
    "listDataArtsStudioInstances": _to(
        "listManagerWorkSpaces",
        "createManagerWorkSpace",
        "createFactoryBaseline",
        "listSearchFactoryBaselines",
        instance_id="$response.body#/commodity_orders/0/resource_id",
    ),
    "createManagerWorkSpace": _to(
        "listWorkspaceusers", "addWorkSpaceUsers", "deleteWorkspaceusers", workspace_id="$response.body#/id"
    ),
    "listManagerWorkSpaces": _to(
        "showWorkSpace",
        instance_id="$request.path.instance_id",
        workspace_id="$response.body#/data/0/id",
    ),
    "createUser": _to("showUser", "disableUser", "enableUser", "setRole", user_id="$response.body#/id"),
}
