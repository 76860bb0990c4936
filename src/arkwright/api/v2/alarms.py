"""Alarm records (notices that were sent or given up), alarm rules and approvals: lists of what was stored, filtered as
the documents say. Rules are written by `v1/alert_rules`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.records import all_of, contains, page_of
from arkwright.api.route import Route, number, text
from arkwright.api.v1.alert_rules import shown
from arkwright.api.v1.fields import choice
from arkwright.api.v2 import report_documents
from arkwright.api.v2.paths import PAGE, SIZE, route
from arkwright.errors import InvalidInput
from arkwright.iam.model import Action
from arkwright.notify.message import headline
from arkwright.store.base import Kind
from arkwright.store.notice_record import NoticeFilter, NoticeState, StoredNotice

HOUR_MS = 60 * 60 * 1000
WEEK_MS = 7 * 24 * HOUR_MS
REMIND_TYPES = 15

_COUNTERS = {
    "success_count": 0,
    "exception_count": 1,
    "unfinished_count": 3,
    "overload_count": 4,
    "baseline_error_count": 5,
    "assurance_mission_warning_time_not_completed_count": 9,
    "assurance_mission_commitment_time_not_completed_count": 10,
    "assurance_mission_failed_count": 11,
    "multi_period_unfinished_count": 12,
    "cancel_jobs_count": 13,
    "recover_jobs_count": 14,
    "modify_count": 15,
}
"""Per counter the remind type that it counts."""


async def list_records(call: Call) -> Response:
    now = call.parts.now_ms()
    to_ms = call.number("end_time", now) or now
    from_ms = call.number("start_time", to_ms - HOUR_MS) or 0
    if from_ms > to_ms:
        raise InvalidInput(f"start_time {from_ms} is after end_time {to_ms}.", field="start_time")
    if to_ms - from_ms > WEEK_MS:
        raise InvalidInput("start_time and end_time must not be more than 7 days apart.", field="start_time")
    offset, size = call.slice(most=1000, default=100)
    where = NoticeFilter(place=call.place, from_ms=from_ms, to_ms=to_ms, states=(NoticeState.SENT, NoticeState.DEAD))
    total, page = await call.parts.store.list_notices(where, offset=offset, limit=size)
    return answer({"total": total, "alarm_info": [_record(each) for each in page]})


def _record(stored: StoredNotice) -> dict[str, Any]:
    notice = stored.notice
    return {
        "alarm_time": notice.at_ms,
        "job_name": notice.job_name,
        "schedule_type": notice.instance_type,
        "send_msg": f"{headline(notice)}. {notice.detail}".strip(),
        "plan_time": notice.plan_time_ms or notice.at_ms,
        "remind_type": int(notice.remind),
        "send_status": 0 if stored.state is NoticeState.SENT else 1,
        "job_id": notice.job_id,
    }


async def list_rules(call: Call) -> Response:
    remind = call.number("remind_type", most=REMIND_TYPES)
    name, robot = call.query.get("name", ""), call.query.get("ding_name", "")
    rules = await all_of(call, Kind.ALARM_RULE)
    found = [
        each
        for each in rules
        if (remind is None or each.body.get("remind_type") == remind)
        and (contains(each.body.get("name"), name) or contains(each.body.get("rule_name"), name))
        and contains(each.body.get("smn_config_name") or each.body.get("topic_name"), robot)
    ]
    counted = Counter(each.body.get("remind_type") for each in rules)
    reply: dict[str, Any] = {name: counted.get(kind, 0) for name, kind in _COUNTERS.items()}
    items = [shown(each) for each in page_of(call, found)]
    return answer({**reply, "total": len(found), "total_all": len(rules), "alarm_rules_items_details": items})


async def list_approvals(call: Call) -> Response:
    query = call.query
    now = call.parts.now_ms()
    from_ms, to_ms = call.number("begin_time"), call.number("end_time")
    if from_ms is None and to_ms is None:
        from_ms, to_ms = now - WEEK_MS, now
    status = choice(query.get("status"), "status", ("DEVELOPING", "APPROVED", "REJECT"))
    view = choice(query.get("type"), "type", ("DEVELOPING", "FINISHED", "APPLY")) or "APPLY"
    kind = choice(query.get("object_type"), "object_type", ("JOB", "SCRIPT"))
    found = []
    for each in await all_of(call, Kind.APPROVAL):
        body = each.body
        at = int(body.get("submit_time") or each.created_ms)
        undecided = body.get("status") == "DEVELOPING"
        if (
            (from_ms is not None and at < from_ms)
            or (to_ms is not None and at > to_ms)
            or (status and body.get("status") != status)
            or (kind and body.get("object_type") != kind)
            or (view == "APPLY" and body.get("create_user") != call.actor.user_name)
            or (view == "DEVELOPING" and not undecided)
            or (view == "FINISHED" and undecided)
            or (query.get("apply_id") and each.name != query["apply_id"])
        ):
            continue
        named = ("approver_name", "object_name", *(() if view == "APPLY" else ("create_user",)))
        if all(contains(body.get(field), query.get(field, "")) for field in named):
            found.append({**body, "apply_id": each.name})
    return answer({"total": len(found), "job_apply_search_list": page_of(call, found)})


ROUTES: tuple[Route, ...] = (
    route(
        "GET",
        "/alarm-info",
        list_records,
        "listFactoryAlarmInfo",
        "Notices that were sent.",
        Action.NOTIFICATION_READ,
        number("start_time", "From, epoch milliseconds; none: one hour before the end."),
        number("end_time", "To, epoch milliseconds; none: now."),
        PAGE,
        number("limit", "Records on a page.", minimum=1, maximum=1000, default=100),
        response=report_documents.AlarmRecords,
    ),
    route(
        "GET",
        "/alarm/rules",
        list_rules,
        "listFactoryAlarmRules",
        "When notices are sent, and to whom.",
        Action.NOTIFICATION_READ,
        text("name", "A part of the name of the job or rule."),
        number("remind_type", "Type of notice.", minimum=0, maximum=REMIND_TYPES),
        text("ding_name", "A part of the name of the topic or chat robot."),
        PAGE,
        SIZE,
        response=report_documents.AlarmRules,
    ),
    route(
        "GET",
        "/workspaces/approval",
        list_approvals,
        "listFactoryWorkspacesApproval",
        "Requests for approval.",
        Action.REVIEW_READ,
        number("begin_time", "Asked for from then on, epoch milliseconds; neither: the last 7 days."),
        number("end_time", "Asked for until then, epoch milliseconds."),
        text("status", "Verdict.", enum=["DEVELOPING", "APPROVED", "REJECT"]),
        text("type", "Undecided, decided, or one's own.", enum=["DEVELOPING", "FINISHED", "APPLY"], default="APPLY"),
        text("apply_id", "Number of the request."),
        text("approver_name", "A part of the approver's name."),
        text("create_user", "A part of the applicant's name; not with APPLY."),
        text("object_name", "A part of the object's name."),
        text("object_type", "Kind of object.", enum=["JOB", "SCRIPT"]),
        PAGE,
        SIZE,
        response=report_documents.Approvals,
    ),
)
