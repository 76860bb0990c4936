"""What a program gets from the server, and what it must not get."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from arkwright.core.outcome import Failed, Succeeded
from arkwright.executors.local import LocalExecutor
from arkwright.testing.executor_stage import Gate, log_of, opened, step_context, suite_registry


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.close()


def run(root: Path, text: str) -> tuple[str, int]:
    """Log and exit code."""

    async def scene() -> tuple[str, int]:
        async with opened(LocalExecutor(suite_registry(), root=root)) as live:
            context = step_context(root, 1, text)
            outcome = await live.run(context)
            return log_of(context), (outcome.exit_code or 0) if isinstance(outcome, Failed) else 0

    return asyncio.run(scene())


def test_the_lock_of_the_data_folder_is_not_inherited(tmp_path: Path, gate: Gate) -> None:
    async def scene() -> None:
        lock = (tmp_path / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            context = step_context(tmp_path, 1, gate.text)
            live.submit(context)
            await gate.arrive()
            lock.close()
            with (tmp_path / "lock").open("w") as again:
                fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
            gate.open()
            assert await live.outcome(context) == Succeeded()

    asyncio.run(scene())


def test_no_descriptor_of_the_server_is_open_in_a_program(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w"):
        log, _ = run(tmp_path, "ls -l /proc/$$/fd")
    assert "secret" not in log
    assert "pidfd" not in log
    assert "eventpoll" not in log


def test_a_closed_executor_keeps_no_descriptor_open(tmp_path: Path, gate: Gate) -> None:
    def descriptors() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    async def scene() -> None:
        before = descriptors()
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            for i in range(5):
                live.submit(step_context(tmp_path, i, gate.text))
            await gate.arrive(5)
        assert descriptors() == before
        gate.open(5)

    asyncio.run(scene())


def test_input_is_empty_and_the_session_is_its_own(tmp_path: Path) -> None:
    log, code = run(tmp_path, "cat; ps -o sid= -p $$; ps -o sid= -p " + str(os.getpid()))
    assert code == 0
    program, server = log.split()
    assert program != server


def test_signals_that_python_ignores_work_as_usual_in_a_program(tmp_path: Path) -> None:
    assert run(tmp_path, "kill -PIPE $$; echo survived") == ("", 141)


def test_signals_that_a_nohup_ed_server_ignores_work_as_usual_in_a_program(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        log, code = run(tmp_path, "kill -HUP $$; echo survived")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert code == 129
    assert "survived" not in log


def test_a_background_process_of_a_program_that_ended_is_left_alone(tmp_path: Path, gate: Gate) -> None:
    log, code = run(tmp_path, f"(read -r _ <{gate.go}; echo 1 >{gate.arrived}) >/dev/null 2>&1 & exit 0")
    assert (log, code) == ("", 0)
    gate.open()
    gate.wait()


def test_more_text_than_a_process_takes_is_told_with_the_way_out(tmp_path: Path) -> None:
    async def scene() -> None:
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            outcome = await live.run(step_context(tmp_path, 1, "true " + "x" * 3_000_000))
            assert isinstance(outcome, Failed)
            assert "more text than a process takes" in outcome.message
            assert "let it read a file" in outcome.message

    asyncio.run(scene())


def test_bytes_of_any_kind_reach_the_log_as_they_are(tmp_path: Path) -> None:
    async def scene() -> None:
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            context = step_context(tmp_path, 1, "printf 'h\\303\\244\\377\\n日本'")
            assert await live.run(context) == Succeeded()
            assert (context.folder / "log").read_bytes() == b"h\xc3\xa4\xff\n" + "日本".encode()

    asyncio.run(scene())


def test_a_folder_with_blanks_and_quotes_in_its_name_works(tmp_path: Path) -> None:
    root = tmp_path / "a b'c\"d $HOME"
    assert run(root, "pwd") == (f"{root}/1/0-1\n", 0)
