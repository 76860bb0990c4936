from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.files import TOP
from tests.cli.conftest import COMMAND, clean_environment, start_server

BLOCK = re.compile(r"<!-- tour -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_tour_of_the_readme_works_as_it_stands(tmp_path: Path) -> None:
    """Only what the reader has too is replaced: the address, the data folder and the place of the command."""
    blocks = BLOCK.findall((TOP / "README.md").read_text(encoding="utf-8"))
    assert len(blocks) == 4
    command = tmp_path / "arkwright"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{COMMAND[2]}" "$@"\n')
    command.chmod(0o700)
    running = start_server(tmp_path / "data")
    try:
        script = (
            "".join(blocks)
            .replace("http://127.0.0.1:8990", running.url)
            .replace("run-data", str(running.data))
            .replace(".venv/bin/arkwright", str(command))
        )
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            env=clean_environment(NO_PROXY="127.0.0.1"),
            check=False,
        )
    finally:
        running.stop()
    assert run.returncode == 0, run.stdout + run.stderr
    assert '"status":"success"' in run.stdout
    assert "Hello, Ada." in run.stdout
    assert "greet │ Hello, Ada." in run.stdout
