"""Histories recorded by earlier versions lead to the same states today."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.core.recorded import CASES, FOLDER, History, replay

FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recorded_history_leads_to_the_recorded_states(path: Path) -> None:
    history = msgspec.json.decode(path.read_bytes(), type=History)
    states, final = replay(history)
    assert states == list(history.states)
    assert final == history.final


def test_every_case_has_been_recorded_and_every_file_is_replayed() -> None:
    assert {path.stem for path in FILES} == {case.__name__ for case in CASES}
