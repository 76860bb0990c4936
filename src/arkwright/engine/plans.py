"""Plans: a job and its scripts at pinned versions, read once and kept while they are in use.

Versions are immutable, so a plan never goes stale; the cache is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

from arkwright.core.control.children import PinnedJob
from arkwright.core.instance import Instance
from arkwright.core.job import Job, Plan, Script
from arkwright.core.job_document import read_job, script_names
from arkwright.core.script_document import read_script
from arkwright.engine.subjobs import Nesting, runs_jobs, subjobs
from arkwright.errors import Code, InvalidInput, NotFound
from arkwright.store.base import Definition, Kind, Place, Store

Pins = Mapping[str, tuple[int, int]]
"""Per script name its definition id and version."""

REAL_TIME = "REAL_TIME"

_Key = tuple[int, int, tuple[tuple[str, int, int], ...]]

_KEPT = 2_000
_KEPT_NODES = 50_000
"""Bound of the jobs kept, by their nodes: about 75 MB."""


class _Kept(NamedTuple):
    job: Job
    scripts: tuple[str, ...]
    """Names."""
    runs_jobs: bool


class Plans:
    def __init__(self, store: Store, nesting: Nesting | None = None) -> None:
        self._store = store
        self._nesting = nesting or Nesting()
        self._jobs: OrderedDict[tuple[int, int], _Kept] = OrderedDict()
        self._nodes = 0
        """Of the jobs that are kept."""
        self._plans: OrderedDict[_Key, Plan] = OrderedDict()

    async def submitted(self, place: Place, job_name: str, kind: Kind = Kind.JOB) -> tuple[Definition, Pins]:
        """The job's submitted version and the scripts it is to run with, each checked to be runnable.

        Raises `NotFound` (job or script) and `InvalidInput` for a document that can't be run.
        """
        definition = await self._store.get_definition(place, kind, job_name, submitted=True)
        if definition is None:
            if await self._store.get_definition(place, kind, job_name) is None:
                raise NotFound(
                    f"There is no job {job_name!r} in this workspace.",
                    field="job_name",
                    code=Code.JOB_NOT_FOUND,
                    hint="The job list shows what there is; names are case-sensitive.",
                )
            raise NotFound(
                f"The job {job_name!r} was saved but never submitted.",
                field="job_name",
                code=Code.JOB_NOT_FOUND,
                hint="Save it without targetStatus, or with targetStatus SUBMITTED.",
            )
        if definition.category == REAL_TIME:
            raise InvalidInput(
                f"The job {job_name!r} is a real-time job; it is started, not run once.",
                field="job_name",
                code=Code.JOB_NOT_BATCH,
            )
        return definition, await self.pins_of(definition)

    async def pins_of(self, definition: Definition) -> Pins:
        """The scripts that a submitted version of a job runs with now. Raises as `submitted`."""
        place, job_name = definition.place, definition.name
        pins: dict[str, tuple[int, int]] = {}
        for name in self._read(definition).scripts:
            script = await self._store.get_definition(place, Kind.SCRIPT, name, submitted=True)
            if script is None:
                raise NotFound(
                    f"The script {name!r} of job {job_name!r} does not exist or was never submitted.",
                    field="scriptName",
                    code=Code.SCRIPT_NOT_FOUND,
                    hint="Create the script, or correct the node's property scriptName.",
                )
            pins[name] = (script.id, script.version)
        return pins

    async def subjobs(self, place: Place, definition: Definition) -> Mapping[str, PinnedJob]:
        """The jobs that this one's nodes run, and those in turn, at their submitted versions.

        Raises `NotFound` (a job, a script) and `InvalidInput` (a circle, too deep, not runnable)."""
        kept = self._read(definition)
        if not kept.runs_jobs:
            return {}

        async def find(name: str) -> tuple[Job, PinnedJob]:
            child, pins = await self.submitted(place, name)
            return self._read(child).job, PinnedJob(job_id=child.id, version=child.version, script_versions=pins)

        return await subjobs(kept.job, find, self._nesting)

    def submitted_in_hand(self, place: Place, job_name: str) -> tuple[Definition, Pins]:
        """As `submitted`, without waiting. Raises `LookupError` when that is not possible just now, and for whatever
        `submitted` refuses: it has the words."""
        definition = self._store.definition_in_hand(place, Kind.JOB, job_name, submitted=True)
        if definition is None or definition.category == REAL_TIME:
            raise LookupError(job_name)
        kept = self._read(definition)
        if kept.runs_jobs:
            raise LookupError(job_name)
        pins: dict[str, tuple[int, int]] = {}
        for name in kept.scripts:
            script = self._store.definition_in_hand(place, Kind.SCRIPT, name, submitted=True)
            if script is None:
                raise LookupError(name)
            pins[name] = (script.id, script.version)
        return definition, pins

    def masked(self, definition: Definition) -> tuple[str, ...]:
        """Names of the masked parameters of a version that can be run."""
        return self._read(definition).job.masked

    def in_hand(self, instance: Instance) -> Plan:
        """As `of`, without waiting. Raises `LookupError`."""
        return self._plans[_key(instance.job_id, instance.job_version, instance.script_versions)]

    async def plan(self, job_id: int, job_version: int, pins: Pins) -> Plan:
        key = _key(job_id, job_version, pins)
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
            return plan
        kept = self._jobs.get((job_id, job_version))
        if kept is None:
            definition = await self._store.get_definition_version(job_id, job_version)
            if definition is None:
                raise NotFound(f"Version {job_version} of job {job_id} is gone.", code=Code.JOB_NOT_FOUND)
            kept = self._read(definition)
        scripts: dict[str, Script] = {}
        for name, (script_id, version) in pins.items():
            script = await self._store.get_definition_version(script_id, version)
            if script is None:
                raise NotFound(f"Version {version} of script {name!r} is gone.", code=Code.SCRIPT_NOT_FOUND)
            scripts[name] = read_script(name, script.body, version)
        plan = Plan(job=kept.job, scripts=scripts)
        self._plans[key] = plan
        if len(self._plans) > _KEPT:
            self._plans.popitem(last=False)
        return plan

    async def of(self, instance: Instance) -> Plan:
        return await self.plan(instance.job_id, instance.job_version, instance.script_versions)

    def _read(self, definition: Definition) -> _Kept:
        key = (definition.id, definition.version)
        kept = self._jobs.get(key)
        if kept is None:
            job = read_job(definition.body)
            kept = _Kept(job, script_names(job), runs_jobs(job))
            self._jobs[key] = kept
            self._nodes += len(job.nodes)
            while self._nodes > _KEPT_NODES and len(self._jobs) > 1:
                _, oldest = self._jobs.popitem(last=False)
                self._nodes -= len(oldest.job.nodes)
        return kept

    def warm(self, definition: Definition) -> None:
        """Read a submitted version ahead of its use. Raises `InvalidInput`."""
        self._read(definition)


def _key(job_id: int, job_version: int, pins: Pins) -> _Key:
    return job_id, job_version, tuple(sorted((name, *pin) for name, pin in pins.items())) if pins else ()
