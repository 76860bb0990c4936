"""What people do to an instance: each becomes one event, which its owner takes in."""

from __future__ import annotations

from typing import cast

from arkwright.core.events import (
    Event,
    Operation,
    RemoveDependencyRequested,
    RestartFrom,
    RestartRequested,
    StopRequested,
)
from arkwright.core.instance import Instance, InstanceStatus
from arkwright.core.step import step
from arkwright.core.transitions import NODE_OPERATIONS, OPERATIONS, allowed_operations
from arkwright.engine.clock import Clock
from arkwright.engine.loop import Loop
from arkwright.engine.plans import Plans
from arkwright.engine.room import Admission, check_room
from arkwright.errors import Code, IllegalState, IllegalTransition, NotFound, StaleWrite
from arkwright.store.base import Place, Store

STALE_TRIES = 3


class OperateMethods:
    """The engine's methods for those who interfere; what they promise stands in `interface.Engine`."""

    _admission: Admission | None
    _clock: Clock
    _loop: Loop
    _name: str
    _plans: Plans
    _runs: bool
    _store: Store

    async def stop(self, place: Place, instance_id: int, *, by: str, operation_id: str) -> None:
        await self._operate(
            await self._get(place, instance_id),
            StopRequested(at_ms=self._clock.now_ms(), operation_id=operation_id, by=by),
            "Only an instance that has not ended can be stopped",
        )

    async def operate(self, place: Place, instance_id: int, operation: str, *, by: str, operation_id: str) -> None:
        event = OPERATIONS[operation](at_ms=self._clock.now_ms(), operation_id=operation_id, by=by)
        await self._operate(await self._get(place, instance_id), cast("Event", event), _rule(operation))

    async def operate_node(
        self, place: Place, instance_id: int, node_name: str, operation: str, *, by: str, operation_id: str
    ) -> None:
        kind = NODE_OPERATIONS[operation]
        event = kind(at_ms=self._clock.now_ms(), operation_id=operation_id, by=by, node_name=node_name)
        await self._operate(await self._get(place, instance_id), cast("Event", event), _rule(f"node {operation}"))

    async def restart(
        self,
        place: Place,
        instance_id: int,
        *,
        by: str,
        operation_id: str,
        position: RestartFrom = RestartFrom.FIRST_NODE,
        node_name: str | None = None,
        latest: bool = False,
    ) -> None:
        instance = await self._get(place, instance_id)
        check_room(self._admission, place.workspace_id)
        version, pins, subjobs = instance.job_version, instance.script_versions, instance.subjobs
        if latest:
            definition, pins = await self._plans.submitted(place, await self._name_now(instance))
            if definition.id != instance.job_id:
                raise NotFound(
                    f"The job {instance.job_name!r} that this instance is of was deleted.",
                    field="job_param_version",
                    code=Code.JOB_NOT_FOUND,
                    hint="Its original_version can still be run; the job that has the name now is another one.",
                )
            version = definition.version
            subjobs = await self._plans.subjobs(place, definition)
        event = RestartRequested(
            at_ms=self._clock.now_ms(),
            operation_id=operation_id,
            by=by,
            position=position,
            node_name=node_name,
            job_version=version,
            script_versions=pins,
            subjobs=subjobs,
        )
        await self._operate(instance, event, "Only an instance that succeeded, failed or was stopped can be restarted")

    async def _name_now(self, instance: Instance) -> str:
        """The name of its job, which may have been renamed since."""
        definition = await self._store.get_definition_version(instance.job_id, instance.job_version)
        return instance.job_name if definition is None else definition.name

    async def remove_dependency(self, place: Place, instance_id: int, key: str, *, by: str, operation_id: str) -> None:
        event = RemoveDependencyRequested(at_ms=self._clock.now_ms(), operation_id=operation_id, by=by, key=key)
        await self._operate(await self._get(place, instance_id), event, "Only a waiting instance has dependencies")

    async def _get(self, place: Place, instance_id: int) -> Instance:
        instance = await self._store.get_instance(place, instance_id)
        if instance is None:
            raise NotFound(
                f"There is no instance {instance_id} in this workspace.",
                field="instance_id",
                code=Code.INSTANCE_NOT_FOUND,
            )
        return instance

    async def _operate(self, instance: Instance, event: Event, rule: str) -> None:
        for _ in range(STALE_TRIES):
            if self._runs and (instance.ended or await self._store.owner_of(instance.id) == self._name):
                try:
                    await self._loop.tell_durably(instance.id, event)
                    return
                except IllegalTransition as error:
                    raise _illegal(rule, error.state) from error
                except StaleWrite:
                    continue  # It changed hands between the look and the commit: look again.
            if isinstance(event, Operation):
                await self._rehearse(instance, event, rule)
            await self._store.post(instance.id, event)
            return
        raise StaleWrite(f"Instance {instance.id} keeps changing hands.", hint="Try again.")

    async def _rehearse(self, instance: Instance, event: Event, rule: str) -> None:
        """Refuse what the owner would refuse too: it could not tell whoever asked."""
        try:
            step(await self._plans.of(instance), instance, event)
        except IllegalTransition as error:
            raise _illegal(rule, error.state) from error


def _rule(operation: str) -> str:
    states = [status.value for status in InstanceStatus if operation in allowed_operations(status)]
    return f"{operation} is allowed for an instance that is {' or '.join(states)}"


def _illegal(rule: str, state: str) -> IllegalState:
    allowed = allowed_operations(InstanceStatus(state))
    hint = f"Allowed now: {', '.join(allowed)}." if allowed else "Nothing can be done to it any more."
    return IllegalState(f"{rule}; this one is {state}.", field="instance_id", hint=hint)
