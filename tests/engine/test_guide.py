"""The walk-throughs of the guide, as they lie in `examples/guide`, on a real engine.

What follows a For Each node has its own tests where that is. The simple variable set is switched on.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.engine.world import PLACE, World, living, statuses

from arkwright.core.instance import Instance, InstanceStatus
from arkwright.core.rules import Rules
from arkwright.engine.engine import Engine
from arkwright.executors.local import LocalExecutor
from arkwright.executors.resident import ResidentExecutor
from arkwright.nodes.base import Work
from arkwright.nodes.registry import Registry
from arkwright.store.base import DefinitionWrite, Kind

GUIDE = Path(__file__).resolve().parents[2] / "examples" / "guide"
RULES = Rules(simple_variables=True)
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
            executors={
                Work.PROGRAM: self.executor,
                Work.HOSTED: ResidentExecutor(registry, self.folders.hosts, settings={"allow_loopback_requests": True}),
            },
            rules=lambda _: RULES,
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
async def test_a_branch_chooses_by_an_assigned_value_and_a_merge_joins_what_came(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        few = await world.run("branch_and_merge")
        both = {"count": "success", "found": "success", "enough_of_them": "success", "either_way": "success"}
        assert statuses(few) == {**both, "publish": "skip", "ask_for_more": "success", "tell": "success"}, few
        assert (world.log(few, "ask_for_more"), world.log(few, "tell")) == ("only 3\n", "counted 3\n")
        enough = await world.run("branch_and_merge", least="3")
        assert statuses(enough) == {**both, "publish": "success", "ask_for_more": "skip", "tell": "success"}


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


class Clusters(BaseHTTPRequestHandler):
    """The API of the walk-through."""

    def do_GET(self) -> None:
        body = b'{"clusters": [{"clusterId": "c-4711", "size": 3}]}' if self.path == "/clusters" else b"gone"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given: Any) -> None:
        pass


@contextlib.contextmanager
def clusters() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Clusters) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(10)


@in_loop
async def test_the_return_value_of_a_rest_node_is_used_by_name_and_by_path(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        with clusters() as address:
            state = await world.run("rest_value", address=address)
            assert world.log(state, "by_name") == "c-4711 has 3 nodes\n", state
            assert world.log(state, "by_path") == '"c-4711"\n'
            assert "clusterId = clusters[0].clusterId: c-4711\n" in world.log(state, "ask")
            wrong = await world.run("rest_value", address=f"{address}/nothing")
        assert statuses(wrong)["ask"] == "fail"
        assert "which is no JSON" in (wrong.nodes[0].message or "")


@in_loop
async def test_the_simple_variables_are_those_of_the_plan_time(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        state = await world.run("simple_variables")
        planned = dt.datetime.fromtimestamp(state.plan_time_ms / 1000, dt.UTC)
        week_before = (planned - dt.timedelta(days=8)).strftime("%Y%m%d")
        hour_before = (planned - dt.timedelta(hours=1)).strftime("%Y-%m-%d %H:%M")
        last_month = (planned.replace(day=1) - dt.timedelta(days=1)).strftime("%Y%m")
        assert world.log(state, "load") == f"{week_before} {yesterday(state)} {hour_before} {last_month}\n"


@in_loop
async def test_a_condition_skips_the_next_node_or_everything_after_it(tmp_path: Path) -> None:
    async with guide(tmp_path) as world:
        none = await world.run("skip_next")
        assert statuses(none) == {
            "count": "success",
            "load": "skip",
            "report": "success",
            "publish": "skip",
            "announce": "skip",
        }
        some = await world.run("skip_next", rows="7")
        assert set(statuses(some).values()) == {"success"}


@pytest.mark.parametrize("path", sorted((GUIDE / "jobs").iterdir()), ids=lambda path: path.stem)
def test_an_example_is_named_as_its_file(path: Path) -> None:
    assert json.loads(path.read_text())["name"] == path.stem
