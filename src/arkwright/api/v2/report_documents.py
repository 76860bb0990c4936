"""The documents of the newer API, field by field: releases, alarms, approvals, numbers, lineage, baselines.

They describe and do not check, as `documents` does.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from arkwright.api.v1.documents import Milliseconds
from arkwright.api.v2.documents import JobId

Id = Annotated[str, Meta(examples=["0123456789abcdef0123456789abcdef"])]

# ---------------------------------------------------------------- releases


class PendingItem(Struct, kw_only=True, omit_defaults=True):
    pending_item_id: Id
    project_id: str
    package_flag: Annotated[int, Meta(description="1: it is in a package.")]
    item_name: str | UnsetType = UNSET
    task_id: str | int | UnsetType = UNSET
    task_type: Annotated[int, Meta(description="1 job, 2 script, 3 resource.")] | UnsetType = UNSET
    update_type: Annotated[int, Meta(description="1 added, 2 changed, 3 deleted.")] | UnsetType = UNSET
    deployed_version: int | str | UnsetType | None = UNSET
    pending_version: int | str | UnsetType | None = UNSET
    submit_user_name: str | UnsetType = UNSET
    submit_timestamp: Milliseconds | UnsetType = UNSET


class PendingItems(Struct, kw_only=True):
    total: int
    data: list[PendingItem]


class NewPackage(Struct, kw_only=True):
    apply_user_id: Id
    package_name: Annotated[str, Meta(min_length=1, max_length=128, examples=["monday"])]
    pending_item_list: Annotated[list[str], Meta(min_length=1, max_length=100)]
    approver_ids: Annotated[list[str], Meta(min_length=1, max_length=100)]


class MadePackage(Struct, kw_only=True):
    package_name: Annotated[str, Meta(examples=["monday"])]
    release_package_id: Id


class PackageFilter(Struct, kw_only=True, omit_defaults=True):
    key_word: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    apply_user_name: str | UnsetType = UNSET
    apply_user_name_filter: list[str] | UnsetType = UNSET
    apply_begin_time: Milliseconds | UnsetType = UNSET
    apply_end_time: Milliseconds | UnsetType = UNSET
    deploy_user_name: str | UnsetType = UNSET
    deploy_user_name_filter: list[str] | UnsetType = UNSET
    deploy_begin_time: Milliseconds | UnsetType = UNSET
    deploy_end_time: Milliseconds | UnsetType = UNSET
    deploy_status_filter: list[int] | UnsetType = UNSET
    sorted_direction: str | UnsetType = UNSET
    order_column: Literal["apply_timestamp", "deploy_timestamp", "package_name"] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    offset: Annotated[int, Meta(ge=0, le=2**31 - 1)] | UnsetType = UNSET


class PackageApprover(Struct, kw_only=True):
    user_id: str
    user_name: str


class Package(Struct, kw_only=True, omit_defaults=True):
    package_id: Id
    package_name: Annotated[str, Meta(examples=["monday"])]
    project_id: str
    workspace_id: str
    apply_user_id: str
    apply_user_name: str
    apply_timestamp: Milliseconds
    deploy_status: Annotated[int, Meta(description="1 pending, 2 success, 3 failed, 5 running.")]
    deploy_timestamp: Milliseconds | UnsetType = UNSET
    deploy_user_id: str | UnsetType = UNSET
    deploy_user_name: str | UnsetType = UNSET
    asy_task_id: str | UnsetType = UNSET
    delete_flag: int
    package_approvers: list[PackageApprover]


class PackageList(Struct, kw_only=True):
    total: int
    data: list[Package]


class PackageItem(PendingItem, kw_only=True, omit_defaults=True):
    deploy_status: Annotated[int, Meta(description="1 pending, 2 success, 3 failed, 5 running.")]
    start_job_status: Annotated[int, Meta(description="2 started, 3 not started.")] | UnsetType = UNSET


class PackageDetail(Struct, kw_only=True):
    release_package: Package
    task_details: list[PackageItem]


class PackageIds(Struct, kw_only=True):
    package_ids: Annotated[list[str], Meta(min_length=1, max_length=100)]


class Deployment(PackageIds, kw_only=True, omit_defaults=True):
    startup_mode: Annotated[int, Meta(ge=0, le=1, description="1: start the jobs as well.")] | UnsetType = UNSET


class DeployedPackage(Struct, kw_only=True):
    asy_subtask_num: int
    asy_task_id: Annotated[str, Meta(description="Of the system task that tells how it goes.")]
    package_id: int


class DeployedPackages(Struct, kw_only=True):
    deploy_package_details: list[DeployedPackage]


# ---------------------------------------------------------------- alarms and approvals


class AlarmRecord(Struct, kw_only=True, omit_defaults=True):
    """A notice that was sent; further fields as it was recorded."""

    alarm_time: Milliseconds
    job_id: int | str | UnsetType = UNSET
    job_name: str | UnsetType = UNSET
    schedule_type: int | str | UnsetType = UNSET
    send_msg: str | UnsetType = UNSET
    plan_time: Milliseconds | UnsetType = UNSET
    remind_type: int | UnsetType = UNSET
    send_status: Annotated[int | str, Meta(description="0 sent, 1 not sent.")] | UnsetType = UNSET


class AlarmRecords(Struct, kw_only=True):
    total: int
    alarm_info: list[AlarmRecord]


class AlarmRule(Struct, kw_only=True, omit_defaults=True):
    id: int | str
    create_time: Milliseconds
    create_user: str
    name: str | UnsetType = UNSET
    rule_name: str | UnsetType = UNSET
    remind_type: int | UnsetType = UNSET


class AlarmRules(Struct, kw_only=True):
    """Rules of the page, and how many rules there are of each type of notice."""

    success_count: int
    exception_count: int
    unfinished_count: int
    overload_count: int
    baseline_error_count: int
    assurance_mission_warning_time_not_completed_count: int
    assurance_mission_commitment_time_not_completed_count: int
    assurance_mission_failed_count: int
    multi_period_unfinished_count: int
    cancel_jobs_count: int
    recover_jobs_count: int
    modify_count: int
    total: int
    total_all: int
    alarm_rules_items_details: list[AlarmRule]


class Approval(Struct, kw_only=True, omit_defaults=True):
    apply_id: Id
    status: Annotated[str, Meta(examples=["DEVELOPING"])] | UnsetType = UNSET
    object_name: str | UnsetType = UNSET
    object_type: Literal["JOB", "SCRIPT"] | UnsetType = UNSET
    approver_name: str | UnsetType = UNSET
    create_user: str | UnsetType = UNSET
    submit_time: Milliseconds | UnsetType = UNSET


class Approvals(Struct, kw_only=True):
    total: int
    job_apply_search_list: list[Approval]


# ---------------------------------------------------------------- numbers


class Overview(Struct, kw_only=True):
    """Instances by state. Forced successes and those with ignored failures are counted once, under their own name."""

    fail_count: int
    force_success_count: int
    freeze_count: int
    ignore_success_count: int
    manual_stop_count: int
    pause_count: int
    running_count: int
    running_exception_count: int
    skip_count: int
    success_count: int
    total_count: int
    waiting_confirm_count: int
    waiting_count: int


class Point(Struct, kw_only=True):
    record_time: Milliseconds
    task_completion_num: int


class Completion(Struct, kw_only=True):
    yesterday: list[Point]
    average: list[Point]
    today: list[Point]


class TableReference(Struct, kw_only=True):
    job_id: JobId
    job_name: str
    db_type: Annotated[str, Meta(examples=["DLI"])]
    data_base: str
    table_name: Annotated[str, Meta(examples=["orders"])]
    cluster_name: str
    workspace_name: str
    workspace_id: str
    owner: str
    last_submit_time: Milliseconds
    io_type: Annotated[int, Meta(description="0 reads, 1 writes.")]
    is_dynamic: bool
    execute_user: str


class TableReferences(Struct, kw_only=True):
    total: int
    task_table_detail_list: list[TableReference]


# ---------------------------------------------------------------- baselines


class SmnTopic(Struct, kw_only=True, omit_defaults=True):
    name: str | UnsetType = UNSET
    max_send_times: Annotated[int, Meta(ge=1, le=50)] | UnsetType = UNSET
    send_interval: Annotated[int, Meta(ge=5, le=60, description="Minutes.")] | UnsetType = UNSET


class Period(Struct, kw_only=True):
    period_num: Annotated[int, Meta(ge=1, le=24)]
    period_time: Annotated[str, Meta(examples=["00:59"])]


class NewBaseline(Struct, kw_only=True, omit_defaults=True):
    """`sla_hour` and `sla_min` with type DAY, `period` with type HOUR."""

    name: Annotated[str, Meta(min_length=1, max_length=128, examples=["morning"])]
    owner_name: Annotated[str, Meta(min_length=1, max_length=128)]
    type: Literal["DAY", "HOUR"] | UnsetType = UNSET
    sla_task_ids: Annotated[list[str], Meta(min_length=1, description="Ids of the jobs that are promised.")]
    priority: Annotated[int, Meta(ge=1, le=5)] | UnsetType = UNSET
    buffer: Annotated[int, Meta(ge=0, description="Milliseconds.")] | UnsetType = UNSET
    enable: bool | UnsetType = UNSET
    alarm_enable: bool | UnsetType = UNSET
    baseline_alarm_enable: bool | UnsetType = UNSET
    sign_enable: bool | UnsetType = UNSET
    sla_hour: int | str | UnsetType = UNSET
    sla_min: int | str | UnsetType = UNSET
    period: list[Period] | UnsetType = UNSET
    smn_topics: list[SmnTopic] | UnsetType = UNSET
    event_smn_topics: list[SmnTopic] | UnsetType = UNSET
    event_alarm: list[Literal["ERROR", "SLOW_DOWN"]] | UnsetType = UNSET


class Baseline(Struct, kw_only=True, omit_defaults=True):
    """A baseline, with everything that was sent."""

    id: Id
    name: Annotated[str, Meta(examples=["morning"])]
    type: str
    owner_id: str
    owner_name: str
    version: int
    priority: int | str
    buffer: int | str
    enable: bool | int | str
    alarm_enable: bool | int | str
    baseline_alarm_enable: bool | int | str
    sign_enable: bool | int | str
    sla_hour: int | UnsetType | None = UNSET
    sla_min: int | UnsetType | None = UNSET
    sla_task_ids: list[Any]
    create_time: Milliseconds
    last_update_time: Milliseconds
    instance_id: str
    domain_id: str
    domain_name: str
    project_id: str
    workspace_id: str


class Baselines(Struct, kw_only=True):
    total: int
    baselines: list[Baseline]


class BaselineInstance(Struct, kw_only=True, omit_defaults=True):
    id: Id
    baseline_name: str | UnsetType = UNSET
    owner_name: str | UnsetType = UNSET
    instance_type: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    status: Annotated[str, Meta(examples=["SAFE"])] | UnsetType = UNSET
    finish_status: str | UnsetType = UNSET
    start_time: Milliseconds | UnsetType = UNSET


class BaselineInstances(Struct, kw_only=True):
    total: int
    baseline_instances: list[BaselineInstance]


class BaselineEvent(Struct, kw_only=True, omit_defaults=True):
    id: Id
    name: str | UnsetType = UNSET
    task_name: str | UnsetType = UNSET
    owner_name: str | UnsetType = UNSET
    type: Annotated[str, Meta(examples=["ERROR"])] | UnsetType = UNSET
    status: Annotated[str, Meta(examples=["NEW_DISCOVERY"])] | UnsetType = UNSET
    happen_time: Milliseconds | UnsetType = UNSET


class BaselineEvents(Struct, kw_only=True):
    total: int
    events: list[BaselineEvent]
