"""A program that can't be looked at just now is neither given up nor killed: the server looks again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from arkwright.core.outcome import Failed, FailureKind, Succeeded
from arkwright.executors import local
from arkwright.executors.local import LocalExecutor
from arkwright.executors.process import LinuxSystem
from arkwright.testing.executor_stage import Gate, log_of, opened, step_context, suite_registry, until


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """No file can be opened by this process."""
    free = os.dup(0)
    os.close(free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.close()


@pytest.mark.parametrize("ended", [False, True], ids=["it runs", "it has ended"])
def test_a_program_is_found_again_once_there_are_descriptors(
    tmp_path: Path, gate: Gate, caplog: pytest.LogCaptureFixture, ended: bool
) -> None:
    async def scene() -> None:
        context = step_context(tmp_path, 1, gate.text + "echo done")
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            live.submit(context)
            await gate.arrive()
        if ended:
            gate.open()
            await until(lambda: len((context.folder / "child").read_text().splitlines()) == 2)
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            with no_descriptor_left():
                live.attach(context)
                while "can't be looked at" not in caplog.text:
                    assert not live.reports, live.reports
                    await asyncio.sleep(0.01)
            if not ended:
                gate.open()
            assert await live.outcome(context) == Succeeded()
        assert log_of(context) == "done\n"

    asyncio.run(scene())


def test_what_can_not_be_looked_at_for_long_is_lost(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "UNCLEAR_SECONDS", 0.05)
    monkeypatch.setattr(local, "AGAIN_SECONDS", 0.02)

    async def scene() -> None:
        context = step_context(tmp_path, 1, "echo never")
        (context.folder / "child").mkdir(parents=True)  # no file: it can't be read
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            live.attach(context)
            outcome = await live.outcome(context)
            assert isinstance(outcome, Failed)
            assert outcome.kind is FailureKind.LOST
            assert "can't be found out" in outcome.message

    asyncio.run(scene())


def test_without_descriptors_nobody_is_taken_for_dead(tmp_path: Path) -> None:
    system = LinuxSystem()
    with no_descriptor_left():
        assert system.exists(os.getpid())
        assert system.group_lives(os.getpgid(0))
    assert not system.exists(2**22 + 1)
