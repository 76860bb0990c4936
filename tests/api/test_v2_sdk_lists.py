"""Alarms, approvals, releases and baselines through the official SDK: what it sends is understood, and refused rightly.

That these lists answer what was stored is tested in `test_v2_lists`, where the store is at hand.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.server import RunningServer
from tests.api.studio import refused, studio, studio_client


@pytest.fixture
def client(server: RunningServer) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK leaves its connections to the collector
        yield studio_client(server.url)


def test_alarms_and_approvals(client: Any) -> None:
    now = int(time.time() * 1000)
    records = studio.ListFactoryAlarmInfoRequest(start_time=now - 1000, end_time=now, offset=0, limit=1000)
    assert (client.list_factory_alarm_info(records).total, client.list_factory_alarm_info(records).alarm_info) == (
        0,
        [],
    )
    late = studio.ListFactoryAlarmInfoRequest(start_time=now, end_time=now - 1)
    refused("DLF.3051", lambda: client.list_factory_alarm_info(late))
    rules = client.list_factory_alarm_rules(studio.ListFactoryAlarmRulesRequest(name="a", remind_type=1, limit=10))
    assert (rules.total, rules.total_all, rules.exception_count, rules.alarm_rules_items_details) == (0, 0, 0, [])
    wrong = studio.ListFactoryAlarmRulesRequest(remind_type=16)
    refused("DLF.3051", lambda: client.list_factory_alarm_rules(wrong))
    request = studio.ListFactoryWorkspacesApprovalRequest(status="APPROVED", type="FINISHED", object_type="JOB")
    assert client.list_factory_workspaces_approval(request).job_apply_search_list == []
    wrong = studio.ListFactoryWorkspacesApprovalRequest(object_type="TABLE")
    refused("DLF.3051", lambda: client.list_factory_workspaces_approval(wrong))


def test_releases(client: Any) -> None:
    items = studio.ListFactoryPendingItemsRequest(item_name="x", update_type="1", task_type="1", limit=10, offset=0)
    assert (client.list_factory_pending_items(items).total, client.list_factory_pending_items(items).data) == (0, [])
    body = studio.ListReleasePackagesRequestBody(
        key_word="x", apply_user_name_filter=["admin"], sorted_direction="ASC", order_column="apply_timestamp", limit=10
    )
    assert client.list_factory_release_packages(studio.ListFactoryReleasePackagesRequest(body=body)).data == []
    package = studio.CreateFactoryPendingItemsPackageBody(
        apply_user_id="nobody", package_name="p", pending_item_list=["1"], approver_ids=["nobody"]
    )
    create = studio.CreateFactoryPendingItemsPackageRequest(body=package)
    refused("DLF.3051", lambda: client.create_factory_pending_items_package(create))
    show = studio.ShowFactoryPackageDetailRequest(package_id="1")
    refused("DLF.0810", lambda: client.show_factory_package_detail(show))
    deploy = studio.DeployFactoryPackagesRequest(
        body=studio.DeployFactoryPackagesRequestBody(package_ids=["1"], startup_mode=1)
    )
    refused("DLF.0810", lambda: client.deploy_factory_packages(deploy))
    revoke = studio.CancelFactoryPackagesRequest(body=studio.CancelFactoryPackagesRequestBody(package_ids=["1"]))
    refused("DLF.0810", lambda: client.cancel_factory_packages(revoke))


def test_baselines(client: Any, name: str) -> None:
    def create(**more: Any) -> Any:
        body = studio.CreateBaselineRequest(
            **{
                "name": name,
                "owner_name": "admin",
                "type": "HOUR",
                "sla_task_ids": ["1"],
                "priority": 2,
                "buffer": 1000,
                "enable": True,
                "smn_topics": [studio.SmnTopicRequest(name="t", max_send_times=50, send_interval=60)],
                "event_alarm": ["ERROR"],
                "period": [studio.PeriodObject(period_num=24, period_time="23:59")],
                **more,
            }
        )
        return client.create_factory_baseline(studio.CreateFactoryBaselineRequest(instance_id=name, body=body))

    assert create().status_code == 200
    request = studio.ListSearchFactoryBaselinesRequest(instance_id=name, name=name, offset=1, limit=10, enable=True)
    [found] = client.list_search_factory_baselines(request).baselines
    assert (found.name, found.type, found.priority, found.owner_name, found.version) == (name, "HOUR", 2, "admin", 1)
    assert (found.period[0].period_num, found.smn_topics[0].max_send_times) == (24, 50)
    refused("DLF.3051", create)
    refused("DLF.21203", lambda: create(name=f"{name}_2", owner_name="nobody"))
    refused("DLF.3051", lambda: create(name=f"{name}_2", priority=6))
    instances = studio.ListFactorySearchBaselineInstancesRequest(instance_id=name, status="SAFE", offset=1, limit=10)
    assert client.list_factory_search_baseline_instances(instances).baseline_instances == []
    wrong = studio.ListFactorySearchBaselineInstancesRequest(instance_id=name, status="NO")
    refused("DLF.3051", lambda: client.list_factory_search_baseline_instances(wrong))
    events = studio.ListSearchFactoryEventsRequest(instance_id=name, status="IGNORED", offset=1, limit=10)
    assert client.list_search_factory_events(events).events == []
    wrong = studio.ListSearchFactoryEventsRequest(instance_id=name, start_time=1, end_time=10**13)
    refused("DLF.3051", lambda: client.list_search_factory_events(wrong))
