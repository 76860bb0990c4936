"""The documents of the newer API, field by field: jobs, instances, PatchData, variables, scripts, search.

They describe and do not check: handlers read bodies themselves, so that each refusal names its field and the way out.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from arkwright.api.v1.documents import (
    Approver,
    ChildOf,
    JobParam,
    Location,
    Milliseconds,
    Name,
    NodeName,
    Property,
    RowOf,
)

JobId = Annotated[int, Meta(description="Id of a job.", examples=[1001])]
InstanceId = Annotated[int, Meta(description="Id of an instance.", examples=[132343])]


class Done(Struct, kw_only=True):
    """It is done."""

    is_success: bool
    status_code: Annotated[int, Meta(examples=[200])]


# ---------------------------------------------------------------- jobs


class NewCondition(Struct, kw_only=True):
    pre_node_name: str
    expression: str


class NewNode(Struct, kw_only=True, omit_defaults=True):
    name: NodeName
    type: Annotated[str, Meta(min_length=1, max_length=64, examples=["Dummy"])]
    location: Location | UnsetType = UNSET
    pre_node_names: list[str] | UnsetType = UNSET
    conditions: list[NewCondition] | UnsetType = UNSET
    properties: list[Property] | UnsetType = UNSET
    polling_interval: Annotated[int, Meta(ge=0, le=60)] | UnsetType = UNSET
    max_execution_time: Annotated[int, Meta(ge=0, le=1440, description="Minutes.")] | UnsetType = UNSET
    retry_times: Annotated[int, Meta(ge=0, le=5)] | UnsetType = UNSET
    retry_interval: Annotated[int, Meta(ge=0, le=120, description="Seconds.")] | UnsetType = UNSET
    exec_time_out_retry: Literal["true", "false"] | UnsetType = UNSET
    fail_policy: Literal["FAIL", "FAIL_CHILD", "IGNORE", "SUSPEND"] | UnsetType = UNSET
    event_trigger: dict[str, Any] | UnsetType = UNSET
    cron_trigger: dict[str, Any] | UnsetType = UNSET


class Cron(Struct, kw_only=True, omit_defaults=True):
    start_time: Annotated[str, Meta(examples=["2026-01-01T00:00:00+08"])]
    end_time: str | UnsetType = UNSET
    expression: Annotated[str, Meta(examples=["0 0 2 * * ?"])]
    period: Annotated[str, Meta(examples=["1 days"])]
    expression_time_zone: str | UnsetType = UNSET
    depend_pre_period: bool | UnsetType = UNSET
    depend_jobs: dict[str, Any] | list[dict[str, Any]] | UnsetType = UNSET


class NewSchedule(Struct, kw_only=True, omit_defaults=True):
    type: Literal["EXECUTE_ONCE", "CRON", "EVENT"]
    cron: Cron | UnsetType = UNSET
    event: dict[str, Any] | UnsetType = UNSET


class NewBasicConfig(Struct, kw_only=True, omit_defaults=True):
    owner: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=0, le=2)] | UnsetType = UNSET
    execute_user: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    instance_timeout: Annotated[int, Meta(ge=0, le=1440, description="Minutes.")] | UnsetType = UNSET
    custom_fields: dict[str, Any] | UnsetType = UNSET


class NewJob(Struct, kw_only=True, omit_defaults=True):
    """A job; unknown fields are kept as they are."""

    name: Name
    nodes: Annotated[list[NewNode], Meta(min_length=1)]
    schedule: NewSchedule
    process_type: Literal["BATCH", "REAL_TIME"]
    params: list[JobParam] | UnsetType = UNSET
    directory: str | UnsetType = UNSET
    log_path: str | UnsetType = UNSET
    owner: Annotated[str, Meta(description="As basic_config.owner, which counts.")] | UnsetType = UNSET
    basic_config: NewBasicConfig | UnsetType = UNSET
    target_status: Literal["SAVED", "SUBMITTED", "PRODUCTION"] | UnsetType = UNSET
    approvers: list[Approver] | UnsetType = UNSET
    single_node_job_flag: bool | UnsetType = UNSET
    single_node_job_type: str | UnsetType = UNSET


class NewName(Struct, kw_only=True):
    name: Name


class Tags(Struct, kw_only=True):
    tag_names: Annotated[list[str], Meta(max_length=100, examples=[["daily"]])]


class JobAlarm(Struct, kw_only=True):
    """In the older spelling, as the documents show it."""

    alarmType: str
    topicUrn: str


class JobItem(Struct, kw_only=True, omit_defaults=True):
    """A job in the list of jobs."""

    name: str
    job_type: str
    status: Annotated[str, Meta(examples=["STOPPED"])]
    create_user: str
    create_time: Milliseconds
    start_time: Milliseconds | UnsetType = UNSET
    end_time: Milliseconds | UnsetType = UNSET
    last_instance_status: str | UnsetType = UNSET
    last_instance_end_time: Milliseconds | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    last_update_time: Milliseconds
    last_update_user: str
    path: str
    single_node_job_flag: bool | UnsetType = UNSET
    single_node_job_type: str | UnsetType = UNSET
    empty_running_job: str | UnsetType = UNSET
    next_plan_time: Annotated[Milliseconds, Meta(description="Of a job that is scheduled.")] | UnsetType = UNSET
    alarms: Annotated[list[JobAlarm], Meta(description="With need_alarms only.")] | UnsetType = UNSET


class JobList(Struct, kw_only=True):
    total: int
    jobs: list[JobItem]


class RelatedJob(Struct, kw_only=True):
    job_name: str
    job_path: str
    depend_layer: Annotated[str, Meta(description="`parent` or `child`.", examples=["parent"])]
    workspace_name: str
    owner: str


# ---------------------------------------------------------------- instances


class InstanceItem(Struct, kw_only=True, omit_defaults=True):
    """An instance in the list of a job's instances."""

    job_name: str
    job_id: JobId
    job_instance_name: str
    status: Annotated[str, Meta(examples=["success"])]
    plan_time: Milliseconds
    start_time: Milliseconds | UnsetType = UNSET
    end_time: Milliseconds | UnsetType = UNSET
    execute_time: Annotated[int, Meta(description="Milliseconds.")] | UnsetType = UNSET
    instance_id: InstanceId
    submit_time: Milliseconds
    instance_type: int
    force_success: bool | UnsetType = UNSET
    ignore_success: bool | UnsetType = UNSET
    version: int
    error_message: str | UnsetType = UNSET
    parent_instance_id: ChildOf | UnsetType = UNSET
    row: RowOf | UnsetType = UNSET


class InstanceList(Struct, kw_only=True):
    total: int
    instances: list[InstanceItem]


class InstanceState(Struct, kw_only=True):
    instance_id: InstanceId
    status: Annotated[str, Meta(examples=["success"])]
    plan_time: Milliseconds
    start_time: Milliseconds | None
    end_time: Milliseconds | None


class NamedInstance(Struct, kw_only=True):
    job_id: JobId
    plan_time: Milliseconds
    submit_time: Milliseconds


class OtherJob(Struct, kw_only=True, omit_defaults=True):
    job_name: Annotated[str, Meta(min_length=1, max_length=128)]
    workspace_id: str | UnsetType = UNSET


class Rerun(Struct, kw_only=True, omit_defaults=True):
    """Either `task_retrys`, or `begin_time` and `end_time`."""

    retry_location: Literal["firstNode", "errorNode", "specifiedNode", "first_node", "error_node", "specified_node"]
    retry_task_version: Literal["original_version", "current_version", "latest_version"]
    node_name: Annotated[str, Meta(description="With specifiedNode.", max_length=128)] | UnsetType = UNSET
    ignore_obs_monitor: bool | UnsetType = UNSET
    task_retrys: Annotated[list[NamedInstance], Meta(max_length=1000)] | UnsetType = UNSET
    begin_time: Milliseconds | UnsetType = UNSET
    end_time: Milliseconds | UnsetType = UNSET
    jobs: list[OtherJob] | UnsetType = UNSET
    concurrent: Annotated[int, Meta(ge=1, le=128)] | UnsetType = UNSET


class RelatedInstance(Struct, kw_only=True, omit_defaults=True):
    id: InstanceId
    job_id: JobId
    job_name: str
    directory_path: str
    force_success: bool
    ignore_success: bool
    parent_instance_ids: list[int]
    plan_time: Milliseconds
    start_time: Milliseconds | UnsetType = UNSET
    end_time: Milliseconds | UnsetType = UNSET
    running_time: Annotated[int, Meta(description="Milliseconds.")] | UnsetType = UNSET
    status: str
    submit_time: Milliseconds
    version: int
    workspace_id: str
    workspace_name: str


class RelatedInstances(Struct, kw_only=True):
    total: int
    depend_instances_info: list[RelatedInstance]


class RealTimeTask(Struct, kw_only=True, omit_defaults=True):
    task_id: str
    task_name: str
    task_type: str
    state: str
    create_time: Milliseconds
    update_time: Milliseconds
    source_type: str | UnsetType = UNSET
    target_type: str | UnsetType = UNSET
    running_status: str | UnsetType = UNSET
    error_msg: str | UnsetType = UNSET


class RealTimeJob(Struct, kw_only=True, omit_defaults=True):
    is_success: bool
    message: str
    job_id: str
    state: str
    startup_timestamp: str | UnsetType = UNSET
    task_details: list[RealTimeTask]


# ---------------------------------------------------------------- PatchData


class RunTime(Struct, kw_only=True, omit_defaults=True):
    time_of_day: Annotated[str, Meta(examples=["10:15-23:30"])] | UnsetType = UNSET
    day_of_week: Annotated[str, Meta(examples=["1,3"])] | UnsetType = UNSET
    day_of_month: Annotated[str, Meta(examples=["1,15"])] | UnsetType = UNSET


class InstanceTime(Struct, kw_only=True, omit_defaults=True):
    time_of_day: Annotated[str, Meta(examples=["10:15-23:30"])] | UnsetType = UNSET
    days: list[str] | UnsetType = UNSET


class NewPatch(Struct, kw_only=True, omit_defaults=True):
    name: Annotated[Name, Meta(examples=["P_myJob_20230821"])]
    job_name: Name
    start_date: Annotated[str, Meta(examples=["2023-08-21T00:00:00 +08"])]
    end_date: Annotated[str, Meta(examples=["2023-08-22T00:00:00 +08"])]
    parallel: Annotated[int, Meta(ge=1, le=5, examples=[1])]
    depend_jobs: list[OtherJob] | UnsetType = UNSET
    is_day_granularity: bool | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=0, le=2)] | UnsetType = UNSET
    is_stop_when_fail: bool | UnsetType = UNSET
    reverse_order: Annotated[int, Meta(ge=0, le=1)] | UnsetType = UNSET
    force: Literal["true", "false"] | UnsetType = UNSET
    supplement_data_run_time: RunTime | UnsetType = UNSET
    supplement_data_instance_time: InstanceTime | UnsetType = UNSET


class Patch(Struct, kw_only=True, omit_defaults=True):
    name: Annotated[str, Meta(examples=["P_myJob_20230821"])]
    status: Annotated[str, Meta(examples=["WAITING"])]
    type: int
    parallel: int
    start_date: Milliseconds
    end_date: Milliseconds
    submitted_date: Milliseconds
    user_name: str
    job_list: Annotated[list[str], Meta(examples=[["myJob"]])]
    supplement_data_run_time: RunTime | UnsetType = UNSET
    supplement_data_instance_time: InstanceTime | UnsetType = UNSET


class PatchList(Struct, kw_only=True):
    success: bool
    msg: str
    total: int
    rows: list[Patch]


# ---------------------------------------------------------------- variables, scripts, search


class Variable(Struct, kw_only=True, omit_defaults=True):
    name: Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9._-]+$", examples=["region"])]
    type: Literal["variable", "constant", "constants"] | UnsetType = UNSET
    value: Annotated[str, Meta(max_length=1024, examples=["eu-de"])]
    desc: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET


class Environment(Struct, kw_only=True):
    params: list[Variable]


class ScriptItem(Struct, kw_only=True, omit_defaults=True):
    """A script in the list of scripts, with everything that was saved in it."""

    id: str
    name: str
    type: str
    content: str
    directory: str | UnsetType = UNSET
    connection_name: str | UnsetType | None = UNSET
    database: str | UnsetType | None = UNSET
    queue_name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    configuration: dict[str, Any] | UnsetType | None = UNSET
    owner: str
    create_user: str
    modify_time: Milliseconds
    version: int


class ScriptList(Struct, kw_only=True):
    total: int
    scripts: list[ScriptItem]


class Hit(Struct, kw_only=True, omit_defaults=True):
    """A node of a job, or a script."""

    id: str
    doc_type: Literal["node", "script"]
    project_id: str
    workspace: str
    workspace_name: str
    owner: str
    new_save_or_commit: Literal["save", "commit"]
    version: int
    last_modified_time: Milliseconds
    job_id: str | UnsetType = UNSET
    job_name: str | UnsetType = UNSET
    job_type: str | UnsetType = UNSET
    job_params: str | UnsetType = UNSET
    node_name: str | UnsetType = UNSET
    node_type: str | UnsetType = UNSET
    schedule_state: Literal["running", "stop"] | UnsetType = UNSET
    single_node_job_type: str | UnsetType = UNSET
    script_id: str | UnsetType = UNSET
    script_name: str | UnsetType = UNSET
    script_type: str | UnsetType = UNSET


class Hits(Struct, kw_only=True):
    limit: int
    offset: int
    total_hits: int
    search_details: list[Hit]
