"""Jobs, scripts and other named documents with versions, as the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from arkwright.store.place import Page, Place


class Kind(StrEnum):
    """Kinds of definitions; names are unique per workspace and kind."""

    JOB = "job"
    SCRIPT = "script"
    RESOURCE = "resource"
    CONNECTION = "connection"
    SCHEDULE = "schedule"
    """What a job's schedule was last started with; named by the job's id."""
    ENVIRONMENT = "environment"
    """The workspace's variables, one document."""
    PATCH_DATA = "patch-data"
    PENDING_ITEM = "pending-item"
    RELEASE_PACKAGE = "release-package"
    APPROVAL = "approval"
    ALARM_RULE = "alarm-rule"
    ALERT_TOPIC = "alert-topic"
    """Whom notices go to."""
    BASELINE = "baseline"
    BASELINE_INSTANCE = "baseline-instance"
    BASELINE_EVENT = "baseline-event"
    SCRIPT_RUN = "script-run"
    """The hidden job of one node that a script is executed with; named as the script."""
    REAL_TIME_NODE = "real-time-node"
    """The hidden job that a node of a real-time job runs as; named `JOB_NODE`."""
    CALENDAR = "calendar"
    """Which days are working days: `{"default", "changed": {day: works}}`."""
    TASK_GROUP = "task-group"
    """How many nodes of a group run at once: `{"limit"}`."""
    SYSTEM_TASK = "system-task"
    """An asynchronous task (an import) with its subtasks; its category is its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A named, versioned document. Versions count from 1 and are immutable."""

    id: int
    place: Place
    kind: Kind
    name: str
    category: str
    """Jobs: BATCH or REAL_TIME. Scripts: the script type."""
    directory: str
    status: str
    """Jobs: the scheduling state (STOPPED, SCHEDULING, PAUSED, …); empty otherwise."""
    version: int
    """The version of `body`."""
    latest_version: int
    submitted_version: int | None
    created_ms: int
    created_by: str
    updated_ms: int
    updated_by: str
    body: Mapping[str, Any]
    """The document as it was sent, unknown fields included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionWrite:
    name: str
    category: str
    directory: str
    body: Mapping[str, Any]
    submit: bool
    """Whether this version becomes the submitted one too."""
    actor: str
    at_ms: int
    status: str = ""
    submitted_body: Mapping[str, Any] | None = None
    """A version that is written just before this one, in the same transaction, and becomes the submitted one; `submit`
    is then False."""
    expected_version: int | None = None
    """What must be the newest version for this to be written: what the writer has seen. None: whatever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedVersion:
    """One version of a definition, as lists show it."""

    version: int
    created_ms: int
    created_by: str
    body: Mapping[str, Any]


class DefinitionStore(Protocol):
    """Part of `arkwright.store.base.Store`."""

    # -- definitions
    async def create_definition(self, place: Place, kind: Kind, write: DefinitionWrite) -> Definition:
        """Raises `AlreadyExists` if the name is taken."""
        ...

    async def save_definition(self, place: Place, kind: Kind, name: str, write: DefinitionWrite) -> Definition:
        """A new version; `write.name` other than `name` renames, an empty `write.status` keeps the status. Raises
        `NotFound`, `AlreadyExists`, and `StaleWrite` if `write.expected_version` is no longer the newest one."""
        ...

    async def set_definition_status(self, place: Place, kind: Kind, name: str, status: str) -> None:
        """Raises `NotFound`."""
        ...

    async def delete_definition(self, place: Place, kind: Kind, name: str) -> None:
        """Raises `NotFound`. Versions stay for the instances pinned to them; the name is free again."""
        ...

    async def get_definition(
        self, place: Place, kind: Kind, name: str, *, version: int | None = None, submitted: bool = False
    ) -> Definition | None:
        """The latest version, that version, or the submitted one. Always current, and as cheap as a cache can
        make it: it is on the path of run-immediate."""
        ...

    def definition_in_hand(self, place: Place, kind: Kind, name: str, *, submitted: bool = False) -> Definition | None:
        """As `get_definition`, without waiting. Raises `LookupError` when that is not possible just now."""
        ...

    async def get_definition_version(self, definition_id: int, version: int) -> Definition | None:
        """By identity, also after deletion: for pinned instances."""
        ...

    async def definition_versions(self, definition_id: int, *, offset: int, limit: int) -> Sequence[SavedVersion]:
        """Versions of a definition, newest first."""
        ...

    async def list_definitions(
        self,
        place: Place,
        kind: Kind,
        *,
        category: str | None = None,
        name_contains: str = "",
        offset: int = 0,
        limit: int = 10,
    ) -> Page[Definition]:
        """Newest first. `offset` counts records. `name_contains` compares without case."""
        ...

    async def definition_ids(self, place: Place, kind: Kind, *, name: str, precise: bool) -> Sequence[int]:
        """Ids of definitions, deleted ones included, whose current or former name is `name`; if not `precise`,
        contains it without regard to case."""
        ...
