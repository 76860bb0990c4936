"""The first start: one domain, one project, the workspace `default`, an administrator and their access key.

Rules:
* Values may be given; what is not given is made at random. Ids come from the installation's random id, so that two
  servers that start together on one empty database make the same rows.
* `keep` is called with the credentials before anything is stored: a crash in between leaves a file that the next
  start replaces, never an administrator whose password nobody knows.
* Later starts change nothing. A given value that is not the stored one is ignored, and a warning says so.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arkwright.core.identity import AccessKey, Domain, Member, Project, User, Workspace
from arkwright.errors import SettingInvalid
from arkwright.iam.directory import Directory
from arkwright.iam.model import Role
from arkwright.iam.passwords import SHORTEST, Passwords

DEFAULT_WORKSPACE = "default"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Values for the first start. None: make one."""

    project_id: str | None = None
    project_name: str = "arkwright"
    domain_name: str | None = None
    admin_user: str | None = None
    admin_password: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    time_zone: str = "UTC"
    """Of the workspace `default`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What somebody needs to use the new installation."""

    domain_name: str
    project_id: str
    project_name: str
    workspace_id: str
    user_name: str
    password: str
    access_key: str
    secret_key: str

    def __repr__(self) -> str:  # secrets stay out of logs and tracebacks
        return f"Credentials(user_name={self.user_name!r}, access_key={self.access_key!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    created: Credentials | None
    """None: the installation was there already."""
    warnings: Sequence[str] = ()


async def bootstrap(
    directory: Directory, passwords: Passwords, given: Given, *, now_ms: int, keep: Callable[[Credentials], None]
) -> Outcome:
    """Load the directory, and fill it if it is empty. Raises `SettingInvalid` for values that can't be used."""
    await directory.load()
    if directory.snapshot.domains:
        return Outcome(created=None, warnings=await _differences(directory, passwords, given))
    _check(given)
    installation = await directory.store.installation_id()
    made = Credentials(
        domain_name=given.domain_name or "arkwright",
        project_id=given.project_id or _derived_id(installation, "project"),
        project_name=given.project_name,
        workspace_id=_derived_id(installation, "workspace"),
        user_name=given.admin_user or "admin",
        password=given.admin_password or random_password(),
        access_key=given.access_key or random_access_key(),
        secret_key=given.secret_key or random_secret_key(),
    )
    domain = Domain(id=_derived_id(installation, "domain"), name=made.domain_name)
    user = User(
        id=_derived_id(installation, "administrator"),
        name=made.user_name,
        domain_id=domain.id,
        password_hash=await passwords.hash(made.password),
        administrator=True,
        created_ms=now_ms,
    )
    workspace = Workspace(
        id=made.workspace_id,
        name=DEFAULT_WORKSPACE,
        project_id=made.project_id,
        is_default=True,
        time_zone=given.time_zone,
        local_programs_allowed=True,
        created_ms=now_ms,
        created_by=user.name,
    )
    key = AccessKey(
        access_key=made.access_key,
        sealed_secret=directory.sealer.seal(made.access_key, made.secret_key),
        user_id=user.id,
        created_ms=now_ms,
    )
    keep(made)
    await directory.store.write_identity(
        (
            domain,
            Project(id=made.project_id, name=made.project_name, domain_id=domain.id),
            user,
            workspace,
            Member(workspace_id=workspace.id, user_id=user.id, role=Role.ADMIN),
            key,
        )
    )
    await directory.load()
    warnings = []
    if len(made.password) < SHORTEST:
        warnings.append(f"The administrator's password is shorter than {SHORTEST} characters.")
    return Outcome(created=made, warnings=warnings)


async def _differences(directory: Directory, passwords: Passwords, given: Given) -> list[str]:
    """A warning for each given value that is not the stored one."""
    warnings = []

    def ignored(what: str, value: str) -> None:
        warnings.append(f"The given {what} {value} is ignored: this installation was set up with another one.")

    if given.project_id is not None and directory.project(given.project_id) is None:
        ignored("project id", given.project_id)
    if given.domain_name is not None and directory.domain_named(given.domain_name) is None:
        ignored("domain", given.domain_name)
    named = given.admin_user or "admin"
    user = next((user for user in directory.snapshot.users if user.name == named and user.administrator), None)
    if given.admin_user is not None and user is None:
        ignored("administrator", given.admin_user)
    if given.admin_password is not None and user is not None:
        verdict = await passwords.verify(user.password_hash, given.admin_password)
        if not verdict.correct:
            warnings.append(f"The given password is ignored: the password of {user.name} is another one by now.")
    if given.access_key is not None:
        key = directory.access_key(given.access_key)
        if key is None:
            ignored("access key", given.access_key)
        elif given.secret_key is not None and directory.secret_key(key) != given.secret_key.encode():
            warnings.append(f"The given secret key is ignored: that of access key {key.access_key} is another one.")
    return warnings


def _check(given: Given) -> None:
    if given.project_id is not None and not _ID.fullmatch(given.project_id):
        raise SettingInvalid("The project id (ARKWRIGHT_PROJECT_ID) must have 1 to 64 letters, digits, - and _.")
    if given.access_key is not None and not _KEY.fullmatch(given.access_key):
        raise SettingInvalid("The access key (ARKWRIGHT_ACCESS_KEY) must have 1 to 128 letters, digits, - and _.")
    for what, name in (
        ("domain", given.domain_name),
        ("administrator's name", given.admin_user),
        ("project name", given.project_name),
    ):
        if name is not None and not (1 <= len(name) <= 64 and name.isprintable() and name == name.strip()):
            raise SettingInvalid(f"The {what} must have 1 to 64 printable characters, without spaces around.")


def _derived_id(installation: str, what: str) -> str:
    return hashlib.sha256(f"{installation} {what}".encode()).hexdigest()[:32]


def _random_text(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def random_id() -> str:
    """32 hex digits, as all ids of this kind."""
    return secrets.token_hex(16)


def random_password() -> str:
    return _random_text(string.ascii_letters + string.digits, 24)


def random_access_key() -> str:
    """20 capitals and digits, as those of the cloud."""
    return _random_text(string.ascii_uppercase + string.digits, 20)


def random_secret_key() -> str:
    """40 letters and digits, as those of the cloud."""
    return _random_text(string.ascii_letters + string.digits, 40)
