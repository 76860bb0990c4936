"""Run a job's submitted version now, to the letter of the documents.

Rules: the reply leaves after the instance is on disk. The body is optional. Nothing known is ignored: what can't be
honoured (`useExecutionUser: "true"`, another `job_path`) is refused. `Idempotency-Key` makes repeats harmless;
`?wait=SECONDS` holds the reply until the instance has ended. This is the fast path: no work that a plain call
doesn't need.

`job_path` is the job's directory: names of jobs are unique in a workspace, so a job elsewhere is another job than the
one meant, and the answer is that of an unknown job.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import ASGIApp

from arkwright.api.body import json_object
from arkwright.api.call import Call, Instant, short
from arkwright.api.route import Route, text
from arkwright.api.v1 import documents
from arkwright.api.v1.fields import PARAMETER_NAME, directory, wrong
from arkwright.api.v1.instances import IDEMPOTENCY_KEY
from arkwright.engine.interface import RunRequest
from arkwright.errors import ArkwrightError, Code, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Accepted, IdempotencyKey, Kind

PATH = "/v1/{project_id}/jobs/{job_name}/run-immediate"

KEY_KEPT_MS = 7 * 24 * 60 * 60 * 1000
MAX_WAIT_SECONDS = 3600
MAX_VALUE = 1024

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_SECONDS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,9})?")
_KINDS = ("variable", "constants")
_canonical = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the body and the query say."""

    parameters: Mapping[str, str]
    kinds: Mapping[str, str]
    job_path: str | None = None


_PLAIN = _Wish({}, {})


async def run_immediate(call: Call) -> ASGIApp:
    body = await call.body()
    wish, wait_seconds = _PLAIN, None
    if body or call.scope["query_string"]:
        wish = _read_wish(json_object(call.scope, body, required=False), call.query)
        wait_seconds = _read_wait(call.query.get("wait"))
    promise = _read_key(call, call.path["job_name"], wish)
    try:
        accepted = await _submit(call, wish, promise)
    except ArkwrightError:
        if promise is None:
            raise
        # What was accepted once stays so, also where it would be refused by now: the job is gone, or the disk full.
        earlier = await call.parts.store.find_promised(promise, now_ms=call.parts.now_ms())
        if earlier is None:
            raise
        accepted = earlier
    if wait_seconds is None:
        return Instant(b'{"instanceId":%d}' % accepted.instance_id)
    return await _ended(call, accepted.instance_id, wait_seconds)


async def _submit(call: Call, wish: _Wish, promise: IdempotencyKey | None) -> Accepted:
    job_name = call.path["job_name"]
    if wish.job_path is not None:
        await _check_path(call, job_name, wish.job_path)
    return await call.parts.engine.submit(
        RunRequest(
            place=call.place,
            job_name=job_name,
            parameters=wish.parameters,
            by=call.actor.user_name,
            time_zone=call.workspace.time_zone,
            condition_policy=call.workspace.condition_policy,
            idempotency=promise,
        )
    )


async def _ended(call: Call, instance_id: int, wait_seconds: float) -> Instant:
    """The answer to `?wait=`. The instance runs on whatever becomes of the client."""
    work = asyncio.ensure_future(call.parts.engine.wait(instance_id, wait_seconds))
    if await call.while_connected(work):
        instance = work.result()
    else:
        instance = await call.parts.store.get_instance(call.place, instance_id)
    status = msgspec.UNSET if instance is None else instance.status.value
    return Instant(msgspec.json.encode(documents.RunAnswer(instanceId=instance_id, status=status)))


async def _check_path(call: Call, job_name: str, job_path: str) -> None:
    job = await call.parts.store.get_definition(call.place, Kind.JOB, job_name)
    if job is not None and job.directory != job_path:
        raise NotFound(
            f"The job {short(job_name)} is in the directory {job.directory}, not in {job_path}.",
            field="job_path",
            hint="Leave job_path out, or send the job's own directory.",
            code=Code.JOB_NOT_FOUND,
        )


# ---------------------------------------------------------------- reading


def _read_wish(document: Mapping[str, Any], query: Mapping[str, str]) -> _Wish:
    for source in (document, query):
        _check_execution_user(source.get("useExecutionUser"))
    parameters, kinds = read_parameters(document.get("jobParams"))
    return _Wish(parameters, kinds, _read_path(document, query))


def read_parameters(given: Any) -> tuple[dict[str, str], dict[str, str]]:
    if given is None:
        return {}, {}
    if not isinstance(given, list):
        raise wrong("jobParams", "must be a list of objects with name and value", given)
    parameters: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for index, each in enumerate(given):
        where = f"jobParams[{index}]"
        if not isinstance(each, dict):
            raise wrong(where, "must be an object with name and value", each)
        name = _read_name(each.get("name"), where)
        if name in parameters:
            raise InvalidInput(
                f"{where}.name {name!r} is given twice.", field=f"{where}.name", hint="Keep one of the two entries."
            )
        parameters[name] = _read_value(each.get("value"), where)
        kinds[name] = _read_kind(each, where)
    return parameters, kinds


def _read_name(name: Any, where: str) -> str:
    field = f"{where}.name"
    if name is None:
        raise InvalidInput(f"{field} is missing.", field=field, hint="Each entry needs name and value.")
    if not isinstance(name, str):
        raise wrong(field, "must be a text", name, hint='Write it in quotation marks: "111".')
    if not PARAMETER_NAME.fullmatch(name):
        if len(name) > 64:
            raise InvalidInput(f"{field} must have at most 64 characters, not {len(name)}.", field=field)
        raise wrong(field, "must be 1 to 64 letters, digits, dots, hyphens and underscores", name)
    return name


def _read_value(value: Any, where: str) -> str:
    field = f"{where}.value"
    if value is None:
        raise InvalidInput(f"{field} is missing.", field=field, hint='It may be empty: "".')
    if not isinstance(value, str):
        # It may be one of a masked parameter, so it is not repeated.
        raise InvalidInput(f"{field} must be a text.", field=field, hint='Write it in quotation marks: "111".')
    if len(value) > MAX_VALUE:
        raise InvalidInput(
            f"{field} must have at most {MAX_VALUE} characters, not {len(value)}.",
            field=field,
            hint="Put longer texts into a script or a file, and pass its name.",
        )
    return value


def _read_kind(entry: Mapping[str, Any], where: str) -> str:
    if "paramType" not in entry and "type" not in entry:
        return "variable"
    kinds = [(name, entry[name]) for name in ("paramType", "type") if entry.get(name) is not None]
    for name, kind in kinds:
        if not isinstance(kind, str) or kind not in _KINDS:
            raise wrong(f"{where}.{name}", f"must be {' or '.join(_KINDS)}", kind)
    if len(kinds) == 2 and kinds[0][1] != kinds[1][1]:
        raise InvalidInput(
            f"{where}.paramType and {where}.type are both given, and differ.",
            field=f"{where}.type",
            hint="They are two names of one field: send one of them.",
        )
    return str(kinds[0][1]) if kinds else "variable"


def _check_execution_user(given: Any) -> None:
    if given is None or given is False or (isinstance(given, str) and given.lower() in {"false", ""}):
        return
    if given is True or (isinstance(given, str) and given.lower() == "true"):
        raise InvalidInput(
            'useExecutionUser is "true", but execution users do not exist here yet.',
            field="useExecutionUser",
            hint='Leave it out or send "false": the job then runs as the server\'s own user.',
        )
    raise wrong("useExecutionUser", 'must be "true" or "false"', given)


def _read_path(document: Mapping[str, Any], query: Mapping[str, str]) -> str | None:
    given = [source["job_path"] for source in (document, query) if source.get("job_path") not in (None, "")]
    paths = {directory(each, "job_path") for each in given}
    if len(paths) > 1:
        raise InvalidInput(
            "job_path in the query and job_path in the body differ.", field="job_path", hint="Send one of them."
        )
    return paths.pop() if paths else None


def _read_wait(given: str | None) -> float | None:
    if given is None:
        return None
    if _SECONDS.fullmatch(given) and 0 < float(given) <= MAX_WAIT_SECONDS:
        return float(given)
    raise wrong("wait", f"must be a number of seconds above 0, at most {MAX_WAIT_SECONDS}", given)


def _route_name(call: Call) -> str:
    """Keys belong to one route, and the newer API has one of its own."""
    return "run-immediate" if call.route.version == "v1" else f"{call.route.version} run-immediate"


def _read_key(call: Call, job_name: str, wish: _Wish) -> IdempotencyKey | None:
    key = call.header(b"idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            "The header Idempotency-Key must be 1 to 255 visible ASCII characters.",
            field="Idempotency-Key",
            hint="A random UUID is a good key.",
        )
    place = call.place
    request = [job_name, dict(wish.parameters), dict(wish.kinds), wish.job_path]
    return IdempotencyKey(
        scope=f"{call.actor.user_id}|{place.project_id}|{place.workspace_id}|{_route_name(call)} {job_name}",
        key=key,
        request_digest=hashlib.sha256(_canonical(request)).hexdigest(),
        expires_ms=call.parts.now_ms() + KEY_KEPT_MS,
    )


ROUTES = (
    Route(
        method="POST",
        path=PATH,
        handler=run_immediate,
        operation="runOnce",
        summary="Run the submitted version of a job now.",
        tag="jobs",
        action=Action.JOB_OPERATE,
        parameters=(
            text("job_path", "Directory of the job; refused if the job is in another one.", example="/layer1/layer2"),
            text("wait", "Ours: hold the reply until the instance has ended, at most so many seconds.", example="30"),
            IDEMPOTENCY_KEY,
        ),
        request=documents.Run,
        request_required=False,
        response=documents.RunAnswer,
        errors=(Code.JOB_NOT_FOUND, Code.SCRIPT_NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
        example={"jobParams": [{"name": "aaa", "value": "111"}, {"name": "bbb", "value": "222"}]},
        answer={"instanceId": 132343},
    ),
)
