"""Scripts executed by themselves: start one, ask for its result, stop it.

Theory of operation: executing a script runs a job of one node that is hidden from every list. The hidden job is stored
once per script (and again if the script's type changed), so that an execution is an ordinary instance: durable,
found again after a crash, stopped like any other. Its id is the instance's, written in the shape of a UUID, which
clients expect. The last submitted version of the script runs, with the values of `params` in place of its `${…}`.

A type that can't run here fails as an instance does, with the reason as its message; nothing is run elsewhere instead.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, short, whole_number
from arkwright.api.error_codes import SCRIPT_RUN_NOT_FOUND
from arkwright.api.errors import HttpRefusal
from arkwright.api.idempotency import PARAMETER as IDEMPOTENCY_KEY
from arkwright.api.idempotency import run_promise
from arkwright.api.route import Route
from arkwright.api.v1.fields import object_, text, wrong
from arkwright.core.instance import Instance, InstanceStatus, InstanceType, NodeRun
from arkwright.core.job_document import canonical_type
from arkwright.engine.attempt_ends import COLUMNS
from arkwright.engine.interface import RunRequest
from arkwright.errors import AlreadyExists, Code, NotFound
from arkwright.iam.model import Action
from arkwright.nodes.base import AttemptKey
from arkwright.store.base import Definition, DefinitionWrite, Kind

NODE = "script"
MAX_VALUE = 1_000_000
MAX_OUTPUT_BYTES = 4_000_000

_NODE_TYPES = {"python": "Python", "shell": "Shell", "dlisql": "DLISQL"}
"""Per script type the node type that runs it; another type's node has the script type's own name."""
_UUID = re.compile(r"a5c21915-([0-9a-f]{4})-4([0-9a-f]{3})-8000-([0-9a-f]{12})")
_RUNNING = frozenset({InstanceStatus.RUNNING, InstanceStatus.PAUSE})
_WAITING = frozenset({InstanceStatus.WAITING, InstanceStatus.WAITING_CONFIRM, InstanceStatus.FREEZE})


class ExecuteScript(Struct, kw_only=True, omit_defaults=True):
    params: dict[str, str] | UnsetType | None = UNSET


class Execution(Struct, kw_only=True):
    """`instancesId` is `instanceId` again: the name the older official client knows."""

    instanceId: str
    instancesId: str


class ScriptResult(Struct, kw_only=True, omit_defaults=True):
    """`rawResult` is the text that a program wrote; only SQL has rows."""

    message: str
    duration: float | UnsetType = UNSET
    rowCount: int
    rows: list[list[Any]]
    schema: list[dict[str, str]]
    inputRowCount: int | UnsetType = UNSET
    resultCount: int | UnsetType = UNSET
    rawResult: str | UnsetType = UNSET


class ScriptResults(Struct, kw_only=True):
    """`result` is `results` again: the name the older official client knows."""

    status: Literal["LAUNCHING", "RUNNING", "FINISHED", "FAILED"]
    message: str
    results: list[ScriptResult]
    result: list[ScriptResult]


async def execute_script(call: Call) -> Response:
    parameters = _parameters((await call.document(required=False)).get("params"))
    script = await _script(call)
    await _hidden_job(call, script)
    accepted = await call.parts.engine.submit(
        RunRequest(
            place=call.place,
            job_name=script.name,
            kind=Kind.SCRIPT_RUN,
            parameters=parameters,
            by=call.actor.user_name,
            time_zone=call.workspace.time_zone,
            instance_type=InstanceType.SCRIPT,
            idempotency=run_promise(call, parameters),
        )
    )
    shown = shown_id(accepted.instance_id)
    return answer(Execution(instanceId=shown, instancesId=shown))


async def show_result(call: Call) -> Response:
    instance = await _instance(call)
    status = _status(instance)
    run = instance.nodes[0] if instance.nodes else None
    message = _message(instance, run)
    results: list[ScriptResult] = []
    if status in ("FINISHED", "FAILED"):
        output, columns = await _files(call, instance, run)
        results = [await asyncio.to_thread(_result, instance, run, message, output, columns)]
    return answer(ScriptResults(status=status, message=message, results=results, result=results))


async def stop_script(call: Call) -> Response:
    instance = await _instance(call)
    await call.parts.engine.stop(call.place, instance.id, by=call.actor.user_name, operation_id=call.request_id)
    return empty()


# ---------------------------------------------------------------- ids


def shown_id(instance_id: int) -> str:
    """The instance's id in the shape of a UUID."""
    digits = f"{instance_id:019x}"
    return f"a5c21915-{digits[:4]}-4{digits[4:7]}-8000-{digits[7:]}"


def read_id(shown: str) -> int | None:
    match = _UUID.fullmatch(shown.lower())
    number = int("".join(match.groups()), 16) if match else whole_number(shown)
    return number if number is not None and number < 2**53 else None


# ---------------------------------------------------------------- look-ups


async def _script(call: Call) -> Definition:
    name = call.path["script_name"]
    found = await call.parts.store.get_definition(call.place, Kind.SCRIPT, name)
    if found is None:
        raise NotFound(
            f"There is no script {name!r} in workspace {call.workspace.name}.",
            field="script_name",
            code=Code.SCRIPT_NOT_FOUND,
        )
    return found


async def _instance(call: Call) -> Instance:
    script = await _script(call)
    instance_id = read_id(call.path["instance_id"])
    instance = None if instance_id is None else await call.parts.store.get_instance(call.place, instance_id)
    own = instance is not None and instance.instance_type is InstanceType.SCRIPT and instance.job_name == script.name
    if instance is None or not own:
        shown = short(call.path["instance_id"])
        raise HttpRefusal(SCRIPT_RUN_NOT_FOUND, f"The script {short(script.name)} has no execution {shown}.")
    return instance


async def _hidden_job(call: Call, script: Definition) -> None:
    """Make sure that the job that runs this script exists, and is of the script's type."""
    write = DefinitionWrite(
        name=script.name,
        category="BATCH",
        directory="/",
        body=_job_body(script),
        submit=True,
        actor=call.actor.user_name,
        at_ms=call.parts.now_ms(),
    )
    store = call.parts.store
    try:
        await store.create_definition(call.place, Kind.SCRIPT_RUN, write)
    except AlreadyExists:
        known = await store.get_definition(call.place, Kind.SCRIPT_RUN, script.name)
        if known is None or known.body != write.body:
            await store.save_definition(call.place, Kind.SCRIPT_RUN, script.name, write)


def _job_body(script: Definition) -> dict[str, Any]:
    node_type = _NODE_TYPES.get(canonical_type(script.category), script.category)
    properties = [{"name": "scriptName", "value": script.name}]
    return {
        "name": script.name,
        "processType": "BATCH",
        "schedule": {"type": "EXECUTE_ONCE"},
        "nodes": [{"name": NODE, "type": node_type, "properties": properties, "maxExecutionTime": 1440}],
    }


def _parameters(given: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in object_(given, "params").items():
        if not 1 <= len(name) <= 64:
            raise wrong("params", "must have names of 1 to 64 characters", name)
        found[name] = text(value, f"params.{name}", MAX_VALUE)
        if value is None:
            raise wrong(f"params.{name}", "must be a text", value)
    return found


# ---------------------------------------------------------------- results


def _status(instance: Instance) -> Literal["LAUNCHING", "RUNNING", "FINISHED", "FAILED"]:
    if instance.status is InstanceStatus.SUCCESS:
        return "FINISHED"
    if instance.status in _WAITING:
        return "LAUNCHING"
    return "RUNNING" if instance.status in _RUNNING else "FAILED"


def _message(instance: Instance, run: NodeRun | None) -> str:
    if instance.status is InstanceStatus.MANUAL_STOP:
        return "The script was stopped."
    return (run.message if run is not None else None) or instance.message or ""


async def _files(call: Call, instance: Instance, run: NodeRun | None) -> tuple[bytes | None, bytes]:
    """What the attempt left: its output (None: none), and the names of its columns."""
    if run is None or not run.attempt or run.output is None:
        return None, b""
    key = AttemptKey(instance_id=instance.id, node=run.index, attempt=run.attempt)
    name = run.output.rpartition("/")[2]
    output = await call.parts.run_files.output(key, name, MAX_OUTPUT_BYTES)
    return output or b"", await call.parts.run_files.output(key, COLUMNS, MAX_OUTPUT_BYTES) or b""


def _result(
    instance: Instance, run: NodeRun | None, message: str, output: bytes | None, columns: bytes
) -> ScriptResult:
    result = ScriptResult(message=message, rowCount=0, rows=[], schema=[])
    if instance.start_time_ms is not None and instance.end_time_ms is not None:
        result.duration = (instance.end_time_ms - instance.start_time_ms) / 1000
    if run is not None and run.input_row_count is not None:
        result.inputRowCount = run.input_row_count
    if run is not None and run.output_row_count is not None:
        result.resultCount = run.output_row_count
    if output is None:
        return result
    names = _texts(columns)
    rows = _rows(output) if names is not None else None
    if names is None or rows is None:
        result.rawResult = output.decode("utf-8", "replace")
        return result
    result.rows, result.rowCount = rows, len(rows)
    # Values are texts, as the engine gives them to later nodes.
    result.schema = [{name: "string"} for name in names]
    return result


def _texts(data: bytes) -> list[str] | None:
    try:
        return msgspec.json.decode(data, type=list[str])
    except msgspec.DecodeError:
        return None


def _rows(data: bytes) -> list[list[Any]] | None:
    try:
        return msgspec.json.decode(data, type=list[list[Any]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


# ---------------------------------------------------------------- routes

_RUN = "/v1/{project_id}/scripts/{script_name}/instances/{instance_id}"
_EXAMPLE: Mapping[str, Any] = {"params": {"tableVar": "citys", "time": "2019-07-25"}}

ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/scripts/{script_name}/execute",
        handler=execute_script,
        operation="executeScript",
        summary="Execute the submitted version of a script.",
        tag="scripts",
        action=Action.SCRIPT_OPERATE,
        parameters=(IDEMPOTENCY_KEY,),
        request=ExecuteScript,
        request_required=False,
        response=Execution,
        errors=(Code.SCRIPT_NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
        example=_EXAMPLE,
    ),
    Route(
        method="GET",
        path=_RUN,
        handler=show_result,
        operation="listScriptResults",
        summary="What an execution of a script has come to.",
        tag="scripts",
        action=Action.SCRIPT_READ,
        response=ScriptResults,
        errors=(Code.SCRIPT_NOT_FOUND, SCRIPT_RUN_NOT_FOUND),
    ),
    Route(
        method="POST",
        path=f"{_RUN}/stop",
        handler=stop_script,
        operation="cancelScript",
        summary="Stop an execution that has not ended.",
        tag="scripts",
        action=Action.SCRIPT_OPERATE,
        success=204,
        errors=(Code.SCRIPT_NOT_FOUND, SCRIPT_RUN_NOT_FOUND, Code.ILLEGAL_STATE),
    ),
)
