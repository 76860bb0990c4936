"""Preview of expressions (ours): what a text with `${…}` and `#{…}` would become, and why not.

Rules: nothing runs and nothing is stored. What an expression may see comes from the request first, then from the
instance that `instanceId` names (its outputs, states, version, parameters), then from the saved job that `jobName`
names, then from the workspace. What is known from nowhere is an error that says what to send, never a guess.
A text that can't be evaluated answers 400 with the code of its mistake (`ARK.EL.…`), its position and a hint. A masked
parameter is shown as a mask, in steps and mistakes too, whether its value is the job's or comes with the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from arkwright.api.call import Call, answer, short
from arkwright.api.error_codes import EXPRESSION_INVALID
from arkwright.api.route import Route
from arkwright.api.v1.fields import PARAMETER_NAME, object_, truth, wrong
from arkwright.api.v1.fields import number as number_of
from arkwright.api.v1.fields import text as text_of
from arkwright.core.facts import fact_key
from arkwright.core.instance import Instance, NodeRun, NodeStatus
from arkwright.core.job import Job, Node, Plan
from arkwright.core.job_document import read_parameters
from arkwright.core.masking import hidden
from arkwright.core.resolve import Resolver
from arkwright.el import ElError, ErrorKind, Evaluated, LoopScope, Missing, NodeOutput
from arkwright.el.java_zones import find_zone
from arkwright.engine.vault import Vault
from arkwright.errors import Code, InvalidInput, NotFound
from arkwright.iam.model import Action
from arkwright.store.base import Kind

MAX_TEXT = 1_000_000
_MAX_ENTRIES = 1000
_ROUNDS = 10
"""Facts may show that further facts are needed; a text that never has enough of them is at fault."""
_TIME_MS = 253_402_300_799_999
"""The end of the year 9999."""


class NodePreview(msgspec.Struct, kw_only=True, omit_defaults=True):
    status: str = ""
    output: str | None = None


class LoopPreview(msgspec.Struct, kw_only=True, omit_defaults=True):
    dataArray: list[list[Any]] = []
    current: list[Any] | None = None
    """None: row `offset` of `dataArray`."""
    offset: int = 0


class PreviewRequest(msgspec.Struct, kw_only=True, omit_defaults=True):
    text: str
    jobName: str = ""
    instanceId: int | None = None
    planTime: int | None = None
    timeZone: str = ""
    params: dict[str, str] = {}
    env: dict[str, str] = {}
    nodes: dict[str, NodePreview] = {}
    loop: LoopPreview | None = None
    trace: bool = False


class PreviewStep(msgspec.Struct, kw_only=True):
    """One evaluated part of the text."""

    expression: str
    position: int
    value: str
    type: str


class Preview(msgspec.Struct, kw_only=True, omit_defaults=True):
    value: str
    type: str
    steps: list[PreviewStep] | msgspec.UnsetType = msgspec.UNSET


class ExpressionRefusal(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The one error shape, and where in the text the mistake is (characters from 0)."""

    error_code: str
    error_msg: str
    hint: str = ""
    position: int | None = None
    expression: str = ""


async def evaluate_text(call: Call) -> Response:
    body = await call.document()
    text = text_of(body.get("text"), "text", MAX_TEXT)
    if body.get("text") is None:
        raise InvalidInput("text is missing.", field="text", hint='Send the text to evaluate: {"text": "#{1 + 1}"}.')
    trace = bool(truth(body.get("trace"), "trace"))
    nodes = _nodes(body.get("nodes"))
    loop = _loop(body.get("loop"))
    instance, plan = await _instance(call, body)
    runs, outputs = _runs(instance, nodes)
    plan = msgspec.structs.replace(plan, job=msgspec.structs.replace(plan.job, nodes=(_PROBE,)))
    probe = NodeRun(index=0, name=_PROBE.name, facts={f"output:{name}": output for name, output in outputs.items()})
    try:
        found = await _evaluated(call, text, plan, instance, runs, probe, loop, trace=trace)
    except ElError as error:
        return _refused(error)
    steps = [
        PreviewStep(
            expression=_sendable(each.expression), position=each.position, value=_sendable(each.text), type=each.type
        )
        for each in found.steps
    ]
    return answer(Preview(value=_sendable(found.text), type=found.type, steps=steps if trace else msgspec.UNSET))


_PROBE = Node(index=0, name="", type="dummy")
"""The node that the text is taken to be of."""


async def _evaluated(
    call: Call,
    text: str,
    plan: Plan,
    instance: Instance,
    runs: list[NodeRun],
    probe: NodeRun,
    loop: LoopScope | None,
    *,
    trace: bool,
) -> Evaluated:
    for _ in range(_ROUNDS):
        resolver = Resolver(plan, instance, runs, probe, loop=loop, trace=trace)
        # On a thread: a text may take a second to work out, and others must not wait for it.
        found = await asyncio.to_thread(resolver.evaluate, text)
        if isinstance(found, Evaluated):
            return found
        probe = await _with_facts(call, instance, probe, found)
    raise ElError(ErrorKind.LIMIT, "the text needs more and more facts", hint="make it shorter")


async def _with_facts(call: Call, instance: Instance, probe: NodeRun, missing: Missing) -> NodeRun:
    if instance.id == 0:
        for fact in sorted(missing.facts, key=fact_key):
            if isinstance(fact, NodeOutput):
                raise ElError(
                    ErrorKind.NOT_AVAILABLE,
                    f"the output of the node '{fact.node}' isn't known here",
                    hint=f'send nodes: {{"{fact.node}": {{"output": "…"}}}}, or the instanceId of a run',
                )
    keys = frozenset(fact_key(fact) for fact in missing.facts)
    facts, failure = await call.parts.engine.find_facts(instance, keys)
    if failure is not None:
        raise ElError(ErrorKind.NOT_AVAILABLE, failure)
    return msgspec.structs.replace(probe, facts={**probe.facts, **facts})


# ---------------------------------------------------------------- reading


async def _instance(call: Call, body: Mapping[str, Any]) -> tuple[Instance, Plan]:
    """The instance that the text is evaluated in: a stored one, or one made up (its id is 0)."""
    job_name = text_of(body.get("jobName"), "jobName", 128)
    zone = _zone(body.get("timeZone"))
    plan_time = number_of(body.get("planTime"), "planTime", 0, _TIME_MS)
    parameters, environment = _texts(body.get("params"), "params"), _texts(body.get("env"), "env")
    stored = await _stored(call, body.get("instanceId"), job_name)
    if stored is not None:
        definition = await call.parts.store.get_definition_version(stored.job_id, stored.job_version)
        changes: dict[str, Any] = {"plan_time_ms": plan_time, "time_zone": zone or None}
        instance = msgspec.structs.replace(
            stored,
            parameters={**stored.parameters, **parameters},
            environment={**stored.environment, **environment},
            **{name: value for name, value in changes.items() if value is not None},
        )
    else:
        definition = await call.parts.store.get_definition(call.place, Kind.JOB, job_name) if job_name else None
        if job_name and definition is None:
            raise NotFound(
                f"There is no job {short(job_name)} in workspace {call.workspace.name}.",
                field="jobName",
                code=Code.JOB_NOT_FOUND,
            )
        at_ms = call.parts.now_ms() if plan_time is None else plan_time
        instance = Instance(
            id=0,
            project_id=call.workspace.project_id,
            workspace_id=call.workspace.id,
            job_id=0 if definition is None else definition.id,
            job_name=job_name,
            job_version=0,
            plan_time_ms=at_ms,
            submit_time_ms=at_ms,
            start_time_ms=at_ms,
            time_zone=zone or call.workspace.time_zone,
            rules=call.workspace.rules,
            parameters=parameters,
            environment={**await call.parts.engine.environment(call.place), **environment},
        )
    own = () if definition is None else read_parameters(definition.body)
    masked = tuple(each.name for each in own if each.masked)
    if masked:
        vault = Vault(call.parts.directory.sealer)
        sealed = vault.seal_named(instance.workspace_id, instance.parameters, masked)
        instance = msgspec.structs.replace(instance, parameters=sealed)
    return instance, Plan(job=Job(name=instance.job_name, nodes=(), parameters=own, masked=masked))


async def _stored(call: Call, given: Any, job_name: str) -> Instance | None:
    if given is None:
        return None
    instance_id = number_of(given, "instanceId", 1, 2**53 - 1)
    instance = None if instance_id is None else await call.parts.store.get_instance(call.place, instance_id)
    if instance is None:
        raise NotFound(
            f"There is no instance {short(given)} in workspace {call.workspace.name}.",
            field="instanceId",
            code=Code.INSTANCE_NOT_FOUND,
        )
    if job_name and job_name != instance.job_name:
        raise InvalidInput(
            f"Instance {instance.id} is one of the job {short(instance.job_name)}, not of {short(job_name)}.",
            field="jobName",
            hint="Leave jobName out: the instance knows its job.",
        )
    return instance


def _runs(instance: Instance, nodes: Mapping[str, NodePreview]) -> tuple[list[NodeRun], dict[str, str | None]]:
    """The states that `Job.getNodeStatus` sees, and the outputs that the request gives."""
    runs = [NodeRun(index=0, name=name, status=NodeStatus(node.status)) for name, node in nodes.items() if node.status]
    given = {run.name for run in runs}
    runs += [run for run in instance.nodes if run.name not in given]
    told = {name: node.output for name, node in nodes.items() if node.output is not None or instance.id == 0}
    return runs, told


def _texts(given: Any, field: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _entries(given, field).items():
        if not PARAMETER_NAME.fullmatch(name):
            raise wrong(field, "must have names of 1 to 64 letters, digits, dots, hyphens and underscores", name)
        found[name] = text_of(value, f"{field}.{name}", MAX_TEXT)
    return found


def _nodes(given: Any) -> dict[str, NodePreview]:
    found: dict[str, NodePreview] = {}
    for name, each in _entries(given, "nodes").items():
        where = f"nodes.{name[:128]}"
        node = object_(each, where)
        status = text_of(node.get("status"), f"{where}.status", 20)
        if status and status not in set(NodeStatus):
            raise wrong(f"{where}.status", f"must be one of {', '.join(NodeStatus)}", status)
        output = node.get("output")
        output = None if output is None else text_of(output, f"{where}.output", MAX_TEXT)
        found[name] = NodePreview(status=status, output=output)
    return found


def _entries(given: Any, field: str) -> Mapping[str, Any]:
    entries = object_(given, field)
    if len(entries) > _MAX_ENTRIES:
        raise InvalidInput(f"{field} must have at most {_MAX_ENTRIES} entries, not {len(entries)}.", field=field)
    return entries


def _loop(given: Any) -> LoopScope | None:
    if given is None:
        return None
    loop = object_(given, "loop")
    rows = loop.get("dataArray")
    rows = [] if rows is None else rows
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows) or len(rows) > _MAX_ENTRIES:
        raise wrong("loop.dataArray", f"must be a list of at most {_MAX_ENTRIES} lists", rows)
    offset = number_of(loop.get("offset"), "loop.offset", 0, _MAX_ENTRIES) or 0
    current = loop.get("current")
    if current is None:
        current = rows[offset] if offset < len(rows) else []
    if not isinstance(current, list):
        raise wrong("loop.current", "must be a list", current)
    for value in (value for row in (*rows, current) for value in row):
        if not isinstance(value, str | bool | int | float | None):
            raise wrong("loop.dataArray", "must hold texts, numbers, truth values and nulls", value)
    return LoopScope(data_array=rows, current=current, offset=offset)


def _zone(given: Any) -> str:
    zone = text_of(given, "timeZone", 64)
    try:
        if zone:
            find_zone(zone)
    except ElError as error:
        raise InvalidInput(
            f"timeZone {short(zone)} is not known.", field="timeZone", hint=error.hint or "Send Europe/Berlin or GMT+8."
        ) from None
    return zone


# ---------------------------------------------------------------- out


def _refused(error: ElError) -> Response:
    refusal = ExpressionRefusal(
        error_code=error.code,
        error_msg=_sendable(_told(error)),
        hint=_sendable(error.hint),
        position=error.position,
        expression=_sendable(hidden(error.expression or "")[:1000]),
    )
    return answer(refusal, EXPRESSION_INVALID.status)


def _told(error: ElError) -> str:
    """With the place: many clients show nothing else."""
    where = f" in '{_shortened(hidden(error.expression))}'" if error.expression else ""
    return f"{error.message}{where}" + ("" if error.position is None else f" at position {error.position}")


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


def _sendable(text: str) -> str:
    """Masked values are hidden. Halves of UTF-16 pairs, which Java's texts may hold, can't be sent in UTF-8."""
    text = hidden(text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


ROUTES = (
    Route(
        method="POST",
        path="/v1/{project_id}/el/evaluate",
        handler=evaluate_text,
        operation="evaluateExpression",
        summary="What a text with parameters and expressions becomes.",
        tag="expressions",
        action=Action.JOB_READ,
        request=PreviewRequest,
        response=Preview,
        errors=(EXPRESSION_INVALID, Code.JOB_NOT_FOUND, Code.INSTANCE_NOT_FOUND),
        example={
            "text": '#{DateUtil.format(DateUtil.addDays(Job.planTime,-1),"yyyy-MM-dd")}',
            "planTime": 1540137600000,
            "timeZone": "GMT+8",
        },
        answer={"value": "2018-10-21", "type": "String"},
        ours=True,
    ),
)
