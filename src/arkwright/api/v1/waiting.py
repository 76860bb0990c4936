"""Why an instance waits, and what an operator may do about it (ours; the original's console has a part of it).

Rules: the conditions are judged at the moment of the question, by the code that the scheduler decides with. What each
operation may do when is the core's to say. Catch-up is shown before and while it goes on.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from arkwright.api.call import Call, answer, empty, short, whole_number
from arkwright.api.route import Route
from arkwright.api.v1.documents import Milliseconds
from arkwright.api.v1.instances import IDEMPOTENCY_KEY, operation_id_of
from arkwright.api.v1.waiting_workers import KIND, unclaimed
from arkwright.core.instance import Instance
from arkwright.errors import Code, NotFound
from arkwright.iam.model import Action
from arkwright.scheduler.interface import Why


class Condition(Struct, kw_only=True):
    """One thing that the instance waits for, and what would release it."""

    key: str
    kind: str
    text: str
    release: str
    instances: list[int]
    """Those that it waits for, as far as they exist."""
    removable: bool
    """Whether it is a dependency that can be removed by its key."""


class Waiting(Struct, kw_only=True):
    instanceId: int
    jobName: str
    status: str
    planTime: Milliseconds
    waits: bool
    conditions: list[Condition]
    note: str
    """What is about to happen, or why nothing is waited for."""


class CatchUp(Struct, kw_only=True):
    schedules: int
    """Schedules with missed plan times that are still to be made up for."""
    oldestPlanTime: Milliseconds
    since: Milliseconds
    made: int
    """Instances made so far."""


class Slots(Struct, kw_only=True):
    """Nodes of a task group (empty: of none, in a workspace with a limit) that hold a slot, and that wait for one."""

    taskGroup: str
    held: int
    waiting: int


class SchedulerState(Struct, kw_only=True, omit_defaults=True):
    plansHere: bool
    """Whether this server is the one that plans."""
    slots: list[Slots]
    """Of the workspace."""
    leakedSlots: int
    """Slots of all workspaces whose node is over. Always 0; anything else is a defect of the server."""
    catchUp: CatchUp | UnsetType = UNSET


async def show_why(call: Call) -> Response:
    found = await call.parts.scheduler.why(call.place, _id(call))
    if found is None:
        raise _missing(call)
    shown = _waiting(found)
    for key, text, release in await unclaimed(call, found.instance):
        shown.waits, shown.note = True, found.soon
        shown.conditions.append(
            Condition(key=key, kind=KIND, text=text, release=release, instances=[], removable=False)
        )
    return answer(shown)


async def remove_dependency(call: Call) -> Response:
    instance = await _found(call)
    await call.parts.engine.remove_dependency(
        call.place,
        instance.id,
        call.path["key"],
        by=call.actor.user_name,
        operation_id=operation_id_of(call, instance, call.path["key"]),
    )
    return empty()


async def show_scheduler(call: Call) -> Response:
    found = await call.parts.scheduler.catching_up()
    catch_up: CatchUp | UnsetType = UNSET
    if found is not None:
        catch_up = CatchUp(
            schedules=found.schedules, oldestPlanTime=found.oldest_ms, since=found.since_ms, made=found.made
        )
    store = call.parts.store
    counted = await store.count_slots(call.place)
    return answer(
        SchedulerState(
            plansHere=call.parts.scheduler.plans,
            slots=[Slots(taskGroup=each.group, held=each.held, waiting=each.waiting) for each in counted],
            leakedSlots=await store.leaked_slots(),
            catchUp=catch_up,
        )
    )


def _waiting(why: Why) -> Waiting:
    instance = why.instance
    note = why.soon
    if not why.unmet and not note:
        note = "It has ended." if instance.ended else "It waits for nothing outside itself."
    return Waiting(
        instanceId=instance.id,
        jobName=instance.job_name,
        status=instance.status.value,
        planTime=instance.plan_time_ms,
        waits=bool(why.unmet),
        conditions=[
            Condition(
                key=each.key,
                kind=each.kind,
                text=each.text,
                release=each.release,
                instances=list(each.instances),
                removable=each.removable,
            )
            for each in why.unmet
        ],
        note=note,
    )


def _id(call: Call) -> int:
    found = whole_number(call.path["instance_id"])
    if found is None:
        raise _missing(call)
    return found


async def _found(call: Call) -> Instance:
    instance = await call.parts.store.get_instance(call.place, _id(call))
    if instance is None:
        raise _missing(call)
    return instance


def _missing(call: Call) -> NotFound:
    return NotFound(
        f"There is no instance {short(call.path['instance_id'])}.", field="instance_id", code=Code.INSTANCE_NOT_FOUND
    )


_INSTANCE = "/v1/{project_id}/jobs/instances/{instance_id}"

ROUTES = (
    Route(
        method="GET",
        path=f"{_INSTANCE}/why",
        handler=show_why,
        operation="showWhyJobInstanceWaits",
        summary="Everything that an instance waits for, each with what would release it.",
        tag="instances",
        action=Action.JOB_READ,
        response=Waiting,
        errors=(Code.INSTANCE_NOT_FOUND,),
        ours=True,
    ),
    Route(
        method="DELETE",
        path=f"{_INSTANCE}/dependencies/{{key:path}}",
        handler=remove_dependency,
        operation="removeJobInstanceDependency",
        summary="Let a waiting instance not wait any more for one of its dependencies.",
        tag="instances",
        action=Action.JOB_OPERATE,
        parameters=(IDEMPOTENCY_KEY,),
        success=204,
        errors=(Code.INSTANCE_NOT_FOUND, Code.ILLEGAL_STATE),
        ours=True,
    ),
    Route(
        method="GET",
        path="/v1/{project_id}/scheduler",
        handler=show_scheduler,
        operation="showScheduler",
        summary="Whether this server plans, what it is making up for, and which slots are held.",
        tag="server",
        action=Action.JOB_READ,
        response=SchedulerState,
        ours=True,
    ),
)
