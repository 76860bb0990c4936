"""Subfolders that are kept apart on the disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

from arkwright.executors.folder import AttemptFolder
from arkwright.executors.spread import spread


def flag(folder: Path) -> bool | None:
    """Whether it is marked; None where nobody can tell."""
    shown = subprocess.run(["lsattr", "-d", str(folder)], capture_output=True, text=True, check=False)
    return "T" in shown.stdout.split()[0] if shown.returncode == 0 else None


def marked(folder: Path) -> Path:
    folder.mkdir()
    spread(folder)
    return folder


def test_a_file_system_that_knows_how_to_keeps_subfolders_apart(tmp_path: Path) -> None:
    done = spread(tmp_path)
    assert spread(tmp_path) is done, "once more changes nothing"
    assert flag(tmp_path) in (None, done)


def test_what_is_no_folder_and_what_has_no_such_flag_is_left_alone(tmp_path: Path) -> None:
    assert not spread(tmp_path / "missing")
    file = tmp_path / "file"
    file.write_text("as it was")
    assert not spread(file)
    assert not spread(Path("/proc/self"))
    assert file.read_text() == "as it was"


def test_the_folder_of_many_instances_keeps_them_apart_and_their_attempts_are_together(tmp_path: Path) -> None:
    many = tmp_path / "runs" / "1"
    for name in ("1000/0-1", "1000/1-1", "1001/0-1"):
        AttemptFolder(many / name).prepare({"script": b"true"}, str(many / name / "work"))
    for folder in (many, many / "1000"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert flag(many) is flag(marked(tmp_path / "another"))
    assert not flag(many / "1000")
