"""A call of the public API as a value: what to send, and how to read the answer. No I/O.

`jobs`, `scripts` and `instances` make calls; `Client` and `AsyncClient` send them. So every operation is written
once, and works both ways:

    client.send(jobs.run("myJob", parameters={"aaa": "111"}))
    await async_client.send(jobs.run("myJob", parameters={"aaa": "111"}))
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar
from urllib.parse import quote

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Document = dict[str, Any]
"""A job or script as the API takes and answers it; unknown fields are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request. `path` is relative to `/v1/{project_id}/` (or another version's), already encoded."""

    method: str
    path: str
    read: Callable[[Answer], T]
    version: str = "v1"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    """Sent as JSON; None sends no body."""
    idempotency_key: str = ""
    """The server carries out one call per key, so a call with a key may be repeated without harm."""
    extra_seconds: float = 0
    """How much longer than usual the server may take (it was asked to wait)."""

    @property
    def repeatable(self) -> bool:
        return self.method == "GET" or bool(self.idempotency_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(Generic[T]):
    """A stream of server-sent events. When the connection breaks, it is opened again where it stopped."""

    path: str
    read: Callable[[str, str], T]
    """From the event's name and data."""
    last: Callable[[T], bool]
    """Whether nothing follows after this one."""
    query: Mapping[str, str] = field(default_factory=dict)


class JobRecord(TypedDict, total=False):
    """An entry of the list of jobs (factory-api 6.4). Times are epoch milliseconds."""

    name: str
    jobType: str
    owner: str
    priority: int
    status: str
    createUser: str
    createTime: int
    lastInstanceStatus: str
    lastInstanceEndTime: int
    lastUpdateTime: int
    lastUpdateUser: str
    path: str


class NodeRecord(TypedDict, total=False):
    """One node of an instance."""

    nodeName: str
    status: str
    planTime: int
    startTime: int
    endTime: int
    type: str
    retryTimes: int
    inputRowCount: int
    outputRowCount: int
    logPath: str
    attempt: int
    exitCode: int
    errorMessage: str
    childJobName: str
    childTotal: int
    childSucceeded: int
    childFailed: int
    childRunning: int


class ConditionRecord(TypedDict):
    """One thing that an instance waits for."""

    key: str
    kind: str
    text: str
    release: str
    instances: list[int]
    removable: bool


class WaitingRecord(TypedDict):
    """What an instance waits for."""

    instanceId: int
    jobName: str
    status: str
    planTime: int
    waits: bool
    conditions: list[ConditionRecord]
    note: str


class InstanceRecord(TypedDict, total=False):
    """An instance; `nodes` only in its detail."""

    instanceId: int
    jobName: str
    jobId: int
    status: str
    planTime: int
    startTime: int
    endTime: int
    executeTime: int
    submitTime: int
    instanceType: int
    forceSuccess: bool
    ignoreSuccess: bool
    version: int
    errorMessage: str
    nodes: list[NodeRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    total: int
    items: list[T_co]


def path(*segments: str | int) -> str:
    return "/".join(quote(str(segment), safe="") for segment in segments)


def nothing(answer: Answer) -> None:
    """Read an answer without a body."""


def document(answer: Answer) -> Document:
    value = answer.json()
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def filled(**parameters: object) -> dict[str, str]:
    """A query without the parameters that were not given."""
    return {name: str(value) for name, value in parameters.items() if value is not None and value != ""}
