"""Answers the core's `LookUp` commands: the clock, outputs of nodes, and later the outside world."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from arkwright.core.calendar import WorkingDays
from arkwright.core.facts import fact_of
from arkwright.core.instance import Instance
from arkwright.el import Calendar, ClockNow, Fact, InsertJobId, NodeOutput, ObsPathExists, RunningData
from arkwright.engine.clock import Clock
from arkwright.engine.run_files import RunFiles
from arkwright.errors import ArkwrightError
from arkwright.store.base import Kind, Place, Store

log = logging.getLogger("arkwright.engine")

OUTPUT_CHARACTERS = 1_000_000
"""What is passed on of a node's output; longer texts are cut (factory-behaviour 3)."""


ObsExists = Callable[[str], Awaitable[bool]]
"""Whether an `obs://` path exists; raises `ArkwrightError` for a path that is none."""


class LookUpFailed(Exception):
    """A fact that can't be found out; the message tells the user why."""


class Lookups:
    def __init__(
        self,
        clock: Clock,
        run_files: RunFiles,
        obs_exists: ObsExists | None = None,
        store: Store | None = None,
    ) -> None:
        self._store = store
        self._obs_exists = obs_exists
        self._clock = clock
        self._run_files = run_files

    async def find(self, state: Instance, keys: frozenset[str]) -> tuple[dict[str, Any], str | None]:
        """What could be found out, and why the rest could not."""
        found: dict[str, Any] = {}
        failures: list[str] = []
        for key in sorted(keys):
            try:
                found[key] = await self._value(state, fact_of(key))
            except LookUpFailed as error:
                failures.append(str(error))
            except Exception as fault:
                log.exception("the fact %s of instance %d", key, state.id)
                failures.append(f"Looking up {key} failed: {fault!r}.")
        return found, " ".join(failures) or None

    async def _value(self, state: Instance, fact: Fact) -> Any:
        match fact:
            case ClockNow():
                return self._clock.now_ms()
            case NodeOutput(node=name):
                return await self._output(state, name)
            case RunningData() | InsertJobId():
                return None  # No node type reports job ids yet; null is what the documents say then.
            case Calendar(name=name):
                return await self._calendar(state, name or await self._own_calendar(state))
            case ObsPathExists(path=path):
                return await self._exists(path)

    async def _own_calendar(self, state: Instance) -> str:
        """Name of the calendar in the schedule of the instance's job; empty: it names none."""
        if self._store is None:
            return ""
        job = await self._store.get_definition_version(state.job_id, state.job_version)
        schedule = job.body.get("schedule") if job is not None else None
        return str(schedule.get("calendar") or "") if isinstance(schedule, Mapping) else ""

    async def _calendar(self, state: Instance, name: str) -> Any:
        """Without a name: the usual week."""
        if not name:
            return {"weekdays": [1, 2, 3, 4, 5], "exceptions": {}}
        place = Place(project_id=state.project_id, workspace_id=state.workspace_id)
        found = None if self._store is None else await self._store.get_definition(place, Kind.CALENDAR, name)
        if found is None:
            raise LookUpFailed(f"There is no calendar {name!r} in this workspace.")
        weekdays = [1, 2, 3, 4, 5] if found.body["default"] == WorkingDays.MONDAY_TO_FRIDAY else [1, 2, 3, 4, 5, 6, 7]
        return {"weekdays": weekdays, "exceptions": dict(found.body["changed"])}

    async def _exists(self, path: str) -> bool:
        if self._obs_exists is None:
            raise LookUpFailed(f"Object storage is not set up, so {path!r} can't be looked up.")
        try:
            return await self._obs_exists(path)
        except ArkwrightError as error:
            raise LookUpFailed(f"{path!r} can't be looked up: {error}") from error

    async def _output(self, state: Instance, name: str) -> str | None:
        run = next((run for run in state.nodes if run.name == name), None)
        if run is None:
            raise LookUpFailed(f"The job has no node {name!r}, so it has no output.")
        if run.output is None:
            return None
        try:
            found = await self._run_files.referenced(run.output, 4 * OUTPUT_CHARACTERS)
        except (ArkwrightError, OSError) as error:
            raise LookUpFailed(f"The output {run.output} can't be read: {error}") from error
        if found is None:
            raise LookUpFailed(f"The output {run.output} is no longer kept, or not where this server can read it.")
        return found.decode("utf-8", "replace")[:OUTPUT_CHARACTERS]
