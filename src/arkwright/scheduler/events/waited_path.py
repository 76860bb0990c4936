"""The path that an instance waits for, its expressions replaced as they are in the job's nodes."""

from __future__ import annotations

import asyncio

import msgspec

from arkwright.core.facts import fact_key
from arkwright.core.instance import Instance, NodeRun
from arkwright.core.job import Plan
from arkwright.core.job_document import read_job
from arkwright.core.resolve import Resolver
from arkwright.el import ElError, Evaluated
from arkwright.engine.interface import Engine
from arkwright.errors import InvalidInput, NotFound
from arkwright.store.base import Store

_ROUNDS = 10
"""How often facts may be asked for: each round some more turn out to be needed."""


async def waited_path(store: Store, engine: Engine, instance: Instance, text: str) -> str:
    """Raises `InvalidInput` for a text that can't be evaluated, `NotFound` when the job is gone."""
    if "#{" not in text and "${" not in text:
        return text
    definition = await store.get_definition_version(instance.job_id, instance.job_version)
    if definition is None:
        raise NotFound("The job of this instance is gone.")
    plan = Plan(job=read_job(definition.body))
    probe = NodeRun(index=0, name=plan.job.nodes[0].name)
    for _ in range(_ROUNDS):
        try:
            found = await asyncio.to_thread(Resolver(plan, instance, [probe], probe).evaluate, text)
        except ElError as error:
            raise InvalidInput(f"The path {text!r} can't be evaluated: {error}", field="path") from error
        if isinstance(found, Evaluated):
            return found.text
        facts, failure = await engine.find_facts(instance, frozenset(fact_key(each) for each in found.facts))
        if failure is not None:
            raise InvalidInput(f"The path {text!r} can't be evaluated: {failure}", field="path")
        probe = msgspec.structs.replace(probe, facts={**probe.facts, **facts})
    raise InvalidInput(f"The path {text!r} asks for ever more facts.", field="path")
