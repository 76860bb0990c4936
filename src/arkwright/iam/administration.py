"""Changes to who there is and who may what, for the API and the command line.

Rules:
* The caller has asked `can` before. Here only what would break the installation is refused.
* Each change is decided on freshly read tables and written whole (`Directory.change`).
* No record is deleted: users are disabled, access keys too, a removed member keeps a row with an empty role, a deleted
  workspace its row with a mark, so that what was done still names them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from arkwright.core.identity import AccessKey, IdentityRecord, Member, User, Workspace
from arkwright.errors import AlreadyExists, Code, IllegalState, InvalidInput, NotFound
from arkwright.iam.bootstrap import random_access_key, random_id, random_password, random_secret_key
from arkwright.iam.directory import Directory
from arkwright.iam.model import Role
from arkwright.iam.passwords import Passwords, check_acceptable

_OFFSET_ZONE = re.compile(r"(GMT|UTC)([+-]\d{1,2}(:\d\d)?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    user: User
    password: str

    def __repr__(self) -> str:  # the password stays out of logs and tracebacks
        return f"NewUser(name={self.user.name!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccessKey:
    access_key: str
    secret_key: str
    """Shown once; stored sealed."""

    def __repr__(self) -> str:
        return f"NewAccessKey(access_key={self.access_key!r})"


class Administration:
    """Writes identity records."""

    def __init__(self, directory: Directory, passwords: Passwords, now_ms: Callable[[], int]) -> None:
        self._directory = directory
        self._passwords = passwords
        self._now_ms = now_ms

    # -- users
    async def create_user(
        self, domain_id: str, name: str, *, password: str | None = None, administrator: bool = False
    ) -> NewUser:
        """None as password: make one. Raises `AlreadyExists`, `InvalidInput`, `NotFound`."""
        _check_name(name, "name")
        password = password if password is not None else random_password()
        check_acceptable(password)
        user = User(
            id=random_id(),
            name=name,
            domain_id=domain_id,
            password_hash=await self._passwords.hash(password),
            administrator=administrator,
            created_ms=self._now_ms(),
        )

        def rows() -> Sequence[IdentityRecord]:
            if self._directory.domain(domain_id) is None:
                raise NotFound(f"Domain {domain_id[:64]} does not exist.", field="domain_id")
            if self._directory.user_named(domain_id, name) is not None:
                raise AlreadyExists(f"There is a user {name} already.", field="name")
            return (user,)

        await self._directory.change(rows)
        return NewUser(user=user, password=password)

    async def disable_user(self, user_id: str) -> None:
        """Their tokens and access keys stop working at once. Raises `NotFound`, and `IllegalState` for the
        last administrator."""

        def rows() -> Sequence[IdentityRecord]:
            user = self._user(user_id)
            others = [u for u in self._directory.snapshot.users if u.administrator and u.enabled and u.id != user.id]
            if user.administrator and not others:
                raise IllegalState(
                    f"{user.name} is the last administrator and can't be disabled.",
                    hint="Make another administrator first.",
                )
            return (replace(user, enabled=False),)

        await self._directory.change(rows)

    async def enable_user(self, user_id: str) -> None:
        await self._directory.change(lambda: (replace(self._user(user_id), enabled=True),))

    async def reset_password(self, user_id: str, password: str | None = None) -> str:
        """The new password; None: make one. The user's tokens end; their access keys stay."""
        password = password if password is not None else random_password()
        check_acceptable(password)
        password_hash = await self._passwords.hash(password)
        await self._directory.change(lambda: (replace(self._user(user_id), password_hash=password_hash),))
        return password

    async def rotate_access_key(self, user_id: str) -> NewAccessKey:
        """A new access key; the user's others are disabled."""
        made = NewAccessKey(access_key=random_access_key(), secret_key=random_secret_key())

        def rows() -> Sequence[IdentityRecord]:
            user = self._user(user_id)
            old = [replace(key, enabled=False) for key in self._directory.access_keys_of(user.id) if key.enabled]
            new = AccessKey(
                access_key=made.access_key,
                sealed_secret=self._directory.sealer.seal(made.access_key, made.secret_key),
                user_id=user.id,
                created_ms=self._now_ms(),
            )
            return (*old, new)

        await self._directory.change(rows)
        return made

    # -- workspaces
    async def create_workspace(self, project_id: str, name: str, *, time_zone: str, created_by: str) -> Workspace:
        """Local programs are off in it until an administrator allows them. Raises `AlreadyExists`, `NotFound`,
        `InvalidInput`."""
        _check_name(name, "name")
        if not is_time_zone(time_zone):
            raise InvalidInput(f"time_zone {time_zone[:64]} is not known.", field="time_zone")
        workspace = Workspace(
            id=random_id(),
            name=name,
            project_id=project_id,
            is_default=False,
            time_zone=time_zone,
            local_programs_allowed=False,
            created_ms=self._now_ms(),
            created_by=created_by,
        )

        def rows() -> Sequence[IdentityRecord]:
            if self._directory.project(project_id) is None:
                raise NotFound(f"Project {project_id[:64]} does not exist.", field="project_id")
            if self._directory.workspace_named(project_id, name) is not None:
                raise AlreadyExists(f"There is a workspace {name} already.", field="name")
            return (workspace,)

        await self._directory.change(rows)
        return workspace

    async def update_workspace(self, workspace_id: str, *, name: str, settings: Mapping[str, str]) -> Workspace:
        """Settings that are not given stay. Raises `AlreadyExists`, `NotFound`, `InvalidInput`."""
        _check_name(name, "name")
        changed: list[Workspace] = []

        def rows() -> Sequence[IdentityRecord]:
            before = self._workspace(workspace_id)
            other = self._directory.workspace_named(before.project_id, name)
            if other is not None and other.id != before.id:
                raise AlreadyExists(f"There is a workspace {name} already.", field="name")
            changed[:] = [replace(before, name=name, settings={**before.settings, **settings})]
            return tuple(changed)

        await self._directory.change(rows)
        return changed[0]

    async def delete_workspaces(self, workspace_ids: Sequence[str]) -> None:
        """All or none; the caller has seen that they are empty. Raises `NotFound`, and `IllegalState` for a default
        workspace."""

        def rows() -> Sequence[IdentityRecord]:
            found = [self._workspace(each) for each in dict.fromkeys(workspace_ids)]
            for workspace in found:
                if workspace.is_default:
                    raise IllegalState(f"{workspace.name} is the default workspace and can't be deleted.")
            return [replace(each, deleted=True) for each in found]

        await self._directory.change(rows)

    async def set_role(self, workspace_id: str, user_id: str, role: Role | None) -> None:
        """None: not a member any more. Raises `NotFound`."""

        def rows() -> Sequence[IdentityRecord]:
            workspace = self._workspace(workspace_id)
            user = self._user(user_id)
            project = self._directory.project(workspace.project_id)
            if project is None or project.domain_id != user.domain_id:
                raise NotFound(f"User {user_id[:64]} does not exist in the workspace's domain.", field="user_id")
            return (Member(workspace_id=workspace.id, user_id=user.id, role="" if role is None else role.value),)

        await self._directory.change(rows)

    async def allow_local_programs(self, workspace_id: str, allowed: bool) -> None:
        """Whether nodes of the workspace may run programs on the server's machine: that trusts its members."""
        await self._directory.change(lambda: (replace(self._workspace(workspace_id), local_programs_allowed=allowed),))

    # -- both
    def _user(self, user_id: str) -> User:
        user = self._directory.user(user_id)
        if user is None:
            raise NotFound(f"User {user_id[:64]} does not exist.", field="user_id")
        return user

    def _workspace(self, workspace_id: str) -> Workspace:
        workspace = self._directory.workspace_by_id(workspace_id)
        if workspace is None:
            raise NotFound(
                f"Workspace {workspace_id[:64]} does not exist.", field="workspace_id", code=Code.WORKSPACE_NOT_FOUND
            )
        return workspace


def _check_name(name: str, field: str) -> None:
    if not (1 <= len(name) <= 64 and name.isprintable() and name == name.strip()):
        raise InvalidInput(f"{field} must have 1 to 64 printable characters, without spaces around.", field=field)


def is_time_zone(name: str) -> bool:
    """An IANA name, or an offset such as GMT+8."""
    if _OFFSET_ZONE.fullmatch(name):
        return True
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there; not a zone's name; a folder
        return False
    return True
