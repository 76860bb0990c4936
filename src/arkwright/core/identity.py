"""Who there is: domains, projects, users, workspaces, roles, keys and tokens, as they are stored.

`iam/` decides with these records; `store/` keeps them; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from arkwright.core.instance import ConditionPolicy
from arkwright.core.record import Record
from arkwright.core.rules import Rules, SkipPolicy

PLAIN_FORMAT, DLF_FORMAT = "${}", "${dlf.}"
"""Forms of a parameter in a text, as the documents write them."""
_NO_RULES = Rules()


class Domain(Record, frozen=True, kw_only=True):
    id: str
    name: str


class Project(Record, frozen=True, kw_only=True):
    id: str
    name: str
    domain_id: str


class User(Record, frozen=True, kw_only=True):
    id: str
    name: str
    domain_id: str
    password_hash: str
    enabled: bool = True
    administrator: bool = False
    """Administrator of the whole installation."""
    created_ms: int = 0


class Workspace(Record, frozen=True, kw_only=True):
    id: str
    name: str
    project_id: str
    is_default: bool
    time_zone: str
    local_programs_allowed: bool
    settings: Mapping[str, Any] = {}
    created_ms: int = 0
    created_by: str = ""
    deleted: bool = False
    """The record stays, because history names it; nobody finds it any more."""

    @property
    def condition_policy(self) -> ConditionPolicy:
        """For instances made from now on."""
        given = self.settings.get("conditionPolicy")
        return ConditionPolicy(given) if given else ConditionPolicy.OR

    @property
    def rules(self) -> Rules:
        """For instances made from now on."""
        if not self.settings:
            return _NO_RULES
        get = self.settings.get
        return Rules(
            skip_policy=SkipPolicy(get("skipPolicy") or SkipPolicy.ALL),
            variable_prefix="dlf." if get("variableFormat") == DLF_FORMAT else "",
            simple_variables=bool(get("simpleVariables")),
            timeout_without_waiting=bool(get("excludeWaitingFromTimeout")),
            node_limit=bool((get("scheduling") or {}).get("nodeLimit")),
        )


class Member(Record, frozen=True, kw_only=True):
    workspace_id: str
    user_id: str
    role: str


class AccessKey(Record, frozen=True, kw_only=True):
    access_key: str
    sealed_secret: bytes
    """The secret key, encrypted with the installation's key file."""
    user_id: str
    enabled: bool = True
    created_ms: int = 0


class Token(Record, frozen=True, kw_only=True):
    token_hash: bytes
    user_id: str
    project_id: str | None
    domain_id: str
    issued_ms: int
    expires_ms: int


class IdentitySnapshot(Record, frozen=True, kw_only=True):
    """All of the identity tables but the tokens: small, read at start and after each change."""

    domains: Sequence[Domain] = ()
    projects: Sequence[Project] = ()
    users: Sequence[User] = ()
    workspaces: Sequence[Workspace] = ()
    members: Sequence[Member] = ()
    access_keys: Sequence[AccessKey] = ()


IdentityRecord = Domain | Project | User | Workspace | Member | AccessKey
