"""The README's second demo: the server is killed in the middle of a run."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import COMMAND, EXAMPLES, Cli, clean_environment, start_server


def test_a_run_outlives_kill_9_of_the_server_and_is_followed_to_its_end(
    bare_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start_server(tmp_path)
    monkeypatch.setenv("ARKWRIGHT_DATA", str(tmp_path))
    assert bare_cli("import", str(EXAMPLES / "countdown")).code == 0
    follower = subprocess.Popen(
        [*COMMAND, "job", "run", "countdown", "-p", "seconds=4", "--follow", "--data", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    with follower:
        assert follower.stdout is not None
        while "count │ 4" not in follower.stdout.readline():
            assert follower.poll() is None
        first.stop(signal.SIGKILL)
        second = start_server(tmp_path, "--port", first.url.rpartition(":")[2])
        try:
            told = follower.stdout.read()
            assert follower.wait() == 0, told
            lines = [line for line in told.splitlines() if "│" in line]
            # Each log comes by a connection of its own, so which node's line is seen first is open.
            assert [line for line in lines if line.startswith("count")] == [f"count │ {left}" for left in (3, 2, 1)]
            assert [line for line in lines if not line.startswith("count")] == ["land │ landed, after 4 seconds"]
            assert bare_cli("instance", "logs", "countdown", "--node", "count").out == "4\n3\n2\n1\n"
        finally:
            assert second.stop() == 0
