"""Who may do what: roles, actions, the table between them, and the one question `can`.

Rules:
* The table is that of the spec (factory-behaviour 7.4), a role per workspace; `enterprise` is the workspace's mode.
* Administrators of the installation may do everything; some actions are theirs alone (no role is granted them).
* Nothing is granted by default: an unknown workspace or role, or an action missing from the table, means no.
* Pure: no clock, no store. Which project a request may touch is decided before (`authentication`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum


class Role(StrEnum):
    """What a member of a workspace is there for."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    DEPLOYER = "deployer"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Action(StrEnum):
    """What somebody may want to do to a family of things in a workspace."""

    JOB_READ = "job.read"
    """Jobs, their instances, logs, statistics, PatchData."""
    JOB_CREATE = "job.create"
    JOB_EDIT = "job.edit"
    JOB_DELETE = "job.delete"
    JOB_OPERATE = "job.operate"
    """Run, stop, schedule, import, export; also single instances and nodes."""
    JOB_RERUN = "job.rerun"
    JOB_PRODUCE = "job.produce"
    """Save with targetStatus PRODUCTION."""
    SCRIPT_READ = "script.read"
    SCRIPT_CREATE = "script.create"
    SCRIPT_EDIT = "script.edit"
    SCRIPT_DELETE = "script.delete"
    SCRIPT_OPERATE = "script.operate"
    RESOURCE_READ = "resource.read"
    RESOURCE_CREATE = "resource.create"
    RESOURCE_EDIT = "resource.edit"
    RESOURCE_DELETE = "resource.delete"
    CONNECTION_READ = "connection.read"
    CONNECTION_CREATE = "connection.create"
    CONNECTION_EDIT = "connection.edit"
    CONNECTION_DELETE = "connection.delete"
    CONNECTION_OPERATE = "connection.operate"
    """Test, import, export."""
    ENVIRONMENT_READ = "environment.read"
    ENVIRONMENT_EDIT = "environment.edit"
    NOTIFICATION_READ = "notification.read"
    NOTIFICATION_CREATE = "notification.create"
    LOCK_EDIT = "lock.edit"
    TAG_READ = "tag.read"
    TAG_EDIT = "tag.edit"
    RELEASE_READ = "release.read"
    RELEASE_CREATE = "release.create"
    RELEASE_APPROVE = "release.approve"
    REVIEW_READ = "review.read"
    REVIEW_APPROVE = "review.approve"
    """Decide in the review centre of a workspace in simple mode."""
    AUDIT_READ = "audit.read"
    WORKSPACE_READ = "workspace.read"
    """The workspace itself and its members."""
    WORKSPACE_MANAGE = "workspace.manage"
    """Its settings, members and roles."""
    WORKSPACE_CREATE = "workspace.create"
    LOCAL_PROGRAMS_ALLOW = "local_programs.allow"
    """Let a workspace run programs on the server's machine: that trusts its members with the machine."""
    USER_MANAGE = "user.manage"
    """Create, disable and reset users, rotate their access keys."""


class Grant(Enum):
    """A cell of the table."""

    YES = "Y"
    SIMPLE_MODE_ONLY = "Y, not in enterprise mode"
    NO = "-"


_Y, _S, _N = Grant.YES, Grant.SIMPLE_MODE_ONLY, Grant.NO

# Columns: admin, developer, deployer, operator, viewer. Down to JOB_PRODUCE these are the spec's rows, top to bottom,
# split where a row's cells differ; resources and connections follow the rows of scripts, being treated alike.
_ROWS: tuple[tuple[tuple[Action, ...], tuple[Grant, Grant, Grant, Grant, Grant]], ...] = (
    (
        (
            Action.JOB_CREATE,
            Action.JOB_DELETE,
            Action.SCRIPT_CREATE,
            Action.SCRIPT_EDIT,
            Action.SCRIPT_DELETE,
            Action.RESOURCE_CREATE,
            Action.RESOURCE_EDIT,
            Action.RESOURCE_DELETE,
            Action.CONNECTION_CREATE,
            Action.CONNECTION_EDIT,
            Action.CONNECTION_DELETE,
        ),
        (_Y, _Y, _N, _N, _N),
    ),
    ((Action.JOB_EDIT,), (_Y, _Y, _N, _Y, _N)),
    ((Action.JOB_OPERATE, Action.SCRIPT_OPERATE, Action.CONNECTION_OPERATE), (_Y, _Y, _N, _Y, _N)),
    ((Action.JOB_RERUN,), (_Y, _S, _N, _Y, _N)),
    (
        (
            Action.JOB_READ,
            Action.SCRIPT_READ,
            Action.RESOURCE_READ,
            Action.CONNECTION_READ,
            Action.ENVIRONMENT_READ,
            Action.NOTIFICATION_READ,
            Action.TAG_READ,
            Action.REVIEW_READ,
        ),
        (_Y, _Y, _N, _Y, _Y),
    ),
    ((Action.LOCK_EDIT, Action.TAG_EDIT), (_Y, _Y, _N, _Y, _N)),
    ((Action.NOTIFICATION_CREATE,), (_Y, _S, _N, _N, _N)),
    ((Action.ENVIRONMENT_EDIT,), (_Y, _S, _N, _N, _N)),
    ((Action.RELEASE_CREATE,), (_Y, _Y, _N, _N, _N)),
    ((Action.RELEASE_APPROVE,), (_Y, _N, _Y, _N, _N)),
    ((Action.JOB_PRODUCE,), (_Y, _N, _N, _N, _N)),
    # Not in the spec's table. Who approves a package must see it; who is a member must see where.
    ((Action.RELEASE_READ, Action.WORKSPACE_READ), (_Y, _Y, _Y, _Y, _Y)),
    ((Action.REVIEW_APPROVE, Action.AUDIT_READ, Action.WORKSPACE_MANAGE), (_Y, _N, _N, _N, _N)),
    # For administrators of the installation alone.
    ((Action.WORKSPACE_CREATE, Action.LOCAL_PROGRAMS_ALLOW, Action.USER_MANAGE), (_N, _N, _N, _N, _N)),
)

GRANTS: Mapping[Role, Mapping[Action, Grant]] = {
    role: {action: grants[column] for actions, grants in _ROWS for action in actions}
    for column, role in enumerate(Role)
}
"""The whole table: every role, every action."""

# Both modes spelt out, so that the question is one look-up.
_ALLOWED: Mapping[Role, frozenset[Action]] = {
    role: frozenset(action for action, grant in cells.items() if grant is not Grant.NO)
    for role, cells in GRANTS.items()
}
_ALLOWED_ENTERPRISE: Mapping[Role, frozenset[Action]] = {
    role: frozenset(action for action, grant in cells.items() if grant is Grant.YES) for role, cells in GRANTS.items()
}


class Method(StrEnum):
    """How somebody proved who they are."""

    PASSWORD_TOKEN = "password-token"  # noqa: S105  a name, not a secret
    AKSK = "aksk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody who proved who they are, for one request."""

    user_id: str
    user_name: str
    domain_id: str
    domain_name: str
    project_id: str | None
    """The project the credential is for; None: a domain-scoped token, or a signed call that names no project."""
    administrator: bool = False
    """Administrator of the whole installation."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Workspace id to role."""
    method: Method = Method.PASSWORD_TOKEN


def can(actor: Actor, action: Action, workspace_id: str | None, *, enterprise: bool = False) -> bool:
    """Whether `actor` may do `action` in that workspace (None: an action outside of workspaces)."""
    if actor.administrator:
        return True
    if workspace_id is None:
        return False
    role = actor.roles.get(workspace_id)
    if role is None:
        return False
    return action in (_ALLOWED_ENTERPRISE if enterprise else _ALLOWED)[role]
