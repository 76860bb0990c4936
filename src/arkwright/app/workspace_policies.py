"""What the settings of workspaces mean for the parts below, as the directory says at the moment they ask."""

from __future__ import annotations

from arkwright.core.alerts import AlertPolicy, read_alert_policy
from arkwright.core.identity import Workspace
from arkwright.engine.retention import Keep, RetentionPolicy, read_policy
from arkwright.engine.room import NO_QUOTAS, Quotas, read_quotas
from arkwright.iam.directory import Directory
from arkwright.store.base import Place


class WorkspacePolicies:
    def __init__(self, directory: Directory, keep: Keep) -> None:
        """`keep`: how long things are kept where a workspace doesn't say."""
        self._directory = directory
        self._keep = keep

    def alerts(self, workspace_id: str) -> AlertPolicy:
        workspace = self._directory.workspace_by_id(workspace_id)
        return AlertPolicy() if workspace is None else read_alert_policy(workspace.settings)

    def quotas(self, workspace_id: str) -> Quotas:
        workspace = self._directory.workspace_by_id(workspace_id)
        return NO_QUOTAS if workspace is None else read_quotas(workspace.settings)

    def name(self, workspace_id: str) -> str:
        workspace = self._directory.workspace_by_id(workspace_id)
        return workspace_id if workspace is None else workspace.name

    def places(self) -> list[tuple[Place, str]]:
        """Every workspace that there is, and its time zone."""
        return [(_place(each), each.time_zone) for each in self._directory.snapshot.workspaces if not each.deleted]

    def retention(self) -> list[tuple[Place, RetentionPolicy]]:
        return [(_place(each), read_policy(each.settings, self._keep)) for each in self._directory.snapshot.workspaces]


def _place(workspace: Workspace) -> Place:
    return Place(project_id=workspace.project_id, workspace_id=workspace.id)
