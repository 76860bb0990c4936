"""Instances that nodes run: made in the commit of the step that starts them, ended with the news to their parent.

Theory of operation
-------------------
* The core says which rows of a node start (`StartChildren`); `make` puts together their instances from what the node's
  attempt was opened with, and the tick writes them with the parent's share. So a crash leaves both or neither; what is
  there afterwards is taken up as any other instance is.
* A child whose end is in a tick tells its parent in the same tick if this engine holds it (`engine/loop.py`); if not,
  the store leaves the news for the parent's owner (`store/children.py`).
* After a crash the next owner of the parent asks the store which children have ended (`look`): nothing depends on news
  that were on their way.
* A node that is being stopped stops its children one by one (`stop`); whoever owns the parent does it again until they
  have ended, since the state says so.

What the children are given is kept in memory while their parent is in hand, and nothing of them after their end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from arkwright.core.commands import AttachChildren, Command, OpenChildren, StartChildren, StopChildren
from arkwright.core.control.children import Parent
from arkwright.core.events import ChildEnded, Event, ParentStopped
from arkwright.core.instance import ENDED_INSTANCE, Instance, InstanceStatus, InstanceType
from arkwright.engine.clock import Clock
from arkwright.engine.vault import Vault
from arkwright.errors import NotFound
from arkwright.store.base import Store
from arkwright.store.patience import insist

_UNENDED = tuple(status for status in InstanceStatus if status not in ENDED_INSTANCE)

Opened = dict[int, OpenChildren]
"""Per node of one instance what its newest attempt's children are given."""


async def make(
    store: Store,
    clock: Clock,
    parent: Instance,
    opened: Opened,
    commands: Sequence[Command],
    closing: Callable[[], bool] = lambda: False,
) -> list[Instance]:
    """The instances that these commands start, not stored yet."""
    children: list[Instance] = []
    for command in commands:
        if isinstance(command, OpenChildren):
            opened[command.node] = command
        elif isinstance(command, StartChildren):
            given = opened.get(command.node)
            if given is None or given.attempt != command.attempt:
                given = opened[command.node] = await _recorded(store, command, closing)
            count = len(command.rows)
            await insist(partial(store.reserve_ids, count), closing)
            children += [_child(store, clock, parent, given, row) for row in command.rows]
    return children


def sealed(vault: Vault | None, parent: Instance, commands: tuple[Command, ...]) -> tuple[Command, ...]:
    """The commands, with what children are given for masked parameters sealed before it is stored anywhere."""
    if vault is None or not any(isinstance(command, OpenChildren) for command in commands):
        return commands
    return tuple(_sealed(vault, parent, each) if isinstance(each, OpenChildren) else each for each in commands)


def _sealed(vault: Vault, parent: Instance, command: OpenChildren) -> OpenChildren:
    pin = parent.subjobs.get(command.job_name)
    if pin is None or not pin.masked:
        return command
    requests = tuple(
        msgspec.structs.replace(each, parameters=vault.seal_named(parent.workspace_id, each.parameters, pin.masked))
        for each in command.requests
    )
    return msgspec.structs.replace(command, requests=requests)


async def _recorded(store: Store, command: StartChildren, closing: Callable[[], bool]) -> OpenChildren:
    row = await insist(lambda: store.get_attempt(command.instance_id, command.node, command.attempt), closing)
    if row is None:
        raise NotFound(f"The record of attempt {command.attempt} of node {command.node} is gone.")
    return msgspec.convert(row.request, OpenChildren)


def _child(store: Store, clock: Clock, parent: Instance, given: OpenChildren, row: int) -> Instance:
    """It takes over time, zone, variables and policy of its parent, and the versions its parent began with."""
    request = given.requests[row]
    job = parent.subjobs[given.job_name]
    return Instance(
        id=store.next_id(),
        project_id=parent.project_id,
        workspace_id=parent.workspace_id,
        job_id=job.job_id,
        job_name=given.job_name,
        job_version=job.version,
        script_versions=job.script_versions,
        subjobs=parent.subjobs,
        parent=Parent(instance_id=parent.id, node=given.node, attempt=given.attempt, row=row),
        name=request.name,
        instance_type=InstanceType.SUBJOB,
        plan_time_ms=parent.plan_time_ms,
        submit_time_ms=clock.now_ms(),
        time_zone=parent.time_zone,
        parameters=request.parameters,
        environment=parent.environment,
        condition_policy=parent.condition_policy,
        rules=parent.rules,
        event_data=parent.event_data,
        obs_new_files=parent.obs_new_files,
        event_source=parent.event_source,
        created_by=parent.created_by,
    )


def unmade(commands: Sequence[Command], fault: Exception, at_ms: int) -> list[ChildEnded]:
    """The ends of rows whose instances could not be made, so that their node does not wait for them."""
    return [
        ChildEnded(
            at_ms=at_ms,
            node=command.node,
            attempt=command.attempt,
            row=row,
            child=0,
            status=InstanceStatus.FAIL,
            message=f"It could not be made: {fault}",
        )
        for command in commands
        if isinstance(command, StartChildren)
        for row in command.rows
    ]


def end_of(child: Instance, at_ms: int) -> tuple[int, ChildEnded] | None:
    """Whom its end concerns, and the news. None: it is nobody's child."""
    if child.parent is None or not child.ended:
        return None
    failed = child.status is not InstanceStatus.SUCCESS
    return child.parent.instance_id, ChildEnded(
        at_ms=at_ms,
        node=child.parent.node,
        attempt=child.parent.attempt,
        row=child.parent.row,
        child=child.id,
        status=child.status,
        message=child.message if failed else None,
    )


class Care:
    """Looks after children that are there: what became of them, and that they stop."""

    def __init__(
        self, *, store: Store, clock: Clock, tell: Callable[[int, Event], None], holds: Callable[[int], bool]
    ) -> None:
        self._store = store
        self._clock = clock
        self._tell = tell
        self._holds = holds

    async def look(self, parent: Instance, command: AttachChildren) -> None:
        """Tell the parent of every child that has ended without its knowing."""
        run = parent.nodes[command.node]
        if run.children is None:
            return
        waiting = set(run.children.under_way())
        found = await insist(lambda: self._store.children_of(parent.id, node=command.node, attempt=command.attempt))
        for child in found.items:
            if child.parent is None or child.parent.row not in waiting:
                continue
            waiting.discard(child.parent.row)
            news = end_of(child, child.end_time_ms or self._clock.now_ms())
            if news is not None:
                self._tell(*news)
        if len(found.items) < found.total:
            return  # one that can't be read, of a newer server perhaps, may be any of these
        for row in sorted(waiting):  # a store that was put together from parts
            self._tell(
                parent.id,
                ChildEnded(
                    at_ms=self._clock.now_ms(),
                    node=command.node,
                    attempt=command.attempt,
                    row=row,
                    child=0,
                    status=InstanceStatus.FAIL,
                    message="Its record is missing, so what became of it can't be known.",
                ),
            )

    async def stop(self, parent: Instance, command: StopChildren) -> None:
        found = await insist(
            lambda: self._store.children_of(parent.id, node=command.node, attempt=command.attempt, statuses=_UNENDED)
        )
        name = parent.nodes[command.node].name
        event = ParentStopped(
            at_ms=self._clock.now_ms(), message=f"Stopped with node {name!r} of instance {parent.id}, which runs it."
        )
        for child in found.items:
            if self._holds(child.id):
                self._tell(child.id, event)
            else:
                await insist(partial(self._store.post, child.id, event))
