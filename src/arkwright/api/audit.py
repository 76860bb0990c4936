"""The audit: every change, log-in and export with who, when, from where, what and outcome; and the route to query it.

Theory of operation
-------------------
* Every route that may change something (all but GET and HEAD) is audited, unless it is named below: lists that are
  asked for with POST, and run-immediate, whose instance is its own record (`created_by`, times, outcome).
* The record is written after the change and before the reply, and is durable by then: no change is acknowledged
  without its record. A server that dies in between leaves a change that nobody was told of. If the record can't be
  written the request fails, and says so, although the change was made: the client must look, not believe.
* Refusals are recorded too, once it is known who asks; of log-ins the failed ones as well, under the name that was
  claimed. Requests without any valid credential are not, nor log-ins that were throttled: writing for strangers would
  let them fill the disk.
* What was sent is not kept: it may hold secrets. The names of what was changed are.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from arkwright.api.call import Call, answer
from arkwright.api.error_codes import INTERNAL, error_code
from arkwright.api.errors import ClientGone, HttpRefusal
from arkwright.api.route import Access, Route, flag, number, text
from arkwright.errors import ArkwrightError, Forbidden, InvalidInput, TooManyRequests, Unauthenticated
from arkwright.iam.model import Action
from arkwright.store.audit_record import AuditFilter, AuditRecord

log = logging.getLogger("arkwright.api")

LOGIN = "createToken"
NOT_AUDITED = frozenset(
    {
        "runOnce",
        "deliverHook",
        "runFactoryJob",
        "listFactoryReleasePackages",
        "showFileInfo",
        "debugDataconnection",
        "evaluateExpression",
    }
)
SUCCESS = "success"
DAY_MS = 24 * 60 * 60 * 1000
DEFAULT_DAYS = 7
MOST_DAYS = 92
_MOST_BODY = 1024 * 1024
_NAMES = ("name", "dw_name", "package_name", "user_name")
_MARKER = re.compile(r"(\d{1,16})-(\d{1,16})")


def is_audited(route: Route) -> bool:
    if route.access is Access.WORKER:  # the history of its instance tells of what an attempt does
        return False
    return route.method not in ("GET", "HEAD") and route.operation not in NOT_AUDITED


async def record_success(call: Call) -> None:
    await _append(call, SUCCESS, "")


async def record_refusal(call: Call, error: Exception) -> None:
    """Never raises: the refusal itself is the answer."""
    login = call.route.operation == LOGIN
    known = hasattr(call, "actor")
    if isinstance(error, TooManyRequests | ClientGone) or not (known or (login and isinstance(error, Unauthenticated))):
        return
    try:
        await _append(call, _code(error, call.route.version), str(error))
    except ArkwrightError as failure:
        # Nothing was changed, so nothing is lost but the attempt; the server's log has it.
        log.error("the refusal of request %s could not be recorded: %s", call.request_id, failure)


async def _append(call: Call, outcome: str, message: str) -> None:
    document = _document(call)
    known = hasattr(call, "actor")
    workspace_id = call.workspace.id if hasattr(call, "workspace") else _workspace_in_path(call)
    client = call.scope.get("client")
    await call.parts.store.append_audit(
        AuditRecord(
            at_ms=call.parts.now_ms(),
            project_id=call.path.get("project_id", ""),
            workspace_id=workspace_id,
            user_id=call.actor.user_id if known else "",
            user_name=call.actor.user_name if known else _claimed(document),
            source=str(client[0]) if client else "",
            operation=call.route.operation,
            object=_object(call, document)[:512],
            outcome=outcome,
            message=message[:512],
            request_id=call.request_id,
        )
    )


def _code(error: Exception, version: str) -> str:
    match error:
        case HttpRefusal():
            return error.row.code
        case ArkwrightError():
            return error_code(error.code, version).code
    return INTERNAL.code


def _workspace_in_path(call: Call) -> str:
    given = call.path.get("workspace_id", "")
    workspace = call.parts.directory.workspace_by_id(given) if given else None
    return "" if workspace is None else workspace.id


def _document(call: Call) -> dict[str, Any]:
    """What was sent, as far as it was read and is small; to find names in, not to keep."""
    body = call.body_read
    if not body or len(body) > _MOST_BODY:
        return {}
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _object(call: Call, document: dict[str, Any]) -> str:
    in_path = [value for name, value in call.path.items() if name not in ("project_id", "workspace_id")]
    if in_path:
        return "/".join([*map(str, in_path), *_instances(document)])
    if call.route.operation == LOGIN:
        return _claimed(document)
    sources = document.get("data_source_vos")
    named = sources if isinstance(sources, list) else [document]
    found = [each[key] for each in named if isinstance(each, dict) for key in _NAMES if isinstance(each.get(key), str)]
    return ", ".join(found)


def _instances(document: dict[str, Any]) -> list[str]:
    """Which instances a rerun of many was asked for: their planned times, or the window that they lie in."""
    given = document.get("task_retrys")
    if isinstance(given, list) and given:
        return [",".join(str(each.get("plan_time")) for each in given if isinstance(each, dict))]
    window = [document.get("begin_time"), document.get("end_time")]
    return ["-".join(map(str, window))] if window != [None, None] else []


def _claimed(document: dict[str, Any]) -> str:
    """The user that a log-in names."""
    value: Any = document
    for key in ("auth", "identity", "password", "user"):
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        return ""
    return str(value.get("name") or value.get("id") or "")[:128]


# ---------------------------------------------------------------- the query


class AuditItem(Struct, kw_only=True):
    id: int
    time: int
    user_name: str
    user_id: str
    source: str
    operation: str
    object: str
    outcome: str
    message: str
    workspace_id: str
    request_id: str


class AuditPage(Struct, kw_only=True):
    records: list[AuditItem]
    next_marker: str
    """Send it as `marker` for the next page; empty: this was the last one."""


async def list_audit(call: Call) -> Response:
    query = call.query
    to_ms = call.number("to", call.parts.now_ms()) or 0
    from_ms = call.number("from", max(to_ms - DEFAULT_DAYS * DAY_MS, 0)) or 0
    if from_ms > to_ms or to_ms - from_ms > MOST_DAYS * DAY_MS:
        raise InvalidInput(f"from must be before to, by {MOST_DAYS} days at most.", field="from")
    installation = call.flag("installation")
    if installation and not call.actor.administrator:
        raise Forbidden("Only an administrator of the installation sees what happens outside of workspaces.")
    size = call.number("limit", 100, least=1, most=1000) or 100
    where = AuditFilter(
        workspace_id="" if installation else call.workspace.id,
        from_ms=from_ms,
        to_ms=to_ms,
        user_name=query.get("user", ""),
        operation=query.get("operation", ""),
        object=query.get("object", ""),
        outcome=query.get("outcome", ""),
        before=_marker(query.get("marker", "")),
    )
    found = list(await call.parts.store.list_audit(where, limit=size + 1))
    more, found = len(found) > size, found[:size]
    marker = f"{found[-1].at_ms}-{found[-1].id}" if more else ""
    return answer(AuditPage(records=[_item(each) for each in found], next_marker=marker))


def _marker(given: str) -> tuple[int, int] | None:
    if not given:
        return None
    match = _MARKER.fullmatch(given)
    if match is None:
        raise InvalidInput("marker must be the next_marker of the page before.", field="marker")
    return int(match[1]), int(match[2])


def _item(record: AuditRecord) -> AuditItem:
    return AuditItem(
        id=record.id,
        time=record.at_ms,
        user_name=record.user_name,
        user_id=record.user_id,
        source=record.source,
        operation=record.operation,
        object=record.object,
        outcome=record.outcome,
        message=record.message,
        workspace_id=record.workspace_id,
        request_id=record.request_id,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/v1/{project_id}/audit",
        handler=list_audit,
        operation="listAudit",
        summary="Who did what in the workspace, newest first.",
        tag="audit",
        action=Action.AUDIT_READ,
        parameters=(
            number("from", f"From, epoch milliseconds; none: {DEFAULT_DAYS} days before the end."),
            number("to", "To, epoch milliseconds; none: now."),
            text("user", "Name of the user."),
            text("operation", "Name of the operation, such as createJob."),
            text("object", "Name of what was changed."),
            text("outcome", "success, refused, or an error code."),
            flag("installation", "What happened outside of workspaces: log-ins, users, new workspaces."),
            text("marker", "Where the page before ended."),
            number("limit", "Records on a page.", minimum=1, maximum=1000, default=100),
        ),
        response=AuditPage,
        ours=True,
    ),
)
