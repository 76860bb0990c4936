"""Topics: whom notices go to. Ours: the original has a service of its own for them.

Rules: `notify/topic.py` has those of the fields. What would let somebody write to a place is never answered; a mask
that comes back keeps it.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty
from arkwright.api.records import all_of, write_of
from arkwright.api.route import Route
from arkwright.core.alerts import Notice, Remind
from arkwright.errors import IllegalState, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.notify.outcome import NotSent
from arkwright.notify.topic import FIXED_SERVICES, checked, masked, sealed
from arkwright.store.base import Definition, Kind
from arkwright.store.notice_record import StoredNotice

_PATH = "/v1/{project_id}/alert-topics"


class Topic(Struct, kw_only=True, omit_defaults=True):
    """`addresses` of mail; `url` of a webhook or chat; `secret` of a webhook: made if it is left out, and answered to
    the call that made it alone."""

    name: str
    kind: Literal["mail", "webhook", "chat"]
    addresses: list[str] | UnsetType = UNSET
    url: str | UnsetType = UNSET
    secret: str | UnsetType = UNSET


class TopicAnswer(Topic, kw_only=True, omit_defaults=True):
    target: str | UnsetType = UNSET
    """Of a URL, as much as may be shown."""


class Topics(Struct, kw_only=True):
    total: int
    topics: list[TopicAnswer]


async def create_topic(call: Call) -> Response:
    document = _checked(call, await call.document())
    stored = sealed(document, call.place, call.parts.directory.sealer, None)
    made = await call.parts.store.create_definition(
        call.place, Kind.ALERT_TOPIC, write_of(call, document["name"], stored)
    )
    told = masked(made.body)
    if "secret" in document:
        told["secret"] = document["secret"]
    return answer(told)


async def save_topic(call: Call) -> Response:
    before = await _topic(call)
    body = await call.document()
    document = _checked(call, {**body, "name": body.get("name", before.name)})
    if document["name"] != before.name:
        raise InvalidInput(
            "name can't be changed: rules name their topic.", field="name", hint="Create another topic instead."
        )
    stored = sealed(document, call.place, call.parts.directory.sealer, before.body)
    await call.parts.store.save_definition(
        call.place, Kind.ALERT_TOPIC, before.name, write_of(call, before.name, stored)
    )
    return empty()


async def list_topics(call: Call) -> Response:
    found = [masked(each.body) for each in await all_of(call, Kind.ALERT_TOPIC)]
    return answer({"total": len(found), "topics": found})


async def show_topic(call: Call) -> Response:
    return answer(masked((await _topic(call)).body))


async def delete_topic(call: Call) -> Response:
    found = await _topic(call)
    used = [each.name for each in await all_of(call, Kind.ALARM_RULE) if each.body.get("topic_name") == found.name]
    if used:
        raise IllegalState(
            f"The topic {found.name!r} is named by the rule {used[0]!r}.", hint="Change or delete its rules first."
        )
    await call.parts.store.delete_definition(call.place, Kind.ALERT_TOPIC, found.name)
    return empty()


async def try_topic(call: Call) -> Response:
    """Send a test now, past the outbox, and tell how it went."""
    found = await _topic(call)
    if call.parts.sender is None:
        raise IllegalState("This server sends no notices.")
    now = call.parts.now_ms()
    number = call.parts.store.next_id()
    notice = Notice(
        key=f"test.{number}",
        remind=Remind.SUCCESS,
        at_ms=now,
        topic=found.name,
        detail=f"Sent by {call.actor.user_name} to see whether it arrives.",
        time_zone=call.workspace.time_zone,
        test=True,
    )
    try:
        await call.parts.sender.send(
            call.place, found.name, [StoredNotice(id=number, place=call.place, notice=notice, due_ms=now)]
        )
    except NotSent as refused:
        raise IllegalState(f"The test did not arrive: {refused}", field="name") from None
    return empty()


def _checked(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    services = FIXED_SERVICES if call.parts.sender is None else call.parts.sender.services
    return checked(body, services=services)


async def _topic(call: Call) -> Definition:
    name = call.path["name"]
    found = await call.parts.store.get_definition(call.place, Kind.ALERT_TOPIC, name)
    if found is None:
        raise NotFound(f"There is no topic {name[:128]!r}.", field="name", hint="GET …/alert-topics lists them.")
    return found


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


_EXAMPLE = {"name": "ops", "kind": "webhook", "url": "https://hooks.example.org/arkwright"}
_READ, _WRITE = Action.NOTIFICATION_READ, Action.NOTIFICATION_CREATE

ROUTES = (
    _route("GET", "", list_topics, "listAlertTopics", "Whom notices can go to.", _READ, response=Topics),
    _route(
        "POST",
        "",
        create_topic,
        "createAlertTopic",
        "Create a topic; a webhook's secret is answered this once.",
        _WRITE,
        request=Topic,
        response=TopicAnswer,
        example=_EXAMPLE,
    ),
    _route("GET", "/{name}", show_topic, "showAlertTopic", "A topic.", _READ, response=TopicAnswer),
    _route("PUT", "/{name}", save_topic, "updateAlertTopic", "Change a topic.", _WRITE, request=Topic, success=204),
    _route("DELETE", "/{name}", delete_topic, "deleteAlertTopic", "Delete a topic.", _WRITE, success=204),
    _route("POST", "/{name}/test", try_topic, "testAlertTopic", "Send a test to a topic now.", _WRITE, success=204),
)
