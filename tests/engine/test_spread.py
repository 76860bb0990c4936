"""Subfolders that are kept apart on the disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

from arkwright.engine.folders import Folders
from arkwright.engine.spread import spread


def test_a_file_system_that_knows_how_to_keeps_subfolders_apart(tmp_path: Path) -> None:
    done = spread(tmp_path)
    assert spread(tmp_path) is done, "once more changes nothing"
    shown = subprocess.run(["lsattr", "-d", str(tmp_path)], capture_output=True, text=True, check=False)
    if shown.returncode == 0:  # it shows ext4's flags, and some that other file systems have
        assert ("T" in shown.stdout.split()[0]) is done


def test_what_is_no_folder_and_what_has_no_such_flag_is_left_alone(tmp_path: Path) -> None:
    assert not spread(tmp_path / "missing")
    file = tmp_path / "file"
    file.write_text("as it was")
    assert not spread(file)
    assert not spread(Path("/proc/self"))
    assert file.read_text() == "as it was"


def test_the_folder_of_all_attempts_is_made_private(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.prepare()
    folders.prepare()
    assert folders.runs.stat().st_mode & 0o777 == 0o700
