"""The walk-throughs of the guide, as they lie in `examples/guide`, on a real engine.

What follows a For Each or a REST node has its own tests where these nodes are.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from tests.engine.world import PLACE, World, living, statuses

from arkwright.core.instance import Instance, InstanceStatus
from arkwright.engine.engine import Engine
from arkwright.executors.local import LocalExecutor
from arkwright.executors.resident import ResidentExecutor
from arkwright.nodes.base import Work
from arkwright.nodes.registry import Registry
from arkwright.store.base import DefinitionWrite, Kind

GUIDE = Path(__file__).resolve().parents[2] / "examples" / "guide"
TYPES = {".sh": "Shell", ".sql": "DLISQL"}


class Guide(World):
    """With a host for SQL nodes, and the guide's jobs and scripts saved."""

    async def open(self) -> None:
        await self.store.real.open()
        registry = Registry()
        self.executor = LocalExecutor(registry, root=self.folders.runs, grace_seconds=0.5)
        self.engine = Engine(
            store=self.store.store(),
            clock=self.clock,
            folders=self.folders,
            registry=registry,
            executors={Work.PROGRAM: self.executor, Work.HOSTED: ResidentExecutor(registry, self.folders.hosts)},
            local_programs_allowed=lambda _: True,
            name="guide",
        )
        await self.engine.open()
        for path in (GUIDE / "scripts").iterdir():
            if path.suffix not in TYPES:
                continue
            body = {"name": path.stem, "type": TYPES[path.suffix], "content": path.read_text()}
            await self.store.real.create_definition(PLACE, Kind.SCRIPT, self._write(path.stem, body))
        for path in (GUIDE / "jobs").iterdir():
            body = json.loads(path.read_text())
            await self.store.real.create_definition(PLACE, Kind.JOB, self._write(body["name"], body))

    def _write(self, name: str, body: dict[str, Any]) -> DefinitionWrite:
        category = body.get("processType") or body.get("type", "")
        now_ms = self.clock.now_ms()
        return DefinitionWrite(
            name=name, category=category, directory="/", body=body, submit=True, actor="tester", at_ms=now_ms
        )

    async def environment(self, **variables: str) -> None:
        body = {"params": [{"name": name, "type": "variable", "value": value} for name, value in variables.items()]}
        write = self._write("environment", body)
        if await self.store.real.get_definition(PLACE, Kind.ENVIRONMENT, "environment") is None:
            await self.store.real.create_definition(PLACE, Kind.ENVIRONMENT, write)
        else:
            await self.store.real.save_definition(PLACE, Kind.ENVIRONMENT, "environment", write)


@contextlib.asynccontextmanager
async def guide(folder: Path) -> AsyncIterator[Guide]:
    async with living(Guide(folder)) as world:
        assert isinstance(world, Guide)
        yield world


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def yesterday(state: Instance) -> str:
    planned = dt.datetime.fromtimestamp(state.plan_time_ms / 1000, dt.UTC)
    return (planned - dt.timedelta(days=1)).strftime("%Y-%m-%d")


@in_loop
async def test_a_branch_follows_the_state_of_the_node_before_it(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        good = await world.run("branch_on_status")
        assert statuses(good) == {"work": "success", "on_success": "success", "on_failure": "skip", "always": "success"}
        assert world.log(good, "on_success") == "it worked\n"
        bad = await world.run("branch_on_status", exit_code="3")
        assert statuses(bad) == {"work": "fail", "on_success": "skip", "on_failure": "success", "always": "success"}
        assert (bad.status, bad.ignore_success) == (InstanceStatus.SUCCESS, True)


@in_loop
async def test_the_output_of_an_sql_node_is_used_by_conditions_and_arguments(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        few = await world.run("branch_on_sql")
        assert statuses(few) == {"count": "success", "enough": "skip", "too_few": "success"}, few
        assert world.log(few, "too_few") == "too few: [[3]]\n"
        enough = await world.run("branch_on_sql", least="3")
        assert statuses(enough) == {"count": "success", "enough": "success", "too_few": "skip"}


@in_loop
async def test_parameters_reach_scripts_and_arguments_evaluated(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        state = await world.run("parameters")
        day = yesterday(state)
        assert world.log(state, "script") == f"hello from eu on {day}, the shell keeps its own\n"
        assert world.log(state, "arguments") == f"{day} of eu\n"
        state = await world.run("parameters", day="today", region="us")
        assert world.log(state, "arguments") == "today of us\n"


@in_loop
async def test_an_environment_variable_ranks_between_job_and_script(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        await world.environment(greeting="#{'good' + ' day'}", region="not seen", day="not seen")
        state = await world.run("parameters")
        assert world.log(state, "script").startswith(f"good day from eu on {yesterday(state)},")
        assert dict(state.environment)["greeting"] == "#{'good' + ' day'}"


@in_loop
async def test_an_instance_keeps_the_environment_it_was_made_with(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        await world.environment(greeting="first")
        state = await world.run("parameters")
        await world.environment(greeting="second")
        await world.engine.restart(PLACE, state.id, by="me", operation_id="1")
        assert world.log(await world.ended(state.id), "script").startswith("first ")
        assert world.log(await world.run("parameters"), "script").startswith("second ")


@pytest.mark.parametrize("path", sorted((GUIDE / "jobs").iterdir()), ids=lambda path: path.stem)
def test_an_example_is_named_as_its_file(path: Path) -> None:
    assert json.loads(path.read_text())["name"] == path.stem
