"""The cap of logs: never a failure of the program, never much more than the cap on the disk, also without a server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from arkwright.core.outcome import Succeeded
from arkwright.executors.base import Executor
from arkwright.executors.local import LocalExecutor
from arkwright.executors.local_guard import LogGuard, cap_log, note
from arkwright.nodes.registry import Registry
from arkwright.testing.executor_stage import Gate, doomed_server, log_of, opened, step_context, suite_registry, until

CAP = 300_000
SLACK = CAP // 30


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.close()


def make_capped(registry: Registry, root: Path) -> Executor:
    return LocalExecutor(registry, root=root, log_cap_bytes=CAP)


def test_a_program_over_the_cap_succeeds_and_its_log_has_a_note_where_it_was_cut(tmp_path: Path) -> None:
    async def scene() -> None:
        async with opened(make_capped(suite_registry(), tmp_path)) as live:
            context = step_context(tmp_path, 1, "seq 1 200000")
            assert await live.run(context) == Succeeded()
            log = log_of(context)
            assert len(log) == CAP
            head, _, tail = log.partition(note(CAP).decode())
            assert head.startswith("1\n2\n3\n")
            assert tail.endswith("199999\n200000\n")
            assert len(tail) >= 60_000

    asyncio.run(scene())


def test_a_log_as_long_as_the_cap_is_left_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * CAP)
    assert not cap_log(str(log), CAP)
    assert log.read_bytes() == b"x" * CAP
    assert not cap_log(str(tmp_path / "missing"), CAP)


def test_cutting_again_keeps_the_beginning_and_the_newest_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first " + b"a" * CAP)
    for i in range(3):
        with log.open("ab") as file:
            file.write(b"b" * CAP + b"last %d" % i)
        assert cap_log(str(log), CAP)
        data = log.read_bytes()
        assert len(data) == CAP
        assert data.startswith(b"first ")
        assert data.endswith(b"last %d" % i)
        assert data.count(note(CAP)) == 1


class TestTheGuard:
    factory = "tests.executors.test_local_log:make_capped"

    def test_a_running_programs_log_is_cut_also_after_the_server_was_killed(self, tmp_path: Path, gate: Gate) -> None:
        context = step_context(tmp_path, 0, f"seq 1 200000; {gate.text} seq 1 300000; {gate.text} echo the end")

        def cut() -> bool:
            return (context.folder / "log").stat().st_size <= CAP + SLACK

        with doomed_server(self.factory, tmp_path, 1, context.properties["text"]):
            gate.wait()
            asyncio.run(until(cut))

        async def scene() -> None:
            gate.open()
            await gate.arrive()
            await until(cut)
            async with opened(make_capped(suite_registry(), tmp_path)) as live:
                live.attach(context)
                gate.open()
                assert await live.outcome(context) == Succeeded()
            log = log_of(context)
            assert log.startswith("1\n2\n")
            assert log.endswith("300000\nthe end\n")
            assert note(CAP).decode() in log

        asyncio.run(scene())

    def test_a_guard_that_was_killed_is_started_again(self, tmp_path: Path) -> None:
        guard = LogGuard(CAP)
        guard.watch(os.getpid(), str(tmp_path / "a"))
        first = guard._pid
        os.kill(first, signal.SIGKILL)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
        guard.watch(os.getpid(), str(tmp_path / "b"))
        assert guard._pid != first
        guard.close()
        os.waitpid(guard._pid, 0)  # nothing runs in those folders, so it ends

    def test_short_programs_start_no_guard(self, tmp_path: Path) -> None:
        async def scene() -> None:
            executor = LocalExecutor(suite_registry(), root=tmp_path)
            async with opened(executor) as live:
                assert await live.run(step_context(tmp_path, 1, "true")) == Succeeded()
                assert executor._guard._pid == 0

        asyncio.run(scene())
