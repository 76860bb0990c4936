"""Making instances: by a request, by a trigger, and what of it the scheduler uses.

An instance is made together with its first step where that needs nothing else (`first_step`), so that a run which
begins costs one commit; else the loop takes that step once the instance is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from arkwright.core.control.children import PinnedJob
from arkwright.core.events import InstanceRequested
from arkwright.core.instance import Instance
from arkwright.core.job import Plan
from arkwright.core.rules import Rules
from arkwright.engine.clock import Clock
from arkwright.engine.commit import Share
from arkwright.engine.environment import environment_in_hand, read_environment
from arkwright.engine.first_step import FirstStep
from arkwright.engine.interface import Occurrence, RunRequest
from arkwright.engine.loop import Loop
from arkwright.engine.plans import Pins, Plans
from arkwright.engine.room import Admission, check_room
from arkwright.engine.vault import Vault
from arkwright.store.base import Accepted, Definition, Place, Store
from arkwright.store.trigger_record import Fired, Firing


class AcceptMethods:
    """The engine's methods for those who want a run; what they promise stands in `interface.Engine`."""

    _admission: Admission | None
    _begins: bool
    """Whether what is made here begins here."""
    _clock: Clock
    _first: FirstStep
    _loop: Loop
    _name: str
    _plans: Plans
    _rules: Callable[[str], Rules]
    _store: Store
    _vault: Vault | None

    def defect(self, what: str, error: BaseException) -> None:
        raise NotImplementedError

    async def submit(self, request: RunRequest) -> Accepted:
        definition, pins = await self._plans.submitted(request.place, request.job_name, request.kind)
        check_room(self._admission, request.place.workspace_id)
        subjobs = await self._plans.subjobs(request.place, definition)
        instance = self._new(request, definition, pins, await self.environment(request.place), subjobs)
        if not self._begins:
            return await self._store.create_instance(instance, owner=None, idempotency=request.idempotency)
        plan = await self._plans.of(instance)  # before it is durable: what can't be read is not accepted
        share = self._first.of(plan, instance)
        accepted = await self._store.create_instance(
            instance,
            owner=self._name,
            idempotency=request.idempotency,
            first=None if share is None else share.seal(),
        )
        if not accepted.replayed:
            self._start(plan, instance, share)
        return accepted

    async def fire(self, request: RunRequest, occurrence: Occurrence, firing: Firing) -> Fired:
        definition, pins = await self._plans.submitted(request.place, request.job_name, request.kind)
        check_room(self._admission, request.place.workspace_id)
        instance = msgspec.structs.replace(
            self._new(
                request,
                definition,
                pins,
                await self.environment(request.place),
                await self._plans.subjobs(request.place, definition),
            ),
            event_data=occurrence.data,
            obs_new_files=occurrence.new_files,
            event_source=occurrence.source,
        )
        if occurrence.plan_time_ms is not None:
            instance = msgspec.structs.replace(instance, plan_time_ms=occurrence.plan_time_ms)
        plan = await self._plans.of(instance)  # before it is durable: what can't be read is not fired
        fired = await self._store.fire_trigger(
            instance, firing, owner=self._name if self._begins else None, idempotency=request.idempotency
        )
        if self._begins and fired.refusal is None and not fired.replayed:
            self._begin(plan, instance)
        return fired

    async def check(self, place: Place, job_name: str) -> None:
        definition, _ = await self._plans.submitted(place, job_name)
        await self._plans.subjobs(place, definition)

    def submit_soon(self, request: RunRequest, told: Callable[[int | None, BaseException | None], None]) -> None:
        definition, pins = self._plans.submitted_in_hand(request.place, request.job_name)
        if self._admission is not None and self._admission.refusal(request.place.workspace_id) is not None:
            raise LookupError("no room")
        instance = self._new(request, definition, pins, environment_in_hand(self._store, request.place))
        plan = self._plans.in_hand(instance) if self._begins else None
        share = None if plan is None else self._first.of(plan, instance)

        def created(accepted: Accepted | None, error: BaseException | None) -> None:
            try:
                told(None if accepted is None else instance.id, error)
            finally:  # it is durable, whatever becomes of who asked for it
                if accepted is not None and plan is not None:
                    self._start(plan, instance, share)

        self._store.create_instance_soon(
            instance,
            owner=None if plan is None else self._name,
            told=created,
            first=None if share is None else share.seal(),
        )

    def _new(
        self,
        request: RunRequest,
        definition: Definition,
        pins: Pins,
        environment: Mapping[str, str],
        subjobs: Mapping[str, PinnedJob] | None = None,
    ) -> Instance:
        now_ms = self._clock.now_ms()
        return Instance(
            id=self._store.next_id(),
            project_id=request.place.project_id,
            workspace_id=request.place.workspace_id,
            job_id=definition.id,
            job_name=definition.name,
            job_version=definition.version,
            script_versions=pins,
            instance_type=request.instance_type,
            plan_time_ms=now_ms,
            submit_time_ms=now_ms,
            time_zone=request.time_zone,
            parameters=self._sealed(request, definition),
            environment=environment,
            subjobs=subjobs or {},
            condition_policy=request.condition_policy,
            rules=self._rules(request.place.workspace_id),
            created_by=request.by,
        )

    def _sealed(self, request: RunRequest, definition: Definition) -> Mapping[str, str]:
        """The run's own values, those of masked parameters sealed."""
        masked = self._plans.masked(definition)
        if not masked or self._vault is None:
            return request.parameters
        return self._vault.seal_named(request.place.workspace_id, request.parameters, masked)

    def _begin(self, plan: Plan, instance: Instance) -> None:
        """Start an instance that is durable."""
        self._loop.begin(plan, instance)
        self._loop.tell(instance.id, InstanceRequested(at_ms=instance.submit_time_ms, instance=instance))

    def _start(self, plan: Plan, instance: Instance, share: Share | None) -> None:
        """Go on with an instance that is durable, with its first step (`share`) or without."""
        try:
            if share is None:
                self._begin(plan, instance)
            else:
                self._loop.go_on(plan, share)
        except Exception as error:  # a defect, as in the loop; whoever asked for the run has it
            self.defect("first step", error)

    async def environment(self, place: Place) -> Mapping[str, str]:
        return await read_environment(self._store, place)
