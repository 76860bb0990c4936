"""A job's definition as the core sees it: immutable, checked, with names resolved to positions.

The document that the API stores keeps every field it was sent; this is only the part that decides what an
instance does. `core/job_document.py` reads the one into the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from arkwright.core.record import Record
from arkwright.core.rules import SkipPolicy


class FailPolicy(StrEnum):
    """What a node's failure means for the instance (factory-behaviour 3.1)."""

    FAIL = "FAIL"
    FAIL_CHILD = "FAIL_CHILD"
    IGNORE = "IGNORE"
    SUSPEND = "SUSPEND"


class ParameterKind(StrEnum):
    VARIABLE = "variable"
    CONSTANTS = "constants"


class Parameter(Record, frozen=True, kw_only=True):
    name: str
    value: str
    kind: ParameterKind = ParameterKind.VARIABLE
    masked: bool = False
    """Its value is a secret; `value` holds the sealed form (`core/masking.py`)."""


class Node(Record, frozen=True, kw_only=True):
    """One step of a job. `index` is its position in the job, and its identity inside an instance."""

    index: int
    name: str
    type: str
    """Canonical node type: lower case without spaces, hyphens and underscores (`dlisql`)."""
    properties: Mapping[str, str] = {}
    predecessors: tuple[int, ...] = ()
    successors: tuple[int, ...] = ()
    conditions: Mapping[int, str] = {}
    """Per predecessor position the EL condition on the line from it."""
    skip_policies: Mapping[int, SkipPolicy] = {}
    """What such a condition skips when it doesn't hold, where the line itself says it."""
    fail_policy: FailPolicy = FailPolicy.FAIL
    retry_times: int = 0
    retry_interval_seconds: int = 120
    retry_on_timeout: bool = False
    retry_exit_codes: tuple[tuple[int, int], ...] = ()
    """Ranges, both ends included: with any, only a failure with such an exit code is retried."""
    max_execution_seconds: int = 3600
    dry_run: bool = False
    task_group: str = ""
    """Its own, or else the job's: of the nodes of a group only so many run at once."""


class Job(Record, frozen=True, kw_only=True):
    name: str
    nodes: tuple[Node, ...]
    parameters: tuple[Parameter, ...] = ()
    dry_run: bool = False
    priority: int = 0
    """0 high, 1 medium, 2 low: who gets a slot first."""
    masked: tuple[str, ...] = ()
    """Names of its masked parameters."""
    extractions: Mapping[str, tuple[int, str]] = {}
    """Per name of a value that a REST node takes out of its answer: the node's position, and the JSON path. An empty
    path: what an Assignment gives."""
    timeout_seconds: int | None = None
    """An instance that takes longer is overdue: it is told of, and runs on."""
    log_path: str = ""
    """Where its nodes' logs go, an `obs://` path; empty: nowhere but to where all logs are."""


class Script(Record, frozen=True, kw_only=True):
    """The text behind a node's `scriptName`, at the version the instance is pinned to."""

    name: str
    type: str
    text: str
    version: int
    connection_name: str = ""
    database: str = ""
    extra: Mapping[str, str] = {}


class Plan(Record, frozen=True, kw_only=True):
    """All that `step` needs to know beside the state: the job and its scripts at pinned versions."""

    job: Job
    scripts: Mapping[str, Script] = {}
