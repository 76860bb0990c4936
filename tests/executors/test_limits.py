"""A program that takes too much is stopped, alone, and it is said why."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors import limits
from arkwright.executors.local import LocalExecutor
from arkwright.executors.process import this_system
from arkwright.nodes.base import Context
from arkwright.nodes.program_limits import NO_LIMITS, ProgramLimits
from arkwright.nodes.registry import Registry
from arkwright.testing.executor_stage import step_context

HOG = """
import time
kept = []
print("begun", flush=True)
while True:
    kept.append(b"x" * 20_000_000)
    time.sleep(0.02)
"""
MANY_HOGS = """
import os, time
for n in range(6):
    if os.fork() == 0:
        kept = b"x" * 40_000_000
        time.sleep(60)
time.sleep(60)
"""
BOMB = "bomb() { sleep 0.3; bomb & bomb & wait; }; bomb"
"""It doubles each 0.3 s: a faster one would take the whole machine's processes from whoever works beside this test."""


def run(
    tmp_path: Path, type_name: str, statement: str, allowed: ProgramLimits = NO_LIMITS, **properties: str
) -> Outcome:
    context = replace(
        step_context(tmp_path, 1, ""), properties={"statement": statement, **properties}, local_programs_allowed=True
    )

    async def scene() -> Outcome:
        executor = LocalExecutor(Registry(group=None), root=tmp_path, limits_of=lambda _: allowed)
        outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        await executor.open(lambda key, outcome: outcomes.put_nowait(outcome))
        try:
            executor.submit(type_name, context)
            async with asyncio.timeout(30):
                return await outcomes.get()
        finally:
            await executor.close()

    outcome = asyncio.run(scene())
    end = time.monotonic() + 5  # who was killed is gone a moment later
    while this_system().group_lives(_wrapper(context)):
        assert time.monotonic() < end
        time.sleep(0.01)
    return outcome


def _wrapper(context: Context) -> int:
    return int((context.folder / "child").read_text().split()[1])


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    assert outcome.kind is FailureKind.ERROR
    return outcome


def test_a_process_that_wants_more_memory_than_it_may_have_gets_none_and_it_is_said(tmp_path: Path) -> None:
    outcome = failed(run(tmp_path, "Python", HOG, ProgramLimits(memory_bytes=200_000_000)))
    assert "MemoryError" in outcome.message
    assert "Its memory is limited to 200 MB" in outcome.message


def test_processes_that_take_too_much_together_are_killed_and_it_is_said(tmp_path: Path) -> None:
    outcome = failed(run(tmp_path, "Python", MANY_HOGS, ProgramLimits(memory_bytes=150_000_000)))
    assert outcome.message.startswith("It was killed: over its memory of 150 MB (it took "), outcome
    assert outcome.exit_code == 128 + signal.SIGKILL


def test_a_fork_bomb_is_killed_as_a_whole(tmp_path: Path) -> None:
    outcome = failed(run(tmp_path, "Shell", BOMB, ProgramLimits(processes=100)))
    assert outcome.message.startswith("It was killed: over its 100 processes (there were "), outcome


def test_a_program_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    outcome = failed(
        run(tmp_path, "Shell", "trap 'echo ending; exit 7' TERM; sleep 60 & wait", ProgramLimits(seconds=1))
    )
    assert "over its time of 1 s" in outcome.message, outcome
    assert outcome.exit_code == 7


def test_the_node_says_less_than_the_installation_and_never_more(tmp_path: Path) -> None:
    shown = "ulimit -d; ulimit -n"
    allowed = ProgramLimits(memory_bytes=512_000_000, open_files=77)
    less = run(tmp_path / "less", "Shell", shown, allowed, memoryMb="100")
    more = run(tmp_path / "more", "Shell", shown, allowed, memoryMb="9000")
    assert isinstance(less, Succeeded)
    assert isinstance(more, Succeeded)
    assert next((tmp_path / "less").rglob("output")).read_text().split() == [str(100_000_000 // 1024), "77"]
    assert next((tmp_path / "more").rglob("output")).read_text().split() == [str(512_000_000 // 1024), "77"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_of_a_user_that_is_not_root_the_kernel_itself_refuses_too_many_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OTHERS", 20)
    monkeypatch.setattr(os, "getuid", lambda: 65534)
    text = limits.shell_text.__wrapped__(ProgramLimits(processes=20))
    bomb = "n=0; while [ $n -lt 200 ]; do sleep 5 & n=$((n+1)); done; wait"
    with subprocess.Popen(
        ["/bin/sh", "-c", text + bomb], user=65534, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        os.killpg(process.pid, signal.SIGKILL)
    assert b"fork" in said, said


@pytest.mark.parametrize("given", ["0", "-1", "much", "1.5", "9" * 30])
def test_a_limit_that_is_none_is_refused_by_name(tmp_path: Path, given: str) -> None:
    outcome = run_refused(tmp_path, given)
    assert outcome.kind is FailureKind.REFUSED
    assert "memoryMb" in outcome.message


def run_refused(tmp_path: Path, given: str) -> Failed:
    context = replace(
        step_context(tmp_path, 1, ""),
        properties={"statement": "true", "memoryMb": given},
        local_programs_allowed=True,
    )
    node = Registry(group=None).find("Shell")
    found = node.check(context)  # type: ignore[union-attr]
    assert isinstance(found, Failed)
    return found


def test_a_program_is_held_to_its_memory_while_the_server_is_down(tmp_path: Path) -> None:
    """The guard outlives the server, and what it did is found by the next one."""
    context = replace(
        step_context(tmp_path, 1, ""), properties={"statement": "sleep 2; " + _slow_hogs()}, local_programs_allowed=True
    )

    def make() -> LocalExecutor:
        allowed = ProgramLimits(memory_bytes=100_000_000)
        return LocalExecutor(Registry(group=None), root=tmp_path, limits_of=lambda _: allowed)

    async def scene() -> Outcome:
        first = make()
        await first.open(lambda *_: None)
        first.submit("Shell", context)
        end = time.monotonic() + 20
        while not (first._guard._pipe >= 0):
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        await first.close()  # as a server that leaves: the program and its guard go on
        while not (context.folder / "limit").exists():
            assert time.monotonic() < end
            await asyncio.sleep(0.02)
        outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        second = make()
        await second.open(lambda key, outcome: outcomes.put_nowait(outcome))
        second.attach("Shell", context)
        async with asyncio.timeout(20):
            outcome = await outcomes.get()
        await second.close()
        return outcome

    assert failed(asyncio.run(scene())).message.startswith("It was killed: over its memory of 100 MB")


def _slow_hogs() -> str:
    return "for n in 1 2 3 4 5; do python3 -c 'import time; x = b\"x\" * 40_000_000; time.sleep(60)' & done; wait"
