"""What every executor of program nodes must do, as tests to inherit.

    class TestMyExecutor(ExecutorSuite):
        factory = "my_package.testing:make_executor"    # (registry, root) -> Executor, importable by name

        def kill_supervisor(self, folder): ...          # kill -9 whatever keeps watch over this attempt

Each test runs real processes. The server's death is real, too: a process of its own opens the executor (made by
`factory`), starts programs and is killed with SIGKILL; another executor then attaches. Programs and tests wait for each
other through named pipes, never for a time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar

import pytest

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.executors.base import Executor
from arkwright.nodes.base import Context
from arkwright.testing.executor_stage import (
    Gate,
    Live,
    doomed_server,
    group_is_empty,
    load,
    log_of,
    opened,
    step_context,
    suite_registry,
    until,
)


class ExecutorSuite:
    """Inherit, set `factory`, override `kill_supervisor`."""

    factory: ClassVar[str]

    def new_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    def make(self, root: Path) -> Executor:
        executor: Executor = load(self.factory)(suite_registry(), root)
        return executor

    def kill_supervisor(self, folder: Path) -> None:
        pytest.skip("this executor has no supervisor that could be killed")

    def play(self, scene: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=self.new_loop) as runner:
            runner.run(scene)

    @pytest.fixture
    def gate(self, tmp_path: Path) -> Any:
        gate = Gate(tmp_path)
        yield gate
        gate.close()

    def start_and_kill_server(self, root: Path, gate: Gate, count: int, text: str) -> list[Context]:
        """Programs that a killed server left running behind the gate (`{i}` in the text is the number)."""
        with doomed_server(self.factory, root, count, text):
            gate.wait(count)
        return [step_context(root, i, text.replace("{i}", str(i))) for i in range(count)]

    # -- running

    def test_a_program_that_ends_with_zero_succeeds(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                context = step_context(tmp_path, 1, "echo out; echo err >&2")
                assert await live.run(context) == Succeeded()
                assert log_of(context) == "out\nerr\n"

        self.play(scene())

    def test_any_other_exit_code_is_reported(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                texts = {1: "exit 1", 42: "exit 42", 127: "no-such-program-here", 137: "kill -9 $$", 255: "exit 255"}
                contexts = {code: step_context(tmp_path, code, text) for code, text in texts.items()}
                for context in contexts.values():
                    live.submit(context)
                for code, context in contexts.items():
                    outcome = await live.outcome(context)
                    assert isinstance(outcome, Failed)
                    assert (outcome.kind, outcome.exit_code) == (FailureKind.ERROR, code)

        self.play(scene())

    def test_a_refused_node_is_not_started(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                outcome = await live.run(step_context(tmp_path, 1, f"touch {tmp_path}/ran", refuse="not here"))
                assert outcome == Failed(kind=FailureKind.REFUSED, message="not here")
                assert not (tmp_path / "ran").exists()

        self.play(scene())

    def test_an_unknown_type_is_refused_by_name(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                context = step_context(tmp_path, 1, "true")
                live.executor.submit("Teapot", context)
                outcome = await live.outcome(context)
                assert isinstance(outcome, Failed)
                assert outcome.kind is FailureKind.REFUSED
                assert "Teapot" in outcome.message

        self.play(scene())

    def test_a_hundred_at_once_all_end_with_their_own_code(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                contexts = [step_context(tmp_path, i, f"echo {i}; exit {i}") for i in range(100)]
                for context in contexts:
                    live.submit(context)
                for i, context in enumerate(contexts):
                    outcome = await live.outcome(context)
                    assert (outcome.exit_code if isinstance(outcome, Failed) else 0) == i
                    assert log_of(context) == f"{i}\n"
                assert len(live.reports) == 100

        self.play(scene())

    # -- exactly once

    def test_a_key_submitted_twice_starts_once(self, tmp_path: Path, gate: Gate) -> None:
        async def scene() -> None:
            async with opened(self.make(tmp_path)) as first, opened(self.make(tmp_path)) as second:
                context = step_context(tmp_path, 1, f"echo started; {gate.text} exit 7")
                first.submit(context)
                first.submit(context)
                await gate.arrive()
                second.submit(context)
                second.submit(context)
                gate.open()
                for live in (first, second):
                    outcome = await live.outcome(context)
                    assert isinstance(outcome, Failed)
                    assert outcome.exit_code == 7
                assert log_of(context) == "started\n"

        self.play(scene())

    def test_many_starting_one_key_at_the_same_moment_start_it_once(self, tmp_path: Path) -> None:
        async def scene() -> None:
            executors = [self.make(tmp_path) for _ in range(4)]
            lives = [Live(executor) for executor in executors]
            for live in lives:
                await live.executor.open(live.finished)
            contexts = [step_context(tmp_path, i, "echo started") for i in range(10)]
            for context in contexts:
                for live in lives:
                    live.submit(context)
            for context in contexts:
                for live in lives:
                    assert await live.outcome(context) == Succeeded()
                assert log_of(context) == "started\n"
            for executor in executors:
                await executor.close()

        self.play(scene())

    def test_what_was_never_started_is_started_by_attach(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                context = step_context(tmp_path, 1, "echo started; exit 3")
                live.attach(context)
                outcome = await live.outcome(context)
                assert isinstance(outcome, Failed)
                assert outcome.exit_code == 3
                assert log_of(context) == "started\n"

        self.play(scene())

    # -- a server that goes and comes back

    def test_a_running_program_survives_close_and_is_found_again(self, tmp_path: Path, gate: Gate) -> None:
        async def scene() -> None:
            context = step_context(tmp_path, 1, f"echo before; {gate.text} echo after; exit 5")
            async with opened(self.make(tmp_path)) as live:
                live.submit(context)
                await gate.arrive()
            assert not live.reports
            async with opened(self.make(tmp_path)) as live:
                live.attach(context)
                gate.open()
                outcome = await live.outcome(context)
            assert isinstance(outcome, Failed)
            assert outcome.exit_code == 5
            assert log_of(context) == "before\nafter\n"

        self.play(scene())

    def test_twenty_programs_survive_kill_9_and_are_adopted_with_codes_and_whole_logs(
        self, tmp_path: Path, gate: Gate
    ) -> None:
        text = f"echo begin {{i}}; {gate.text} seq 1 500; echo end {{i}}; exit {{i}}"
        contexts = self.start_and_kill_server(tmp_path, gate, 20, text)

        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                for context in contexts:
                    live.attach(context)
                gate.open(20)
                for i, context in enumerate(contexts):
                    outcome = await live.outcome(context)
                    assert (outcome.exit_code if isinstance(outcome, Failed) else 0) == i
                    lines = log_of(context).splitlines()
                    assert lines == [f"begin {i}", *map(str, range(1, 501)), f"end {i}"]
                assert len(live.reports) == 20

        self.play(scene())

    def test_programs_that_ended_while_the_server_was_dead_are_reported(self, tmp_path: Path, gate: Gate) -> None:
        contexts = self.start_and_kill_server(tmp_path, gate, 5, f"{gate.text} echo done {{i}}; exit {{i}}")
        gate.open(5)

        async def scene() -> None:
            for i, context in enumerate(contexts):
                await until(lambda context=context, i=i: log_of(context) == f"done {i}\n")  # type: ignore[misc]
            async with opened(self.make(tmp_path)) as live:
                for context in contexts:
                    live.attach(context)
                codes = [await live.outcome(context) for context in contexts]
            assert [outcome.exit_code if isinstance(outcome, Failed) else 0 for outcome in codes] == [0, 1, 2, 3, 4]

        self.play(scene())

    def test_an_attempt_whose_supervisor_was_killed_is_lost_and_nothing_of_it_goes_on(
        self, tmp_path: Path, gate: Gate
    ) -> None:
        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                context = step_context(tmp_path, 1, f"{gate.text} exit 0")
                live.submit(context)
                (pid,) = await gate.arrive()
                group = os.getpgid(pid)
                self.kill_supervisor(context.folder)
                outcome = await live.outcome(context)
                assert isinstance(outcome, Failed)
                assert outcome.kind is FailureKind.LOST
                await until(lambda: group_is_empty(group))

        self.play(scene())

    # -- stopping

    def test_a_cancelled_program_ends_with_all_its_children(self, tmp_path: Path, gate: Gate) -> None:
        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                context = step_context(tmp_path, 1, f"sleep 600 & sleep 601 & {gate.text} wait")
                live.submit(context)
                (pid,) = await gate.arrive()
                group = os.getpgid(pid)
                live.executor.cancel(context.key)
                outcome = await live.outcome(context)
                assert isinstance(outcome, Failed)
                assert outcome.kind is FailureKind.CANCELLED
                await until(lambda: group_is_empty(group))
                assert len(live.reports) == 1

        self.play(scene())

    def test_an_adopted_program_can_be_cancelled(self, tmp_path: Path, gate: Gate) -> None:
        (context,) = self.start_and_kill_server(tmp_path, gate, 1, f"{gate.text} exit 0")

        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                live.attach(context)
                live.executor.cancel(context.key)
                outcome = await live.outcome(context)
                assert isinstance(outcome, Failed)
                assert outcome.kind is FailureKind.CANCELLED

        self.play(scene())

    def test_cancelling_what_is_unknown_or_ended_does_nothing(self, tmp_path: Path) -> None:
        async def scene() -> None:
            async with opened(self.make(tmp_path)) as live:
                context = step_context(tmp_path, 1, "true")
                live.executor.cancel(context.key)
                assert await live.run(context) == Succeeded()
                live.executor.cancel(context.key)
                live.attach(context)
                live.executor.cancel(context.key)
                await until(lambda: len(live.reports) == 2)
                assert live.reports[1] == (context.key, Succeeded())

        self.play(scene())
