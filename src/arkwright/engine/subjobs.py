"""Which jobs a job runs through its nodes, and those in turn: pinned together when an instance begins.

Rules: all of them get the version that is submitted at that moment, so a change of one of them in the middle of a loop
is not seen before the next instance. A circle of jobs is refused and shown. How deep they may be nested is a setting:
a Subjob's job has no Subjob node itself (`subjob_levels` 1), as in the original; For Each may be nested.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec

from arkwright.core.control import is_parent
from arkwright.core.control.children import PinnedJob
from arkwright.core.control.reading import SettingWrong, job_name
from arkwright.core.job import Job, Node
from arkwright.errors import Code, InvalidInput, NotFound

Found = tuple[Job, PinnedJob]
Find = Callable[[str], Awaitable[Found]]
"""The submitted version of a job by name. Raises `NotFound` and `InvalidInput`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesting:
    """How deep jobs may run jobs."""

    subjob_levels: int = 1
    """Subjob nodes one below the other."""
    levels: int = 10
    """Jobs one below the other, whatever node runs them."""


def runs_jobs(job: Job) -> bool:
    return not job.dry_run and any(is_parent(node) and not node.dry_run for node in job.nodes)


async def subjobs(job: Job, find: Find, nesting: Nesting) -> Mapping[str, PinnedJob]:
    """Every job that the job may run, directly or not. Raises `NotFound` and `InvalidInput`."""
    if not runs_jobs(job):
        return {}
    walk = _Walk(find, nesting)
    await walk.go(job)
    return walk.pins


class _Walk:
    def __init__(self, find: Find, nesting: Nesting) -> None:
        self._find = find
        self._nesting = nesting
        self._path: list[str] = []
        self._heights: dict[str, tuple[int, int]] = {}
        self.pins: dict[str, PinnedJob] = {}

    async def go(self, job: Job) -> tuple[int, int]:
        """Levels of jobs below this one: of any kind, and of Subjob nodes one right below the other."""
        if job.name in self._heights:
            return self._heights[job.name]
        self._path.append(job.name)
        deepest = subjobs_deep = 0
        for node in job.nodes:
            if not is_parent(node) or node.dry_run or job.dry_run:
                continue
            below, subjobs_below = await self._child(job, node)
            deepest = max(deepest, below + 1)
            if node.type == "subjob":
                subjobs_deep = max(subjobs_deep, subjobs_below + 1)
        self._path.pop()
        if subjobs_deep > self._nesting.subjob_levels:
            most = self._nesting.subjob_levels
            what = "a job that has a Subjob node itself" if most == 1 else f"Subjob nodes nested deeper than {most}"
            raise InvalidInput(
                f"The job {job.name!r} runs {what}.",
                field="nodes",
                hint="Use For Each with one row in its place, or allow more (setting subjob_levels).",
            )
        if deepest > self._nesting.levels:
            raise InvalidInput(
                f"Below the job {job.name!r} are {deepest} levels of jobs; {self._nesting.levels} are allowed.",
                field="nodes",
            )
        self._heights[job.name] = (deepest, subjobs_deep)
        return deepest, subjobs_deep

    async def _child(self, job: Job, node: Node) -> tuple[int, int]:
        try:
            name = job_name(node)
        except SettingWrong as error:
            raise InvalidInput(str(error), field="nodes") from error
        if name in self._path:
            circle = [*self._path[self._path.index(name) :], name]
            raise InvalidInput(
                f"Jobs run each other in a circle: {' -> '.join(circle)}.",
                field="nodes",
                hint=f"Let the node {node.name!r} of job {job.name!r} run another job.",
            )
        try:
            child, pin = await self._find(name)
        except InvalidInput as error:
            # A code of its own kind would be answered with the documented text, which names no node.
            kind = NotFound if isinstance(error, NotFound) else InvalidInput
            raise kind(
                f"The node {node.name!r} of job {job.name!r} can't run the job {name!r}: {error.message}",
                field="nodes",
                code=Code.PARAMETER_INVALID,
                hint=error.hint,
            ) from error
        self.pins[name] = msgspec.structs.replace(pin, masked=child.masked) if child.masked else pin
        return await self.go(child)
