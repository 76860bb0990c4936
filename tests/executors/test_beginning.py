"""Programs begin only while their lease holds, also those whose process was frozen on its way."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from arkwright.core.outcome import Succeeded
from arkwright.executors import process
from arkwright.executors.beginning import since_boot
from arkwright.executors.local import LocalExecutor
from arkwright.executors.process import LinuxSystem, PortableSystem, System
from arkwright.nodes.base import AttemptKey
from arkwright.testing.executor_stage import Gate, Live, log_of, opened, step_context, suite_registry, until

HOUR = 3600.0


class Lease:
    """As an engine's, by hand."""

    def __init__(self, live: Live) -> None:
        self.end = since_boot() + HOUR
        executor = live.executor
        assert isinstance(executor, LocalExecutor)
        executor.beginning.until = self.until

    def until(self, key: AttemptKey) -> float:
        return self.end


@pytest.mark.parametrize("system", [LinuxSystem(), PortableSystem()], ids=["linux", "portable"])
def test_what_waited_does_not_begin_once_the_lease_is_over_but_when_it_holds_again(
    tmp_path: Path, system: System
) -> None:
    async def scene() -> None:
        gate = Gate(tmp_path)
        executor = LocalExecutor(suite_registry(), root=tmp_path, max_programs=1, system=system)
        async with opened(executor) as live:
            lease = Lease(live)
            first = step_context(tmp_path, 1, gate.text)
            others = [step_context(tmp_path, number, "echo begun") for number in (2, 3, 4)]
            for context in (first, *others):
                live.submit(context)
            await gate.arrive()
            lease.end = since_boot()
            gate.open()
            await live.outcome(first)
            live.submit(step_context(tmp_path, 5, "echo begun"))
            assert executor.queued == 4, "nothing begins"
            live.executor.cancel(others[0].key)
            assert "cancelled before it started" in str(await live.outcome(others[0]))
            assert not any(context.folder.exists() for context in others[1:])
            lease.end = since_boot() + HOUR
            for context in others[1:]:
                assert isinstance(await live.outcome(context), Succeeded)
                assert log_of(context) == "begun\n"
        gate.close()

    asyncio.run(scene())


def test_a_program_whose_shell_was_frozen_past_the_lease_begins_only_in_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen: list[int] = []
    spawn = process.spawn

    def spawn_frozen(argv: tuple[str, ...], *args: object, **given: object) -> int:
        """As on a host that is frozen between the start of the shell and its first step."""
        if frozen:
            return spawn(argv, *args, **given)  # type: ignore[arg-type]
        stopped = (argv[0], "-c", 'kill -STOP $$; exec "$0" "$@"', *argv)
        frozen.append(spawn(stopped, *args, **given))  # type: ignore[arg-type]
        return frozen[0]

    monkeypatch.setattr("arkwright.executors.local_steps.spawn", spawn_frozen)

    async def scene() -> None:
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            lease = Lease(live)
            lease.end = since_boot() + 0.5
            context = step_context(tmp_path, 1, "echo begun")
            live.submit(context)
            await until(lambda: bool(frozen))
            await until(lambda: Path(f"/proc/{frozen[0]}/stat").read_text().rpartition(")")[2].split()[0] == "T")
            await until(lambda: since_boot() > lease.end)
            os.kill(frozen[0], signal.SIGCONT)
            await until(lambda: bool(live.executor.queued))  # type: ignore[attr-defined]
            assert not (context.folder / "child").exists(), "it has not been begun"
            lease.end = since_boot() + HOUR
            assert isinstance(await live.outcome(context), Succeeded)
            assert log_of(context) == "begun\n"

    asyncio.run(scene())
