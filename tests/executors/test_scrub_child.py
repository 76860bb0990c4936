"""The filter beside a program that was given secrets: what comes through, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from arkwright.executors.process import spawn
from arkwright.executors.scrub_child import HIDDEN, envelope, file_without_name, filter_argv
from arkwright.nodes.base import HIDDEN_TEXT

SECRETS = ("tiger-4711-secret",)
MASK = "******"


def ended(folder: Path, *argv: str, text: bytes | None = None) -> tuple[int, str]:
    """Exit code and log of a program below the filter."""
    log = folder / "log"
    hidden = file_without_name(envelope(SECRETS, text))
    high = os.dup(hidden)
    os.close(hidden)
    try:
        pid = spawn(filter_argv(argv), {"PATH": os.defpath}, str(log), passed=(high, HIDDEN))
    finally:
        os.close(high)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), log.read_text()


def test_what_a_program_says_comes_through_without_its_secrets(tmp_path: Path) -> None:
    say = "echo a; printf tiger-; printf '4711-secret b\\n' >&2; printf 'no end: tiger-47'"
    assert ended(tmp_path, "/bin/sh", "-c", say) == (0, f"a\n{MASK} b\nno end: tiger-47")


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_its_exit_code_is_the_programs(tmp_path: Path, code: int) -> None:
    assert ended(tmp_path, "/bin/sh", "-c", f"exit {code}")[0] == code


def test_a_program_that_a_signal_ended_is_told_as_a_shell_tells_it(tmp_path: Path) -> None:
    assert ended(tmp_path, "/bin/sh", "-c", "kill -9 $$")[0] == 128 + signal.SIGKILL


def test_a_program_that_is_not_there_says_so(tmp_path: Path) -> None:
    code, log = ended(tmp_path, "/no/such/tiger-4711-secret")
    assert (code, log) == (127, f"/no/such/{MASK}: No such file or directory\n")
    (tmp_path / "plain").write_text("")
    assert ended(tmp_path, str(tmp_path / "plain"))[0] == 126


def test_the_hidden_text_is_a_file_that_is_nowhere(tmp_path: Path) -> None:
    text = b"echo tiger-4711-secret; echo $#; cat /dev/fd/3 | wc -l\n"
    assert ended(tmp_path, "/bin/sh", HIDDEN_TEXT, "x", text=text) == (0, f"{MASK}\n1\n1\n")
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_python_program_runs_from_it(tmp_path: Path) -> None:
    code, log = ended(tmp_path, sys.executable, "-u", HIDDEN_TEXT, text=b"import sys\nprint(sys.argv)\nsys.exit(9)\n")
    assert (code, log) == (9, f"['{HIDDEN_TEXT}']\n")


def test_much_is_let_through_whole_and_in_order(tmp_path: Path) -> None:
    count = 200_000
    code, log = ended(tmp_path, "/bin/sh", "-c", f"seq {count}; echo tiger-4711-secret; seq {count}")
    assert code == 0
    numbers = "".join(f"{number}\n" for number in range(1, count + 1))
    assert log == f"{numbers}{MASK}\n{numbers}"


def test_it_ends_with_the_program_though_somebody_else_holds_its_output(tmp_path: Path) -> None:
    go = tmp_path / "go"
    later = f"(while [ ! -e {go} ]; do sleep 0.05; done; echo later tiger-4711-secret) & echo now"
    assert ended(tmp_path, "/bin/sh", "-c", later) == (0, "now\n")
    go.touch()
    follow = ["timeout", "20", "sh", "-c", f"until grep -q later {tmp_path}/log; do sleep 0.05; done"]
    assert subprocess.run(follow, check=False).returncode == 0
    assert (tmp_path / "log").read_text() == f"now\nlater {MASK}\n"
