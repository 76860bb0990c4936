"""Notices: which wait, were sent, were given up, and why. Ours; the newer API's records are `v2/alarms`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, whole_number
from arkwright.api.route import OFFSET, Route, limit, number, text
from arkwright.api.v1.fields import wrong
from arkwright.core.alerts import DAY_MS
from arkwright.errors import InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.notify.message import EVENTS, headline
from arkwright.store.notice_record import NoticeFilter, NoticeState, StoredNotice

_PATH = "/v1/{project_id}/alerts"
_MOST_DAYS = 31


class NoticeAnswer(Struct, kw_only=True, omit_defaults=True):
    """Times are epoch milliseconds. `tries`: how often sending was begun; `error`: why the last try failed."""

    id: int
    event: str
    text: str
    topic: str
    state: str
    time: int
    tries: int
    jobName: str | UnsetType = UNSET
    instanceId: int | UnsetType = UNSET
    rule: str | UnsetType = UNSET
    nextTry: int | UnsetType = UNSET
    settled: int | UnsetType = UNSET
    error: str | UnsetType = UNSET


class Notices(Struct, kw_only=True):
    total: int
    alerts: list[NoticeAnswer]


async def list_notices(call: Call) -> Response:
    to_ms = call.number("to") or call.parts.now_ms()
    from_ms = call.number("from")
    if from_ms is None:
        from_ms = max(to_ms - 7 * DAY_MS, 0)
    if not 0 <= to_ms - from_ms <= _MOST_DAYS * DAY_MS:
        raise InvalidInput(f"from must be before to, by at most {_MOST_DAYS} days.", field="from")
    states = tuple(NoticeState)
    if given := call.query.get("state", ""):
        if given not in states:
            raise wrong("state", f"must be one of {', '.join(states)}", given)
        states = (NoticeState(given),)
    offset, size = call.slice(most=1000, default=100)
    where = NoticeFilter(place=call.place, from_ms=from_ms, to_ms=to_ms, states=states)
    total, page = await call.parts.store.list_notices(where, offset=offset, limit=size)
    return answer({"total": total, "alerts": [_shown(each) for each in page]})


async def retry_notice(call: Call) -> Response:
    number_ = whole_number(call.path["notice_id"])
    if number_ is None:
        raise NotFound("There is no such notice.", field="notice_id")
    await call.parts.store.revive_notice(call.place, number_, now_ms=call.parts.now_ms())
    return empty()


def _shown(stored: StoredNotice) -> NoticeAnswer:
    notice = stored.notice
    return NoticeAnswer(
        id=stored.id,
        event=EVENTS[notice.remind],
        text=f"{headline(notice)}. {notice.detail}".strip(),
        topic=notice.topic,
        state=stored.state.value,
        time=notice.at_ms,
        tries=stored.tries,
        jobName=notice.job_name or UNSET,
        instanceId=UNSET if notice.instance_id is None else notice.instance_id,
        rule=notice.rule_name or UNSET,
        nextTry=stored.due_ms if stored.state is NoticeState.PENDING else UNSET,
        settled=UNSET if stored.settled_ms is None else stored.settled_ms,
        error=stored.error or UNSET,
    )


def _route(method: str, path: str, handler: Any, operation: str, summary: str, action: Action, **more: Any) -> Route:
    return Route(
        method=method,
        path=f"{_PATH}{path}",
        handler=handler,
        operation=operation,
        summary=summary,
        tag="alerts",
        action=action,
        ours=True,
        **more,
    )


ROUTES = (
    _route(
        "GET",
        "",
        list_notices,
        "listAlerts",
        "Notices, newest first.",
        Action.NOTIFICATION_READ,
        parameters=(
            text("state", "Only these.", enum=[each.value for each in NoticeState]),
            number("from", "Of what happened from then on, epoch milliseconds; none: 7 days before the end."),
            number("to", "Until then; none: now."),
            OFFSET,
            limit(1000),
        ),
        response=Notices,
    ),
    _route(
        "POST",
        "/{notice_id}/retry",
        retry_notice,
        "retryAlert",
        "Send a notice again that was given up.",
        Action.NOTIFICATION_CREATE,
        success=204,
    ),
)
