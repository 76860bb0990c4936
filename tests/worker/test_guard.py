"""The guard of a worker: a real process, killing real programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from arkwright.executors.folder import AttemptFolder, Barred, NotStarted
from arkwright.executors.process import spawn, this_system
from arkwright.executors.wrapper import wrapper_argv
from arkwright.nodes.base import Program
from arkwright.testing.executor_stage import group_is_empty
from arkwright.worker import guard

SOON = 0.3


@pytest.fixture
def watching() -> Iterator[subprocess.Popen[bytes]]:
    made = subprocess.Popen([sys.executable, "-I", "-S", guard.__file__], stdin=subprocess.PIPE, bufsize=0)
    yield made
    assert made.stdin is not None
    made.stdin.close()
    made.kill()
    made.wait()


def watch(process: subprocess.Popen[bytes], folder: Path, seconds: float) -> None:
    until = guard.now_seconds() + seconds
    guard.write_deadlines(folder, until, until)
    assert process.stdin is not None
    process.stdin.write(os.fsencode(folder) + b"\n")


def program(folder: Path, text: str = "sleep 600 & sleep 601") -> int:
    """A running program's process group."""
    folder.mkdir(exist_ok=True)
    argv = wrapper_argv(this_system(), str(folder), str(folder), Program(argv=("/bin/sh", "-c", text)))
    pid = spawn(argv, {"PATH": os.environ["PATH"]}, str(folder / "log"))
    until(lambda: not isinstance(AttemptFolder(folder).read(), NotStarted))
    return pid


def until(reached: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def ended(group: int) -> bool:
    os.waitpid(group, os.WNOHANG) if not group_is_empty(group) else None
    return group_is_empty(group)


def test_what_was_not_moved_on_is_killed_with_its_children(watching: subprocess.Popen[bytes], tmp_path: Path) -> None:
    group = program(tmp_path / "a")
    asked = time.monotonic()
    watch(watching, tmp_path / "a", SOON)
    until(lambda: ended(group))
    assert time.monotonic() - asked >= SOON


def test_what_is_moved_on_goes_on(watching: subprocess.Popen[bytes], tmp_path: Path) -> None:
    kept, given_up = program(tmp_path / "kept"), program(tmp_path / "given up")
    watch(watching, tmp_path / "kept", SOON)
    later = guard.now_seconds() + 600
    guard.write_deadlines(tmp_path / "kept", later, later)
    watch(watching, tmp_path / "given up", SOON)
    until(lambda: ended(given_up))
    assert not ended(kept)
    os.killpg(kept, signal.SIGKILL)
    os.waitpid(kept, 0)


def test_what_is_on_its_way_never_starts(watching: subprocess.Popen[bytes], tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    watch(watching, folder, 0.0)
    until(lambda: isinstance(AttemptFolder(folder).read(), Barred))
    argv = wrapper_argv(this_system(), str(folder), str(folder), Program(argv=("touch", str(tmp_path / "ran"))))
    late = spawn(argv, {"PATH": os.environ["PATH"]}, str(folder / "log"))
    os.waitpid(late, 0)
    assert not (tmp_path / "ran").exists()


def test_it_stays_without_its_worker_until_nothing_is_left_to_watch(
    watching: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    group = program(tmp_path / "a")
    watch(watching, tmp_path / "a", 2 * SOON)
    assert watching.stdin is not None
    watching.stdin.close()
    until(lambda: ended(group))
    assert watching.wait(20) == 0


def test_a_program_that_has_ended_is_left_alone(tmp_path: Path) -> None:
    group = program(tmp_path / "a", "exit 3")
    os.waitpid(group, 0)
    assert not guard.kill(tmp_path / "a")


def test_what_is_out_of_its_lease_is_asked_to_end_before_it_is_killed(
    watching: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """So that what it runs elsewhere (a container, another host) ends with it; the mark says it was not its own end."""
    folder, said = tmp_path / "a", tmp_path / "said"
    text = f"trap 'echo asked > {said}; exit 5' TERM; echo ready > {tmp_path}/ready; while :; do sleep 0.05; done"
    group = program(folder, text)
    until(lambda: (tmp_path / "ready").exists())
    now = guard.now_seconds()
    guard.write_deadlines(folder, now + SOON, now + 600)
    assert watching.stdin is not None
    watching.stdin.write(os.fsencode(folder) + b"\n")
    until(lambda: ended(group))
    assert said.read_text() == "asked\n"
    assert (folder / guard.FENCED).exists()


def test_what_runs_inside_the_worker_ends_with_the_worker_and_nothing_else_does(tmp_path: Path) -> None:
    for hosted, code in ((True, -signal.SIGKILL), (False, 0)):
        folder = tmp_path / str(hosted)
        folder.mkdir()
        if hosted:
            (folder / guard.HOSTED).touch()
        guard.write_deadlines(folder, 0.0, 0.0)
        worker = (
            "import subprocess, sys\n"
            "guard = subprocess.Popen([sys.executable, '-I', '-S', sys.argv[1]], stdin=subprocess.PIPE, bufsize=0)\n"
            "guard.stdin.write(sys.argv[2].encode() + b'\\n')\nguard.stdin.close()\nguard.wait()\n"
        )
        ran = subprocess.run([sys.executable, "-c", worker, guard.__file__, str(folder)], check=False, timeout=60)
        assert ran.returncode == code
