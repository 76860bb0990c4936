"""What an attempt's folder says after a crash, and what LocalExecutor makes of it."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from arkwright.core.outcome import Failed, FailureKind, Outcome, Succeeded
from arkwright.executors import local
from arkwright.executors.folder import AttemptFolder, Ended, Lost, NotStarted, examine
from arkwright.executors.local import LocalExecutor
from arkwright.executors.local_boot import BootMark
from arkwright.executors.local_steps import Attempt, Steps
from arkwright.executors.process import Handle, LinuxSystem, PortableSystem, System
from arkwright.nodes.base import Context, Program
from arkwright.testing.executor_stage import Gate, Live, Step, log_of, opened, step_context, suite_registry, until

MARK = "a-mark-of-no-other-process"
SYSTEMS = [pytest.param(LinuxSystem, id="linux"), pytest.param(PortableSystem, id="portable")]


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.close()


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with us, and must never be harmed."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def claim(context: Context, text: str) -> None:
    context.folder.mkdir(parents=True)
    (context.folder / "child").write_text(text)


def attached(root: Path, context: Context, executor: LocalExecutor | None = None) -> Outcome:
    async def scene() -> Outcome:
        async with opened(executor or LocalExecutor(suite_registry(), root=root)) as live:
            live.attach(context)
            return await live.outcome(context)

    return asyncio.run(scene())


def is_lost(outcome: Outcome) -> str:
    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.LOST
    return outcome.message


@pytest.mark.parametrize("make_system", SYSTEMS)
def test_a_reused_process_id_means_lost_and_the_stranger_lives(
    make_system: type[System], tmp_path: Path, stranger: subprocess.Popen[bytes]
) -> None:
    system = make_system()
    context = step_context(tmp_path, 1, "echo must not run")
    claim(context, f"{system.boot} {stranger.pid} {MARK}\n")

    message = is_lost(attached(tmp_path, context, LocalExecutor(suite_registry(), root=tmp_path, system=system)))

    assert "left no exit code" in message
    assert stranger.poll() is None
    assert not (context.folder / "log").exists()


def test_a_process_that_is_gone_without_a_code_is_lost(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    context = step_context(tmp_path, 1, "echo must not run")
    claim(context, f"{LinuxSystem().boot} {gone.pid} {MARK}\n")
    assert "left no exit code" in is_lost(attached(tmp_path, context))


def test_a_wrapper_that_was_killed_and_that_nobody_reaps_is_lost_and_nothing_of_it_goes_on(tmp_path: Path) -> None:
    # containers often have no process that reaps the dead of others
    leader = subprocess.Popen(
        ["/bin/sh", "-c", "sleep 600 & echo $!; wait", MARK], stdout=subprocess.PIPE, start_new_session=True
    )
    assert leader.stdout is not None
    child = os.pidfd_open(int(leader.stdout.readline()))
    context = step_context(tmp_path, 1, "echo must not run")
    claim(context, f"{LinuxSystem().boot} {leader.pid} {MARK}\n")
    leader.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)  # dead, and not reaped

    assert "left no exit code" in is_lost(attached(tmp_path, context))

    ended, _, _ = select.select([child], [], [], 30)
    assert ended
    os.close(child)
    leader.stdout.close()
    leader.wait()


def test_a_claim_of_another_boot_is_lost_even_if_its_process_lives(tmp_path: Path) -> None:
    living = subprocess.Popen(["/bin/sh", "-c", "read line", MARK], stdin=subprocess.PIPE, start_new_session=True)
    context = step_context(tmp_path, 1, "echo must not run")
    claim(context, f"another-boot {living.pid} {MARK}\n")
    assert "restarted" in is_lost(attached(tmp_path, context))
    assert living.poll() is None
    living.communicate(b"\n")


def test_an_end_that_was_written_counts_in_any_boot(tmp_path: Path) -> None:
    context = step_context(tmp_path, 1, "true")
    claim(context, f"another-boot 12 {MARK}\n0 .\n")
    assert attached(tmp_path, context) == Succeeded()


def test_half_an_end_is_no_end(tmp_path: Path) -> None:
    context = step_context(tmp_path, 1, "true")
    claim(context, f"another-boot 1 {MARK}\n0")
    is_lost(attached(tmp_path, context))


def test_after_a_restart_of_the_machine_a_missing_claim_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "boot").write_text("another-boot\n")
    context = step_context(tmp_path, 1, "echo must not run")
    assert "restarted" in is_lost(attached(tmp_path, context))
    assert not context.folder.exists()


def test_what_is_submitted_after_a_restart_of_the_machine_runs_and_is_found_again(tmp_path: Path, gate: Gate) -> None:
    (tmp_path / "boot").write_text("another-boot\n")
    context = step_context(tmp_path, 1, f"{gate.text} exit 0")

    async def scene() -> None:
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            live.submit(context)
            await gate.arrive()
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            live.attach(context)
            gate.open()
            assert await live.outcome(context) == Succeeded()

    asyncio.run(scene())


def test_the_restart_stays_known_until_recovery_is_over(tmp_path: Path) -> None:
    mark = tmp_path / "boot"
    mark.write_text("another-boot\n")
    boot = LinuxSystem().boot

    async def scene() -> None:
        async with opened(LocalExecutor(suite_registry(), root=tmp_path, settle_seconds=600)):
            assert mark.read_text() == "another-boot\n"
        async with opened(LocalExecutor(suite_registry(), root=tmp_path, settle_seconds=0.01)):
            await until(lambda: mark.read_text() == f"{boot}\n")

    asyncio.run(scene())
    again = BootMark(tmp_path, boot)
    again.read()
    assert not again.rebooted


def test_a_fresh_folder_was_never_in_another_boot(tmp_path: Path) -> None:
    mark = BootMark(tmp_path / "runs", "this-boot")
    mark.read()
    assert not mark.rebooted
    assert (tmp_path / "runs" / "boot").read_text() == "this-boot\n"


def test_a_claim_that_stays_half_written_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "CLAIM_WAIT_SECONDS", 0.05)
    context = step_context(tmp_path, 1, "echo must not run")
    claim(context, "some-boot 1")
    assert "not whole" in is_lost(attached(tmp_path, context))
    assert not (context.folder / "log").exists()


def test_a_claim_that_becomes_whole_is_followed(tmp_path: Path) -> None:
    context = step_context(tmp_path, 1, "true")
    claim(context, "")

    async def scene() -> None:
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            live.attach(context)
            await asyncio.sleep(0)
            (context.folder / "child").write_text("b 1 x\n0 .\n")
            assert await live.outcome(context) == Succeeded()

    asyncio.run(scene())


def test_a_server_that_died_while_writing_program_files_leaves_no_half_script(tmp_path: Path) -> None:
    class WithFile(Step):
        def program(self, context: Context) -> Program:
            return Program(argv=("/bin/sh", str(context.folder / "script")), files={"script": b"echo whole\n"})

    registry = suite_registry()
    registry.add(WithFile())
    context = step_context(tmp_path, 1, "")
    context.folder.mkdir(parents=True)
    (context.folder / "script").write_bytes(b"ech")
    assert attached(tmp_path, context, LocalExecutor(registry, root=tmp_path)) == Succeeded()
    assert log_of(context) == "whole\n"


def test_a_program_file_can_not_take_the_place_of_the_claim(tmp_path: Path) -> None:
    folder = AttemptFolder(tmp_path / "a")
    for name in ("child", "log", "../x", ""):
        with pytest.raises(ValueError, match="program file"):
            folder.prepare({name: b""}, None)


def test_the_end_may_come_between_the_two_looks(tmp_path: Path) -> None:
    folder = AttemptFolder(tmp_path / "a")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "child").write_text(f"{LinuxSystem().boot} 1 {MARK}\n")

    class EndsMeanwhile(LinuxSystem):
        def find(self, identity: object) -> None:
            folder.record_end(9)

    assert examine(folder, EndsMeanwhile()) == Ended(9)


def test_states_of_a_folder(tmp_path: Path) -> None:
    system = LinuxSystem()
    folder = AttemptFolder(tmp_path / "a")
    assert examine(folder, system) == NotStarted()
    assert isinstance(examine(folder, system, rebooted=True), Lost)
    assert folder.bar()
    assert not folder.bar()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (Program(argv=("/bin/true", "a\0b")), "null"),
        (Program(argv=("/bin/true",), environment={"X": "x" * 10_000_000}), "more text than a process takes"),
        (Program(argv=("/bin/true",), directory=Path("/nowhere/at/all")), "working folder"),
        (Program(argv=("/bin/true",), files={"log": b""}), "program file"),
    ],
)
def test_what_can_not_be_started_is_a_failure_that_says_why(program: Program, words: str, tmp_path: Path) -> None:
    class Odd(Step):
        def program(self, context: Context) -> Program:
            return program

    registry = suite_registry()
    registry.add(Odd())

    async def scene() -> None:
        async with opened(LocalExecutor(registry, root=tmp_path)) as live:
            outcome = await live.run(step_context(tmp_path, 1, ""))
            assert isinstance(outcome, Failed)
            assert outcome.kind is FailureKind.ERROR
            assert words in outcome.message.lower()

    asyncio.run(scene())


def test_a_fault_in_a_node_type_is_that_attempts_failure_alone(tmp_path: Path) -> None:
    class Faulty(Step):
        def program(self, context: Context) -> Program:
            raise KeyError("oops")

    registry = suite_registry()
    registry.add(Faulty())

    async def scene() -> None:
        async with opened(LocalExecutor(registry, root=tmp_path, threads=1)) as live:
            for i in range(3):
                outcome = await live.run(step_context(tmp_path, i, ""))
                assert isinstance(outcome, Failed)
                assert "oops" in outcome.message

    asyncio.run(scene())


def test_an_attempt_whose_folder_can_not_be_made_fails(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("in the way")

    async def scene() -> None:
        async with opened(LocalExecutor(suite_registry(), root=tmp_path)) as live:
            outcome = await live.run(step_context(tmp_path, 1, "true"))
            assert isinstance(outcome, Failed)
            assert outcome.kind is FailureKind.ERROR

    asyncio.run(scene())


def test_the_code_is_known_though_a_full_disk_kept_it_from_being_written(tmp_path: Path) -> None:
    system = LinuxSystem()
    context = step_context(tmp_path, 1, "")
    claim(context, f"{system.boot} 12345 {MARK}\n")
    attempt = Attempt("SuiteStep", context, adopted=False)
    attempt.handle, attempt.status = Handle(12345), 7
    steps = Steps(suite_registry(), system, BootMark(tmp_path, system.boot), 1000)
    outcome = steps.conclude(attempt)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.exit_code) == (FailureKind.ERROR, 7)


def test_without_a_descriptor_for_a_pidfd_a_program_is_watched_all_the_same(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = step_context(tmp_path, 1, f"{gate.text} exit 6")
    system = LinuxSystem()

    def none_left(pid: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", none_left)

    async def scene() -> None:
        async with (
            opened(LocalExecutor(suite_registry(), root=tmp_path, system=system)) as first,
            opened(LocalExecutor(suite_registry(), root=tmp_path, system=system)) as second,
        ):
            first.submit(context)
            await gate.arrive()
            second.attach(context)
            gate.open()
            for live in (first, second):
                outcome = await live.outcome(context)
                assert isinstance(outcome, Failed)
                assert outcome.exit_code == 6

    asyncio.run(scene())


def test_closing_twice_and_late_calls_are_harmless(tmp_path: Path) -> None:
    async def scene() -> None:
        executor = LocalExecutor(suite_registry(), root=tmp_path)
        live = Live(executor)
        await executor.open(live.finished)
        await executor.close()
        await executor.close()
        context = step_context(tmp_path, 1, "true")
        live.submit(context)
        live.attach(context)
        live.executor.cancel(context.key)
        assert not live.reports
        assert not context.folder.exists()

    asyncio.run(scene())


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_wrapper_killed_while_claiming_leaves_its_end_to_whoever_records_it(
    tmp_path: Path, system: type[System]
) -> None:
    folder = AttemptFolder(tmp_path / "a")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "child").touch()  # made, not written
    folder.record_end(143)
    assert examine(folder, system()) == Ended(143)
