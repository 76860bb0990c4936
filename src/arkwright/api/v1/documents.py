"""Shapes of V1 bodies, as the documents name their fields: for the OpenAPI document and for replies.

Requests are checked by `job_body` and `script_body`, which say more than a schema can, and keep unknown fields.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

_NAME = "A-Za-z0-9_.\\-\u3400-\u4dbf\u4e00-\u9fff"
Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=f"^[{_NAME}]+$")]
NodeName = Annotated[str, Meta(min_length=1, max_length=128, pattern=f"^[{_NAME}/<>]+$")]
Milliseconds = Annotated[int, Meta(description="Epoch milliseconds.", examples=[1760000000000])]


class Approver(Struct, kw_only=True):
    approverName: str


class JobParam(Struct, kw_only=True, omit_defaults=True):
    name: Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9._-]+$")]
    value: Annotated[str, Meta(max_length=1024)]
    type: Literal["variable", "constants", "procedure"] = "variable"
    masked: (
        Annotated[
            bool,
            Meta(description="Ours: the value is a secret, stored sealed and answered as `******`, which keeps it."),
        ]
        | UnsetType
    ) = UNSET


class Location(Struct, kw_only=True, omit_defaults=True):
    x: str | float | UnsetType = UNSET
    y: str | float | UnsetType = UNSET


class Condition(Struct, kw_only=True, omit_defaults=True):
    preNodeName: str
    expression: str
    skipPolicy: (
        Annotated[
            Literal["ALL", "NEXT"],
            Meta(description="Ours: what it skips when it doesn't hold; none: as the workspace says."),
        ]
        | UnsetType
    ) = UNSET


class Property(Struct, kw_only=True):
    name: str
    value: str


class Node(Struct, kw_only=True, omit_defaults=True):
    name: NodeName
    type: Annotated[str, Meta(min_length=1, max_length=64)]
    location: Location | UnsetType = UNSET
    preNodeName: list[str] | UnsetType = UNSET
    conditions: list[Condition] | UnsetType = UNSET
    properties: list[Property] | UnsetType = UNSET
    pollingInterval: Annotated[int, Meta(ge=0, le=60)] | UnsetType = UNSET
    maxExecutionTime: Annotated[int, Meta(ge=0, le=1440, description="Minutes.")] | UnsetType = UNSET
    retryTimes: Annotated[int, Meta(ge=0, le=5)] | UnsetType = UNSET
    retryInterval: Annotated[int, Meta(ge=0, le=120, description="Seconds.")] | UnsetType = UNSET
    execTimeOutRetry: Literal["true", "false"] | UnsetType = UNSET
    retryExitCodes: (
        Annotated[str, Meta(description="Ours, Shell and Python: retry only these, such as `1-5,137`; none: all.")]
        | UnsetType
    ) = UNSET
    failPolicy: Literal["FAIL", "FAIL_CHILD", "IGNORE", "SUSPEND"] | UnsetType = UNSET
    eventTrigger: dict[str, Any] | UnsetType = UNSET
    cronTrigger: dict[str, Any] | UnsetType = UNSET


class Schedule(Struct, kw_only=True, omit_defaults=True):
    type: Literal["EXECUTE_ONCE", "CRON", "EVENT", "EVENT_TRIGGER", "RUN_ONCE", "SCHEDULE"]
    cron: dict[str, Any] | UnsetType = UNSET
    event: dict[str, Any] | UnsetType = UNSET


class BasicConfig(Struct, kw_only=True, omit_defaults=True):
    owner: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    agency: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=0, le=2)] | UnsetType = UNSET
    executeUser: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    instanceTimeout: Annotated[int, Meta(ge=0, le=1440, description="Minutes.")] | UnsetType = UNSET
    customFields: dict[str, Any] | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    isIgnoreWaiting: Annotated[int, Meta(ge=0, le=1)] | UnsetType = UNSET


class Job(Struct, kw_only=True, omit_defaults=True):
    name: Name
    nodes: Annotated[list[Node], Meta(min_length=1)]
    schedule: Schedule
    processType: Literal["BATCH", "REAL_TIME"]
    params: list[JobParam] | UnsetType = UNSET
    directory: str | UnsetType = UNSET
    logPath: str | UnsetType = UNSET
    lastUpdateUser: str | UnsetType = UNSET
    versionComment: (
        Annotated[str, Meta(max_length=255, description="Ours: what this version is about.")] | UnsetType
    ) = UNSET
    description: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    basicConfig: BasicConfig | UnsetType = UNSET
    targetStatus: Literal["SAVED", "SUBMITTED", "PRODUCTION"] | UnsetType = UNSET
    approvers: list[Approver] | UnsetType = UNSET
    emptyRunningJob: Literal["0", "1"] | UnsetType = UNSET
    cleanOverdueDays: int | UnsetType = UNSET
    cleanWaitingJob: str | UnsetType = UNSET
    singleNodeJobFlag: bool | UnsetType = UNSET
    singleNodeJobType: str | UnsetType = UNSET


class DownstreamJob(Struct, kw_only=True):
    jobId: int
    jobName: str
    workSpace: str


class SavedJob(Job, kw_only=True, omit_defaults=True):
    """A job as it is answered, with everything that was sent."""

    id: int
    version: int
    createTime: Milliseconds
    createUser: str
    downstreamJobs: list[DownstreamJob] | UnsetType = UNSET


class JobItem(Struct, kw_only=True, omit_defaults=True):
    """A job in the list of jobs."""

    name: str
    jobType: str
    owner: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    status: str
    createUser: str
    createTime: Milliseconds
    startTime: Milliseconds | UnsetType = UNSET
    endTime: Milliseconds | UnsetType = UNSET
    lastInstanceStatus: str | UnsetType = UNSET
    lastInstanceEndTime: Milliseconds | UnsetType = UNSET
    lastUpdateTime: Milliseconds
    lastUpdateUser: str
    path: str
    singleNodeJobFlag: bool | UnsetType = UNSET


class JobList(Struct, kw_only=True):
    total: int
    jobs: list[JobItem]


class Script(Struct, kw_only=True, omit_defaults=True):
    name: Name
    type: str
    content: str
    directory: str | UnsetType = UNSET
    connectionName: str | UnsetType = UNSET
    database: str | UnsetType = UNSET
    queueName: str | UnsetType = UNSET
    configuration: dict[str, Any] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    targetStatus: Literal["SAVED", "SUBMITTED", "PRODUCTION"] | UnsetType = UNSET
    approvers: list[Approver] | UnsetType = UNSET


class SavedScript(Script, kw_only=True, omit_defaults=True):
    """A script as it is answered, with everything that was sent."""

    id: str
    owner: str
    createUser: str
    modifyTime: Milliseconds
    version: int
    autoAcquireLock: bool


class ScriptList(Struct, kw_only=True):
    total: int
    scripts: list[SavedScript]


class Approvers(Struct, kw_only=True, omit_defaults=True):
    approvers: list[Approver] | UnsetType = UNSET


ChildOf = Annotated[int, Meta(description="Of type 6: the instance whose node runs it. Ours.")]
RowOf = Annotated[int, Meta(description="Of type 6: the row of the dataset that it is for, from 0. Ours.")]


class InstanceItem(Struct, kw_only=True, omit_defaults=True):
    """An instance in the list of instances."""

    jobName: str
    jobId: int
    jobInstanceName: str
    status: str
    planTime: Milliseconds
    startTime: Milliseconds | UnsetType = UNSET
    endTime: Milliseconds | UnsetType = UNSET
    executeTime: Annotated[int, Meta(description="Milliseconds.")] | UnsetType = UNSET
    instanceId: int
    instancesId: Annotated[str, Meta(description="instanceId again: the name the older official client knows.")]
    submitTime: Milliseconds
    instanceType: int
    forceSuccess: bool | UnsetType = UNSET
    ignoreSuccess: bool | UnsetType = UNSET
    version: int
    overdue: Annotated[bool, Meta(description="Ours: it exceeded the time limit of its job, and runs or ran on.")] | (
        UnsetType
    ) = UNSET
    eventSource: Annotated[
        str, Meta(description="Ours: the message, object or delivery that started it, such as `KAFKA orders/0@41`.")
    ] | (UnsetType) = UNSET
    errorMessage: str | UnsetType = UNSET
    parentInstanceId: ChildOf | UnsetType = UNSET
    row: RowOf | UnsetType = UNSET


class InstanceList(Struct, kw_only=True):
    total: int
    instances: list[InstanceItem]


class NodeItem(Struct, kw_only=True, omit_defaults=True):
    """A node in the detail of an instance. `attempt`, `exitCode`, `errorMessage` and `outputRowCount` are ours.

    So are `child…`: of Subjob and For Each the job that the node runs, how often it is to run (the rows), how often it
    has, and where those instances are listed.
    """

    nodeName: str
    status: str
    planTime: Milliseconds
    startTime: Milliseconds | UnsetType = UNSET
    endTime: Milliseconds | UnsetType = UNSET
    type: str
    retryTimes: int
    instanceId: int
    inputRowCount: int | UnsetType = UNSET
    outputRowCount: int | UnsetType = UNSET
    logPath: str | UnsetType = UNSET
    attempt: int
    exitCode: int | UnsetType = UNSET
    errorMessage: str | UnsetType = UNSET
    childJobName: str | UnsetType = UNSET
    childTotal: int | UnsetType = UNSET
    childSucceeded: int | UnsetType = UNSET
    childFailed: int | UnsetType = UNSET
    childRunning: int | UnsetType = UNSET
    childrenPath: str | UnsetType = UNSET


class InstanceDetail(InstanceItem, kw_only=True, omit_defaults=True):
    total: int
    nodes: list[NodeItem]


class Restart(Struct, kw_only=True, omit_defaults=True):
    retry_location: Literal["first_node", "error_node", "specified_node"] | UnsetType = UNSET
    node_name: str | UnsetType = UNSET
    job_param_version: Literal["original_version", "latest_version"] | UnsetType = UNSET
    ignore_obs_monitor: bool | UnsetType = UNSET


class RunParam(Struct, kw_only=True, omit_defaults=True):
    name: Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9._-]+$")]
    value: Annotated[str, Meta(max_length=1024)]
    paramType: Literal["variable", "constants"] | UnsetType = UNSET
    type: Literal["variable", "constants"] | UnsetType = UNSET


class Run(Struct, kw_only=True, omit_defaults=True):
    jobParams: list[RunParam] | UnsetType | None = UNSET
    useExecutionUser: Literal["false"] | UnsetType = UNSET
    job_path: str | UnsetType = UNSET


class StartParam(Struct, kw_only=True, omit_defaults=True):
    name: Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9._-]+$")]
    value: Annotated[str, Meta(max_length=1024)]
    paramType: Literal["variable", "constants"] | UnsetType = UNSET
    type: Literal["variable", "constants"] | UnsetType = UNSET


class Start(Struct, kw_only=True, omit_defaults=True):
    jobParams: list[StartParam] | UnsetType = UNSET
    start_date: Annotated[int, Meta(description="A day.", examples=[20241030])] | UnsetType = UNSET
    ignore_first_self_dep: bool | UnsetType = UNSET


class RunAnswer(Struct, kw_only=True, omit_defaults=True):
    instanceId: int
    status: str | UnsetType = UNSET
