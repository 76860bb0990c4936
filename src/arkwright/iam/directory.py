"""Everybody and everything that a credential can name, in memory, with the look-up rules.

Theory of operation: the identity tables are small and read whole; look-ups are plain dict look-ups and never wait.
When another process writes, the store tells us; we mark the directory stale and tell the listeners at once (the token
cache empties itself), and the next request reloads before it is judged (`refresh`). So there is no background
task that could fail unseen, and a failing store fails the request instead of deciding with old rights.

This module looks up; `bootstrap`, `administration` and `login` decide what is written.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from arkwright.core.identity import (
    AccessKey,
    Domain,
    IdentityRecord,
    IdentitySnapshot,
    Member,
    Project,
    User,
    Workspace,
)
from arkwright.errors import Code, NotFound
from arkwright.iam.contract import IdentityStore
from arkwright.iam.model import Actor, Method, Role
from arkwright.iam.sealing import Sealer

_ROLES = frozenset(role.value for role in Role)
_REGION = re.compile(r"[a-z]{2}-[a-z0-9]+(-[a-z0-9]+)*(_.+)?")


@dataclass(frozen=True, slots=True)
class _Index:
    """One reading of the tables, ready to be asked."""

    domains: Mapping[str, Domain] = field(default_factory=dict)
    domains_by_name: Mapping[str, Domain] = field(default_factory=dict)
    projects: Mapping[str, Project] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    users_by_name: Mapping[tuple[str, str], User] = field(default_factory=dict)
    workspaces: Mapping[str, Workspace] = field(default_factory=dict)
    default_workspaces: Mapping[str, Workspace] = field(default_factory=dict)
    roles: Mapping[str, Mapping[str, Role]] = field(default_factory=dict)
    access_keys: Mapping[str, AccessKey] = field(default_factory=dict)


def _index(snapshot: IdentitySnapshot) -> _Index:
    roles: dict[str, dict[str, Role]] = defaultdict(dict)
    for member in snapshot.members:
        # An empty role is a member who was removed; an unknown one, of a newer program, grants nothing.
        if member.role in _ROLES:
            roles[member.user_id][member.workspace_id] = Role(member.role)
    return _Index(
        domains={domain.id: domain for domain in snapshot.domains},
        domains_by_name={domain.name: domain for domain in snapshot.domains},
        projects={project.id: project for project in snapshot.projects},
        users={user.id: user for user in snapshot.users},
        users_by_name={(user.domain_id, user.name): user for user in snapshot.users},
        workspaces={workspace.id: workspace for workspace in snapshot.workspaces if not workspace.deleted},
        default_workspaces={w.project_id: w for w in snapshot.workspaces if w.is_default},
        roles=dict(roles),
        access_keys={key.access_key: key for key in snapshot.access_keys},
    )


class Directory:
    """The identity tables in memory. Call `load` once before anything else."""

    def __init__(self, store: IdentityStore, sealer: Sealer) -> None:
        self.store = store
        self.sealer = sealer
        self.snapshot = IdentitySnapshot()
        self._index = _Index()
        self._listeners: list[Callable[[], None]] = []
        self._wanted = 1
        """Counts reasons to read; the tables in hand answer the first `_read` of them."""
        self._read = 0
        self._reading = asyncio.Lock()
        self._changing = asyncio.Lock()
        store.on_identity_changed(self._changed_elsewhere)

    # -- keeping up
    async def load(self) -> None:
        """Read the tables now, whatever we think of those in hand."""
        self._wanted += 1
        await self.refresh()

    async def refresh(self) -> None:
        """Read the tables if another process changed them. Cheap when nothing changed."""
        if self._read == self._wanted:
            return
        async with self._reading:
            if self._read == self._wanted:
                return
            wanted = self._wanted
            self.snapshot = await self.store.read_identity()
            self._index = _index(self.snapshot)
            # A change during the read leaves us behind `_wanted`, so the next caller reads again.
            self._read = wanted
            self._tell()

    async def change(self, rows: Callable[[], Sequence[IdentityRecord]]) -> None:
        """Write what `rows` decides on freshly read tables, then read again. One change at a time; what `rows`
        raises is raised, and nothing written."""
        async with self._changing:
            await self.load()
            decided = rows()
            if decided:
                await self.store.write_identity(decided)
                await self.load()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever something derived from the directory may be wrong from now on."""
        self._listeners.append(listener)

    def _changed_elsewhere(self) -> None:
        self._wanted += 1
        self._tell()

    def _tell(self) -> None:
        self.sealer.forget()
        for listener in self._listeners:
            listener()

    # -- domains and projects
    def domain(self, domain_id: str) -> Domain | None:
        return self._index.domains.get(domain_id)

    def domain_named(self, name: str) -> Domain | None:
        return self._index.domains_by_name.get(name)

    def only_domain(self) -> Domain | None:
        """The domain, if there is exactly one."""
        domains = self.snapshot.domains
        return domains[0] if len(domains) == 1 else None

    def project(self, project_id: str) -> Project | None:
        return self._index.projects.get(project_id)

    def projects_of(self, domain_id: str) -> Sequence[Project]:
        return [project for project in self.snapshot.projects if project.domain_id == domain_id]

    def projects_by_region(self, domain_id: str, name: str) -> Sequence[Project]:
        """What `GET /v3/projects?name=<region>` lists.

        The SDKs look a project up by the name of a region and expect exactly one match. A self-hosted
        installation has no regions, so any name stands for the domain's project while it has only one.
        """
        projects = self.projects_of(domain_id)
        exact = [project for project in projects if project.name == name]
        if exact or len(projects) != 1:
            return exact
        return projects

    def project_for_scope(self, domain_id: str, name: str) -> Project | None:
        """The project that a log-in names. As above, but only a name that looks like a region (`eu-de`,
        `cn-north-4`, `eu-de_sales`) stands for the only project: a misspelt name should not."""
        for project in self.projects_of(domain_id):
            if project.name == name:
                return project
        if not _REGION.fullmatch(name):
            return None
        matches = self.projects_by_region(domain_id, name)
        return matches[0] if matches else None

    # -- users and keys
    def user(self, user_id: str) -> User | None:
        return self._index.users.get(user_id)

    def user_named(self, domain_id: str, name: str) -> User | None:
        return self._index.users_by_name.get((domain_id, name))

    def users_of(self, domain_id: str) -> Sequence[User]:
        return [user for user in self.snapshot.users if user.domain_id == domain_id]

    def access_key(self, access_key: str) -> AccessKey | None:
        return self._index.access_keys.get(access_key)

    def access_keys_of(self, user_id: str) -> Sequence[AccessKey]:
        return [key for key in self.snapshot.access_keys if key.user_id == user_id]

    def secret_key(self, key: AccessKey) -> bytes:
        return self.sealer.unseal(key.access_key, key.sealed_secret)

    def actor(self, user: User, project_id: str | None, method: Method) -> Actor | None:
        """The user acting in a project of their own domain. None: disabled, or not their project."""
        domain = self._index.domains.get(user.domain_id)
        if not user.enabled or domain is None:
            return None
        if project_id is not None:
            project = self._index.projects.get(project_id)
            if project is None or project.domain_id != user.domain_id:
                return None
        return Actor(
            user_id=user.id,
            user_name=user.name,
            domain_id=domain.id,
            domain_name=domain.name,
            project_id=project_id,
            administrator=user.administrator,
            roles=self._index.roles.get(user.id, {}),
            method=method,
        )

    # -- workspaces
    def workspace(self, project_id: str, header: str | None) -> Workspace:
        """The workspace that a request's `workspace` header names; missing or empty: the project's default one.
        Raises `NotFound` with `WORKSPACE_NOT_FOUND`, also for a workspace of another project."""
        wanted = header.strip() if header else ""
        if not wanted:
            default = self._index.default_workspaces.get(project_id)
            if default is None:
                raise NotFound(
                    f"Project {project_id} has no default workspace.",
                    field="workspace",
                    hint="Send the id of a workspace in the header `workspace`.",
                    code=Code.WORKSPACE_NOT_FOUND,
                )
            return default
        workspace = self._index.workspaces.get(wanted)
        if workspace is None or workspace.project_id != project_id:
            raise NotFound(
                f"Workspace {wanted[:100]} does not exist in project {project_id}.",
                field="workspace",
                hint="The header `workspace` takes the id of a workspace; leave it out for the default one.",
                code=Code.WORKSPACE_NOT_FOUND,
            )
        return workspace

    def workspace_by_id(self, workspace_id: str) -> Workspace | None:
        return self._index.workspaces.get(workspace_id)

    def workspace_named(self, project_id: str, name: str) -> Workspace | None:
        for workspace in self.workspaces_of(project_id):
            if workspace.name == name:
                return workspace
        return None

    def workspaces_of(self, project_id: str) -> Sequence[Workspace]:
        return [each for each in self.snapshot.workspaces if each.project_id == project_id and not each.deleted]

    def members_of(self, workspace_id: str) -> Sequence[Member]:
        return [m for m in self.snapshot.members if m.workspace_id == workspace_id and m.role in _ROLES]
