"""Cancelling programs: the whole group, with a grace, and never a start after it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors.local import LocalExecutor
from arkwright.executors.process import PortableSystem
from arkwright.testing.executor_stage import (
    Gate,
    group_is_empty,
    log_of,
    opened,
    step_context,
    suite_registry,
    until,
)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.close()


def make(root: Path, **settings: float) -> LocalExecutor:
    return LocalExecutor(suite_registry(), root=root, **settings)  # type: ignore[arg-type]


def is_cancelled(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.CANCELLED
    return outcome


def test_a_cancelled_attempt_that_waits_never_starts_also_not_by_attach(tmp_path: Path, gate: Gate) -> None:
    async def scene() -> None:
        first = step_context(tmp_path, 1, gate.text)
        second = step_context(tmp_path, 2, "echo must not run")
        async with opened(make(tmp_path, max_programs=1)) as live:
            live.submit(first)
            live.submit(second)
            await gate.arrive()
            live.executor.cancel(second.key)
            is_cancelled(await live.outcome(second))
            gate.open()
            assert await live.outcome(first) == Succeeded()
        async with opened(make(tmp_path)) as live:
            live.attach(second)
            is_cancelled(await live.outcome(second))
            assert not (second.folder / "log").exists()

    asyncio.run(scene())


def test_what_waits_starts_in_order_when_a_place_is_free(tmp_path: Path) -> None:
    async def scene() -> None:
        async with opened(make(tmp_path, max_programs=1)) as live:
            contexts = [step_context(tmp_path, i, f"echo {i} >>{tmp_path}/order") for i in range(10)]
            for context in contexts:
                live.submit(context)
            for context in contexts:
                await live.outcome(context)
            assert (tmp_path / "order").read_text().split() == [str(i) for i in range(10)]

    asyncio.run(scene())


def test_what_waited_when_the_server_closed_is_started_by_the_next_one(tmp_path: Path, gate: Gate) -> None:
    async def scene() -> None:
        first, second = step_context(tmp_path, 1, gate.text), step_context(tmp_path, 2, "exit 4")
        async with opened(make(tmp_path, max_programs=1)) as live:
            live.submit(first)
            live.submit(second)
            await gate.arrive()
        async with opened(make(tmp_path)) as live:
            live.attach(first)
            live.attach(second)
            outcome = await live.outcome(second)
            assert isinstance(outcome, Failed)
            assert outcome.exit_code == 4
            gate.open()
            assert await live.outcome(first) == Succeeded()

    asyncio.run(scene())


def test_cancel_in_the_moment_of_submit_ends_it_and_no_attach_starts_it(tmp_path: Path) -> None:
    async def scene() -> None:
        contexts = [step_context(tmp_path, i, "sleep 600") for i in range(30)]
        async with opened(make(tmp_path)) as live:
            for i, context in enumerate(contexts):
                live.submit(context)
                for _ in range(i % 5):
                    await asyncio.sleep(0)
                live.executor.cancel(context.key)
            for context in contexts:
                is_cancelled(await live.outcome(context))
        async with opened(make(tmp_path)) as live:
            for context in contexts:
                live.attach(context)
            for context in contexts:
                is_cancelled(await live.outcome(context))

    asyncio.run(scene())


def test_a_program_that_ignores_term_is_killed_after_the_grace(tmp_path: Path, gate: Gate) -> None:
    async def scene() -> None:
        context = step_context(tmp_path, 1, f"trap '' TERM; {gate.text} echo must not come")
        async with opened(make(tmp_path, grace_seconds=0.2)) as live:
            live.submit(context)
            (pid,) = await gate.arrive()
            group = os.getpgid(pid)
            live.executor.cancel(context.key)
            assert is_cancelled(await live.outcome(context)).exit_code == 128 + signal.SIGKILL
            await until(lambda: group_is_empty(group))
            assert log_of(context) == ""
        async with opened(make(tmp_path)) as live:
            live.attach(context)
            assert is_cancelled(await live.outcome(context)).exit_code == 128 + signal.SIGKILL

    asyncio.run(scene())


def test_a_program_may_clean_up_when_it_is_cancelled(tmp_path: Path, gate: Gate) -> None:
    async def scene() -> None:
        context = step_context(tmp_path, 1, f"trap 'echo cleaned; exit 0' TERM; {gate.text} wait")
        async with opened(make(tmp_path)) as live:
            live.submit(context)
            await gate.arrive()
            live.executor.cancel(context.key)
            is_cancelled(await live.outcome(context))
            assert "cleaned\n" in log_of(context)

    asyncio.run(scene())


def test_a_child_gets_the_rest_of_the_grace_when_its_parent_is_gone(tmp_path: Path, gate: Gate) -> None:
    async def scene() -> None:
        clean_up = f"read -r _ <{gate.go}; echo child done; exit"
        child = f"trap '{clean_up}' TERM; echo 1 >{gate.arrived}; while :; do sleep 1; done"
        context = step_context(tmp_path, 1, f'sh -c "{child}" & exec sleep 600')
        async with opened(make(tmp_path)) as live:
            live.submit(context)
            await gate.arrive()
            live.executor.cancel(context.key)
            await until(lambda: "143 ." in (context.folder / "child").read_text())
            gate.open()
            is_cancelled(await live.outcome(context))
            assert "child done\n" in log_of(context)

    asyncio.run(scene())


def test_a_child_that_ignores_term_is_killed_though_its_parent_is_gone(tmp_path: Path, gate: Gate) -> None:
    async def scene() -> None:
        context = step_context(
            tmp_path, 1, f"sh -c \"trap '' TERM; echo 1 >{gate.arrived}; sleep 600\" & exec sleep 601"
        )
        async with opened(make(tmp_path, grace_seconds=0.3)) as live:
            live.submit(context)
            await gate.arrive()
            group = int((context.folder / "child").read_text().split()[1])
            live.executor.cancel(context.key)
            is_cancelled(await live.outcome(context))
            await until(lambda: group_is_empty(group))

    asyncio.run(scene())


def test_a_cancel_that_a_crash_interrupted_is_carried_on(tmp_path: Path, gate: Gate) -> None:
    async def scene() -> None:
        context = step_context(tmp_path, 1, f"trap '' TERM; {gate.text} echo must not come")
        async with opened(make(tmp_path, grace_seconds=600)) as live:
            live.submit(context)
            await gate.arrive()
            live.executor.cancel(context.key)
        async with opened(make(tmp_path, grace_seconds=0.1)) as live:
            live.attach(context)
            is_cancelled(await live.outcome(context))

    asyncio.run(scene())


def test_a_program_that_ended_before_the_cancel_keeps_its_end(tmp_path: Path) -> None:
    async def scene() -> None:
        context = step_context(tmp_path, 1, "exit 3")
        async with opened(make(tmp_path)) as live:
            await live.run(context)
        async with opened(make(tmp_path)) as live:
            live.attach(context)
            live.executor.cancel(context.key)
            outcome = await live.outcome(context)
            assert isinstance(outcome, Failed)
            assert (outcome.kind, outcome.exit_code) == (FailureKind.ERROR, 3)

    asyncio.run(scene())


def test_closing_does_not_wait_for_a_grace(tmp_path: Path, gate: Gate) -> None:
    async def scene() -> None:
        context = step_context(tmp_path, 1, f"trap '' TERM; {gate.text} true")
        started = time.monotonic()
        async with opened(LocalExecutor(suite_registry(), root=tmp_path, system=PortableSystem())) as live:
            live.submit(context)
            await gate.arrive()
            live.executor.cancel(context.key)
        assert time.monotonic() - started < 4
        gate.open()

    asyncio.run(scene())
