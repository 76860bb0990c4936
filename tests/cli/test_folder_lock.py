"""One process has a data folder, and what comes to nothing leaves no lock behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from arkwright.errors import FolderLocked
from arkwright.folder_lock import FolderLock


class Overtaken(FolderLock):
    """Its holder before discards the lock when this one has just opened its file."""

    overtaken = False

    def _locked(self) -> int:
        descriptor = super()._locked()
        if not self.overtaken:
            self.overtaken = True
            self._path.unlink()
        return descriptor


def test_a_discarded_lock_leaves_no_file_and_the_folder_free(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire()
    with pytest.raises(FolderLocked):
        second.acquire()
    first.discard()
    assert list(tmp_path.iterdir()) == []
    second.acquire()
    assert second.is_new
    second.release()
    first.acquire()
    assert not first.is_new
    first.release()


def test_who_opened_a_lock_that_is_discarded_then_has_the_one_that_others_see(tmp_path: Path) -> None:
    late, other = Overtaken(tmp_path), FolderLock(tmp_path)
    late.acquire()
    with pytest.raises(FolderLocked):
        other.acquire()
    late.release()
