"""Where an attempt's files are, and what an outcome keeps of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from arkwright.engine.folders import Folders
from arkwright.nodes.base import AttemptKey


@pytest.mark.parametrize("instance_id", [1, 999, 1000, 2**53 - 1])
def test_a_reference_says_whose_output_it_is_and_where(instance_id: int, tmp_path: Path) -> None:
    key = AttemptKey(instance_id=instance_id, node=12, attempt=3)
    reference = Folders.reference(key, "output")
    assert Folders.referenced(reference) == (key, "output")
    folders = Folders(tmp_path)
    assert folders.runs / reference == folders.attempt(key) / "output"


@pytest.mark.parametrize(
    "wrong", ["", "output", "1/1000/0-1", "1/1000/0/output", "1/1000/a-1/output", "1/1000-0-1/output"]
)
def test_what_is_none_is_told(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|literal"):
        Folders.referenced(wrong)
