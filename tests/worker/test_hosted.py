"""Hosted nodes inside a worker begin only while their lease holds, and always come to an end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors.beginning import since_boot
from arkwright.nodes.base import AttemptKey, Context, Log, NodeType, Work
from arkwright.nodes.registry import Registry
from arkwright.testing.executor_stage import opened
from arkwright.worker.hosted import HostedHere

HOUR = 3600.0


class Step:
    """Writes down that it ran."""

    type = NodeType(name="Step", title="Step", work=Work.HOSTED, summary="A step of these tests.")

    def check(self, context: Context) -> Failed | None:
        return None

    def host(self, context: Context) -> str:
        return "steps"

    async def run(self, context: Context, log: Log) -> Outcome:
        with (context.workspace_folder / "effects").open("a") as effects:
            effects.write(f"{context.key}\n")
        return Succeeded()

    async def recall(self, context: Context) -> Outcome | None:
        return None


class Faulty(Step):
    type = NodeType(name="Faulty", title="Faulty", work=Work.HOSTED, summary="Can't be set up.")

    def configure(self, settings: object) -> None:
        raise KeyError("poison")


def hosted() -> HostedHere:
    registry = Registry(group=None)
    registry.add(Step())
    registry.add(Faulty())
    return HostedHere(registry, {}, 1_000_000)


def attempt(folder: Path, number: int) -> Context:
    key = AttemptKey(instance_id=number, node=0, attempt=1)
    return Context(
        key=key,
        project_id="project",
        workspace_id="default",
        job_name="job",
        node_name="node",
        folder=folder / str(number),
        workspace_folder=folder,
    )


@pytest.mark.parametrize("begun", [False, True], ids=["never begun", "begun by a worker that died"])
def test_what_comes_too_late_waits_for_the_next_lease_and_may_be_cancelled_meanwhile(
    tmp_path: Path, begun: bool
) -> None:
    async def scene() -> None:
        executor = hosted()
        async with opened(executor) as live:
            late, dropped, other = (attempt(tmp_path, number) for number in (1, 2, 3))
            over = {late.key, dropped.key}
            executor.beginning.until = lambda key: since_boot() + (0 if key in over else HOUR)
            for each in (late, dropped):
                each.folder.mkdir()
                if begun:
                    (each.folder / "claim").write_text("1\n")
                executor.submit("Step", each)
            executor.submit("Step", other)
            assert await live.outcome(other) == Succeeded()
            executor.cancel(dropped.key)
            assert isinstance(await live.outcome(dropped), Failed)
            assert (tmp_path / "effects").read_text() == f"{other.key}\n"
            assert (late.folder / "claim").exists() is begun
            over.clear()
            assert await live.outcome(late) == Succeeded()
        assert (tmp_path / "effects").read_text() == f"{other.key}\n{late.key}\n"

    asyncio.run(scene())


def test_a_type_that_is_faulty_and_a_folder_that_cant_be_used_end_their_attempts(tmp_path: Path) -> None:
    async def scene() -> None:
        executor = hosted()
        async with opened(executor) as live:
            faulty, lost, kept_out = (attempt(tmp_path, number) for number in (1, 2, 3))
            for each in (lost, kept_out):
                (each.folder / "log").mkdir(parents=True)  # no file: it can't be written to
            (lost.folder / "claim").write_text("1\n")
            executor.submit("Faulty", faulty)
            executor.submit("Step", lost)
            executor.submit("Step", kept_out)
            kinds = [(await live.outcome(each)) for each in (faulty, lost, kept_out)]
            assert [each.kind for each in kinds if isinstance(each, Failed)] == [
                FailureKind.ERROR,
                FailureKind.LOST,
                FailureKind.ERROR,
            ]
        assert not (tmp_path / "effects").exists()

    asyncio.run(scene())
